//! The executable: parses the command line, runs it, and turns the result into an exit code.

use pipeline_doctor::base::error::{Error, Mistake, exit};
use pipeline_doctor::base::secret::redact;
use pipeline_doctor::base::visible_text::{visible, visible_lines};
use pipeline_doctor::cli::Cli;
use pipeline_doctor::config::lookup_flags;
use pipeline_doctor::report::format::json;
use pipeline_doctor::run::{formats, run};
use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // Usage errors are printed as JSON, too, if JSON was requested.
    let json = arguments.iter().any(|argument| argument == "--json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--format=json");
    let lookups = lookup_flags(&arguments);
    let matches = Cli::command_with(&formats(), &lookups).try_get_matches_from(&arguments);
    let code = match matches.and_then(|matches| Cli::from_matches(&matches, &lookups)) {
        Ok(cli) => {
            // Variables that are not UTF-8 cannot hold an address.
            let environment = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect();
            run(&cli, &environment).unwrap_or_else(|error| print_error(&error, json))
        }
        // clap reports --help and --version as errors.
        Err(help) if !help.use_stderr() => {
            let printed = help.print().and_then(|()| std::io::stdout().flush());
            printed.map_or_else(|error| print_error(&Error::from(error), json), |()| exit::HEALTHY)
        }
        Err(error) if json => print_error(&usage_error(&error), json),
        // clap repeats the arguments, which may hold a password or control the terminal.
        Err(error) if !is_harmless(&error.to_string()) || !arguments.iter().all(|a| is_plain(a)) => {
            print_error(&usage_error(&error), json)
        }
        Err(error) => {
            let _ = error.print();
            exit::USAGE
        }
    };
    // Threads that still wait for an unresponsive system end with the process.
    ExitCode::from(code)
}

/// Reports whether clap's message shows no secret and nothing but text and line feeds.
fn is_harmless(message: &str) -> bool {
    redact(message) == message && visible_lines(message) == message
}

/// Reports whether an argument has no hidden character, and so no line feed either.
fn is_plain(argument: &OsStr) -> bool {
    let argument = argument.to_string_lossy();
    visible(&argument) == argument
}

/// Converts clap's error into the program's own, which masks secrets and can be printed as
/// JSON.
fn usage_error(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_string();
    let help: Vec<&str> = lines.collect();
    Error::usage(Mistake::new("command line", what).help(help.join(" ")))
}

/// Prints an error, as JSON on stdout or as text on stderr, and returns its exit code.
fn print_error(error: &Error, as_json: bool) -> u8 {
    match error {
        Error::OutputClosed => {}
        error if as_json => {
            let _ = json::render_error(error, &mut std::io::stdout().lock());
        }
        error => {
            let _ = writeln!(std::io::stderr(), "{error}");
        }
    }
    error.exit_code()
}
