//! Commands for Kafka: topics to create, offsets to set, records to send again.

use crate::base::name::MAIN_DATABASE;
use crate::base::observed::Seen;
use crate::command::kafka::{self, Offsets};
use crate::command::{Command, Process, Script, docker, postgres};
use crate::pipeline::Worker;
use crate::remedy::model::Remedy;
use crate::remedy::sql;
use crate::situation::Situation;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Offsets are set to this much before the oldest stuck event.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// One command for each topic of the subjects, with its siblings' shape.
pub(crate) fn create_topics(remedy: &Remedy) -> Script {
    let view = remedy.view;
    let topics = view.pipeline.topic.iter().filter(|topic| remedy.subjects.contains(&topic.name));
    let create = topics.map(|topic| {
        let broker = view.pipeline.broker_of_topic(&topic.name);
        let sibling = view.shape_of_topics(broker);
        let partitions = topic.partitions.map(|p| p as usize);
        let partitions = sibling.map(|sibling| sibling.partitions).or(partitions).unwrap_or(1).to_string();
        let replicas = sibling.map_or(1, |sibling| sibling.replicas).to_string();
        kafka::create_topic(remedy.target, broker, &topic.name, &partitions, &replicas).command()
    });
    Script { comment: None, commands: create.collect() }
}

/// Sets each subject's group to the stuck events, on the partitions where it has
/// committed nothing. A group must have no members then: running workers are
/// stopped before and started after.
pub(crate) fn offsets_script(remedy: &Remedy) -> Option<Script> {
    let workers = remedy.subjects.iter().filter_map(|name| remedy.view.pipeline.worker(name));
    let commands: Vec<Command> = workers.flat_map(|worker| offset_commands(remedy, worker)).collect();
    if commands.is_empty() {
        return None;
    }
    let since = match waiting_since(remedy) {
        Some(at) => format!("the oldest stuck event ({at})"),
        None => "the oldest record".to_string(),
    };
    let comment = format!("Sets the groups to {since}. Run it before the workers start.");
    Some(Script { comment: Some(comment), commands })
}

fn offset_commands(remedy: &Remedy, worker: &Worker) -> Vec<Command> {
    let (view, target) = (remedy.view, remedy.target);
    let to = match waiting_since(remedy) {
        Some(at) => Offsets::Time((at - MARGIN).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
        None => Offsets::Earliest,
    };
    let topics = topics_to_set(view, worker);
    if topics.is_empty() {
        return Vec::new();
    }
    let broker = view.pipeline.broker_of(worker);
    let reset = kafka::reset_offsets(target, broker, worker.group_name(), &topics, &to);
    let has_members = view.progress.of(worker).is_empty() == Some(false);
    let container = remedy.values().container(&worker.name);
    let processes = match has_members {
        true => vec![docker::stop(target, &container), reset, docker::start(target, [container.as_str()])],
        false => vec![reset],
    };
    processes.into_iter().map(Process::command).collect()
}

/// `topic:0,2`: what the group has not taken up, empty partitions too, since
/// what arrives there before its first member would be skipped as well; every
/// topic where Kafka was not seen.
fn topics_to_set(view: &Situation, worker: &Worker) -> Vec<String> {
    let progress = view.progress.of(worker);
    let Some(untaken) = progress.untaken.known() else {
        return worker.topics.iter().map(|topic| topic.get_ref().clone()).collect();
    };
    // A group that is at home on its topics goes on where it was.
    let at_home = progress.has_committed_nothing() == Seen::Known(false);
    if at_home && untaken.iter().all(|untaken| untaken.records == 0) {
        return Vec::new();
    }
    let mut partitions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for untaken in untaken {
        partitions.entry(untaken.topic).or_default().push(untaken.partition.to_string());
    }
    partitions.iter().map(|(topic, partitions)| format!("{topic}:{}", partitions.join(","))).collect()
}

/// The time of the oldest stuck event, of any stage or the one asked about.
fn waiting_since(remedy: &Remedy) -> Option<Timestamp> {
    let view = remedy.view;
    let extents = view.pipeline.stage.iter().filter_map(|stage| view.backlog.extent(stage).known().copied());
    let oldest = extents.filter_map(|extent| extent.since).min();
    match (oldest, view.event_at()) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Starts what has a broker's image in its project and does not run.
pub(crate) fn start_brokers(remedy: &Remedy) -> Option<Script> {
    let names = remedy.view.exited_like_brokers();
    let start = (!names.is_empty()).then(|| docker::start(remedy.target, names).command());
    start.map(|start| Script { comment: None, commands: vec![start] })
}

/// Reads the stuck events' records from the database and sends them to their
/// topics once more, one pipe for each stage.
pub(crate) fn records_script(remedy: &Remedy) -> Option<Script> {
    let (pipeline, target) = (remedy.view.pipeline, remedy.target);
    let stages = remedy.stages().into_iter();
    let waiting = stages.filter(|stage| stage.topic.is_some() && !remedy.still_waits(stage));
    let pipe = waiting.filter_map(|stage| {
        let ids = remedy.stuck_ids(stage, false);
        let rows = postgres::rows(target, MAIN_DATABASE, &sql::records(stage, &ids)?);
        let topic = stage.topic_name();
        let send = kafka::send(target, pipeline.broker_of_topic(topic), topic);
        let comment = format!("{} of {}", pipeline.count(ids.len() as u64), stage.event);
        Some(rows.command().pipe(send).comment(comment))
    });
    let commands: Vec<Command> = pipe.collect();
    (!commands.is_empty()).then_some(Script { comment: None, commands })
}
