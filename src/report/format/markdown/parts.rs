//! Who takes part in the pipeline: services, workers, topics, stages, the call.

use crate::pipeline::{Call, Harmless, Pattern, Pipeline, Role, Stage, Worker};
use crate::report::format::gfm::{code, codes, fence, heading, paragraph, table, text};
use std::io::{self, Write};

/// Writes what the pipeline declares.
pub(crate) fn who_takes_part(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(2, "Who takes part", out)?;
    services(pipeline, out)?;
    workers(pipeline, out)?;
    topics(pipeline, out)?;
    stages(pipeline, out)?;
    marks(pipeline, out)?;
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
    table(["topic", "partitions", "sent to by", "read by"], rows, out)?;
    let Some(dead) = &pipeline.dead_letters else { return Ok(()) };
    let who = dead.worker.as_deref().map(|who| format!(", its header {} who gave it up", code(who)));
    let (topic, reason, who) = (code(&dead.topic), code(&dead.reason), who.unwrap_or_default());
    let dead = format!("What workers give up goes to the topic {topic}:\nits header {reason} says why{who}.");
    paragraph(&dead, out)
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
    table(["stage", "what an event passes there, in order"], rows, out)
}

fn marks(pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    let Some(marks) = &pipeline.marks else { return Ok(()) };
    let said = format!(
        "Who has processed what stands in the table {}:\n{} has processed {} of {} at {}.",
        code(&marks.table),
        code(&marks.source),
        code(&marks.event_type),
        code(&marks.id),
        code(&marks.processed_at)
    );
    paragraph(&said, out)?;
    let recorded = pipeline.stage.iter().filter(|stage| stage.recorded_by_emitter).map(|stage| {
        format!(
            "The emitter {} writes the row of {} itself: that row proves neither\n\
             that the event was sent nor that {} has had it.",
            code(stage.emitter.get_ref()),
            code(&stage.event),
            code(stage.worker.get_ref())
        )
    });
    paragraph(&recorded.collect::<Vec<String>>().join("\n"), out)
}

fn the_call(call: &Call, pipeline: &Pipeline, out: &mut dyn Write) -> io::Result<()> {
    heading(3, &format!("The call: {}", text(&call.name)), out)?;
    let service = call.service.get_ref();
    let caller = pipeline.stage(call.stage.get_ref()).map(|stage| stage.worker.get_ref().as_str());
    let (caller, called) = (code(caller.unwrap_or_default()), code(service));
    paragraph(&format!("{caller} calls {called}. What their logs say of it:"), out)?;
    let logged = format!("{called}, on a record that names the event's {}", code(&call.key));
    let answered = format!("{caller}, on a record that names the id");
    let row = |who: &str, what: &str, pattern: &Pattern| [who.into(), what.into(), code(pattern.0.as_str())];
    let mut rows = vec![
        row(&logged, "called", &call.logged),
        row(&answered, "answered", &call.answered),
        row(&answered, "answered well, with what it made", &call.answered_well),
    ];
    rows.extend(call.unanswered.iter().map(|pattern| row(&answered, "not answered", pattern)));
    table(["log of", "what it says", "pattern"], rows, out)?;
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
    paragraph(&format!("A request that changes nothing; in a good answer's body {expected}:"), out)?;
    let path = harmless
        .without_event
        .iter()
        .fold(harmless.path.clone(), |path, (key, value)| path.replace(&format!("{{{key}}}"), value));
    let port = pipeline.service(service).and_then(|service| service.port);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    fence(&[format!("curl -i 'http://localhost{port}{path}'")], 0, out)
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
