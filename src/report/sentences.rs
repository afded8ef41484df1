//! Shared wording of reports: percentages, times, titles and commands.

use crate::pipeline::Pipeline;
use crate::printed_command::Target;
use crate::printed_command::placeholder_values::PlaceholderValues;
use crate::report::input::ReportInput;
use crate::runbook::catalog::{About, Cause, Check, Step};
use crate::text::template::Template;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Converts a probability to a percentage, never rounding up to 100.
pub fn per_cent(probability: f64) -> u8 {
    // The cast is safe: a probability is between 0 and 1.
    (probability * 100.0).round().clamp(0.0, 99.0) as u8
}

/// Lowercases the first letter, except in acronyms and names.
pub fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() && !starts_with_system_name(text) => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_string(),
    }
}

/// Reports whether text starts with the name of a system, which keeps its capital.
fn starts_with_system_name(text: &str) -> bool {
    ["Kafka", "PostgreSQL", "Docker"].iter().any(|name| text.starts_with(name))
}

/// Formats a time as "10:02:14", adding the date unless it is the day of the observation.
pub fn time(observed_at: Timestamp, at: Timestamp) -> String {
    let same_day = observed_at.strftime("%F").to_string() == at.strftime("%F").to_string();
    at.strftime(if same_day { "%H:%M:%S" } else { "%F %H:%M:%S" }).to_string()
}

/// Formats a time as "10:02", adding the date unless it is the day of the observation.
pub fn minute(observed_at: Timestamp, at: Timestamp) -> String {
    let time = time(observed_at, at);
    time[..time.len() - ":00".len()].to_string()
}

/// Formats a window given in seconds: "24 h", "90 min", "45 s".
pub fn format_window(seconds: u64) -> String {
    match seconds {
        s if s % 3600 == 0 => format!("{} h", s / 3600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

/// Returns the title of a cause. Its subjects are appended unless they are all the workers
/// or each is the only one of its kind.
pub fn cause_title(input: &ReportInput, cause: &Cause, subjects: &[String]) -> String {
    let all = input.pipeline.worker.len().max(2);
    match subjects.is_empty() || subjects.len() >= all || is_only_one_of_its_kind(input, subjects) {
        true => cause.title.clone(),
        false => format!("{}: {}", cause.title, subjects.join(", ")),
    }
}

/// Reports whether each subject is the only one of its kind.
fn is_only_one_of_its_kind(input: &ReportInput, subjects: &[String]) -> bool {
    let pipeline = input.pipeline;
    let role = |name: &String| pipeline.service(name).map(|service| service.role);
    subjects.iter().all(|name| {
        pipeline.brokers() == [name]
            || pipeline.databases() == [name]
            || *name == pipeline.noun.0
            || role(name).is_some_and(|role| pipeline.service.iter().filter(|s| s.role == role).count() == 1)
    })
}

/// Groups checks by step: "step 3: a, b; step 4: c".
pub fn checks_by_step(input: &ReportInput, checks: &[String]) -> String {
    let mut steps: BTreeMap<u8, Vec<&str>> = BTreeMap::new();
    for finding in input.findings.iter().filter(|finding| checks.contains(&finding.check)) {
        steps.entry(finding.step).or_default().push(&finding.check);
    }
    let steps = steps.iter().map(|(step, checks)| format!("step {step}: {}", checks.join(", ")));
    steps.collect::<Vec<_>>().join("; ")
}

/// Returns a step's title, without any SQL quotes around table names.
pub fn step_title(pipeline: &Pipeline, step: &Step) -> String {
    match step.about {
        About::Call if pipeline.call.is_none() => "logs".to_string(),
        _ => PlaceholderValues::new(pipeline, &Target::generic()).sentence(&step.title).replace('"', ""),
    }
}

/// Returns a check's title for a subject.
pub fn title(input: &ReportInput, check: &Check, subject: &str) -> String {
    PlaceholderValues::new(input.pipeline, input.target).about(subject).sentence(&check.title)
}

/// Returns a manual command for the recorded target.
pub fn manual_command(input: &ReportInput, template: &Template, subject: &str) -> String {
    PlaceholderValues::new(input.pipeline, input.target).about(subject).command(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_rounds_up_to_certainty() {
        assert_eq!(per_cent(0.9999), 99);
        assert_eq!(per_cent(0.95), 95);
    }

    #[test]
    fn lowercases_titles_and_formats_windows() {
        assert_eq!(lower_first("Workers not deployed"), "workers not deployed");
        assert_eq!(lower_first("PostgreSQL refuses"), "PostgreSQL refuses");
        assert_eq!(format_window(86_400), "24 h");
        assert_eq!(format_window(90), "90 s");
    }
}
