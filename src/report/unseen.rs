//! What could not be looked at, and what that leaves open.

use crate::base::name::MAIN_BROKER;
use crate::base::reason::{Why, WhyKind};
use crate::judge::{Finding, Verdict};
use crate::report::material::Material;
use crate::report::model::Unseen;
use crate::runbook::catalog::{About, Step};
use crate::runbook::severity::Severity;
use crate::situation::systems::Whole;

/// "Kafka"; of a further broker "Kafka (mail)".
fn name_of(system: Whole) -> String {
    match system {
        Whole::Declared => "compose file".to_string(),
        Whole::Docker => "Docker".to_string(),
        Whole::Broker(MAIN_BROKER) => "Kafka".to_string(),
        Whole::Broker(name) => format!("Kafka ({name})"),
        Whole::Database => "PostgreSQL".to_string(),
        Whole::Http => "HTTP".to_string(),
        Whole::Logs => "logs".to_string(),
    }
}

/// The systems that were not seen, then whatever else was not.
pub(super) fn unseen(material: &Material) -> Vec<Unseen> {
    let systems = &material.situation.systems;
    let whole = |(system, why): (Whole, &Why)| {
        let steps = steps_open(material, &why.words());
        Unseen { system: name_of(system), why: why.words(), steps, passes: false }
    };
    let mut unseen: Vec<Unseen> = systems.unknown().chain(systems.without_address()).map(whole).collect();
    for finding in material.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        for instance in &finding.instances {
            let Verdict::Unknown(why) = &instance.verdict else { continue };
            if unseen.iter().all(|seen| seen.why != why.words()) {
                let steps = steps_open(material, &why.words());
                let system = format!("{}, in part", system_of(material, &why.words()));
                let passes = why.kind == WhyKind::Young;
                unseen.push(Unseen { system, why: why.words(), steps, passes });
            }
        }
    }
    unseen
}

/// The system that the step is about which has most that is unknown for this reason.
fn system_of(material: &Material, say: &str) -> &'static str {
    let count = |step: &Step| {
        let findings = material.findings.iter().filter(|finding| finding.step == step.step);
        let instances = findings.flat_map(|finding| &finding.instances);
        instances.filter(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.words() == say)).count()
    };
    // The last of equals: steps go from what runs to what it left.
    match material.catalog.steps.iter().max_by_key(|step| count(step)).map(|step| step.about) {
        Some(About::Workers) | None => "Docker",
        Some(About::Topics) => "Kafka",
        Some(About::Rows) => "PostgreSQL",
        Some(About::Call) => "logs and HTTP",
    }
}

/// The steps with a finding that is unknown for this reason.
fn steps_open(material: &Material, say: &str) -> Vec<u8> {
    let for_it = |finding: &&Finding| {
        finding.instances.iter().any(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.words() == say))
    };
    let mut steps: Vec<u8> = material.findings.iter().filter(for_it).map(|finding| finding.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}
