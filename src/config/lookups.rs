//! The lookups of a pipeline: they are flags of the command line.

use crate::cli::Cli;
use crate::config::pipeline_file::pipeline_source;
use clap::CommandFactory;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What of a pipeline's file the command line itself is made of.
#[derive(Deserialize)]
struct Declared {
    #[serde(default)]
    lookup: BTreeMap<String, String>,
}

/// The lookups of the pipeline that a command line names, each with its key: they
/// are flags of it. What is wrong with the pipeline is told when it is read.
pub fn lookups(arguments: &[OsString]) -> Vec<(String, String)> {
    // Nobody else has them; and what is no file can be read only once.
    if !arguments.iter().any(|argument| argument == "trace") {
        return Vec::new();
    }
    let of_flag = arguments.iter().zip(arguments.iter().skip(1)).find(|(flag, _)| *flag == "--config");
    let joined = arguments.iter().filter_map(|argument| argument.to_str()?.strip_prefix("--config="));
    let file = of_flag.map(|(_, file)| PathBuf::from(file)).or_else(|| joined.map(PathBuf::from).next());
    if file.as_ref().is_some_and(|file| !file.is_file()) {
        return Vec::new();
    }
    let Ok(source) = pipeline_source(file.as_deref()) else { return Vec::new() };
    let declared: Option<Declared> = source.read(&mut Vec::new());
    let lookups = declared.map(|declared| declared.lookup).unwrap_or_default();
    lookups.into_iter().filter(|(name, _)| is_free(name)).collect()
}

/// Whether a word can be a flag of its own.
pub fn is_free(name: &str) -> bool {
    let command = Cli::command();
    let trace = command.find_subcommand("trace");
    let taken = trace.into_iter().flat_map(clap::Command::get_arguments).filter_map(clap::Arg::get_long);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let begins = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    begins && name.bytes().all(plain) && !taken.chain(["help", "version"]).any(|taken| taken == name)
}
