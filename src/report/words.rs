//! Sentences: plurals, lists, times, and what a finding says in words.

use crate::command::Target;
use crate::command::values::Values;
use crate::judge::{Finding, Instance, Verdict};
use crate::pipeline::Pipeline;
use crate::report::material::Material;
use crate::runbook::catalog::{About, Cause, Check, Step};
use crate::runbook::scope::Scope;
use crate::text::template::Template;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// How many different observations a sentence names.
const NAMED: usize = 3;

/// A probability in per cent, never rounded up to certainty.
pub fn per_cent(probability: f64) -> u8 {
    // In range by construction: a probability is between 0 and 1.
    (probability * 100.0).round().clamp(0.0, 99.0) as u8
}

/// The first letter small, unless the word is an acronym.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && !is_name(text) => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_string(),
    }
}

/// Names keep their capital.
fn is_name(text: &str) -> bool {
    ["Kafka", "PostgreSQL", "Docker"].iter().any(|name| text.starts_with(name))
}

/// "10:02:14", with the day where it is not that of `taken`.
pub fn time(taken: Timestamp, at: Timestamp) -> String {
    let same_day = taken.strftime("%F").to_string() == at.strftime("%F").to_string();
    at.strftime(if same_day { "%H:%M:%S" } else { "%F %H:%M:%S" }).to_string()
}

/// "10:02", with the day where it is not that of `taken`.
pub fn minute(taken: Timestamp, at: Timestamp) -> String {
    let time = time(taken, at);
    time[..time.len() - ":00".len()].to_string()
}

/// "24 h", "90 min", "45 s".
pub fn length(seconds: u64) -> String {
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// The title of a cause, with its subjects where it is about some of several.
pub fn cause_title(material: &Material, cause: &Cause, subjects: &[String]) -> String {
    let all = material.pipeline.worker.len().max(2);
    match subjects.is_empty() || subjects.len() >= all || is_only_one(material, subjects) {
        true => cause.title.clone(),
        false => format!("{}: {}", cause.title, subjects.join(", ")),
    }
}

/// A subject that is the only one of its kind needs no naming.
fn is_only_one(material: &Material, subjects: &[String]) -> bool {
    let pipeline = material.pipeline;
    let role = |name: &String| pipeline.service(name).map(|service| service.role);
    subjects.iter().all(|name| {
        pipeline.brokers() == [name]
            || pipeline.databases() == [name]
            || *name == pipeline.noun.0
            || role(name).is_some_and(|role| pipeline.service.iter().filter(|s| s.role == role).count() == 1)
    })
}

/// What a finding says: what was observed, and of whom; of the failed instances
/// where it failed, of the unseen ones where it was not seen. Where some of them
/// are `about` those, of them alone.
pub fn sentence(material: &Material, check: &Check, finding: &Finding, about: &[String]) -> String {
    let mut telling: Vec<&Instance> = finding.instances.iter().filter(|i| tells(finding, i)).collect();
    if telling.iter().any(|instance| about.contains(&instance.subject)) {
        telling.retain(|instance| about.contains(&instance.subject));
    }
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for instance in &telling {
        let observed = instance.said();
        match groups.iter_mut().find(|(said, _)| *said == observed) {
            Some((_, subjects)) => subjects.push(&instance.subject),
            None => groups.push((observed, vec![&instance.subject])),
        }
    }
    let hidden = groups.len().saturating_sub(NAMED);
    let mut parts: Vec<String> = groups
        .iter()
        .take(NAMED)
        .map(|(observed, subjects)| match (subjects.len(), finding.instances.len()) {
            (1, 1) => title_or(material, check, subjects[0], finding, observed),
            (n, all) if n == all => format!("all {n} {}: {observed}", plural(check)),
            _ => format!("{}: {observed}", subjects.join(", ")),
        })
        .collect();
    if hidden > 0 {
        parts.push(format!("and {hidden} more"));
    }
    parts.join("; ")
}

/// What a check is asked of, in the plural.
fn plural(check: &Check) -> &'static str {
    match check.for_each.get_ref() {
        Scope::Worker => "workers",
        Scope::Emitter | Scope::Api | Scope::Broker | Scope::Database => "services",
        Scope::Topic => "topics",
        Scope::Stage => "stages",
        Scope::Event => "events",
        Scope::Part => "parts",
        Scope::System => "systems",
    }
}

/// The only instance: what was observed; of a pass or an unseen one what it is about.
fn title_or(material: &Material, check: &Check, subject: &str, finding: &Finding, observed: &str) -> String {
    match finding.verdict {
        Verdict::Unknown(_) | Verdict::Blocked(_) => {
            format!("{} ({observed})", title(material, check, subject))
        }
        _ => format!("{subject}: {observed}"),
    }
}

fn tells(finding: &Finding, instance: &Instance) -> bool {
    match finding.verdict {
        Verdict::Fail => instance.verdict == Verdict::Fail,
        Verdict::Unknown(_) | Verdict::Blocked(_) => {
            matches!(instance.verdict, Verdict::Unknown(_) | Verdict::Blocked(_))
        }
        _ => true,
    }
}

/// Checks by their steps: "step 3: a, b; step 4: c".
pub fn by_step(material: &Material, checks: &[String]) -> String {
    let mut steps: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for finding in material.findings.iter().filter(|finding| checks.contains(&finding.check)) {
        steps.entry(finding.step).or_default().push(&finding.check);
    }
    let steps = steps.iter().map(|(step, checks)| format!("step {step}: {}", checks.join(", ")));
    steps.collect::<Vec<_>>().join("; ")
}

/// A step's title. A table's name may be in SQL's quotes.
pub fn step_title(pipeline: &Pipeline, step: &Step) -> String {
    match step.about {
        About::Call if pipeline.call.is_none() => "logs".to_string(),
        _ => Values::new(pipeline, &Target::in_general()).sentence(&step.title).replace('"', ""),
    }
}

/// A check's title about a subject.
pub fn title(material: &Material, check: &Check, subject: &str) -> String {
    Values::new(material.pipeline, material.target).about(subject).sentence(&check.title)
}

/// A command by hand, for what was seen.
pub fn command(material: &Material, template: &Template, subject: &str) -> String {
    Values::new(material.pipeline, material.target).about(subject).command(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certainty_is_never_claimed() {
        assert_eq!(per_cent(0.9999), 99);
        assert_eq!(per_cent(0.95), 95);
    }

    #[test]
    fn small_things_read_well() {
        assert_eq!(lower_first("Workers not deployed"), "workers not deployed");
        assert_eq!(lower_first("PostgreSQL refuses"), "PostgreSQL refuses");
        assert_eq!(length(86_400), "24 h");
        assert_eq!(length(90), "90 s");
    }
}
