//! The written runbook, made from the executable one: Markdown of the pipeline,
//! its steps and its causes.

pub mod parts;

use crate::cli::exit_codes;
use crate::pipeline::{IdForm, Pipeline};
use crate::report::explain;
use crate::report::format::gfm::{code, codes, fence, heading, list, paragraph, table, text};
use crate::report::layout::kind;
use crate::report::words::{fill_with, step_title};
use crate::runbook::catalog::{ActionKind, Catalog, Cause, Check, Step};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Writes the whole runbook. `flags` are those of this run that the next one
/// needs, too.
pub fn runbook(catalog: &Catalog, pipeline: &Pipeline, flags: &str, out: &mut dyn Write) -> io::Result<()> {
    heading(1, &format!("Runbook: {}", text(&pipeline.name)), out)?;
    let noun = text(&pipeline.noun.0);
    paragraph(&format!("Where a stuck {noun} is, why, and what sends it on its way again."), out)?;
    let source = "Written by `pipeline-doctor explain --markdown` from what the program checks:\n\
                  not to be edited, but to be written again.";
    paragraph(source, out)?;
    how_to_ask(pipeline, flags, out)?;
    parts::who_takes_part(pipeline, out)?;
    for step in &catalog.steps {
        the_step(step, catalog, pipeline, out)?;
    }
    diagnostic_lines(pipeline, out)?;
    log_signatures(catalog, pipeline, out)?;
    causes(catalog, out)
}

fn how_to_ask(pipeline: &Pipeline, flags: &str, out: &mut dyn Write) -> io::Result<()> {
    heading(2, "How to ask the tool", out)?;
    let asked = [
        ("ID", "all steps, the causes ranked, what to do"),
        ("", "the pipeline as a whole"),
        ("trace ID", "one event, hop by hop"),
        ("trace --stuck", "the newest stuck ones"),
        ("explain NAME", "a check or a cause of this runbook"),
    ];
    let lookups = pipeline.lookup.iter();
    let lookups = lookups.map(|(word, key)| {
        (format!("trace --{word} X"), format!("the newest ones of this {}", key.get_ref()))
    });
    let asked = asked.into_iter().map(|(asked, why)| (asked.to_string(), why.to_string())).chain(lookups);
    let asked: Vec<(String, String)> = asked
        .map(|(asked, why)| (["pipeline-doctor", &asked, flags].join(" "), why))
        .map(|(command, why)| (command.split_whitespace().collect::<Vec<&str>>().join(" "), why))
        .collect();
    let width = asked.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let commands: Vec<String> =
        asked.iter().map(|(command, why)| format!("{command:<width$}  # {why}")).collect();
    fence(&commands, 0, out)?;
    let form = match pipeline.id.format {
        IdForm::Uuid => " (a uuid)",
        IdForm::Ulid => " (a ulid)",
        IdForm::Number => " (a number)",
        IdForm::Text => "",
    };
    let id = text(&pipeline.id.name);
    let stand_for = format!(
        "In all commands `ID` is the {id}{form};\n\
         `SERVICE` and `CONTAINER` are those of the service or worker that it is about."
    );
    paragraph(&stand_for, out)?;
    let codes: Vec<String> =
        exit_codes().map(|(code, means)| format!("**{code}** {}", text(means))).collect();
    paragraph(&format!("Exit codes: {}.", codes.join("; ")), out)
}

fn the_step(step: &Step, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(2, &format!("Step {}: {}", step.step, text(&step_title(pipeline, step))), out)?;
    paragraph("By hand:", out)?;
    fence(&[fill_with(pipeline, &step.by_hand, "", &|_| None, None)], 0, out)?;
    let of_step: Vec<&Check> =
        catalog.checks.iter().filter(|check| *check.step.get_ref() == step.step).collect();
    documented_causes(&of_step, catalog, out)?;
    let own = of_step.into_iter().filter(|check| explain::signature(check, catalog).is_none());
    let rows = own.map(|check| {
        [
            code(check.id.get_ref()),
            below(&explain::for_subjects(check, pipeline, &check.title), text),
            below(&explain::for_subjects(check, pipeline, &check.by_hand), code),
            failure(check, catalog),
        ]
    });
    table(["check", "true when healthy", "by hand", "a failure is"], rows, out)
}

/// What a failure of a check means, if it is judged.
fn failure(check: &Check, catalog: &Catalog) -> String {
    let off = catalog.switched_off(check.id.get_ref());
    off.map_or_else(|| explain::failure(check), |off| text(&off.words()))
}

/// The documented causes that always break some of a step's checks.
fn documented_causes(of_step: &[&Check], catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    let documented = catalog.causes.iter().filter(|cause| cause.documented.is_some());
    let items = documented.filter_map(|cause| {
        let always = cause.always.iter().map(|link| link.get_ref());
        let broken = always.filter(|link| of_step.iter().any(|check| check.id.get_ref() == *link));
        let broken: Vec<&str> = broken.map(String::as_str).collect();
        let (title, id) = (text(&cause.title), code(cause.id.get_ref()));
        let at_most = text(&explain::at_most(cause));
        (!broken.is_empty()).then(|| format!("{title} ({id}), at most {at_most}: {}", codes(broken)))
    });
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        return Ok(());
    }
    paragraph("If not, of the documented causes, each with the checks that fail of it:", out)?;
    list(items, out)
}

fn diagnostic_lines(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let starts = pipeline.worker.iter().filter_map(|worker| {
        let pattern = worker.started.as_ref()?;
        Some([code(&worker.name), String::new(), "start".to_string(), code(pattern.0.as_str())])
    });
    let lines = pipeline.line.iter().map(|line| {
        let pattern = code(line.pattern.0.as_str());
        [code(line.part.get_ref()), text(line.stage.get_ref()), text(&line.name), pattern]
    });
    let rows: Vec<[String; 4]> = starts.chain(lines).collect();
    if rows.is_empty() {
        return Ok(());
    }
    heading(2, "Diagnostic lines", out)?;
    paragraph("What each part should log; of an event, on a record that names its id.", out)?;
    table(["part", "stage", "line", "pattern"], rows, out)
}

fn log_signatures(catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let found = catalog.checks.iter().filter_map(|check| Some((check, explain::signature(check, catalog)?)));
    let found: Vec<_> = found.collect();
    let Some((first, _)) = found.first() else { return Ok(()) };
    heading(2, "Log signatures", out)?;
    paragraph(&format!("Part of step {}, of every part's log. By hand:", first.step.get_ref()), out)?;
    fence(&explain::for_subjects(first, pipeline, &first.by_hand), 0, out)?;
    let rows = found.iter().map(|(check, signature)| {
        let title = below(&explain::for_subjects(check, pipeline, &check.title), text);
        [code(check.id.get_ref()), title, code(signature.pattern.0.as_str())]
    });
    table(["check", "true when healthy", "a record that tells of trouble"], rows, out)
}

fn causes(catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    let mut causes: Vec<&Cause> = catalog.causes.iter().collect();
    causes.sort_by_key(|cause| (cause.documented.is_none(), Reverse(*cause.confidence.get_ref())));
    heading(2, "Causes", out)?;
    paragraph("The documented ones first, then by how sure one can be of each at most.", out)?;
    let documented = causes.iter().filter(|cause| cause.documented.is_some());
    let rows = documented.map(|cause| {
        let at_most = text(&explain::at_most(cause));
        [code(cause.id.get_ref()), text(&cause.title), at_most, mends(cause)]
    });
    table(["cause", "what it is", "at most", "first of all"], rows, out)?;
    causes.into_iter().try_for_each(|cause| the_cause(cause, catalog, 3, out))
}

/// What puts a cause right, in a cell.
fn mends(cause: &Cause) -> String {
    let mends = cause.actions.iter().filter(|action| action.kind == ActionKind::Mend);
    let told = mends.map(|action| explain::told(action, cause));
    let shown = told.flat_map(|told| {
        let commands = told.commands.iter().map(|command| code(command)).collect::<Vec<String>>();
        told.say.as_deref().map(text).into_iter().chain(commands)
    });
    shown.collect::<Vec<String>>().join("<br>")
}

/// Writes a cause alone.
pub fn cause(cause: &Cause, catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    the_cause(cause, catalog, 1, out)
}

fn the_cause(cause: &Cause, catalog: &Catalog, level: usize, out: &mut dyn Write) -> io::Result<()> {
    heading(level, &format!("{}: {}", code(cause.id.get_ref()), text(&cause.title)), out)?;
    let at_most = format!("at most {}", text(&explain::at_most(cause)));
    let means = format!("what it means: {}", text(&cause.means));
    let breaks = explain::breaks(cause).into_iter().map(|(how, ids)| format!("{how}: {}", codes(ids)));
    let of_the_team = explain::of_the_team(cause.id.get_ref(), catalog).into_iter();
    let of_the_team = of_the_team.map(|(label, value)| format!("{label}: {}", text(&value)));
    list([at_most, means].into_iter().chain(breaks).chain(of_the_team), out)?;
    paragraph("What to do, in order:", out)?;
    for (i, action) in cause.actions.iter().enumerate() {
        let told = explain::told(action, cause);
        let number = format!("{}. ", i + 1);
        let note = told.note.map(|note| format!(" ({note})")).unwrap_or_default();
        let say = told.say.map(|say| format!(": {}", text(&say))).unwrap_or_default();
        paragraph(&format!("{number}**{}**{note}{say}", kind(action.kind)), out)?;
        if !told.commands.is_empty() {
            fence(&told.commands, number.len(), out)?;
        }
    }
    Ok(())
}

/// Writes a check alone.
pub fn check(check: &Check, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(1, &code(check.id.get_ref()), out)?;
    let about = explain::about(check, catalog, pipeline).into_iter();
    list(about.map(|(label, value)| format!("{label}: {}", text(&value))), out)?;
    paragraph("By hand:", out)?;
    fence(&explain::for_subjects(check, pipeline, &check.by_hand), 0, out)?;
    let broken_by = explain::broken_by(check, catalog).into_iter();
    let rows = broken_by.map(|cause| [code(cause.id.get_ref()), text(&cause.title)]);
    table(["broken by", "what it is"], rows, out)
}

/// Lines of a cell, each as `shown` shows it.
fn below(lines: &[String], shown: impl Fn(&str) -> String) -> String {
    lines.iter().map(|line| shown(line)).collect::<Vec<String>>().join("<br>")
}
