//! The fault matrix: every recording of an injected fault judged anew, beside
//! what a human expert would name. Called by `tests/matrix`, which tells how.

mod ablation;
mod corpus;
mod judged;
mod rates;
mod table;

use corpus::Corpus;
use judged::Judge;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        [] => Corpus::read().map(|corpus| print!("{}", table::whole(&corpus, &Judge::new()))),
        ["--shuffle-truth"] => {
            Corpus::read().map(|corpus| print!("{}", table::shuffled(&corpus, &Judge::new())))
        }
        ["--ablate"] => Corpus::read().map(|corpus| print!("{}", ablation::report(&corpus))),
        ["--compare", id, live] => corpus::compare(id, live),
        _ => Err("expected nothing, --shuffle-truth, --ablate, or --compare ID FILE".to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("matrix: error: {error}");
            ExitCode::FAILURE
        }
    }
}
