//! Reads text files and describes I/O errors in plain words.

use crate::base::error::{Error, Mistake};
use std::path::Path;

/// Reads the text file given by a flag. `expected` describes the file in the help text.
pub fn read_file(flag: &str, file: &Path, expected: &str) -> Result<String, Error> {
    let place = format!("{flag} {}", file.display());
    let usage_error = |what: String| {
        Error::usage(Mistake::new(&place, what).help(format!("expected a readable file: {expected}")))
    };
    if file.is_dir() {
        return Err(usage_error("is a directory".into()));
    }
    let bytes = std::fs::read(file).map_err(|error| usage_error(describe(&error)))?;
    String::from_utf8(bytes).map_err(|_| usage_error("is not UTF-8 text".into()))
}

/// Describes an I/O error, without the OS error number in the common cases.
pub fn describe(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
