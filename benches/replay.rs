//! What judging costs, beside what reading the recording costs: medians of one
//! run, and their ratios, which hold when the machine's speed does not.
//!
//! `cargo bench`

use pipeline_doctor::cli::{Look, SETTLE, WINDOW};
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

/// The median of several runs, after one that is not counted.
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
    let look =
        Look { window: WINDOW.into(), deadline: "10s".into(), settle: SETTLE.into(), ..Default::default() };
    let source = pipeline_source(None).expect("no file is read");
    let config = Config::of(&source, None, &look, &Environment::new(), &mut Vec::new());
    let pipeline = config.expect("the built-in pipeline").pipeline;
    let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows");
    println!("{:<24}{:>12}{:>12}{:>12}{:>16}", "recording", "read", "facts", "diagnose", "diagnose/read");
    for incident in pipeline_doctor::run::demo::INCIDENTS {
        let read = median(|| {
            black_box(recording::read(incident.evidence).expect("a recording"));
        });
        let evidence = recording::read(incident.evidence).expect("a recording");
        let derive_facts = || {
            let situation = Situation::of(&evidence, &pipeline, &catalog.signatures, &catalog.facts);
            facts(&situation, &catalog.signatures, &catalog.facts)
        };
        let derived = derive_facts();
        let findings = judge(&catalog, &derived, &pipeline);
        let derive = median(|| {
            black_box(judge(&catalog, &derive_facts(), &pipeline));
        });
        let conclude = median(|| {
            black_box(diagnose(&catalog, &findings));
        });
        let ratio = conclude.as_secs_f64() / read.as_secs_f64();
        println!("{:<24}{read:>12.1?}{derive:>12.1?}{conclude:>12.1?}{ratio:>16.2}", incident.name);
    }
}
