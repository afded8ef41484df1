//! The program: flags in, one report out, one exit code.

use pipeline_doctor::base::error::{Error, Mistake, exit};
use pipeline_doctor::base::secret::redact;
use pipeline_doctor::cli::Cli;
use pipeline_doctor::config::lookups;
use pipeline_doctor::report::format::json;
use pipeline_doctor::run::{formats, run};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // Also a wrong flag is answered in JSON where JSON was asked for.
    let json = arguments.iter().any(|argument| argument == "--json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || arguments.iter().any(|argument| argument == "--format=json");
    let lookups = lookups(&arguments);
    let given = Cli::with(&formats(), &lookups).try_get_matches_from(&arguments);
    let code = match given.and_then(|given| Cli::from_matches(&given, &lookups)) {
        Ok(cli) => {
            // What is not UTF-8 is not an address.
            let environment = std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect();
            run(&cli, &environment).unwrap_or_else(|error| tell(&error, json))
        }
        Err(asked) if !asked.use_stderr() => {
            // --help and --version.
            let _ = asked.print();
            exit::HEALTHY
        }
        Err(wrong) if json => tell(&in_json(&wrong), json),
        // What was typed may hold a password.
        Err(wrong) if redact(&wrong.to_string()) != wrong.to_string() => tell(&in_json(&wrong), json),
        Err(wrong) => {
            let _ = wrong.print();
            exit::USAGE
        }
    };
    // Threads that still wait for a dead system end with the process.
    ExitCode::from(code)
}

fn in_json(wrong: &clap::Error) -> Error {
    let text = wrong.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or_default().trim_start_matches("error: ").to_string();
    let help: Vec<&str> = lines.collect();
    Error::usage(Mistake::new("command line", what).help(help.join(" ")))
}

fn tell(error: &Error, as_json: bool) -> u8 {
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
