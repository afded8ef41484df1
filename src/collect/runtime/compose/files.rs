//! Which files are read, and whether they can be.

use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::docker::shown_path;
use crate::config::Config;
use crate::evidence::{Instance, Name, NamedBy, Runtime, Why, WhyKind};
use crate::input::file::in_words;
use crate::pipeline::Pipeline;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::time::Duration;

/// The names that compose looks for, in its order.
pub(crate) const USUAL: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// What the built-in reader needs, should the plugin not answer.
pub(crate) const FOR_READING: Duration = Duration::from_millis(200);

/// Which files describe the project.
#[derive(Debug, PartialEq)]
pub(crate) struct Files {
    /// In the order given to compose: later ones override.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) named_by: NamedBy,
    /// Where `.env` lies; compose's project directory.
    pub(crate) directory: PathBuf,
    /// The project's name, where somebody said it.
    pub(crate) project: Option<Name>,
    /// Variables whose values in this shell are not meant for the project.
    pub(crate) not_from_here: Vec<String>,
}

/// What both readers find out.
#[derive(Debug, PartialEq)]
pub(crate) struct Read {
    pub(crate) project: Option<Name>,
    pub(crate) by: String,
    pub(crate) services: std::collections::BTreeMap<Name, crate::evidence::Declaration>,
}

pub(crate) fn which(config: &Config, docker: Option<&Runtime>, variables: &Variables) -> Option<Files> {
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
pub(crate) fn of_labels(docker: &Runtime, pipeline: &Pipeline) -> Option<Files> {
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
pub(crate) fn there_or_hidden(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => found.is_file(),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

pub(crate) fn readable(paths: &[PathBuf]) -> Result<(), Why> {
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

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Why {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => WhyKind::Permission,
        ErrorKind::NotFound => WhyKind::Missing,
        _ => WhyKind::Failed,
    };
    Why::new(kind, format!("{}: {}", shown_path(path), in_words(error)))
}
