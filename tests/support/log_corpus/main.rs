//! Judges the logs in tests/logs/corpus and prints how often the program is right, for each kind and
//! runtime. Run by tests/corpus.

mod cases;
mod leave_out;
mod table;

use cases::{Judge, read_cases};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The collections that are judged without arguments: one that the signatures were written with, and one
/// that was written without a look at them.
const COLLECTIONS: [&str; 2] = ["tests/logs/corpus", "tests/logs/blind"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_verbose = arguments.iter().any(|argument| argument == "--verbose");
    let given: Vec<PathBuf> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).map(PathBuf::from).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = match given.is_empty() {
        true => COLLECTIONS.iter().map(|directory| root.join(directory)).collect(),
        false => given,
    };
    let judge = Judge::new();
    let is_left_out = arguments.iter().any(|argument| argument == "--leave-out");
    for directory in directories {
        let cases = match read_cases(&directory) {
            Ok(cases) => cases,
            Err(error) => {
                eprintln!("corpus: error: {error}");
                return ExitCode::FAILURE;
            }
        };
        let (judged, left_out) = match is_left_out {
            true => leave_out::judged(&judge, cases),
            false => (cases.into_iter().map(|case| judge.judged(case)).collect(), 0),
        };
        if is_verbose {
            judged.iter().filter(|(case, outcome)| !outcome.is_right(case)).for_each(table::print_case);
        }
        let shown = directory.strip_prefix(root).unwrap_or(&directory);
        println!("{}", shown.display());
        if is_left_out {
            println!("each runtime without the {left_out} phrases and classes that only its own logs have");
        }
        println!("\n{}", table::table(&judged));
    }
    ExitCode::SUCCESS
}
