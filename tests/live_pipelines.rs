//! Other pipelines than the built-in one, for real (`tests/sandbox/pipelines`), each
//! by its own file and without a line of the tool changed: healthy, and with the
//! faults of `truth.toml`, which the program never reads. Ignored unless asked for.

mod support;

use serde_json::Value;
use support::pipelines::{Fault, config, faults, names};
use support::{doctor, recorded, shell};

/// They are brought up one after another: each has a broker or a database of its own.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn fresh(pipeline: &str) {
    shell(&format!("tests/sandbox/pipelines/up {pipeline} --fresh"));
}

/// What the tool says of an event of a pipeline.
fn report(pipeline: &str, scenario: &str, id: &str) -> (Value, i32) {
    let config = config(pipeline);
    let run = doctor([id, "--json", "--config", &config]);
    let finished = recorded(&format!("pipelines/{scenario}"), run).finish();
    (finished.json(), finished.code)
}

fn in_turn(pipeline: &str) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert!(names().contains(&pipeline.to_string()));
    fresh(pipeline);
    let config = config(pipeline);
    doctor(["lint", "--config", &config]).finish().code(0);
    let id = shell(&format!("tests/sandbox/pipelines/buy {pipeline}"));
    let (healthy, code) = report(pipeline, &format!("{pipeline}-healthy"), &id);
    assert_eq!((healthy["outcome"].as_str(), code), (Some("healthy"), 0), "{healthy:#}");
    let trace = doctor(["trace", id.as_str(), "--config", &config, "--json"]).finish().code(0).json();
    assert_eq!(trace["outcome"], "arrived", "{trace:#}");
    if pipeline == "shop" {
        init_comes_near(pipeline);
    }
    for (fault, is_first) in
        chosen(pipeline).into_iter().zip([true].into_iter().chain(std::iter::repeat(false)))
    {
        if !is_first {
            fresh(pipeline);
        }
        ranked_right(&fault);
    }
    shell(&format!("tests/sandbox/pipelines/down {pipeline}"));
}

/// What `init` writes of the running project is corrected by hand in at most ten lines.
fn init_comes_near(pipeline: &str) {
    shell(&format!("for _ in 1 2 3; do tests/sandbox/pipelines/buy {pipeline}; done"));
    let written = doctor(["init", "--stdout", "--project", pipeline]).finish().code(0).stdout;
    let by_hand = std::fs::read_to_string(support::root().join(config(pipeline))).unwrap();
    let lines = |text: &str| -> Vec<String> {
        let rows = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        rows.map(String::from).collect()
    };
    let (written, by_hand) = (lines(&written), lines(&by_hand));
    let corrected: Vec<&String> = by_hand.iter().filter(|line| !written.contains(line)).collect();
    let taken_out: Vec<&String> = written.iter().filter(|line| !by_hand.contains(line)).collect();
    assert!(corrected.len().max(taken_out.len()) <= 10, "{corrected:#?}\n{taken_out:#?}");
}

fn ranked_right(fault: &Fault) {
    let (pipeline, name) = (&fault.pipeline, &fault.name);
    let id = shell(&format!("tests/sandbox/pipelines/fault {pipeline} {name}"));
    let (report, code) = report(pipeline, &fault.scenario(), &id);
    assert_eq!(code, 3, "{report:#}");
    fault.is_told_by(&report);
    let trace = doctor(["trace", id.as_str(), "--config", &config(pipeline), "--json"]).finish().json();
    assert_eq!(trace["outcome"], "stopped", "{trace:#}");
}

/// All faults of a pipeline; in CI one of them, another for another commit, as their
/// recordings are all judged each time.
fn chosen(pipeline: &str) -> Vec<Fault> {
    let all: Vec<Fault> = faults().into_iter().filter(|fault| fault.pipeline == pipeline).collect();
    match std::env::var("PIPELINE_DOCTOR_PIPELINE_FAULT").ok().and_then(|number| number.parse::<usize>().ok())
    {
        Some(number) => vec![all[number % all.len()].clone()],
        None => all,
    }
}

#[test]
#[ignore = "needs Docker"]
fn a_shop_with_an_outbox_and_two_databases() {
    in_turn("shop");
}

#[test]
#[ignore = "needs Docker"]
fn jobs_of_a_table_without_a_broker() {
    in_turn("jobs");
}

#[test]
#[ignore = "needs Docker"]
fn two_branches_that_join() {
    in_turn("onboarding");
}
