//! Selects the compose files to read and checks that they are readable.

use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::docker::shown_path;
use crate::config::Config;
use crate::evidence::{Instance, Name, NamedBy, Reason, ReasonKind, Runtime};
use crate::input::text_file::describe;
use crate::pipeline::Pipeline;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use tokio::time::Duration;

/// File names that compose looks for, in the order in which it tries them.
pub(crate) const DEFAULT_NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// Time reserved for the built-in reader in case the plugin does not answer.
pub(crate) const BUILT_IN_READER_TIME: Duration = Duration::from_millis(200);

/// The compose files of a project.
#[derive(Debug, PartialEq)]
pub(crate) struct Files {
    /// In the order in which compose reads them; later files override earlier ones.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) named_by: NamedBy,
    /// The files with variables that the project was started with, instead of `.env`.
    pub(crate) environment_files: Vec<PathBuf>,
    /// Compose's project directory, which contains `.env`.
    pub(crate) directory: PathBuf,
    /// The project name, if configured or found in the container labels.
    pub(crate) project: Option<Name>,
    /// Variables whose values in this shell do not apply to the project.
    pub(crate) ignored_variables: Vec<String>,
}

impl Files {
    /// Returns the variables of this process, except ignored ones, merged over those of the project.
    pub(crate) fn variables(&self, environment: impl IntoIterator<Item = (String, String)>) -> Variables {
        let environment = environment.into_iter().filter(|(name, _)| !self.ignored_variables.contains(name));
        Variables::of_project(environment, &self.environment_files, &self.directory)
    }
}

/// Result of either reader.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReadFiles {
    pub(crate) project: Option<Name>,
    /// The reader: `built-in reader`, or the command and version of the plugin.
    pub(crate) reader: String,
    pub(crate) services: std::collections::BTreeMap<Name, crate::evidence::Declaration>,
}

/// Selects the files from the first source that has any: `-f`, the container labels,
/// `COMPOSE_FILE`, or the current directory.
pub(crate) fn select_files(
    config: &Config,
    docker: Option<&Runtime>,
    variables: &Variables,
) -> Option<Files> {
    let project = config.endpoints.project.clone();
    let ignored_variables = config.target.variables.clone();
    let files = |paths: Vec<PathBuf>, named_by| Files {
        directory: paths[0].parent().unwrap_or(Path::new("")).to_path_buf(),
        paths,
        environment_files: Vec::new(),
        named_by,
        project: project.clone(),
        ignored_variables: ignored_variables.clone(),
    };
    if !config.endpoints.compose_files.is_empty() {
        return Some(files(config.endpoints.compose_files.clone(), NamedBy::Asked));
    }
    if let Some(files) = docker.and_then(|docker| files_from_labels(docker, &config.pipeline)) {
        return Some(Files { ignored_variables, ..files });
    }
    if let Some(list) = variables.get("COMPOSE_FILE").filter(|list| !list.is_empty()) {
        let separator = variables.get("COMPOSE_PATH_SEPARATOR").unwrap_or(":".into());
        let paths: Vec<PathBuf> = list.split(&separator).map(PathBuf::from).collect();
        return Some(files(paths, NamedBy::Asked));
    }
    let first = DEFAULT_NAMES.iter().map(PathBuf::from).find(|path| path.is_file())?;
    let stem = first.file_stem()?.to_string_lossy().into_owned();
    let overrides = ["yaml", "yml"].map(|extension| PathBuf::from(format!("{stem}.override.{extension}")));
    let paths = [first].into_iter().chain(overrides.into_iter().find(|path| path.is_file()));
    Some(files(paths.collect(), NamedBy::Directory))
}

/// Returns the files named in the labels of the project's containers, if they exist on this
/// machine. Containers keep the labels of the `up` that created them, so the newest container names
/// the files last used for the project, and each worker's container names the files it was created
/// from.
pub(crate) fn files_from_labels(docker: &Runtime, pipeline: &Pipeline) -> Option<Files> {
    let project = docker.project.clone()?;
    let of_project = || docker.instances().filter(|c| c.details.project.as_ref() == Some(&project));
    let is_worker =
        |c: &&Instance| c.details.service.as_deref().is_some_and(|name| pipeline.worker(name).is_some());
    let newest = of_project().max_by_key(|c| c.created);
    let lists = newest.into_iter().chain(of_project().filter(is_worker)).map(|c| &c.details.config_files);
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in lists.flatten().map(PathBuf::from) {
        if !paths.contains(&path) && exists_or_forbidden(&path) {
            paths.push(path);
        }
    }
    let environment_files =
        of_project().max_by_key(|c| c.created).map(|c| c.details.environment_files.iter());
    let environment_files = environment_files.into_iter().flatten().map(PathBuf::from);
    let directory = of_project().find_map(|c| c.details.working_dir.clone()).map(PathBuf::from);
    let parent = paths.first()?.parent().unwrap_or(Path::new("")).to_path_buf();
    Some(Files {
        paths,
        environment_files: environment_files.filter(|path| exists_or_forbidden(path)).collect(),
        named_by: NamedBy::Labels,
        directory: directory.filter(|path| path.is_dir()).unwrap_or(parent),
        project: Some(project),
        ignored_variables: Vec::new(),
    })
}

/// Reports whether the file exists. A file that cannot be accessed counts as existing, so
/// that the missing permission is reported.
pub(crate) fn exists_or_forbidden(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(found) => found.is_file(),
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
    }
}

/// Checks that all files can be opened.
pub(crate) fn check_readable(paths: &[PathBuf]) -> Result<(), Reason> {
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

/// Explains why a file cannot be read.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Reason {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => ReasonKind::Permission,
        ErrorKind::NotFound => ReasonKind::Missing,
        _ => ReasonKind::Failed,
    };
    Reason::new(kind, format!("{}: {}", shown_path(path), describe(error)))
}
