//! The lookups that a pipeline declares, which become flags of `trace`.

use crate::cli::Cli;
use crate::config::pipeline_file::pipeline_source;
use clap::CommandFactory;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The part of a pipeline file that adds command-line flags.
#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    lookup: BTreeMap<String, String>,
}

/// Returns the lookups of the pipeline that `arguments` select, as pairs of flag name and
/// key. Ignores mistakes in the pipeline file, which are reported when the whole file is read.
pub fn lookup_flags(arguments: &[OsString]) -> Vec<(String, String)> {
    // Only `trace` has lookup flags. A pipe given to --config can be read only once, so
    // anything but a regular file is left for later.
    if !arguments.iter().any(|argument| argument == "trace") {
        return Vec::new();
    }
    let separate = arguments.iter().zip(arguments.iter().skip(1)).find(|(flag, _)| *flag == "--config");
    let joined = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--config="));
    let file = separate.map(|(_, file)| PathBuf::from(file)).or_else(|| joined.map(PathBuf::from).next());
    if file.as_ref().is_some_and(|file| !file.is_file()) {
        return Vec::new();
    }
    let Ok(source) = pipeline_source(file.as_deref()) else { return Vec::new() };
    let declared: Option<Declared> = source.read(&mut Vec::new());
    let lookups = declared.map(|declared| declared.lookup).unwrap_or_default();
    lookups.into_iter().filter(|(name, _)| can_be_flag(name)).collect()
}

/// Reports whether a lookup name can be a flag: it consists of lower-case letters, digits
/// and dashes, starts with a letter, and is not already a flag of `trace`.
pub fn can_be_flag(name: &str) -> bool {
    let command = Cli::command();
    let trace = command.find_subcommand("trace");
    let existing = trace.into_iter().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long);
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts_with_letter = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    starts_with_letter
        && name.bytes().all(is_allowed)
        && !existing.chain(["help", "version"]).any(|flag| flag == name)
}
