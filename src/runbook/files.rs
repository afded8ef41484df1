//! Catalog files: the built-in ones and a team's custom ones, whose rows are added to the
//! built-in rows or replace those with the same id.

use crate::base::error::{Error, Mistake};
use crate::base::renamed_ids::current;
use crate::input::Source;
use crate::input::text_file::{describe, read_file};
use crate::input::toml_document::{Document, Row};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name prefix for built-in files.
pub const BUILT_IN: &str = "built-in/";

/// The built-in files, in the runbook's order.
const FILES: &[(&str, &str)] = &[
    ("1-workers.toml", include_str!("../../checks/1-workers.toml")),
    ("2-kafka.toml", include_str!("../../checks/2-kafka.toml")),
    ("3-rows.toml", include_str!("../../checks/3-rows.toml")),
    ("4-api.toml", include_str!("../../checks/4-api.toml")),
    ("logs.toml", include_str!("../../checks/logs.toml")),
    ("causes.toml", include_str!("../../checks/causes.toml")),
];

/// Returns the built-in files.
pub fn built_in() -> Vec<Source> {
    FILES
        .iter()
        .map(|(name, text)| Source { name: format!("{BUILT_IN}{name}"), text: (*text).to_string() })
        .collect()
}

/// Returns the directory of custom rows, which is the requested one or `checks` next to the
/// pipeline file if that exists.
pub fn custom_directory(requested: Option<&Path>, config: Option<&Path>) -> Option<PathBuf> {
    let default = || Some(config?.parent()?.join("checks")).filter(|directory| directory.is_dir());
    requested.map(Path::to_path_buf).or_else(default)
}

/// Reads every `.toml` file in a directory except `pipeline.toml`, sorted by name. An unreadable
/// directory, an unreadable file and a directory without such files are usage errors.
pub fn read_directory(directory: &Path) -> Result<Vec<Source>, Error> {
    let place = format!("--checks {}", directory.display());
    let usage_error = |what: String| {
        Error::usage(
            Mistake::new(&place, what).help("expected a directory of .toml files with checks and causes"),
        )
    };
    let entries = std::fs::read_dir(directory).map_err(|error| usage_error(describe(&error)))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // A pipeline file belongs to `--config`, not to the catalog.
    files.retain(|file| file.extension().is_some_and(|e| e == "toml") && !file.ends_with("pipeline.toml"));
    files.sort();
    if files.is_empty() {
        return Err(usage_error("contains no .toml files".into()));
    }
    files
        .iter()
        .map(|file| {
            let text = read_file("--checks", file, "checks and causes in TOML")?;
            Ok(Source { name: file.display().to_string(), text })
        })
        .collect()
}

/// Removes the built-in rows that custom rows replace.
pub fn remove_replaced(built_in: &mut [Option<Document>], custom: &[Option<Document>]) {
    let custom_keys = |sections: &[&str]| -> BTreeSet<String> {
        let files = custom.iter().flatten();
        let ids = files.flat_map(|file| sections.iter().flat_map(|section| keys(file, section)));
        ids.collect()
    };
    let checks = custom_keys(&["check", "signature"]);
    for (section, replaced) in [
        ("step", &custom_keys(&["step"])),
        ("check", &checks),
        ("signature", &checks),
        ("cause", &custom_keys(&["cause"])),
    ] {
        for document in built_in.iter_mut().flatten() {
            document.retain(section, |row| key(section, row).is_none_or(|key| !replaced.contains(&key)));
        }
    }
}

fn keys(document: &Document, section: &str) -> Vec<String> {
    document.rows(&format!("{section}[]")).iter().filter_map(|row| key(section, row)).collect()
}

/// Returns the key that identifies a row; for a signature, the id of its check.
fn key(section: &str, row: &Row) -> Option<String> {
    match section {
        "step" => Some(row.number("step")?.0.to_string()),
        "signature" => Some(format!("log-{}", row.text("id")?.text)),
        _ => Some(current(&row.text("id")?.text).into_owned()),
    }
}
