//! Writes files privately: with mode 0600, under a random name beside the target, and renamed once
//! they are complete. Symbolic links are not followed.

use std::fs::{Metadata, symlink_metadata};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// What to do if the target exists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    /// Replace a regular file.
    Replace,
    /// Fail with [`ErrorKind::AlreadyExists`].
    Keep,
}

/// Writes `text` to `file`. After a failure, nothing is left behind and an older file is
/// unchanged. Writes nothing to `/dev/null`.
pub(super) fn write(file: &Path, text: &str, existing: Existing) -> io::Result<()> {
    if file == Path::new("/dev/null") {
        return Ok(());
    }
    if let Some(why) = refusal(file) {
        return Err(io::Error::other(why));
    }
    let mut temporary = create_beside(file)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    let moved = match existing {
        Existing::Replace => temporary.persist(file),
        Existing::Keep => temporary.persist_noclobber(file),
    };
    moved.map(|_| ()).map_err(|failed| failed.error)
}

/// Explains why `file` cannot be written or replaced, if that is known before writing. Does not
/// open the file, because opening a pipe can block.
pub(super) fn refusal(file: &Path) -> Option<&'static str> {
    let directory = directory_of(file);
    match symlink_metadata(file) {
        _ if file == Path::new("/dev/null") => None,
        Ok(found) => kind_refusal(&found),
        Err(_) if file.file_name().is_none() => Some("is not the name of a file"),
        Err(_) if !directory.exists() => Some("its directory does not exist"),
        Err(_) if !directory.is_dir() => Some("its directory is not a directory"),
        Err(_) => None,
    }
}

/// Explains why a file of this kind cannot be replaced.
fn kind_refusal(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("is a directory"),
        () if kind.is_symlink() => Some("is a symbolic link, which is not followed"),
        () => Some("is not a regular file (only /dev/null is accepted besides)"),
    }
}

/// Creates an empty file with a random name and mode 0600 in the directory of `file`, so that it
/// can later be renamed to `file`.
fn create_beside(file: &Path) -> io::Result<NamedTempFile> {
    let name = file.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut prefix = std::ffi::OsString::from(".");
    // A long name and the random part together can exceed what the file system accepts.
    prefix.push(name.to_string_lossy().chars().take(32).collect::<String>());
    prefix.push(".");
    tempfile::Builder::new().prefix(&prefix).suffix(".part").rand_bytes(12).tempfile_in(directory_of(file))
}

/// Returns the directory of `file`, or the current directory if the path names none.
fn directory_of(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn replaces_a_file_with_a_private_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("e.json");
        fs::write(&file, "older").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        write(&file, "newer", Existing::Replace).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "newer");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn keeps_an_existing_file_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("e.json");
        fs::write(&file, "older").unwrap();
        let error = write(&file, "newer", Existing::Keep).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "older");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn follows_no_symbolic_link() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::write(&target, "older").unwrap();
        for existing in [Existing::Replace, Existing::Keep] {
            let link = directory.path().join(format!("link-{}", existing == Existing::Keep));
            symlink(&target, &link).unwrap();
            assert!(write(&link, "newer", existing).is_err());
            let dangling = link.with_extension("dangling");
            symlink(directory.path().join("elsewhere"), &dangling).unwrap();
            assert!(write(&dangling, "newer", existing).is_err());
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "older");
        assert!(!directory.path().join("elsewhere").exists());
    }

    #[test]
    fn refuses_what_is_not_a_regular_file() {
        assert_eq!(refusal(Path::new("/dev/null")), None);
        for file in ["/dev/full", "/dev/tty", "/dev/stdout", "/", "/dev/null/x", "/nonexistent/x", ""] {
            assert!(refusal(Path::new(file)).is_some(), "{file}");
        }
        assert!(write(Path::new("/dev/null"), "text", Existing::Replace).is_ok());
    }

    #[test]
    fn accepts_a_name_of_the_greatest_length() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ü".repeat(127));
        write(&file, "text", Existing::Replace).unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "text");
    }
}
