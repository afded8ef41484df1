//! What could not be looked at, and what that leaves open.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::evidence::{Evidence, Seen, Why, WhyKind};
use crate::judge::{Finding, Verdict};
use crate::report::material::Material;
use crate::report::model::Unseen;
use crate::runbook::catalog::{About, Step};
use crate::runbook::severity::Severity;

/// Systems that the runbook needs and that nobody told the address of: what is
/// not looked at for want of an address is no proof of health.
pub(super) fn missing_systems<'a>(material: &Material<'a>) -> Vec<(String, &'a Why)> {
    let evidence = material.situation.evidence;
    let brokers = evidence.brokers.iter().map(|(name, broker)| (kafka_called(name), not_asked(broker)));
    let runtimes = evidence.runtimes.values().map(|runtime| ("Docker".to_string(), not_asked(runtime)));
    let database = evidence.databases.get(MAIN_DATABASE);
    let database = database.map(|database| ("PostgreSQL".to_string(), not_asked(database)));
    let systems = runtimes.chain(brokers).chain(database);
    systems.filter_map(|(name, why)| Some((name, why?))).collect()
}

/// "Kafka"; of a further broker "Kafka (mail)".
fn kafka_called(broker: &str) -> String {
    match broker {
        MAIN_BROKER => "Kafka".to_string(),
        name => format!("Kafka ({name})"),
    }
}

fn not_asked<T>(seen: &Seen<T>) -> Option<&Why> {
    match seen {
        Seen::NotAsked(why) if why.kind != WhyKind::NoPart => Some(why),
        _ => None,
    }
}

/// The systems that were not seen, then whatever else was not.
pub(super) fn unseen(material: &Material) -> Vec<Unseen> {
    let evidence = material.situation.evidence;
    let mut unseen: Vec<Unseen> = Vec::new();
    let mut system = |name: &str, why: Option<&Why>| {
        if let Some(why) = why {
            let steps = steps_open(material, &why.words());
            unseen.push(Unseen { system: name.to_string(), why: why.words(), steps, passes: false });
        }
    };
    fn why<T>(seen: &Seen<T>) -> Option<&Why> {
        match seen {
            Seen::Unknown(why) => Some(why),
            _ => None,
        }
    }
    system("compose file", why(&evidence.declared));
    system("Docker", why(&evidence.runtime()));
    for (name, broker) in &evidence.brokers {
        system(&kafka_called(name), why(broker));
    }
    system("PostgreSQL", why(&evidence.main_database()));
    system("HTTP", why(&evidence.http));
    // Without Docker there are none.
    system("logs", of_all_logs(evidence).filter(|why| evidence.runtime().why() != Some(*why)));
    for (name, why) in missing_systems(material) {
        system(&name, Some(why));
    }
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

/// The reason that none of the logs was seen, if they share one.
fn of_all_logs(evidence: &Evidence) -> Option<&Why> {
    let mut whys = evidence.logs.values().map(Seen::why);
    let first = whys.next()??;
    whys.all(|why| why == Some(first)).then_some(first)
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
