//! Sentences: plurals, lists, times, and what a finding says in words.

use crate::cli::{address_variable, quoted};
use crate::judge::{Finding, Instance, Verdict};
use crate::pipeline::Pipeline;
use crate::report::material::Material;
use crate::report::placeholders;
use crate::runbook::catalog::{About, Cause, Check, Step};
use crate::runbook::scope::Scope;
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
        _ => fill_with(pipeline, &step.title, "", &|_| None, None).replace('"', ""),
    }
}

/// A check's title about a subject.
pub fn title(material: &Material, check: &Check, subject: &str) -> String {
    fill(material, &check.title, subject)
}

/// Fills the placeholders of titles and of commands by hand, with what was seen.
pub fn fill(material: &Material, template: &str, subject: &str) -> String {
    let container =
        |part: &str| material.situation.workloads.known(part).map(|container| container.name.clone());
    fill_with(material.pipeline, template, subject, &container, material.situation.asked.id)
}

/// The same with containers' names by service or worker, and an id, if there are any.
pub fn fill_with(
    pipeline: &Pipeline,
    template: &str,
    subject: &str,
    seen: &dyn Fn(&str) -> Option<String>,
    id: Option<&str>,
) -> String {
    let container = |part: &str| {
        let declared = pipeline.parts().find(|(name, _)| *name == part).and_then(|(_, container)| container);
        seen(part).unwrap_or_else(|| declared.unwrap_or(part).to_string())
    };
    // It stands within quotes of SQL and shell: what is more than a word is not put there.
    let id = id.filter(|id| quoted(id) == **id).unwrap_or("ID");
    let mut values = placeholders::of_pipeline(pipeline, &container);
    placeholders::of_service(pipeline, subject, &mut values);
    placeholders::of_broker(pipeline, subject, &container, &mut values);
    values.insert("{subject}", subject.to_string());
    values.insert("{container}", container(subject));
    values.insert("{id}", id.to_string());
    if let Some(worker) = pipeline.worker(subject) {
        values.insert("{group}", worker.group_name().to_string());
    }
    if let Some(stage) = pipeline.stage.iter().find(|stage| pipeline.stage_subject(stage) == subject) {
        let one_line: Vec<&str> = stage.sql.split_whitespace().collect();
        values.insert("{sql}", format!("select * from ({}) rows where id = '{id}'", one_line.join(" ")));
        values.insert("{effect_url}", address_variable(stage.database()));
        values.insert("{event}", stage.event.clone());
        values.insert("{effect}", stage.effect.clone());
        values.insert("{topic}", stage.topic_name().to_string());
    }
    values.iter().fold(template.to_string(), |text, (placeholder, value)| text.replace(placeholder, value))
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
    fn an_id_never_ends_the_quotes_that_it_stands_in() {
        let text = include_str!("../../tests/support/shop.toml").into();
        let source = crate::input::Source { name: "shop.toml".into(), text };
        let pipeline = Pipeline::read(&source, &mut Vec::new()).unwrap();
        let filled = |id| fill_with(&pipeline, "select '{id}' from {marks}", "", &|_| None, Some(id));
        assert_eq!(filled("ORD-1"), "select 'ORD-1' from done");
        for wrong in ["x'; drop table y; --", "$(reboot)", "{marks}", "a b"] {
            assert_eq!(filled(wrong), "select 'ID' from done");
        }
    }

    #[test]
    fn every_placeholder_is_filled() {
        let text = include_str!("../../tests/support/shop.toml").into();
        let source = crate::input::Source { name: "shop.toml".into(), text };
        let pipeline = Pipeline::read(&source, &mut Vec::new()).unwrap();
        let worker = pipeline.stage_subject(&pipeline.stage[0]);
        for placeholder in crate::runbook::lint::placeholders::BY_HAND.map(|word| format!("{{{word}}}")) {
            let filled = fill_with(&pipeline, &placeholder, &worker, &|_| None, Some("7"));
            assert_ne!(filled, placeholder);
        }
    }

    #[test]
    fn small_things_read_well() {
        assert_eq!(lower_first("Workers not deployed"), "workers not deployed");
        assert_eq!(lower_first("PostgreSQL refuses"), "PostgreSQL refuses");
        assert_eq!(length(86_400), "24 h");
        assert_eq!(length(90), "90 s");
    }
}
