//! Converts recordings from an earlier schema to the current one, in place:
//!
//! `cargo run --example convert-recordings -- FILES`

use pipeline_doctor::evidence::recording;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut failed = false;
    for file in std::env::args_os().skip(1) {
        if let Err(error) = convert(file.as_ref()) {
            eprintln!("{}: {error}", file.display());
            failed = true;
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn convert(file: &std::path::Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let evidence = recording::read(&text).map_err(|unread| format!("{unread:?}"))?;
    let text = recording::write(&evidence).map_err(|error| error.to_string())?;
    std::fs::write(file, text).map_err(|error| error.to_string())
}
