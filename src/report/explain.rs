//! `explain`: what a check or a cause means, how to see it by hand, what mends it.

use super::table::columns;
use super::words::fill_with;
use crate::check::catalog::{Action, ActionKind, Catalog, Cause, Check, Generator, Severity};
use crate::fact::{self, Scope};
use crate::pipeline::Pipeline;
use colored::Colorize;
use std::io::{self, Write};

/// Columns of what is explained.
const WIDTH: u16 = 80;

/// Writes rows of a label and a text, wrapped.
fn rows(label: u16, rows: &[(&str, String)], out: &mut dyn Write) -> io::Result<()> {
    let cells = rows.iter().map(|(label, text)| vec![(*label).to_string(), text.clone()]);
    for line in columns(WIDTH - 2, &[label], cells) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// Writes what a check means.
pub fn check(check: &Check, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let id = check.id.get_ref();
    let titles = for_subjects(check, pipeline, &check.title);
    let spec = fact::spec(check.fact.get_ref());
    let looks_at = spec.map(|spec| format!("{}: {}", check.fact.get_ref(), spec.doc)).unwrap_or_default();
    let severity = match check.severity {
        Severity::Error => "a problem (exit code 3)",
        Severity::Warn => "a warning",
        Severity::Note => "no fault by itself: shown beside a cause of the same subject",
    };
    let noisy = if check.noisy { "; it can fail on a healthy pipeline" } else { "" };
    let needs: Vec<&str> = check.pass_needs.iter().map(|need| need.get_ref().as_str()).collect();
    writeln!(out, "{}\n", format!("check {id}").bold())?;
    let mut about = vec![
        ("true when healthy", titles.join("; ")),
        ("step", format!("{} of the runbook", check.step.get_ref())),
        ("looks at", looks_at),
        ("expects", check.expect.get_ref().to_string()),
        ("a failure is", format!("{severity}{noisy}")),
    ];
    if !needs.is_empty() {
        about.push(("a pass needs", needs.join(", ")));
    }
    let signature = catalog.signatures.iter().find(|signature| signature.fact() == *check.fact.get_ref());
    if let Some(signature) = signature {
        about.push(("finds", signature.pattern.0.as_str().to_string()));
        about.extend(signature.matches.iter().take(2).map(|record| ("such as", record.clone())));
        about.extend(signature.misses.iter().take(1).map(|record| ("and not", record.clone())));
    }
    rows(20, &about, out)?;
    writeln!(out, "\n  by hand")?;
    for command in for_subjects(check, pipeline, &check.by_hand) {
        writeln!(out, "    {command}")?;
    }
    let breaking: Vec<&Cause> =
        catalog.causes.iter().filter(|cause| links(cause).any(|link| link == id)).collect();
    if !breaking.is_empty() {
        writeln!(out, "\n  broken by")?;
        let causes: Vec<(&str, String)> =
            breaking.iter().map(|cause| (cause.id.get_ref().as_str(), cause.title.clone())).collect();
        rows(30, &causes, out)?;
    }
    Ok(())
}

/// A template filled for each subject; once, where that is every part of the pipeline.
fn for_subjects(check: &Check, pipeline: &Pipeline, template: &str) -> Vec<String> {
    if *check.for_each.get_ref() == Scope::Part {
        return vec![fill_with(pipeline, template, "SERVICE", Some("CONTAINER"), None)];
    }
    let subjects = check.for_each.get_ref().subjects(pipeline);
    let mut filled: Vec<String> =
        subjects.iter().map(|subject| fill_with(pipeline, template, subject, None, None)).collect();
    filled.dedup();
    filled
}

fn links(cause: &Cause) -> impl Iterator<Item = &String> {
    let links = cause.always.iter().chain(&cause.usually).chain(&cause.sometimes);
    links.map(|link| link.get_ref())
}

/// Writes what a cause means.
pub fn cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    let source = cause.documented.clone().unwrap_or_else(|| "the tool's own number".to_string());
    writeln!(out, "{}\n", format!("cause {}", cause.id.get_ref()).bold())?;
    let ids = |links: &[toml::Spanned<String>]| {
        links.iter().map(|link| link.get_ref().as_str()).collect::<Vec<_>>().join(", ")
    };
    let mut about = vec![
        ("what it is", cause.title.clone()),
        ("what it means", cause.means.clone()),
        ("at most", format!("{} % ({source})", cause.confidence.get_ref())),
    ];
    let breaks = [
        ("breaks always", &cause.always),
        ("usually", &cause.usually),
        ("sometimes", &cause.sometimes),
        ("stands for", &cause.any_of),
        ("if one fails of", &cause.seen),
    ];
    about.extend(
        breaks.iter().filter(|(_, links)| !links.is_empty()).map(|(word, links)| (*word, ids(links))),
    );
    rows(16, &about, out)?;
    writeln!(out, "\n  what to do, in order")?;
    let actions: Vec<(&str, String)> = cause
        .actions
        .iter()
        .map(|action| (kind(action.kind), in_words(action, cause.id.get_ref())))
        .collect();
    rows(11, &actions, out)
}

/// An action's kind as it is printed.
pub fn kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Mend => "mend",
        ActionKind::ReDrive => "re-drive",
        ActionKind::Prove => "prove",
    }
}

/// An action for no event in particular.
fn in_words(action: &Action, cause: &str) -> String {
    let run = action.run.as_deref().map(|run| {
        let run = run
            .replace("{self}", "pipeline-doctor ID")
            .replace("{compose}", "docker compose -f docker-compose.yml");
        let run = run.replace("{psql}", "psql \"$POSTGRES_URL\"").replace("{pid}", "PID");
        run.replace("{container}", "CONTAINER").replace("{subject}", "SERVICE").replace("{id}", "ID")
    });
    let generated = action.generate.map(|generator| match generator {
        Generator::ComposeFragment => format!("pipeline-doctor explain {cause} ID --yaml > workers.yml"),
        Generator::GroupOffsets => format!("pipeline-doctor explain {cause} ID --offsets | sh"),
        Generator::StartBrokers => "docker start ... (the report prints it whole)".to_string(),
        Generator::CreateTopics => "kafka-topics --create ... (the report prints it whole)".to_string(),
        Generator::RemoveMarks => format!(
            "pipeline-doctor explain {cause} ID --sql > marks.sql, then psql \"$POSTGRES_URL\" < marks.sql"
        ),
        Generator::SendRecords => format!("pipeline-doctor explain {cause} ID --records | sh"),
    });
    let say = action.say.as_deref().map(|say| say.replace("{subject}", "SERVICE"));
    let parts: Vec<String> = [say, run, generated].into_iter().flatten().collect();
    parts.join(": ")
}
