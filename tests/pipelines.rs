//! Recordings of the pipelines beside the built-in one: healthy is healthy, and each
//! fault is the first guess.

mod support;

use support::doctor;
use support::pipelines::{config, faults, names};
use support::scenario;

#[test]
fn a_healthy_pipeline_is_told_healthy() {
    for pipeline in names() {
        let file = scenario(&format!("pipelines/{pipeline}-healthy"));
        let run = doctor(["--replay", file.to_str().unwrap(), "--config", &config(&pipeline), "--json"]);
        let report = run.finish().code(0).json();
        assert_eq!(report["outcome"], "healthy", "{pipeline}: {report:#}");
    }
}

#[test]
fn each_fault_is_the_first_guess() {
    for fault in faults() {
        let file = scenario(&format!("pipelines/{}", fault.scenario()));
        let run =
            doctor(["--replay", file.to_str().unwrap(), "--config", &config(&fault.pipeline), "--json"]);
        fault.is_told_by(&run.finish().code(3).json());
    }
}
