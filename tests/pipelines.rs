//! Replays recordings of the pipelines other than the built-in one. Healthy runs are
//! reported as healthy, and each fault's cause is ranked first.

mod support;

use support::doctor;
use support::pipelines::{config, faults, names};
use support::scenario;

#[test]
fn reports_healthy_pipelines_as_healthy() {
    for pipeline in names() {
        let file = scenario(&format!("pipelines/{pipeline}-healthy"));
        let run = doctor(["--replay", file.to_str().unwrap(), "--config", &config(&pipeline), "--json"]);
        let report = run.finish().code(0).json();
        assert_eq!(report["outcome"], "healthy", "{pipeline}: {report:#}");
    }
}

#[test]
fn ranks_the_cause_of_each_fault_first() {
    for fault in faults() {
        let file = scenario(&format!("pipelines/{}", fault.scenario()));
        let run =
            doctor(["--replay", file.to_str().unwrap(), "--config", &config(&fault.pipeline), "--json"]);
        fault.assert_ranked_first(&run.finish().code(3).json());
    }
}
