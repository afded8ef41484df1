//! Commands for Kafka: topics to create, offsets to set, records to send again.

use crate::base::name::MAIN_DATABASE;
use crate::cli::quoted;
use crate::evidence::{Instance, InstanceState, Seen, Topic};
use crate::pipeline::Worker;
use crate::remedy::{Remedy, container_name, sql};
use crate::situation::Situation;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// Offsets are set to this much before the oldest stuck event.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// `kafka-topics --bootstrap-server …`, run where the broker's own address
/// resolves: in its container, where it has one.
fn tool(view: &Situation, broker: &str, name: &str, interactive: bool) -> String {
    let kafka = view.evidence.broker(broker).known().copied();
    let broker = view.pipeline.broker(broker).map_or("", |broker| broker.service.get_ref().as_str());
    let advertised = kafka.and_then(|kafka| kafka.nodes.first()).map(|node| node.address.as_str());
    match view.workloads.container(broker).known() {
        Some(Some(container)) => {
            let stdin = if interactive { "-i " } else { "" };
            let address = advertised.unwrap_or("localhost:9092");
            format!("docker exec {stdin}{} {name} --bootstrap-server {address}", quoted(&container.name))
        }
        _ => {
            let address = kafka.map_or("\"$KAFKA_BROKERS\"", |kafka| kafka.bootstrap.as_str());
            format!("{name} --bootstrap-server {address}")
        }
    }
}

/// One command for each topic of the subjects, with its siblings' shape.
pub(crate) fn create_topics(remedy: &Remedy) -> Vec<String> {
    let view = remedy.view;
    let topics = view.pipeline.topic.iter().filter(|topic| remedy.subjects.contains(&topic.name));
    topics
        .map(|topic| {
            let broker = view.pipeline.broker_of_topic(&topic.name);
            let sibling = sibling(view, broker);
            let partitions = topic.partitions.map(|p| p as usize);
            let partitions = sibling.map(|s| s.partitions.len()).or(partitions).unwrap_or(1);
            let replicas = sibling.and_then(|s| s.partitions.first()).map_or(1, |p| p.replicas.len().max(1));
            format!(
                "{} --create --if-not-exists --topic {} --partitions {partitions} --replication-factor {replicas}",
                tool(view, broker, "kafka-topics", false),
                quoted(&topic.name)
            )
        })
        .collect()
}

/// A topic of the pipeline that exists on a broker.
fn sibling<'a>(view: &Situation<'a>, broker: &str) -> Option<&'a Topic> {
    let mut topics =
        view.evidence.broker(broker).known().copied()?.topics.values().filter_map(|topic| topic.known());
    topics.find(|topic| topic.exists && !topic.partitions.is_empty())
}

/// Sets each subject's group to the stuck events, on the partitions where it has
/// committed nothing. A group must have no members then: running workers are
/// stopped before and started after.
pub(crate) fn offsets_script(remedy: &Remedy) -> Option<String> {
    let workers = remedy.subjects.iter().filter_map(|name| remedy.view.pipeline.worker(name));
    let commands: Vec<String> = workers.flat_map(|worker| offset_commands(remedy, worker)).collect();
    if commands.is_empty() {
        return None;
    }
    let since = match waiting_since(remedy) {
        Some(at) => format!("the oldest stuck event ({at})"),
        None => "the oldest record".to_string(),
    };
    Some(format!("# Sets the groups to {since}. Run it before the workers start.\n{}\n", commands.join("\n")))
}

fn offset_commands(remedy: &Remedy, worker: &Worker) -> Vec<String> {
    let view = remedy.view;
    let to = match waiting_since(remedy) {
        Some(at) => format!("--to-datetime {}", (at - MARGIN).strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
        None => "--to-earliest".to_string(),
    };
    let topics = topics_to_set(view, worker);
    if topics.is_empty() {
        return Vec::new();
    }
    let topics: Vec<String> = topics.iter().map(|topic| format!("--topic {}", quoted(topic))).collect();
    let reset = format!(
        "{} --group {} {} --reset-offsets {to} --execute",
        tool(view, view.pipeline.broker_of(worker), "kafka-consumer-groups", false),
        quoted(worker.group_name()),
        topics.join(" ")
    );
    let has_members = view.progress.of(worker).is_empty() == Some(false);
    if !has_members {
        return vec![reset];
    }
    let container = quoted(&container_name(view, &worker.name));
    vec![format!("docker stop {container}"), reset, format!("docker start {container}")]
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
pub(crate) fn start_brokers(remedy: &Remedy) -> Option<String> {
    let docker = *remedy.view.evidence.runtime().known()?;
    let brokers = remedy.view.pipeline.brokers().into_iter();
    let brokers: Vec<&Instance> = brokers
        .filter_map(|broker| remedy.view.workloads.container(broker).known().copied().flatten())
        .collect();
    let alike = |c: &&Instance| {
        let mut brokers = brokers.iter();
        let like =
            |broker: &&Instance| c.details.project == broker.details.project && c.image == broker.image;
        c.state == InstanceState::Exited && brokers.any(like)
    };
    let names: Vec<String> = docker.instances().filter(alike).map(|c| quoted(&c.name)).collect();
    (!names.is_empty()).then(|| format!("docker start {}\n", names.join(" ")))
}

/// Reads the stuck events' records from the database and sends them to their
/// topics once more, one pipe for each stage.
pub(crate) fn records_script(remedy: &Remedy) -> Option<String> {
    let view = remedy.view;
    let pipes: Vec<String> = remedy
        .stages()
        .into_iter()
        .filter(|stage| stage.topic.is_some() && !remedy.still_waits(stage))
        .filter_map(|stage| {
            let ids = remedy.stuck_ids(stage, false);
            let query = sql::records(stage, &ids)?;
            Some(format!(
                "# {} of {}\n{} -qAtc {} \\\n  | {} --topic {} --property parse.headers=true --property parse.key=true",
                view.pipeline.count(ids.len() as u64),
                stage.event,
                sql::psql(view, MAIN_DATABASE),
                quoted(&query),
                tool(view, view.pipeline.broker_of_topic(stage.topic_name()), "kafka-console-producer", true),
                quoted(stage.topic_name())
            ))
        })
        .collect();
    (!pipes.is_empty()).then(|| pipes.join("\n") + "\n")
}
