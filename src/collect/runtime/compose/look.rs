//! What the compose files declare.

use crate::base::error::Mistake;
use crate::collect::runtime::compose::files::{FOR_READING, readable, which};
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::plugin::Outcome;
use crate::collect::runtime::compose::{built_in, plugin};
use crate::collect::runtime::docker::{Discovered, early, shown_path};
use crate::config::Config;
use crate::evidence::{Declared, Runtime, Seen};
use crate::input::file::in_words;
use std::path::Path;
use tokio::time::Instant;

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
pub(crate) fn environments<'a>(docker: &'a Runtime, discovered: &'a Discovered) -> plugin::Environments<'a> {
    let of_project =
        docker.instances().filter(|c| c.details.project.is_some() && c.details.project == docker.project);
    let named = of_project.filter_map(|container| {
        let environment = discovered.environments.get(&container.id)?;
        Some((container.details.service.as_deref()?, environment.as_slice()))
    });
    named.collect()
}
