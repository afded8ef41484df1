//! Live tests of the pipelines in `examples`, both healthy and with the faults in
//! `truth.toml`. The program reads each pipeline's own file, but never `truth.toml`.
//! Ignored by default.

mod support;

use serde_json::Value;
use support::pipelines::{Fault, config, faults, names};
use support::{doctor, recorded, shell};

/// The pipelines run one at a time, as each starts its own database and brokers.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn fresh(pipeline: &str) {
    shell(&format!("tests/sandbox/pipelines/up {pipeline} --fresh"));
}

/// Returns an event's report and the exit code.
fn report(pipeline: &str, scenario: &str, id: &str) -> (Value, i32) {
    let config = config(pipeline);
    let run = doctor([id, "--json", "--config", &config]);
    let finished = recorded(&format!("pipelines/{scenario}"), run).finish();
    (finished.json(), finished.code)
}

fn test_pipeline(pipeline: &str) {
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        init_needs_few_corrections(pipeline);
    }
    for (i, fault) in selected_faults(pipeline).into_iter().enumerate() {
        if i > 0 {
            fresh(pipeline);
        }
        inject_and_judge(&fault);
    }
    shell(&format!("tests/sandbox/pipelines/down {pipeline}"));
}

/// Asserts that the file written by `init` needs corrections in at most ten lines.
fn init_needs_few_corrections(pipeline: &str) {
    shell(&format!("for _ in 1 2 3; do tests/sandbox/pipelines/buy {pipeline}; done"));
    let written = doctor(["init", "--stdout", "--project", pipeline]).finish().code(0).stdout;
    let corrected = std::fs::read_to_string(support::root().join(config(pipeline))).unwrap();
    let lines = |text: &str| -> Vec<String> {
        let rows = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        rows.map(String::from).collect()
    };
    let (written, corrected) = (lines(&written), lines(&corrected));
    let added: Vec<&String> = corrected.iter().filter(|line| !written.contains(line)).collect();
    let removed: Vec<&String> = written.iter().filter(|line| !corrected.contains(line)).collect();
    assert!(added.len().max(removed.len()) <= 10, "{added:#?}\n{removed:#?}");
}

fn inject_and_judge(fault: &Fault) {
    let (pipeline, name) = (&fault.pipeline, &fault.name);
    let id = shell(&format!("tests/sandbox/pipelines/fault {pipeline} {name}"));
    let (report, code) = report(pipeline, &fault.scenario(), &id);
    assert_eq!(code, 3, "{report:#}");
    fault.assert_ranked_first(&report);
    let trace = doctor(["trace", id.as_str(), "--config", &config(pipeline), "--json"]).finish().json();
    assert_eq!(trace["outcome"], "stopped", "{trace:#}");
}

/// Returns a pipeline's faults, or only the one selected by `SANDBOX_PIPELINE_FAULT`.
fn selected_faults(pipeline: &str) -> Vec<Fault> {
    let all: Vec<Fault> = faults().into_iter().filter(|fault| fault.pipeline == pipeline).collect();
    match std::env::var("SANDBOX_PIPELINE_FAULT").ok().and_then(|number| number.parse::<usize>().ok()) {
        Some(number) => vec![all[number % all.len()].clone()],
        None => all,
    }
}

#[test]
#[ignore = "needs Docker"]
fn shop_with_outbox_and_two_databases() {
    test_pipeline("shop");
}

#[test]
#[ignore = "needs Docker"]
fn jobs_in_a_table_without_a_broker() {
    test_pipeline("jobs");
}

#[test]
#[ignore = "needs Docker"]
fn onboarding_with_two_branches_that_join() {
    test_pipeline("onboarding");
}
