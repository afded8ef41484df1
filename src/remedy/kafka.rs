//! Generates the commands that create topics, reset offsets, start brokers and resend records.

use crate::base::name::MAIN_DATABASE;
use crate::base::observed::Observed;
use crate::pipeline::Worker;
use crate::printed_command::kafka::{self, Offsets};
use crate::printed_command::{Command, Process, Script, docker, postgres};
use crate::remedy::model::Remedy;
use crate::remedy::sql;
use crate::situation::Situation;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Offsets are reset to this long before the oldest stuck event.
const RESET_MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// Generates one command per topic, with the partition and replica counts of its sibling topics.
pub(crate) fn create_topics(remedy: &Remedy) -> Script {
    let situation = remedy.situation;
    let topics = situation.pipeline.topic.iter().filter(|topic| remedy.subjects.contains(&topic.name));
    let topics = topics.map(|topic| (&topic.name, topic.partitions));
    let create = topics.chain(missing_dead_letter_topic(remedy)).map(|(topic, partitions)| {
        let broker = situation.pipeline.broker_of_topic(topic);
        let sibling = situation.topic_layout(broker);
        let partitions = partitions.map(|p| p as usize);
        let partitions = sibling.map(|sibling| sibling.partitions).or(partitions).unwrap_or(1).to_string();
        let replicas = sibling.map_or(1, |sibling| sibling.replicas).to_string();
        kafka::create_topic(remedy.target, broker, topic, &partitions, &replicas).command()
    });
    Script { comment: None, commands: create.collect() }
}

/// Returns the dead letter topic, if it is missing and its broker is the subject.
fn missing_dead_letter_topic<'a>(remedy: &Remedy<'a>) -> Option<(&'a String, Option<u32>)> {
    let pipeline = remedy.situation.pipeline;
    let declared = &pipeline.dead_letters.as_ref()?.topic;
    let broker = pipeline.broker(pipeline.broker_of_topic(declared))?.service.get_ref();
    let missing = remedy.situation.deliveries.dead_letter_topic_exists == Observed::Known(false);
    (missing && remedy.subjects.contains(broker)).then_some((declared, None))
}

/// Generates a command for each transaction that was left open on the topics.
pub(crate) fn abort_transactions(remedy: &Remedy) -> Option<Script> {
    let (situation, target) = (remedy.situation, remedy.target);
    let topics = situation.topics.all.iter().filter(|topic| remedy.subjects.iter().any(|s| s == topic.name));
    let abort = topics.flat_map(|topic| {
        let broker = situation.pipeline.broker_of_topic(topic.name);
        let open = topic.open_transactions.known().into_iter().flatten();
        open.map(move |(partition, open)| {
            let (partition, offset) = (partition.to_string(), open.offset.to_string());
            kafka::abort_transaction(target, broker, topic.name, &partition, &offset).command()
        })
    });
    let commands: Vec<Command> = abort.collect();
    (!commands.is_empty()).then_some(Script { comment: None, commands })
}

/// Resets each worker's group to the stuck events, on the partitions without a committed
/// offset. Kafka resets only groups without members, so running workers are stopped first
/// and started afterwards.
pub(crate) fn offsets_script(remedy: &Remedy) -> Option<Script> {
    let workers = remedy.subjects.iter().filter_map(|name| remedy.situation.pipeline.worker(name));
    let commands: Vec<Command> = workers.flat_map(|worker| offset_commands(remedy, worker)).collect();
    if commands.is_empty() {
        return None;
    }
    let since = match waiting_since(remedy) {
        Some(at) => format!("the oldest stuck event ({at})"),
        None => "the oldest record".to_string(),
    };
    let comment = format!("Resets the groups to {since}. Run this before the workers start.");
    Some(Script { comment: Some(comment), commands })
}

fn offset_commands(remedy: &Remedy, worker: &Worker) -> Vec<Command> {
    let (situation, target) = (remedy.situation, remedy.target);
    let to = match waiting_since(remedy) {
        Some(at) => Offsets::Time(
            at.saturating_sub(RESET_MARGIN).unwrap_or(at).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        ),
        None => Offsets::Earliest,
    };
    let topics = topics_to_reset(situation, worker);
    if topics.is_empty() {
        return Vec::new();
    }
    let broker = situation.pipeline.broker_of(worker);
    let reset = kafka::reset_offsets(target, broker, worker.group_name(), &topics, &to);
    let has_members = situation.progress.of(worker).is_empty() == Some(false);
    let container = remedy.values().container(&worker.name);
    let processes = match has_members {
        true => vec![docker::stop(target, &container), reset, docker::start(target, [container.as_str()])],
        false => vec![reset],
    };
    processes.into_iter().map(Process::command).collect()
}

/// Returns the partitions without a committed offset as `topic:0,2`, or all topics if Kafka
/// is unavailable. Empty partitions are included, because a record that arrives there before the
/// first member joins would also be skipped.
fn topics_to_reset(situation: &Situation, worker: &Worker) -> Vec<String> {
    let progress = situation.progress.of(worker);
    let Some(uncommitted) = progress.uncommitted.known() else {
        return worker.topics.iter().map(|topic| topic.get_ref().clone()).collect();
    };
    // A group that has committed offsets resumes from them.
    let has_committed = progress.has_committed_nothing() == Observed::Known(false);
    if has_committed && uncommitted.iter().all(|uncommitted| uncommitted.records == 0) {
        return Vec::new();
    }
    let mut partitions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for uncommitted in uncommitted {
        partitions.entry(uncommitted.topic).or_default().push(uncommitted.partition.to_string());
    }
    partitions.iter().map(|(topic, partitions)| format!("{topic}:{}", partitions.join(","))).collect()
}

/// Returns the time of the oldest stuck event or of the requested event, whichever is earlier.
fn waiting_since(remedy: &Remedy) -> Option<Timestamp> {
    let situation = remedy.situation;
    let extents =
        situation.pipeline.stage.iter().filter_map(|stage| situation.backlog.extent(stage).known().copied());
    let oldest = extents.filter_map(|extent| extent.since).min();
    match (oldest, situation.event_at()) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Generates the command that starts the project's exited broker containers.
pub(crate) fn start_brokers(remedy: &Remedy) -> Option<Script> {
    let names = remedy.situation.exited_broker_containers();
    let start = (!names.is_empty()).then(|| docker::start(remedy.target, names).command());
    start.map(|start| Script { comment: None, commands: vec![start] })
}

/// For each stage, generates a pipeline that reads the stuck events' records from the
/// database and sends them to their topic again.
pub(crate) fn records_script(remedy: &Remedy) -> Option<Script> {
    let (pipeline, target) = (remedy.situation.pipeline, remedy.target);
    let stages = remedy.stages().into_iter();
    let waiting = stages.filter(|stage| stage.topic.is_some() && !remedy.still_waits(stage));
    let pipe = waiting.filter_map(|stage| {
        let ids = remedy.stuck_ids(stage, false);
        let rows = postgres::query_rows(target, MAIN_DATABASE, &sql::records(stage, &ids)?);
        let topic = stage.topic_name();
        let send = kafka::send(target, pipeline.broker_of_topic(topic), topic);
        let comment = format!("{} of {}", pipeline.count(ids.len() as u64), stage.event);
        Some(rows.command().pipe(send).comment(comment))
    });
    let commands: Vec<Command> = pipe.collect();
    (!commands.is_empty()).then_some(Script { comment: None, commands })
}
