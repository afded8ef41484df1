//! `explain`: what a check or a cause means, how to see it by hand, what mends it.

use crate::pipeline::Pipeline;
use crate::report::layout::{columns, kind};
use crate::report::words::fill_with;
use crate::runbook::catalog::{Action, Catalog, Cause, Check, Generator};
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::runbook::signature::Signature;
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
    writeln!(out, "{}\n", format!("check {}", check.id.get_ref()).bold())?;
    rows(20, &about(check, catalog, pipeline), out)?;
    writeln!(out, "\n  by hand")?;
    for command in for_subjects(check, pipeline, &check.by_hand) {
        writeln!(out, "    {command}")?;
    }
    let breaking = broken_by(check, catalog);
    if !breaking.is_empty() {
        writeln!(out, "\n  broken by")?;
        let causes: Vec<(&str, String)> =
            breaking.iter().map(|cause| (cause.id.get_ref().as_str(), cause.title.clone())).collect();
        rows(30, &causes, out)?;
    }
    Ok(())
}

/// What there is to say of a check, each with its label.
pub(super) fn about(check: &Check, catalog: &Catalog, pipeline: &Pipeline) -> Vec<(&'static str, String)> {
    let titles = for_subjects(check, pipeline, &check.title);
    let spec = catalog.fact(check.fact.get_ref());
    let looks_at = spec.map(|spec| format!("{}: {}", check.fact.get_ref(), spec.doc)).unwrap_or_default();
    let needs: Vec<&str> = check.pass_needs.iter().map(|need| need.get_ref().as_str()).collect();
    let mut about = vec![
        ("true when healthy", titles.join("; ")),
        ("step", format!("{} of the runbook", check.step.get_ref())),
        ("looks at", looks_at),
        ("expects", check.expect.get_ref().to_string()),
        ("a failure is", failure(check)),
    ];
    if !needs.is_empty() {
        about.push(("a pass needs", needs.join(", ")));
    }
    if let Some(signature) = signature(check, catalog) {
        about.push(("finds", signature.pattern.0.as_str().to_string()));
        about.extend(signature.matches.iter().take(2).map(|record| ("such as", record.clone())));
        about.extend(signature.misses.iter().take(1).map(|record| ("and not", record.clone())));
    }
    about.extend(of_the_team(check.id.get_ref(), catalog));
    about
}

/// What a team's own rows say of a check or cause.
pub(super) fn of_the_team(id: &str, catalog: &Catalog) -> Vec<(&'static str, String)> {
    let own = catalog.own.get(id).map(|row| match row.replaces {
        true => ("your own row", format!("{}, in the place of the built-in one", row.place)),
        false => ("your own row", row.place.clone()),
    });
    let severity = catalog.overrides.iter().find(|row| row.id.get_ref() == id && row.severity.is_some());
    let severity = severity.map(|_| ("overridden", "its severity is that of an override".to_string()));
    let off = catalog.switched_off(id).map(|off| ("overridden", off.words()));
    let ended = catalog.switched.ended.iter().find(|ended| ended.id == id);
    let ended = ended.map(|row| ("overridden", format!("was {}; that has ended", row.words())));
    own.into_iter().chain(severity).chain(off).chain(ended).collect()
}

/// What a failure of a check means.
pub(super) fn failure(check: &Check) -> String {
    let severity = match check.severity {
        Severity::Error => "a problem (exit code 3)",
        Severity::Warn => "a warning",
        Severity::Note => "no fault by itself: shown beside a cause of the same subject",
    };
    let noisy = if check.noisy { "; it can fail on a healthy pipeline" } else { "" };
    format!("{severity}{noisy}")
}

/// The signature that a check looks for in logs, if it is one of those.
pub(super) fn signature<'a>(check: &Check, catalog: &'a Catalog) -> Option<&'a Signature> {
    catalog.signatures.iter().find(|signature| signature.fact() == *check.fact.get_ref())
}

/// The causes that a check fails of.
pub(super) fn broken_by<'a>(check: &Check, catalog: &'a Catalog) -> Vec<&'a Cause> {
    let id = check.id.get_ref();
    catalog.causes.iter().filter(|cause| links(cause).any(|link| link == id)).collect()
}

/// A template filled for each subject; once, where that is every part of the pipeline.
pub(super) fn for_subjects(check: &Check, pipeline: &Pipeline, template: &str) -> Vec<String> {
    if *check.for_each.get_ref() == Scope::Part {
        return vec![fill_with(
            pipeline,
            template,
            "SERVICE",
            &|part| (part == "SERVICE").then(|| "CONTAINER".into()),
            None,
        )];
    }
    let subjects = check.for_each.get_ref().subjects(pipeline);
    let mut filled: Vec<String> =
        subjects.iter().map(|subject| fill_with(pipeline, template, subject, &|_| None, None)).collect();
    filled.dedup();
    filled
}

fn links(cause: &Cause) -> impl Iterator<Item = &String> {
    let links = cause.always.iter().chain(&cause.usually).chain(&cause.sometimes);
    links.map(|link| link.get_ref())
}

/// Writes what a cause means.
pub fn cause(cause: &Cause, catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("cause {}", cause.id.get_ref()).bold())?;
    let mut about = vec![
        ("what it is", cause.title.clone()),
        ("what it means", cause.means.clone()),
        ("at most", at_most(cause)),
    ];
    about.extend(breaks(cause).into_iter().map(|(word, ids)| (word, ids.join(", "))));
    about.extend(of_the_team(cause.id.get_ref(), catalog));
    rows(16, &about, out)?;
    writeln!(out, "\n  what to do, in order")?;
    let actions: Vec<(&str, String)> =
        cause.actions.iter().map(|action| (kind(action.kind), in_words(action, cause))).collect();
    rows(11, &actions, out)
}

/// How sure one can be of a cause at most, and who says so.
pub(super) fn at_most(cause: &Cause) -> String {
    let source = cause.documented.as_deref().unwrap_or("the tool's own number");
    format!("{} % ({source})", cause.confidence.get_ref())
}

/// The ids that a cause is linked with, by how.
pub(super) fn breaks(cause: &Cause) -> Vec<(&'static str, Vec<&str>)> {
    let links = [
        ("breaks always", &cause.always),
        ("usually", &cause.usually),
        ("sometimes", &cause.sometimes),
        ("stands for", &cause.any_of),
        ("if one fails of", &cause.seen),
    ];
    let links = links.into_iter().filter(|(_, links)| !links.is_empty());
    links.map(|(word, ids)| (word, ids.iter().map(|id| id.get_ref().as_str()).collect())).collect()
}

/// An action for no event in particular.
pub(super) struct Told {
    /// What to do, or what to know of the commands.
    pub say: Option<String>,
    /// The commands, in order.
    pub commands: Vec<String>,
    /// What these commands do not hold.
    pub note: Option<&'static str>,
}

/// What an action of a cause says, for no event in particular.
pub(super) fn told(action: &Action, cause: &Cause) -> Told {
    let say = action.say.as_deref().map(command);
    let commands = match (&action.run, action.generate) {
        (Some(run), _) => vec![command(run)],
        (None, Some(generator)) => generated(generator, cause.id.get_ref()),
        (None, None) => Vec::new(),
    };
    let whole = matches!(action.generate, Some(Generator::StartBrokers | Generator::CreateTopics));
    Told { say, commands, note: whole.then_some("the report prints it whole") }
}

fn command(run: &str) -> String {
    let words = [
        ("{self}", "pipeline-doctor ID"),
        ("{compose}", "docker compose -f docker-compose.yml"),
        ("{psql}", "psql \"$POSTGRES_URL\""),
        ("{psql_as_superuser}", "docker exec -u postgres CONTAINER psql"),
        ("{pid}", "PID"),
        ("{container}", "CONTAINER"),
        ("{subject}", "SERVICE"),
        ("{id}", "ID"),
    ];
    words.iter().fold(run.to_string(), |run, (placeholder, word)| run.replace(placeholder, word))
}

/// What a generator's commands look like before anything was seen.
fn generated(generator: Generator, cause: &str) -> Vec<String> {
    let explain = |rest: &str| format!("pipeline-doctor explain {cause} ID {rest}");
    match generator {
        Generator::ComposeFragment => vec![explain("--yaml > workers.yml")],
        Generator::GroupOffsets => vec![explain("--offsets | sh")],
        Generator::StartBrokers => vec!["docker start CONTAINER".to_string()],
        Generator::CreateTopics => vec![
            "kafka-topics --bootstrap-server \"$KAFKA_BROKERS\" --create --if-not-exists --topic TOPIC \
             --partitions N --replication-factor N"
                .to_string(),
        ],
        Generator::RemoveMarks => {
            vec![
                explain("--sql > marks.sql"),
                "psql \"$POSTGRES_URL\" -v ON_ERROR_STOP=1 < marks.sql".to_string(),
            ]
        }
        Generator::SendRecords => vec![explain("--records | sh")],
    }
}

fn in_words(action: &Action, cause: &Cause) -> String {
    let Told { say, commands, note } = told(action, cause);
    let run = (!commands.is_empty()).then(|| commands.join(", then "));
    let text = [say, run].into_iter().flatten().collect::<Vec<String>>().join(": ");
    note.map_or(text.clone(), |note| format!("{text} ({note})"))
}
