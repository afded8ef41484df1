//! Compares the time to judge a recording with the time to read it. Prints both medians and
//! their ratio, which does not depend on the machine's speed.
//!
//! `cargo bench`

use pipeline_doctor::cli::{SETTLE, TargetOptions, WINDOW};
use pipeline_doctor::config::{Config, Environment, pipeline_source};
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::evidence::recording;
use pipeline_doctor::fact::{facts, registry};
use pipeline_doctor::judge::judge;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::situation::Situation;
use std::hint::black_box;
use std::time::{Duration, Instant};

const RUNS: usize = 51;

/// Returns the median time of `RUNS` runs, after one warm-up run.
fn median(mut work: impl FnMut()) -> Duration {
    work();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[RUNS / 2]
}

fn main() {
    let options = TargetOptions {
        window: WINDOW.into(),
        deadline: "10s".into(),
        settle: SETTLE.into(),
        ..Default::default()
    };
    let source = pipeline_source(None).expect("the built-in pipeline needs no file");
    let config = Config::new(&source, None, &options, &Environment::new(), &mut Vec::new());
    let pipeline = config.expect("the built-in pipeline is valid").pipeline;
    let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows are valid");
    println!("{:<24}{:>12}{:>12}{:>12}{:>16}", "recording", "read", "facts", "diagnose", "diagnose/read");
    for incident in pipeline_doctor::run::demo::INCIDENTS {
        let read = median(|| {
            black_box(recording::read(incident.evidence).expect("a recording"));
        });
        let evidence = recording::read(incident.evidence).expect("a recording");
        let derive_facts = || {
            let situation = Situation::build(&evidence, &pipeline, &catalog.signatures, &catalog.facts);
            facts(&situation, &catalog.signatures, &catalog.facts)
        };
        let derived = derive_facts();
        let findings = judge(&catalog, &derived, &pipeline);
        let judging = median(|| {
            black_box(judge(&catalog, &derive_facts(), &pipeline));
        });
        let diagnosing = median(|| {
            black_box(diagnose(&catalog, &findings));
        });
        let ratio = diagnosing.as_secs_f64() / read.as_secs_f64();
        println!("{:<24}{read:>12.1?}{judging:>12.1?}{diagnosing:>12.1?}{ratio:>16.2}", incident.name);
    }
}
