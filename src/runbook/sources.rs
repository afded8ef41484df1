//! The files that rows are read from: the built-in ones, and a team's own, which add
//! rows or replace those of the same id.

use crate::base::error::{Error, Mistake};
use crate::input::Source;
use crate::input::document::{Document, Row};
use crate::input::file::{in_words, read_file};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How the names of the files begin that the program has in itself.
pub const BUILT_IN: &str = "built-in/";

/// The rows that are built in, in the runbook's order.
const ROWS: &[(&str, &str)] = &[
    ("1-workers.toml", include_str!("../../checks/1-workers.toml")),
    ("2-kafka.toml", include_str!("../../checks/2-kafka.toml")),
    ("3-rows.toml", include_str!("../../checks/3-rows.toml")),
    ("4-api.toml", include_str!("../../checks/4-api.toml")),
    ("logs.toml", include_str!("../../checks/logs.toml")),
    ("causes.toml", include_str!("../../checks/causes.toml")),
];

/// The built-in files.
pub fn built_in() -> Vec<Source> {
    ROWS.iter()
        .map(|(name, text)| Source { name: format!("{BUILT_IN}{name}"), text: (*text).to_string() })
        .collect()
}

/// The directory of a team's own rows: the one that was asked for, else `checks`
/// beside the pipeline's file, if it is there.
pub fn directory(asked: Option<&Path>, config: Option<&Path>) -> Option<PathBuf> {
    let beside = || Some(config?.parent()?.join("checks")).filter(|directory| directory.is_dir());
    asked.map(Path::to_path_buf).or_else(beside)
}

/// Every `.toml` file of a directory, in the order of their names.
pub fn of_directory(directory: &Path) -> Result<Vec<Source>, Error> {
    let place = format!("--checks {}", directory.display());
    let wrong = |what: String| {
        Error::usage(
            Mistake::new(&place, what).help("expected a directory with .toml files of checks and causes"),
        )
    };
    let entries = std::fs::read_dir(directory).map_err(|error| wrong(in_words(&error)))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // A pipeline beside the checks is `--config`'s, not a file of rows.
    files.retain(|file| file.extension().is_some_and(|e| e == "toml") && !file.ends_with("pipeline.toml"));
    files.sort();
    if files.is_empty() {
        return Err(wrong("holds no .toml file".into()));
    }
    files
        .iter()
        .map(|file| {
            let text = read_file("--checks", file, "checks and causes in TOML")?;
            Ok(Source { name: file.display().to_string(), text })
        })
        .collect()
}

/// Takes the rows out of the built-in files that a team's own replace.
pub fn without_replaced(built_in: &mut [Option<Document>], own: &[Option<Document>]) {
    let of = |sections: &[&str]| -> BTreeSet<String> {
        let own = own.iter().flatten();
        let ids = own.flat_map(|file| sections.iter().flat_map(|section| keys(file, section)));
        ids.collect()
    };
    let checks = of(&["check", "signature"]);
    for (section, replaced) in
        [("step", &of(&["step"])), ("check", &checks), ("signature", &checks), ("cause", &of(&["cause"]))]
    {
        for document in built_in.iter_mut().flatten() {
            document.retain(section, |row| key(section, row).is_none_or(|key| !replaced.contains(&key)));
        }
    }
}

fn keys(document: &Document, section: &str) -> Vec<String> {
    document.rows(&format!("{section}[]")).iter().filter_map(|row| key(section, row)).collect()
}

/// What a row is known by: a signature by the id of its check.
fn key(section: &str, row: &Row) -> Option<String> {
    match section {
        "step" => Some(row.number("step")?.0.to_string()),
        "signature" => Some(format!("log-{}", row.text("id")?.text)),
        _ => Some(row.text("id")?.text),
    }
}
