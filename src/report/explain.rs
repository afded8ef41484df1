//! Renders `explain`: what a check or cause means, how to check it by hand and how to fix it.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::base::visible_text::visible;
use crate::pipeline::Pipeline;
use crate::printed_command::placeholder_values::PlaceholderValues;
use crate::printed_command::{Command, Process, Target, docker, kafka, pipeline_doctor, postgres, shell};
use crate::report::terminal::{action_label, columns};
use crate::runbook::catalog::{Action, Catalog, Cause, Check, Generator};
use crate::runbook::log_signature::Signature;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use colored::Colorize;
use std::io::{self, Write};

/// The width of an explanation in columns.
const WIDTH: u16 = 80;

/// Writes rows of a label and its text, wrapped to the width.
fn write_rows(label_width: u16, rows: &[(&str, String)], out: &mut dyn Write) -> io::Result<()> {
    let cells = rows.iter().map(|(label, text)| vec![(*label).to_string(), text.clone()]);
    for line in columns(WIDTH - 2, &[label_width], cells) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

/// Explains a check.
pub fn check(check: &Check, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("check {}", check.id.get_ref()).bold())?;
    write_rows(20, &about(check, catalog, pipeline), out)?;
    writeln!(out, "\n  by hand")?;
    for line in by_hand(check, pipeline).iter().flat_map(|command| command.split('\n')) {
        writeln!(out, "    {}", visible(line))?;
    }
    let breaking = broken_by(check, catalog);
    if !breaking.is_empty() {
        writeln!(out, "\n  broken by")?;
        let causes: Vec<(&str, String)> =
            breaking.iter().map(|cause| (cause.id.get_ref().as_str(), cause.title.clone())).collect();
        write_rows(30, &causes, out)?;
    }
    Ok(())
}

/// Describes a check as rows of a label and its text.
pub(super) fn about(check: &Check, catalog: &Catalog, pipeline: &Pipeline) -> Vec<(&'static str, String)> {
    let titles = titles(check, pipeline);
    let spec = catalog.fact(check.fact.get_ref());
    let fact = spec.map(|spec| format!("{}: {}", check.fact.get_ref(), spec.doc)).unwrap_or_default();
    let needs: Vec<&str> = check.pass_needs.iter().map(|need| need.get_ref().as_str()).collect();
    let mut about = vec![
        ("true when healthy", titles.join("; ")),
        ("step", format!("{} of the runbook", check.step.get_ref())),
        ("reads", fact),
        ("expects", check.expect.get_ref().to_string()),
        ("a failure is", failure(check)),
    ];
    if !needs.is_empty() {
        about.push(("a pass needs", needs.join(", ")));
    }
    if let Some(signature) = signature(check, catalog) {
        about.extend(signature.matchers(MAX_NAMES));
        about.extend(signature.matches.iter().take(2).map(|record| ("example", record.clone())));
        about.extend(signature.misses.iter().take(1).map(|record| ("does not match", record.clone())));
    }
    about.extend(custom_row_notes(check.id.get_ref(), catalog));
    about
}

/// Describes how custom rows and overrides change a check or cause.
pub(super) fn custom_row_notes(id: &str, catalog: &Catalog) -> Vec<(&'static str, String)> {
    let custom = catalog.custom_rows.get(id).map(|row| match row.replaces {
        true => ("custom row", format!("{} (replaces the built-in row)", row.place)),
        false => ("custom row", row.place.clone()),
    });
    let severity = catalog.overrides.iter().find(|row| row.id.get_ref() == id && row.severity.is_some());
    let severity = severity.map(|_| ("overridden", "an override sets its severity".to_string()));
    let switched_off = catalog.switched_off(id).map(|switched_off| ("overridden", switched_off.describe()));
    let expired = catalog.switched.expired.iter().find(|expired| expired.id == id);
    let expired =
        expired.map(|row| ("overridden", format!("was {}; the override has expired", row.describe())));
    custom.into_iter().chain(severity).chain(switched_off).chain(expired).collect()
}

/// Describes how serious a failure of a check is.
pub(super) fn failure(check: &Check) -> String {
    let severity = match check.severity {
        Severity::Error => "a problem (exit code 3)",
        Severity::Warn => "a warning",
        Severity::Note => "not a fault, but context for a cause with the same subject",
    };
    let noisy = if check.noisy { "; it can fail on a healthy pipeline" } else { "" };
    format!("{severity}{noisy}")
}

/// Most names of each kind that a log signature's explanation lists.
pub(super) const MAX_NAMES: usize = 12;

/// Returns the log signature that a check searches for, if it has one.
pub(super) fn signature<'a>(check: &Check, catalog: &'a Catalog) -> Option<&'a Signature> {
    catalog.signatures.iter().find(|signature| signature.fact() == *check.fact.get_ref())
}

/// Returns the causes that break a check.
pub(super) fn broken_by<'a>(check: &Check, catalog: &'a Catalog) -> Vec<&'a Cause> {
    let id = check.id.get_ref();
    catalog.causes.iter().filter(|cause| linked_checks(cause).any(|link| link == id)).collect()
}

/// Renders a check's text for each subject, or once if the check covers every component.
fn for_subjects(
    check: &Check,
    pipeline: &Pipeline,
    message: impl Fn(&PlaceholderValues) -> String,
) -> Vec<String> {
    let target = Target::generic();
    let values = PlaceholderValues::new(pipeline, &target);
    if *check.for_each.get_ref() == Scope::Component {
        return vec![message(&values)];
    }
    let subjects = check.for_each.get_ref().subjects(pipeline);
    let mut texts: Vec<String> = subjects.iter().map(|subject| message(&values.about(subject))).collect();
    texts.dedup();
    texts
}

/// Returns the titles of a check, one per subject.
pub(super) fn titles(check: &Check, pipeline: &Pipeline) -> Vec<String> {
    for_subjects(check, pipeline, |values| values.sentence(&check.title))
}

/// Returns the manual commands of a check, one per subject.
pub(super) fn by_hand(check: &Check, pipeline: &Pipeline) -> Vec<String> {
    for_subjects(check, pipeline, |values| values.command(&check.by_hand))
}

fn linked_checks(cause: &Cause) -> impl Iterator<Item = &String> {
    let links = cause.always.iter().chain(&cause.usually).chain(&cause.sometimes);
    links.map(|link| link.get_ref())
}

/// Explains a cause.
pub fn cause(cause: &Cause, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}\n", format!("cause {}", cause.id.get_ref()).bold())?;
    let mut about = vec![
        ("what it is", cause.title.clone()),
        ("what it means", cause.means.clone()),
        ("at most", at_most(cause)),
    ];
    about.extend(breaks(cause).into_iter().map(|(word, ids)| (word, ids.join(", "))));
    about.extend(custom_row_notes(cause.id.get_ref(), catalog));
    write_rows(16, &about, out)?;
    writeln!(out, "\n  what to do, in order")?;
    let actions = cause.actions.iter();
    let actions = actions.map(|action| (action_label(action.kind), describe(action, cause, pipeline)));
    write_rows(11, &actions.collect::<Vec<(&str, String)>>(), out)
}

/// Returns a cause's maximum confidence and the source of that number.
pub(super) fn at_most(cause: &Cause) -> String {
    let source = cause.documented.as_deref().unwrap_or("estimated by the tool");
    format!("{} % ({source})", cause.confidence.get_ref())
}

/// Returns the ids that a cause refers to, grouped by kind of link.
pub(super) fn breaks(cause: &Cause) -> Vec<(&'static str, Vec<&str>)> {
    let links = [
        ("always breaks", &cause.always),
        ("usually", &cause.usually),
        ("sometimes", &cause.sometimes),
        ("group of", &cause.any_of),
        ("if any failed", &cause.seen),
        ("unless explained by", &cause.unless_seen),
    ];
    let links = links.into_iter().filter(|(_, links)| !links.is_empty());
    links.map(|(word, ids)| (word, ids.iter().map(|id| id.get_ref().as_str()).collect())).collect()
}

/// An action that is not specific to one event.
pub(super) struct GeneralAction {
    /// The instruction, or a note on the commands.
    pub message: Option<String>,
    /// The commands, in order.
    pub commands: Vec<String>,
    /// Where the complete commands are printed, if they are abbreviated here.
    pub note: Option<&'static str>,
}

/// Renders a cause's action in a form that is not specific to one event.
pub(super) fn general_action(action: &Action, cause: &Cause, pipeline: &Pipeline) -> GeneralAction {
    let target = Target::generic();
    let values = PlaceholderValues::new(pipeline, &target);
    let message = action.message.as_ref().map(|message| values.sentence(message));
    let commands = match (&action.run, action.generate) {
        (Some(run), _) => vec![values.command(run)],
        (None, Some(generator)) => {
            example_commands(generator, cause.id.get_ref(), &target).iter().map(shell::line).collect()
        }
        (None, None) => Vec::new(),
    };
    let printed_in_full = matches!(
        action.generate,
        Some(
            Generator::StartBrokers
                | Generator::StartReplicas
                | Generator::CreateTopics
                | Generator::AbortTransactions
        )
    );
    GeneralAction { message, commands, note: printed_in_full.then_some("the report prints it in full") }
}

/// Returns a generator's commands with placeholders in capitals.
fn example_commands(generator: Generator, cause: &str, target: &Target) -> Vec<Command> {
    let explain = |flag: &str| pipeline_doctor::explain_cause(target, cause, flag).command();
    match generator {
        Generator::ComposeFragment => vec![explain("--yaml").write("workers.yml")],
        Generator::GroupOffsets => vec![explain("--offsets").pipe(Process::new("sh"))],
        Generator::StartBrokers => vec![docker::start(target, ["CONTAINER"]).command()],
        Generator::CreateTopics => {
            vec![kafka::create_topic(target, MAIN_BROKER, "TOPIC", "N", "N").command()]
        }
        Generator::StartReplicas => vec![docker::start(target, ["CONTAINER"]).command()],
        Generator::AbortTransactions => {
            vec![kafka::abort_transaction(target, MAIN_BROKER, "TOPIC", "N", "N").command()]
        }
        Generator::RemoveMarks => {
            vec![explain("--sql").write("marks.sql"), postgres::run_file(target, MAIN_DATABASE, "marks.sql")]
        }
        Generator::SendRecords => vec![explain("--records").pipe(Process::new("sh"))],
    }
}

fn describe(action: &Action, cause: &Cause, pipeline: &Pipeline) -> String {
    let GeneralAction { message, commands, note } = general_action(action, cause, pipeline);
    let run = (!commands.is_empty()).then(|| commands.join(", then "));
    let text = [message, run].into_iter().flatten().collect::<Vec<String>>().join(": ");
    note.map_or(text.clone(), |note| format!("{text} ({note})"))
}
