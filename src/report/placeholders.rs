//! What stands in braces in a command by hand, filled with a pipeline's own names.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::cli::{address_variable, quoted};
use crate::pipeline::{Marks, Pipeline, Role};
use std::collections::BTreeMap;

/// The names of the pipeline as a whole: of broker, marks table, call.
/// Where it has none, a word in capitals stands for it. `container` names a part's container.
pub(super) fn of_pipeline(
    pipeline: &Pipeline,
    container: &dyn Fn(&str) -> String,
) -> BTreeMap<&'static str, String> {
    let or = |name: Option<String>, word: &str| name.unwrap_or_else(|| word.to_string());
    let mut values = BTreeMap::new();
    values.insert("{broker}", broker(pipeline, MAIN_BROKER, container));
    let dead_topic = pipeline.dead_letters.as_ref().map_or("", |dead| dead.topic.as_str());
    let dead_broker = broker(pipeline, pipeline.broker_of_topic(dead_topic), container);
    values.insert("{dead_letters_broker}", dead_broker);
    let dead_letters = pipeline.dead_letters.as_ref().map(|dead| dead.topic.clone());
    values.insert("{dead_letters}", or(dead_letters, "TOPIC"));
    of_marks(pipeline.marks.as_ref(), &mut values);
    of_call(pipeline, container, &mut values);
    values
}

/// The container of a broker, as a shell takes it.
fn broker(pipeline: &Pipeline, name: &str, container: &dyn Fn(&str) -> String) -> String {
    let service = pipeline.broker(name).map(|broker| broker.service.get_ref());
    service.map_or("BROKER".to_string(), |service| quoted(&container(service)))
}

/// The broker of a subject: a broker's service, a topic, a worker or a stage.
pub(super) fn of_broker(
    pipeline: &Pipeline,
    subject: &str,
    container: &dyn Fn(&str) -> String,
    values: &mut BTreeMap<&'static str, String>,
) {
    let further = || pipeline.broker.iter().find(|(_, broker)| broker.service.get_ref() == subject);
    let stage = || pipeline.stage.iter().find(|stage| pipeline.stage_subject(stage) == subject);
    let name = match pipeline.worker(subject) {
        Some(worker) => pipeline.broker_of(worker),
        None => match (further(), stage()) {
            (Some((name, _)), _) => name.as_str(),
            (None, Some(stage)) => pipeline.broker_of_topic(stage.topic_name()),
            (None, None) => pipeline.broker_of_topic(subject),
        },
    };
    values.insert("{broker}", broker(pipeline, name, container));
}

fn of_marks(marks: Option<&Marks>, values: &mut BTreeMap<&'static str, String>) {
    let or = |name: Option<&String>, word: &str| name.cloned().unwrap_or_else(|| word.to_string());
    values.insert("{marks_url}", address_variable(marks.map_or(MAIN_DATABASE, Marks::database)));
    values.insert("{marks}", or(marks.map(|marks| &marks.table), "rows"));
    values.insert("{marks_id}", or(marks.map(|marks| &marks.id), "ID_COLUMN"));
    values.insert("{marks_event_id}", or(marks.and_then(|marks| marks.event_id.as_ref()), "null"));
    values.insert("{marks_type}", or(marks.map(|marks| &marks.event_type), "TYPE_COLUMN"));
    values.insert("{marks_source}", or(marks.map(|marks| &marks.source), "SOURCE_COLUMN"));
    values.insert("{marks_at}", or(marks.map(|marks| &marks.processed_at), "TIME_COLUMN"));
}

fn of_call(
    pipeline: &Pipeline,
    container: &dyn Fn(&str) -> String,
    values: &mut BTreeMap<&'static str, String>,
) {
    let call = pipeline.call.as_ref();
    let name = call.map_or("call", |call| call.name.as_str());
    values.insert("{call}", quoted(name));
    let api = call.map(|call| call.service.get_ref());
    let api = api
        .or_else(|| pipeline.service.iter().find(|service| service.role == Role::Api).map(|api| &api.name));
    values.insert("{api}", api.map_or("API".to_string(), |api| quoted(&container(api))));
    let stage = call.and_then(|call| pipeline.stage(call.stage.get_ref()));
    let caller = stage.map(|stage| quoted(&container(stage.worker.get_ref())));
    values.insert("{caller}", caller.unwrap_or_else(|| "WORKER".to_string()));
    let pattern = |pattern: Option<&str>| quoted(pattern.unwrap_or(name));
    values.insert("{answered}", pattern(call.map(|call| call.answered.0.as_str())));
    let unanswered = call.and_then(|call| call.unanswered.as_ref());
    values.insert("{unanswered}", pattern(unanswered.map(|unanswered| unanswered.0.as_str())));
    let harmless = call.and_then(|call| call.harmless.as_ref()).map(|harmless| {
        let filled =
            |path: String, (key, value): (&String, &String)| path.replace(&format!("{{{key}}}"), value);
        harmless.without_event.iter().fold(harmless.path.clone(), filled)
    });
    values.insert("{harmless}", harmless.unwrap_or_else(|| "/PATH".to_string()));
}

/// The port and the health endpoint of a service.
pub(super) fn of_service(pipeline: &Pipeline, name: &str, values: &mut BTreeMap<&'static str, String>) {
    let service = pipeline.service(name);
    let port = service.and_then(|service| service.port).map(|port| port.to_string());
    values.insert("{port}", port.unwrap_or_else(|| "PORT".to_string()));
    let health = service.and_then(|service| service.health.clone());
    values.insert("{health}", health.unwrap_or_else(|| "/HEALTH".to_string()));
}
