//! Renders the pipeline section of the runbook: services, workers, topics, stages and the call.

use crate::pipeline::{Call, Harmless, Pattern, Pipeline, Role, Stage, Worker};
use crate::printed_command::{http, shell};
use crate::report::format::gfm::{code, codes, fence, heading, paragraph, table, text};
use std::io::{self, Write};

/// Writes the components, topics and stages that the pipeline declares.
pub(crate) fn components_and_topics(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(2, "Components and topics", out)?;
    services(pipeline, out)?;
    workers(pipeline, out)?;
    topics(pipeline, out)?;
    stages(pipeline, out)?;
    marks(pipeline, out)?;
    pipeline.call.iter().try_for_each(|call| call_section(call, pipeline, out))
}

fn services(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Services", out)?;
    let rows = pipeline.service.iter().map(|service| {
        let role = match service.role {
            Role::Emitter => "emits the first event",
            Role::Api => "answers the call",
            Role::Broker => "Kafka",
            Role::Database => "PostgreSQL",
        };
        let port = service.port.map(|port| port.to_string()).unwrap_or_default();
        [code(&service.name), role.to_string(), optional(&service.container), port, optional(&service.health)]
    });
    table(["service", "what it is", "container", "port", "health"], rows, out)
}

fn workers(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, "Workers", out)?;
    let rows = pipeline.worker.iter().map(|worker| {
        let consumed = worker.topics.iter().map(|topic| topic.get_ref().as_str());
        [code(&worker.name), optional(&worker.container), code(group(worker)), codes(consumed)]
    });
    table(["worker", "container", "group", "topics"], rows, out)
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
    table(["topic", "partitions", "producers", "consumers"], rows, out)?;
    let Some(dead) = &pipeline.dead_letters else { return Ok(()) };
    let worker = dead.worker.as_deref();
    let worker = worker.map(|header| format!(", the header {} the worker", code(header)));
    let (topic, reason, worker) = (code(&dead.topic), code(&dead.reason), worker.unwrap_or_default());
    let text = format!(
        "Workers send failed records to the dead letter topic {topic}.\n\
         The header {reason} holds the reason{worker}."
    );
    paragraph(&text, out)
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
    table(head, rows, out)?;
    let with_hops = pipeline.stage.iter().filter(|stage| !stage.hops.is_empty());
    let rows = with_hops.map(|stage| {
        let hops: Vec<String> = stage.hops.iter().map(|hop| text(hop.get_ref())).collect();
        [text(&stage.name), hops.join(" → ")]
    });
    table(["stage", "hops, in order"], rows, out)
}

fn marks(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let Some(marks) = &pipeline.marks else { return Ok(()) };
    let columns = format!(
        "Each row of the table {} marks an event as processed: {} processed {}\nfor {} at {}.",
        code(&marks.table),
        code(&marks.source),
        code(&marks.event_type),
        code(&marks.id),
        code(&marks.processed_at)
    );
    paragraph(&columns, out)?;
    let recorded = pipeline.stage.iter().filter(|stage| stage.recorded_by_emitter).map(|stage| {
        format!(
            "The emitter {} writes the row of {} itself, so that row proves neither\n\
             that the event was sent nor that {} received it.",
            code(stage.emitter.get_ref()),
            code(&stage.event),
            code(stage.worker.get_ref())
        )
    });
    paragraph(&recorded.collect::<Vec<String>>().join("\n"), out)
}

fn call_section(call: &Call, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, &format!("The call: {}", text(&call.name)), out)?;
    let service = call.service.get_ref();
    let caller = pipeline.stage(call.stage.get_ref()).map(|stage| stage.worker.get_ref().as_str());
    let (caller, called) = (code(caller.unwrap_or_default()), code(service));
    paragraph(&format!("{caller} calls {called}. Their logs record the call:"), out)?;
    let logged = format!("{called}, in a record that contains the event's {}", code(&call.key));
    let answered = format!("{caller}, in a record that contains the id");
    let row =
        |log: &str, meaning: &str, pattern: &Pattern| [log.into(), meaning.into(), code(pattern.0.as_str())];
    let mut rows = vec![
        row(&logged, "called", &call.logged),
        row(&answered, "answered", &call.answered),
        row(&answered, "answered successfully, with the result", &call.answered_well),
    ];
    rows.extend(call.unanswered.iter().map(|pattern| row(&answered, "not answered", pattern)));
    table(["log of", "meaning", "pattern"], rows, out)?;
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
    paragraph(&format!("This request has no side effects. In a correct response body, {expected}."), out)?;
    let path = http::path_without_event(harmless);
    let port = pipeline.service(service).and_then(|service| service.port);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    fence(&[shell::process(&http::get(&format!("http://localhost{port}{path}")))], 0, out)
}

fn group(worker: &Worker) -> &str {
    worker.group_name()
}

fn topic(stage: &Stage) -> &str {
    stage.topic_name()
}

fn optional(name: &Option<String>) -> String {
    name.as_deref().map(code).unwrap_or_default()
}
