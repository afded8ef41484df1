//! Caches what Compose reported, for the further looks of `--wait`. The cached report is valid only while the files that
//! Compose reads and the containers that are compared with them stay unchanged.

use crate::collect::runtime::compose::{Files, ReadFiles};
use crate::evidence::Runtime;
use jiff::Timestamp;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Words in a Compose file that name other files.
const OTHER_FILES: [&str; 3] = ["include", "extends", "env_file"];

/// What Compose has read: the stamps of the files, and the containers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    files: Vec<(PathBuf, Option<Stamp>)>,
    containers: Vec<String>,
}

/// A file's size, when it was modified, and when it was last changed in any way.
type Stamp = (u64, Option<SystemTime>, (i64, i64));

static EARLIER: Mutex<Option<(State, ReadFiles)>> = Mutex::new(None);

impl State {
    /// Returns the present state, or `None` if the files name others.
    pub(crate) fn of(files: &Files, runtime: Option<&Runtime>) -> Option<State> {
        let variables = [files.directory.join(".env")];
        let paths = files.paths.iter().chain(&files.environment_files).chain(&variables);
        let names_others =
            |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| names_other_files(&text));
        if files.paths.iter().any(names_others) {
            return None;
        }
        let mut containers: Vec<String> =
            runtime.into_iter().flat_map(Runtime::instances).map(|c| c.id.clone()).collect();
        containers.sort();
        Some(State { files: paths.map(|path| (path.clone(), stamp(path))).collect(), containers })
    }

    /// Returns what was read in this state.
    pub(crate) fn earlier(&self) -> Option<ReadFiles> {
        let earlier = EARLIER.lock().unwrap_or_else(PoisonError::into_inner);
        earlier.as_ref().filter(|(state, _)| state == self).map(|(_, read)| read.clone())
    }

    /// Remembers what was read in this state.
    pub(crate) fn remember(self, read: &ReadFiles) {
        *EARLIER.lock().unwrap_or_else(PoisonError::into_inner) = Some((self, read.clone()));
    }
}

/// Reports whether a file may name other files, whose stamps are not known.
pub(crate) fn names_other_files(text: &str) -> bool {
    OTHER_FILES.iter().any(|word| text.contains(word))
}

/// Returns when a file was last modified, moved or replaced, or `None` if that is not known.
pub(crate) fn last_change(path: &Path) -> Option<Timestamp> {
    let (_, modified, (seconds, nanoseconds)) = stamp(path)?;
    let modified = Timestamp::try_from(modified?).ok()?;
    let changed = Timestamp::new(seconds, i32::try_from(nanoseconds).ok()?).ok()?;
    Some(modified.max(changed))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.len(), found.modified().ok(), changed(&found)))
}

#[cfg(unix)]
fn changed(found: &Metadata) -> (i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (found.ctime(), found.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_found: &Metadata) -> (i64, i64) {
    (0, 0)
}
