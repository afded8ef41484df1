//! Finds what a compose file would load from the network. A file that was found in a directory, and
//! not named, must not cause requests.

use crate::base::secret::redact;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::{Files, yaml};
use crate::collect::runtime::docker::shown_path;
use crate::evidence::{NamedBy, Reason, ReasonKind};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most files that are followed.
const MAX_FILES: usize = 100;

/// Fails if one of the files, or a file that they include or extend, names a file on the network.
/// Files that were named by the user may do so. Unreadable files are left to their reader.
pub(crate) fn refuse(files: &Files, variables: &Variables) -> Result<(), Reason> {
    if files.named_by == NamedBy::Asked {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = files.paths.clone();
    while let Some(path) = waiting.pop().filter(|_| seen.len() < MAX_FILES) {
        if !seen.insert(path.clone()) {
            continue;
        }
        for name in referenced_files(&path) {
            let name = variables.interpolate(&name).unwrap_or(name);
            if is_remote(&name) {
                let (path, name) = (shown_path(&path), redact(&name));
                let message = format!(
                    "{path} includes {name}: nothing is loaded from the network for a file that was found \
                     and not named; name it with -f"
                );
                return Err(Reason::new(ReasonKind::Failed, message));
            }
            waiting.push(path.parent().unwrap_or(Path::new("")).join(name));
        }
    }
    Ok(())
}

/// Returns the files that a compose file includes or extends, as it writes them.
fn referenced_files(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let document: Value = yaml::parse(&text).unwrap_or_default();
    let mut found = Vec::new();
    for include in items(document.get("include")) {
        let paths = if include.is_object() { include.get("path") } else { Some(include) };
        found.extend(items(paths).filter_map(Value::as_str).map(String::from));
    }
    let services = document.get("services").and_then(Value::as_object);
    let extended = services.into_iter().flat_map(|services| services.values());
    let extended = extended.filter_map(|service| service.get("extends")?.get("file")?.as_str());
    found.extend(extended.map(String::from));
    found
}

/// Returns the items of a list, or the value itself.
fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (list, single) = match value {
        Some(Value::Array(list)) => (list.as_slice(), None),
        single => (&[] as &[Value], single),
    };
    list.iter().chain(single)
}

/// Reports whether Compose would fetch the file: a URL, or a Git repository.
fn is_remote(name: &str) -> bool {
    let repository = name.split(['#', '?']).next().unwrap_or_default();
    // user@host:path
    let host = name.split_once(':').map_or("", |(host, _)| host);
    name.contains("://")
        || name.starts_with("github.com/")
        || repository.ends_with(".git")
        || (host.contains('@') && !host.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(named_by: NamedBy, texts: &[(&str, &str)]) -> Result<(), Reason> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in texts {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let files = Files {
            paths: vec![directory.path().join("compose.yaml")],
            environment_files: Vec::new(),
            named_by,
            directory: directory.path().to_path_buf(),
            project: None,
            ignored_variables: Vec::new(),
        };
        let environment = [("WHERE".to_string(), "https://example.org/x.git".to_string())];
        refuse(&files, &Variables::new(environment, directory.path()))
    }

    #[test]
    fn refuses_whatever_is_on_the_network() {
        for include in [
            "include: https://example.org/compose.yaml",
            "include: [other.yaml, 'git@example.org:x/y.git']",
            "include:\n  - path: oci://example.org/x",
            "include:\n  - path: [other.yaml, 'github.com/x/y']",
            "include: ['${WHERE}']",
            "services: {a: {extends: {file: 'https://example.org/x.yaml', service: a}}}",
            "include: other.yaml",
        ] {
            let other = ("other.yaml", "include: ssh://git@example.org/x");
            let why = refused(NamedBy::Directory, &[("compose.yaml", include), other]);
            assert!(why.unwrap_err().message.contains("nothing is loaded from the network"), "{include}");
            assert!(refused(NamedBy::Asked, &[("compose.yaml", include), other]).is_ok());
        }
    }

    #[test]
    fn accepts_local_files_even_in_a_circle() {
        let include = "include: [compose.yaml, ./b/c.yaml, missing.yaml]\nservices: {a: {image: 'x:1@y'}}";
        assert_eq!(refused(NamedBy::Labels, &[("compose.yaml", include)]), Ok(()));
        assert_eq!(refused(NamedBy::Labels, &[("compose.yaml", "not: [valid")]), Ok(()));
    }
}
