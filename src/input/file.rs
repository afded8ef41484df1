//! Text files, and what is wrong with one in plain words.

use crate::base::error::{Error, Mistake};
use std::path::Path;

/// Reads a text file that a flag names; `expected` says what it should be.
pub fn read_file(flag: &str, file: &Path, expected: &str) -> Result<String, Error> {
    let place = format!("{flag} {}", file.display());
    let wrong = |what: String| {
        Error::usage(Mistake::new(&place, what).help(format!("expected a readable file: {expected}")))
    };
    if file.is_dir() {
        return Err(wrong("is a directory".into()));
    }
    let bytes = std::fs::read(file).map_err(|error| wrong(in_words(&error)))?;
    String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text".into()))
}

/// An I/O error in words, without the operating system's number.
pub fn in_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}
