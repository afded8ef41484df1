//! Collects what the compose files declare.

use crate::base::error::Mistake;
use crate::collect::runtime::compose::earlier_look::State;
use crate::collect::runtime::compose::file_selection::{
    BUILT_IN_READER_TIME, Files, check_readable, select_files,
};
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::plugin_reader::Outcome;
use crate::collect::runtime::compose::{built_in_reader, plugin_reader, remote_includes, unchanged};
use crate::collect::runtime::docker::{EnvironmentAddresses, before_deadline, shown_path};
use crate::config::Config;
use crate::evidence::{Declared, Observed, Runtime};
use crate::input::text_file::describe;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use tokio::time::Instant;

/// Checks that the files given with `-f` are readable. An unreadable file is a usage error.
pub fn check(config: &Config) -> Result<(), Mistake> {
    for file in &config.endpoints.compose_files {
        let mistake = |what: String| {
            Mistake::new(format!("-f {}", file.display()), what).help("expected a readable compose file")
        };
        match std::fs::metadata(file).and_then(|found| std::fs::File::open(file).map(|_| found)) {
            Ok(found) if found.is_dir() => return Err(mistake("is a directory".into())),
            Ok(_) => {}
            Err(error) => return Err(mistake(describe(&error))),
        }
    }
    Ok(())
}

/// Reads the compose files from the first source that has any: `-f`, the labels of the
/// running project, or the current directory. `docker` is `None` if the engine did not
/// answer in time.
pub async fn collect(
    config: &Config,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    until: Instant,
) -> Observed<Declared> {
    let shell = Variables::new(environment_variables(), Path::new(""));
    let running = docker.and_then(|(docker, discovered)| Some((docker.known()?, discovered)));
    let Some(files) = select_files(config, running.map(|(docker, _)| docker), &shell) else {
        return Observed::not_asked("no compose file in this directory; name one with -f");
    };
    let variables = files.variables(environment_variables());
    if let Err(why) = check_readable(&files.paths) {
        return Observed::Unknown(why);
    }
    if let Err(why) = remote_includes::refuse(&files, &variables) {
        return Observed::Unknown(why);
    }
    let unchanged = || unchanged::read(&files, &variables, &shell_names(&files), running?);
    let built_in = || built_in_reader::read(&files, &variables);
    let plugin_until = before_deadline(until);
    let plugin_until = plugin_until.checked_sub(BUILT_IN_READER_TIME).unwrap_or(plugin_until);
    let environments =
        running.map(|(docker, discovered)| environments(docker, discovered)).unwrap_or_default();
    // A hash is worth reading only if there is one to compare it with.
    let has_hash = |(docker, _): &(&Runtime, _)| docker.instances().any(|c| c.config.hash.is_some());
    let running = (&environments, running.as_ref().is_some_and(has_hash));
    // Taken before Compose reads, so that a later change counts. Without --wait, there is no further look.
    let state = config.wait.and_then(|_| State::of(&files, docker.and_then(|(docker, _)| docker.known())));
    let outcome = match state.as_ref().and_then(State::earlier) {
        Some(read) => Outcome::Read(read),
        None => match unchanged() {
            Some(read) => Outcome::Read(read),
            None => plugin_reader::read(&files, &variables, running, plugin_until).await,
        },
    };
    let read = match outcome {
        Outcome::Read(read) => {
            state.into_iter().for_each(|state| state.remember(&read));
            Ok(read)
        }
        Outcome::Unavailable => built_in(),
        // Compose would not run these files either. For invalid YAML, the built-in reader's error
        // names the file and line; any other reason is the plugin's.
        Outcome::Rejected(why) if why.message.contains(": yaml: ") => Err(built_in().err().unwrap_or(why)),
        Outcome::Rejected(why) => Err(why),
    };
    Observed::from(read.map(|read| Declared {
        files: files.paths.iter().map(|path| shown_path(path)).collect(),
        environment_files: files.environment_files.iter().map(|path| shown_path(path)).collect(),
        named_by: files.named_by,
        project: read.project,
        read_by: read.reader,
        workloads: read.services,
    }))
}

/// Returns the names of this process's variables that Compose would see.
fn shell_names(files: &Files) -> BTreeSet<String> {
    let names = environment_variables().map(|(name, _)| name);
    names.filter(|name| !files.ignored_variables.contains(name)).collect()
}

/// Returns the variables of this process that are text; others cannot occur in a compose file.
pub(crate) fn environment_variables() -> impl Iterator<Item = (String, String)> {
    let text =
        |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    std::env::vars_os().filter_map(text)
}

/// Returns the environments of the project's containers by service.
pub(crate) fn environments<'a>(
    docker: &'a Runtime,
    discovered: &'a EnvironmentAddresses,
) -> plugin_reader::Environments<'a> {
    let of_project =
        docker.instances().filter(|c| c.details.project.is_some() && c.details.project == docker.project);
    let by_service = of_project.filter_map(|container| {
        let environment = discovered.environments.get(&container.id)?;
        Some((container.details.service.as_deref()?, environment.as_slice()))
    });
    by_service.collect()
}
