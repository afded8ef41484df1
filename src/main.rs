//! The executable: parses the command line, runs it, and turns the result into an exit code.

use pipeline_doctor::base::error::{Error, Mistake, exit};
use pipeline_doctor::base::panics;
use pipeline_doctor::base::secret::{add_known, shows_all, withhold};
use pipeline_doctor::base::visible_text::{visible, visible_lines};
use pipeline_doctor::cli::Cli;
use pipeline_doctor::collect::interrupt;
use pipeline_doctor::config::lookup_flags;
use pipeline_doctor::report::format::json;
use pipeline_doctor::run::{formats, run};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    panics::install_hook();
    // The sentence about a panic is printed by then.
    let code = panics::caught(run_program).unwrap_or_else(|| match panics::thread_limit_reached() {
        true => exit::USAGE,
        false => exit::INTERNAL,
    });
    // A signal that comes after everything was seen ends the run, too.
    let code = interrupt::interruption().map_or(code, |interruption| interruption.signal.exit_code());
    // Threads that still wait for an unresponsive system end with the process.
    ExitCode::from(code)
}

/// Runs the program and returns its exit code.
fn run_program() -> u8 {
    let arguments: Vec<_> = std::env::args_os().collect();
    // If JSON was requested, usage errors are also printed as JSON.
    let json = arguments.iter().any(|argument| argument == "--json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--format=json");
    withhold_addresses(&arguments);
    let lookups = lookup_flags(&arguments);
    let matches = Cli::command_with(&formats(), &lookups).try_get_matches_from(&arguments);
    match matches.and_then(|matches| Cli::from_matches(&matches, &lookups)) {
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
        // clap echoes the arguments, which may contain a password or terminal control characters.
        Err(error) if !is_harmless(&error.to_string()) || !arguments.iter().all(|a| is_plain(a)) => {
            print_error(&usage_error(&error), json)
        }
        Err(error) => {
            let _ = error.print();
            exit::USAGE
        }
    }
}

/// Withholds each address with a login, a query or a fragment wherever it is repeated, because it may
/// have been given as any argument. Its text does not tell whether it holds a secret.
fn withhold_addresses(arguments: &[OsString]) {
    // An address that is shown as it is hides nothing.
    let texts = arguments.iter().map(|argument| argument.to_string_lossy().into_owned());
    let addresses = texts.flat_map(|text| {
        let named = text.split_once('=').map(|(name, value)| (name.contains("://"), value.to_string()));
        let (whole, value) = match named {
            // A flag or a service with its address, of which only the address may hold a secret.
            Some((false, value)) => (None, Some(value)),
            Some((true, value)) => (Some(text), Some(value)),
            None => (Some(text), None),
        };
        let addresses = [whole, value].into_iter().flatten();
        addresses.filter(|text| text.contains("://") && !shows_all(text))
    });
    add_known(addresses);
}

/// Reports whether clap's message contains no secrets and no hidden characters except line feeds.
fn is_harmless(message: &str) -> bool {
    withhold(message) == message && visible_lines(message) == message
}

/// Reports whether an argument contains no hidden characters, including line feeds.
fn is_plain(argument: &OsStr) -> bool {
    let argument = argument.to_string_lossy();
    visible(&argument) == argument
}

/// Converts clap's error to the program's error type, which masks secrets and can be printed as
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
