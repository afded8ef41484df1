//! Prints the fault matrix: judges every recording of an injected fault and compares the
//! result with the ground truth. Run by `tests/matrix`; see its help.

mod ablation;
mod corpus;
mod honesty;
mod judge;
mod rate;
mod table;

use corpus::Corpus;
use judge::Judge;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => Corpus::read().map(|corpus| print!("{}", table::matrix(&corpus, &Judge::new()))),
        ["--shuffle-truth"] => {
            Corpus::read().map(|corpus| print!("{}", table::shuffled(&corpus, &Judge::new())))
        }
        ["--ablate"] => Corpus::read().map(|corpus| print!("{}", ablation::report(&corpus))),
        ["--compare", id, live] => corpus::compare(id, live),
        _ => Err("expected no arguments, --shuffle-truth, --ablate, or --compare ID FILE".to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("matrix: error: {error}");
            ExitCode::FAILURE
        }
    }
}
