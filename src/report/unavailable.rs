//! Lists the systems and observations that were unavailable, with the affected steps.

use crate::base::name::MAIN_BROKER;
use crate::base::unavailable_reason::{Reason, ReasonKind};
use crate::judge::{Finding, Verdict};
use crate::report::input::ReportInput;
use crate::report::model::Unavailable;
use crate::runbook::catalog::{About, Step};
use crate::runbook::severity::Severity;
use crate::situation::systems::EvidenceSource;

/// Returns "Kafka", or "Kafka (mail)" for an additional broker.
fn system_name(system: EvidenceSource) -> String {
    match system {
        EvidenceSource::Declared => "compose file".to_string(),
        EvidenceSource::Docker => "Docker".to_string(),
        EvidenceSource::Broker(MAIN_BROKER) => "Kafka".to_string(),
        EvidenceSource::Broker(name) => format!("Kafka ({name})"),
        EvidenceSource::Database => "PostgreSQL".to_string(),
        EvidenceSource::Http => "HTTP".to_string(),
        EvidenceSource::Logs => "logs".to_string(),
    }
}

/// Returns the unavailable systems, followed by the other reasons for unknown checks.
pub(super) fn unavailable(input: &ReportInput) -> Vec<Unavailable> {
    let systems = &input.situation.systems;
    let system_entry = |(system, why): (EvidenceSource, &Reason)| {
        let steps = affected_steps(input, &why.describe());
        Unavailable { system: system_name(system), why: why.describe(), steps, resolves_with_time: false }
    };
    let mut unavailable: Vec<Unavailable> =
        systems.unknown().chain(systems.without_address()).map(system_entry).collect();
    unavailable.extend(unwatched(input).map(|why| Unavailable {
        system: "pipeline file".to_string(),
        why: why.to_string(),
        steps: Vec::new(),
        resolves_with_time: false,
    }));
    for finding in input.findings {
        for instance in &finding.instances {
            let Verdict::Unknown(why) = &instance.verdict else { continue };
            // Context that does not exist is no loss, but context that could not be read is.
            if finding.severity == Severity::Note && !why.is_failed_read() {
                continue;
            }
            if unavailable.iter().all(|listed| listed.why != why.describe()) {
                let steps = affected_steps(input, &why.describe());
                let system = format!("{}, in part", system_of(input, &why.describe()));
                let resolves_with_time = why.kind == ReasonKind::Young;
                unavailable.push(Unavailable { system, why: why.describe(), steps, resolves_with_time });
            }
        }
    }
    unavailable
}

/// Returns what the pipeline lacks so that passed checks would prove nothing: workers or stages.
pub(super) fn unwatched(input: &ReportInput) -> Option<&'static str> {
    match (input.pipeline.worker.is_empty(), input.pipeline.stage.is_empty()) {
        (true, true) => Some("it declares no worker and no stage, so nothing was watched"),
        (true, false) => Some("it declares no worker, so no worker was watched"),
        (false, true) => Some("it declares no stage, so no event was followed"),
        (false, false) => None,
    }
}

/// Returns the system of the step with the most instances that are unknown for this reason.
fn system_of(input: &ReportInput, message: &str) -> &'static str {
    let count = |step: &Step| {
        let findings = input.findings.iter().filter(|finding| finding.step == step.step);
        let instances = findings.flat_map(|finding| &finding.instances);
        instances.filter(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.describe() == message)).count()
    };
    // On a tie, the last step wins, because it concerns the data that earlier steps produce.
    match input.catalog.steps.iter().max_by_key(|step| count(step)).map(|step| step.about) {
        Some(About::Workers) | None => "Docker",
        Some(About::Topics) => "Kafka",
        Some(About::Rows) => "PostgreSQL",
        Some(About::Call) => "logs and HTTP",
    }
}

/// Returns the steps with a finding that is unknown for this reason.
fn affected_steps(input: &ReportInput, message: &str) -> Vec<u8> {
    let is_affected = |finding: &&Finding| {
        finding
            .instances
            .iter()
            .any(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.describe() == message))
    };
    let mut steps: Vec<u8> = input.findings.iter().filter(is_affected).map(|finding| finding.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}
