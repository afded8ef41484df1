//! The written runbook, made from the executable one: Markdown of the pipeline,
//! its steps and its causes.

use super::explain;
use super::gfm::{code, fence, heading, table, text};
use super::words::fill_with;
use crate::check::catalog::{ActionKind, Catalog, Cause, Check, Step};
use crate::cli::exit_codes;
use crate::pipeline::{Call, Harmless, IdForm, Pipeline, Role, Stage, Worker};
use std::cmp::Reverse;
use std::io::{self, Write};

/// Writes the whole runbook. `flags` are those of this run that every command of
/// the tool needs, too.
pub fn runbook(catalog: &Catalog, pipeline: &Pipeline, flags: &str, out: &mut dyn Write) -> io::Result<()> {
    heading(1, &format!("Runbook: {}", text(&pipeline.name)), out)?;
    writeln!(out, "Where a stuck {} is, why, and what sends it on its way again.", text(&pipeline.noun.0))?;
    writeln!(out, "Written by `pipeline-doctor explain --markdown` from what the program checks:")?;
    writeln!(out, "not to be edited, but to be written again.\n")?;
    how_to_ask(pipeline, flags, out)?;
    who_takes_part(pipeline, out)?;
    for step in &catalog.steps {
        the_step(step, catalog, pipeline, out)?;
    }
    diagnostic_lines(pipeline, out)?;
    log_signatures(catalog, pipeline, out)?;
    causes(catalog, out)
}

fn how_to_ask(pipeline: &Pipeline, flags: &str, out: &mut dyn Write) -> io::Result<()> {
    heading(2, "How to ask the tool", out)?;
    let flags = if flags.is_empty() { String::new() } else { format!(" {flags}") };
    let lookups = pipeline.lookup.iter().map(|(word, key)| (format!("trace --{word} X"), key.get_ref()));
    let lookups = lookups.map(|(asked, key)| (asked, format!("the newest ones of this {key}")));
    let asked = [
        ("ID", "all steps, the causes ranked, what to do"),
        ("", "the pipeline as a whole"),
        ("trace ID", "one event, hop by hop"),
        ("trace --stuck", "the newest stuck ones"),
        ("explain NAME", "a check or a cause of this runbook"),
    ];
    let asked = asked.map(|(asked, why)| (asked.to_string(), why.to_string()));
    let commands: Vec<String> = asked
        .into_iter()
        .chain(lookups)
        .map(|(asked, why)| {
            let command = format!("pipeline-doctor {asked}");
            format!("{:<32}  # {why}", format!("{}{flags}", command.trim_end()))
        })
        .collect();
    fence(&commands, 0, out)?;
    let form = match pipeline.id.format {
        IdForm::Uuid => " (a uuid)",
        IdForm::Text => "",
    };
    writeln!(out, "In all commands `ID` is the {}{form};", text(&pipeline.id.name))?;
    writeln!(out, "`SERVICE` and `CONTAINER` are those of the service or worker that it is about.\n")?;
    let codes: Vec<String> =
        exit_codes().map(|(code, means)| format!("**{code}** {}", text(means))).collect();
    writeln!(out, "Exit codes: {}.\n", codes.join("; "))
}

fn who_takes_part(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(2, "Who takes part", out)?;
    services(pipeline, out)?;
    workers(pipeline, out)?;
    topics(pipeline, out)?;
    stages(pipeline, out)?;
    pipeline.call.iter().try_for_each(|call| the_call(call, pipeline, out))
}

fn services(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Services", out)?;
    let rows = pipeline.service.iter().map(|service| {
        let role = match service.role {
            Role::Emitter => "sends the first event",
            Role::Api => "answers the call",
            Role::Broker => "Kafka",
            Role::Database => "PostgreSQL",
        };
        let port = service.port.map(|port| port.to_string()).unwrap_or_default();
        [code(&service.name), role.to_string(), optional(&service.container), port, optional(&service.health)]
    });
    table(["service", "what it is", "container", "port", "health"], &rows.collect::<Vec<_>>(), out)
}

fn workers(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Workers", out)?;
    let rows = pipeline.worker.iter().map(|worker| {
        [code(&worker.name), optional(&worker.container), code(group(worker)), codes(consumed(worker))]
    });
    table(["worker", "container", "group", "topics"], &rows.collect::<Vec<_>>(), out)
}

fn topics(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Topics", out)?;
    let rows = pipeline.topic.iter().map(|of| {
        let partitions = of.partitions.map(|partitions| partitions.to_string()).unwrap_or_default();
        let sending = pipeline.stage.iter().filter(|stage| topic(stage) == of.name);
        let mut emitters: Vec<&str> = sending.map(|stage| stage.emitter.get_ref().as_str()).collect();
        emitters.dedup();
        let readers = pipeline.worker.iter().filter(|worker| worker.consumes(&of.name));
        [code(&of.name), partitions, codes(emitters), codes(readers.map(|worker| worker.name.as_str()))]
    });
    table(["topic", "partitions", "sent to by", "read by"], &rows.collect::<Vec<_>>(), out)?;
    let Some(dead) = &pipeline.dead_letters else { return Ok(()) };
    writeln!(out, "What workers give up goes to the topic {}:", code(&dead.topic))?;
    let who = dead.worker.as_deref().map(|who| format!(", its header {} who gave it up", code(who)));
    writeln!(out, "its header {} says why{}.\n", code(&dead.reason), who.unwrap_or_default())
}

fn stages(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Stages, in order", out)?;
    let rows = pipeline.stage.iter().map(|stage| {
        [
            text(&stage.name),
            code(&stage.event),
            code(topic(stage)),
            code(stage.emitter.get_ref()),
            code(stage.worker.get_ref()),
            code(&stage.effect),
            format!("{} s", stage.grace_s),
        ]
    });
    let head = ["stage", "event", "topic", "emitter", "worker", "effect", "grace"];
    table(head, &rows.collect::<Vec<_>>(), out)?;
    let marks = &pipeline.marks;
    writeln!(
        out,
        "Who has processed what stands in {}: {} has processed",
        code(&marks.table),
        code(&marks.source)
    )?;
    let (event, id, at) = (code(&marks.event_type), code(&marks.id), code(&marks.processed_at));
    writeln!(out, "{event} of {id} at {at}.")?;
    for stage in pipeline.stage.iter().filter(|stage| stage.recorded_by_emitter) {
        let (event, emitter, worker) = (&stage.event, stage.emitter.get_ref(), stage.worker.get_ref());
        writeln!(out, "The emitter {} writes the row of {} itself:", code(emitter), code(event))?;
        writeln!(out, "that row proves neither that the event was sent nor that {} had it.", code(worker))?;
    }
    writeln!(out)?;
    let with_hops = pipeline.stage.iter().filter(|stage| !stage.hops.is_empty());
    let rows: Vec<[String; 2]> = with_hops.map(|stage| [text(&stage.name), way(stage)]).collect();
    table(["stage", "what an event passes there, in order"], &rows, out)
}

fn way(stage: &Stage) -> String {
    let hops: Vec<String> = stage.hops.iter().map(|hop| text(hop.get_ref())).collect();
    hops.join(" → ")
}

fn the_call(call: &Call, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, &format!("The call: {}", text(&call.name)), out)?;
    let service = call.service.get_ref();
    let caller = pipeline.stage(call.stage.get_ref()).map(|stage| stage.worker.get_ref().as_str());
    let caller = code(caller.unwrap_or_default());
    writeln!(
        out,
        "{caller} calls {}, on records that name the event's {}:\n",
        code(service),
        code(&call.key)
    )?;
    let pattern = |pattern: &crate::pipeline::Pattern| code(pattern.0.as_str());
    let mut rows = vec![
        [format!("log of {}: called", code(service)), pattern(&call.logged)],
        [format!("log of {caller}: answered"), pattern(&call.answered)],
        [format!("log of {caller}: answered with what it made"), pattern(&call.answered_well)],
    ];
    rows.extend(call.unanswered.iter().map(|it| [format!("log of {caller}: not answered"), pattern(it)]));
    table(["where", "pattern"], &rows, out)?;
    call.harmless.iter().try_for_each(|harmless| harmless_request(harmless, service, pipeline, out))
}

fn harmless_request(
    harmless: &Harmless,
    service: &str,
    pipeline: &Pipeline,
    out: &mut dyn Write,
) -> io::Result<()> {
    let expected: Vec<String> = harmless
        .expect
        .iter()
        .map(|(pointer, json)| format!("{} is {}", code(pointer), code(json)))
        .collect();
    let expected = expected.join(" and ");
    writeln!(out, "A request that changes nothing; it is good where in its body {expected}:\n")?;
    let keys = harmless.without_event.iter();
    let path =
        keys.fold(harmless.path.clone(), |path, (key, value)| path.replace(&format!("{{{key}}}"), value));
    let port = pipeline.service(service).and_then(|service| service.port);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    fence(&[format!("curl -i 'http://localhost{port}{path}'")], 0, out)
}

fn the_step(step: &Step, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(2, &format!("Step {}: {}", step.step, text(&step.title)), out)?;
    writeln!(out, "By hand:\n")?;
    fence(&[fill_with(pipeline, &step.by_hand, "", None, None)], 0, out)?;
    let of_step = catalog.checks.iter().filter(|check| *check.step.get_ref() == step.step);
    let rows = of_step.filter(|check| explain::signature(check, catalog).is_none()).map(|check| {
        [
            code(check.id.get_ref()),
            below(explain::for_subjects(check, pipeline, &check.title), text),
            below(explain::for_subjects(check, pipeline, &check.by_hand), code),
            explain::failure(check),
        ]
    });
    table(["check", "true when healthy", "by hand", "a failure is"], &rows.collect::<Vec<_>>(), out)
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
    let rows: Vec<_> = starts.chain(lines).collect();
    if rows.is_empty() {
        return Ok(());
    }
    heading(2, "Diagnostic lines", out)?;
    writeln!(out, "What each part should log; of an event, on a record that names its id.\n")?;
    table(["part", "stage", "line", "pattern"], &rows, out)
}

fn log_signatures(catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let found = catalog.checks.iter().filter_map(|check| Some((check, explain::signature(check, catalog)?)));
    let found: Vec<_> = found.collect();
    let Some((first, _)) = found.first() else { return Ok(()) };
    heading(2, "Log signatures", out)?;
    writeln!(out, "Part of step {}, about the log of every part. By hand:\n", first.step.get_ref())?;
    fence(&explain::for_subjects(first, pipeline, &first.by_hand), 0, out)?;
    let rows = found.iter().map(|(check, signature)| {
        let title = below(explain::for_subjects(check, pipeline, &check.title), text);
        [code(check.id.get_ref()), title, code(signature.pattern.0.as_str())]
    });
    table(["check", "true when healthy", "a record that tells of trouble"], &rows.collect::<Vec<_>>(), out)
}

fn causes(catalog: &Catalog, out: &mut dyn Write) -> io::Result<()> {
    let mut causes: Vec<&Cause> = catalog.causes.iter().collect();
    causes.sort_by_key(|cause| (cause.documented.is_none(), Reverse(*cause.confidence.get_ref())));
    heading(2, "Causes", out)?;
    writeln!(out, "The documented ones first, then by how sure one can be of each at most.\n")?;
    let documented = causes.iter().filter(|cause| cause.documented.is_some());
    let rows = documented.map(|cause| {
        let mends = cause.actions.iter().filter(|action| action.kind == ActionKind::Mend);
        let mends = mends.map(|action| explain::told(action, cause));
        let mends = mends.map(|told| {
            told.say.map_or_else(|| codes(told.commands.iter().map(String::as_str)), |say| text(&say))
        });
        let mends: Vec<String> = mends.collect();
        [code(cause.id.get_ref()), text(&cause.title), text(&explain::at_most(cause)), mends.join("<br>")]
    });
    table(["cause", "what it is", "at most", "first of all"], &rows.collect::<Vec<_>>(), out)?;
    causes.into_iter().try_for_each(|cause| the_cause(cause, 3, out))
}

/// Writes a cause alone.
pub fn cause(cause: &Cause, out: &mut dyn Write) -> io::Result<()> {
    the_cause(cause, 1, out)
}

fn the_cause(cause: &Cause, level: usize, out: &mut dyn Write) -> io::Result<()> {
    heading(level, &format!("{}: {}", code(cause.id.get_ref()), text(&cause.title)), out)?;
    writeln!(out, "- at most {}", text(&explain::at_most(cause)))?;
    writeln!(out, "- what it means: {}", text(&cause.means))?;
    for (how, ids) in explain::breaks(cause) {
        writeln!(out, "- {how}: {}", codes(ids))?;
    }
    writeln!(out, "\nWhat to do, in order:\n")?;
    for (i, action) in cause.actions.iter().enumerate() {
        let told = explain::told(action, cause);
        let number = format!("{}. ", i + 1);
        let note = told.note.map(|note| format!("({note})"));
        let words: Vec<String> = told.say.as_deref().map(text).into_iter().chain(note).collect();
        let colon = if words.is_empty() { "" } else { ": " };
        writeln!(out, "{number}**{}**{colon}{}\n", explain::kind(action.kind), words.join(" "))?;
        if !told.commands.is_empty() {
            fence(&told.commands, number.len(), out)?;
        }
    }
    Ok(())
}

/// Writes a check alone.
pub fn check(check: &Check, catalog: &Catalog, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(1, &code(check.id.get_ref()), out)?;
    for (label, value) in explain::about(check, catalog, pipeline) {
        writeln!(out, "- {label}: {}", text(&value))?;
    }
    writeln!(out, "\nBy hand:\n")?;
    fence(&explain::for_subjects(check, pipeline, &check.by_hand), 0, out)?;
    let broken_by = explain::broken_by(check, catalog);
    let rows = broken_by.iter().map(|cause| [code(cause.id.get_ref()), text(&cause.title)]);
    table(["broken by", "what it is"], &rows.collect::<Vec<_>>(), out)
}

fn group(worker: &Worker) -> &str {
    &worker.group
}

fn topic(stage: &Stage) -> &str {
    stage.topic.get_ref()
}

fn consumed(worker: &Worker) -> impl Iterator<Item = &str> {
    worker.topics.iter().map(|topic| topic.get_ref().as_str())
}

fn optional(name: &Option<String>) -> String {
    name.as_deref().map(code).unwrap_or_default()
}

fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(code).collect::<Vec<String>>().join(", ")
}

/// Lines of a cell, each as `shown` shows it.
fn below(lines: Vec<String>, shown: impl Fn(&str) -> String) -> String {
    lines.iter().map(|line| shown(line)).collect::<Vec<String>>().join("<br>")
}
