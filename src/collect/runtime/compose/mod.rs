//! The compose file: what should run. Read by the docker compose plugin where
//! it is there, else by the built-in reader.

pub mod built_in;
pub mod interpolate;
pub mod plugin;
pub mod survey;

use crate::base::error::Mistake;
use crate::collect::runtime::docker::{Discovered, early, shown_path};
use crate::config::Config;
use crate::evidence::{Declared, Instance, Name, NamedBy, Runtime, Seen, Why, WhyKind};
use crate::input::file::in_words;
use crate::pipeline::Pipeline;
use interpolate::Variables;
use plugin::Outcome;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::time::{Duration, Instant};

/// The names that compose looks for, in its order.
const USUAL: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// What the built-in reader needs, should the plugin not answer.
const FOR_READING: Duration = Duration::from_millis(200);

/// Which files describe the project.
#[derive(Debug, PartialEq)]
pub(crate) struct Files {
    /// In the order given to compose: later ones override.
    paths: Vec<PathBuf>,
    named_by: NamedBy,
    /// Where `.env` lies; compose's project directory.
    directory: PathBuf,
    /// The project's name, where somebody said it.
    project: Option<Name>,
    /// Variables whose values in this shell are not meant for the project.
    not_from_here: Vec<String>,
}

/// What both readers find out.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    project: Option<Name>,
    by: String,
    services: std::collections::BTreeMap<Name, crate::evidence::Declaration>,
}

/// Files given with `-f` must be there: everything else is a mistake in usage.
pub fn check(config: &Config) -> Result<(), Mistake> {
    for file in &config.places.compose_files {
        let wrong = |what: String| {
            Mistake::new(format!("-f {}", file.display()), what).help("expected a readable compose file")
        };
        match std::fs::metadata(file).and_then(|found| std::fs::File::open(file).map(|_| found)) {
            Ok(found) if found.is_dir() => return Err(wrong("is a directory".into())),
            Ok(_) => {}
            Err(error) => return Err(wrong(in_words(&error))),
        }
    }
    Ok(())
}

/// Reads the compose files: those of `-f`, else those that the labels of the
/// running project name, else those of this directory. `docker`: `None` if the
/// engine has not answered in time.
pub async fn look(
    config: &Config,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    until: Instant,
) -> Seen<Declared> {
    let variables = |directory: &Path| Variables::new(std::env::vars(), directory);
    let running = docker.and_then(|(docker, discovered)| Some((docker.known()?, discovered)));
    let Some(files) = which(config, running.map(|(docker, _)| docker), &variables(Path::new(""))) else {
        return Seen::not_asked("no compose file here; name it with -f");
    };
    if let Err(why) = readable(&files.paths) {
        return Seen::Unknown(why);
    }
    let built_in = || built_in::read(&files, &variables(&files.directory));
    let patience = early(until);
    let patience = patience.checked_sub(FOR_READING).unwrap_or(patience);
    let environments =
        running.map(|(docker, discovered)| environments(docker, discovered)).unwrap_or_default();
    let read = match plugin::read(&files, &environments, patience).await {
        Outcome::Read(read) => Ok(read),
        Outcome::NotThere => built_in(),
        // Compose would not run it either. What is wrong with the YAML itself
        // the built-in reader says with file and line.
        Outcome::Refused(why) => Err(built_in().err().unwrap_or(why)),
    };
    Seen::from(read.map(|read| Declared {
        files: files.paths.iter().map(|path| shown_path(path)).collect(),
        named_by: files.named_by,
        project: read.project,
        read_by: read.by,
        workloads: read.services,
    }))
}

/// The environments of the project's containers, by service.
fn environments<'a>(docker: &'a Runtime, discovered: &'a Discovered) -> plugin::Environments<'a> {
    let of_project =
        docker.instances().filter(|c| c.details.project.is_some() && c.details.project == docker.project);
    let named = of_project.filter_map(|container| {
        let environment = discovered.environments.get(&container.id)?;
        Some((container.details.service.as_deref()?, environment.as_slice()))
    });
    named.collect()
}

fn which(config: &Config, docker: Option<&Runtime>, variables: &Variables) -> Option<Files> {
    let project = config.places.project.clone();
    let not_from_here = config.target.variables.clone();
    let asked = |paths: Vec<PathBuf>, named_by| Files {
        directory: paths[0].parent().unwrap_or(Path::new("")).to_path_buf(),
        paths,
        named_by,
        project: project.clone(),
        not_from_here: not_from_here.clone(),
    };
    if !config.places.compose_files.is_empty() {
        return Some(asked(config.places.compose_files.clone(), NamedBy::Asked));
    }
    if let Some(files) = docker.and_then(|docker| of_labels(docker, &config.pipeline)) {
        return Some(Files { not_from_here, ..files });
    }
    if let Some(list) = variables.get("COMPOSE_FILE").filter(|list| !list.is_empty()) {
        let separator = variables.get("COMPOSE_PATH_SEPARATOR").unwrap_or(":".into());
        let paths: Vec<PathBuf> = list.split(&separator).map(PathBuf::from).collect();
        return Some(asked(paths, NamedBy::Asked));
    }
    let first = USUAL.iter().map(PathBuf::from).find(|path| path.is_file())?;
    let stem = first.file_stem()?.to_string_lossy().into_owned();
    let overriding = ["yaml", "yml"].map(|end| PathBuf::from(format!("{stem}.override.{end}")));
    let paths = [first].into_iter().chain(overriding.into_iter().find(|path| path.is_file()));
    Some(asked(paths.collect(), NamedBy::Directory))
}

/// The files that the labels of the project's containers name and that are on
/// this machine. Containers keep the labels of the `up` that made them: the
/// newest one tells what the project was made from last, and each worker's own
/// what it was made from.
fn of_labels(docker: &Runtime, pipeline: &Pipeline) -> Option<Files> {
    let project = docker.project.clone()?;
    let of_project = || docker.instances().filter(|c| c.details.project.as_ref() == Some(&project));
    let is_worker =
        |c: &&Instance| c.details.service.as_deref().is_some_and(|name| pipeline.worker(name).is_some());
    let newest = of_project().max_by_key(|c| c.created);
    let lists = newest.into_iter().chain(of_project().filter(is_worker)).map(|c| &c.details.config_files);
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in lists.flatten().map(PathBuf::from) {
        if !paths.contains(&path) && there_or_hidden(&path) {
            paths.push(path);
        }
    }
    let directory = of_project().find_map(|c| c.details.working_dir.clone()).map(PathBuf::from);
    let beside = paths.first()?.parent().unwrap_or(Path::new("")).to_path_buf();
    Some(Files {
        paths,
        named_by: NamedBy::Labels,
        directory: directory.filter(|path| path.is_dir()).unwrap_or(beside),
        project: Some(project),
        not_from_here: Vec::new(),
    })
}

/// A file that may not be looked at is one all the same: that is the reason.
fn there_or_hidden(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => found.is_file(),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

fn readable(paths: &[PathBuf]) -> Result<(), Why> {
    for path in paths {
        let found = std::fs::metadata(path);
        let opened = found.and_then(|found| match found.is_file() {
            true => std::fs::File::open(path).map(|_| ()),
            false => Err(std::io::Error::other("not a file")),
        });
        opened.map_err(|error| unreadable(path, &error))?;
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Why {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => WhyKind::Permission,
        ErrorKind::NotFound => WhyKind::Missing,
        _ => WhyKind::Failed,
    };
    Why::new(kind, format!("{}: {}", shown_path(path), in_words(error)))
}

#[cfg(test)]
mod tests;
