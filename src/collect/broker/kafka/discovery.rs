//! Discovers the topics, consumer groups and newest records in a cluster.

use crate::base::name::MAIN_BROKER;
use crate::base::panics::has_panicked;
use crate::collect::broker::kafka::addresses::AddressMap;
use crate::collect::broker::kafka::client::{RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::consumer::RawRecord;
use crate::collect::broker::kafka::ffi::{Request, Response};
use crate::collect::broker::kafka::groups::{self, OFFSETS_TOPIC};
use crate::collect::broker::kafka::reach::Reached;
use crate::collect::broker::kafka::{DEADLINE_MARGIN, SHUTDOWN_GRACE, addresses, reach, topics};
use crate::collect::discovered::{Cluster, DiscoveredGroup, DiscoveredTopic, Record};
use crate::collect::own_limit::{internal_error, thread_limit};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::{no_answer, timeout_at, without_pending};
use crate::config::Config;
use crate::evidence::{Broker, Name, Observed, Reason, ReasonKind, Runtime, Topic};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Maximum number of topics to read and of groups to describe.
const MAX_NAMES: usize = 200;
/// Number of newest records to read per partition.
const RECORDS_PER_PARTITION: i64 = 40;
/// Time limit for reading one topic's records.
const TOPIC_TIMEOUT: Duration = Duration::from_millis(400);
/// Maximum length of a key, header or field, in characters.
const MAX_TEXT: usize = 200;
/// Maximum number of fields to read from a value.
const MAX_FIELDS: usize = 60;

/// Discovers the cluster and returns what was found by the deadline.
pub async fn discover(
    config: &Config,
    docker: &(Observed<Runtime>, EnvironmentAddresses),
    until: Instant,
) -> Observed<Cluster> {
    let bootstrap = match addresses::bootstrap(config, MAIN_BROKER, Some(docker)) {
        Observed::Known(bootstrap) => bootstrap,
        Observed::Unknown(why) => return Observed::Unknown(why),
        Observed::NotAsked(why) => return Observed::NotAsked(why),
    };
    let until = until - DEADLINE_MARGIN;
    let pending = no_answer(&bootstrap.join(", "), until - Instant::now());
    let (sender, mut updates) = watch::channel(Observed::Unknown(pending.clone()));
    let address_map = AddressMap::new(config, Some(docker));
    let work = move || {
        if let Err(why) = run(&bootstrap, address_map, until.into_std(), &sender)
            && sender.borrow().known().is_none()
        {
            sender.send_replace(Observed::Unknown(why));
        }
    };
    let thread = std::thread::Builder::new().name("kafka".into());
    let thread = match thread.spawn(work) {
        Ok(thread) => thread.thread().id(),
        Err(error) => return Observed::Unknown(thread_limit(&error)),
    };
    let finished = async { while updates.changed().await.is_ok() {} };
    let _ = timeout_at(until + SHUTDOWN_GRACE, finished).await;
    if has_panicked(thread) {
        return Observed::Unknown(internal_error("Kafka"));
    }
    let seen = updates.borrow().clone();
    seen.map_reason(|why| without_pending(why, &pending))
}

fn run(
    bootstrap: &[String],
    address_map: AddressMap,
    until: std::time::Instant,
    sender: &watch::Sender<Observed<Cluster>>,
) -> Result<(), Reason> {
    let Reached { bootstrap, metadata, .. } = reach::reach(bootstrap, &address_map, None, until)?;
    let pending = Reason::new(ReasonKind::NoAnswer, "not read in time");
    let names = metadata.topics.iter().map(|topic| topic.name.as_str());
    let is_public = |name: &&str| !name.starts_with("__") && !name.starts_with("_schemas");
    let topics = names.filter(is_public).take(MAX_NAMES).filter_map(|name| {
        let topic = topics::from_metadata(&metadata, name, &pending).ok()?;
        topic.exists.then(|| (name.to_string(), Observed::Known(topic)))
    });
    let mut kafka =
        Broker { bootstrap, nodes: metadata.nodes.clone(), topics: topics.collect(), ..Broker::default() };
    let mut cluster = Cluster { bootstrap: kafka.bootstrap.clone(), ..Cluster::default() };
    for (name, topic) in known(&kafka.topics) {
        let partitions = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        cluster.topics.insert(name.clone(), DiscoveredTopic { partitions, records: Vec::new() });
    }
    sender.send_replace(Observed::Known(cluster.clone()));
    let only = Some(kafka.bootstrap.as_str()).filter(|_| kafka.nodes.len() == 1);
    let mut session = Session::open(&kafka.addresses(), address_map.to_brokers(only), until)?;
    let has_groups = metadata.topics.iter().any(|topic| topic.name == OFFSETS_TOPIC);
    session.connect(None, &kafka.addresses())?;
    if has_groups {
        cluster.groups = discover_groups(&mut session, &kafka);
        sender.send_replace(Observed::Known(cluster.clone()));
    }
    let requests = topics::requests(&kafka);
    session.send(&requests, |request, response| {
        if let Request::Offsets(spec, partitions) = request {
            topics::store_offsets(&mut kafka.topics, *spec, partitions, response);
        }
    });
    for (name, topic) in known(&kafka.topics) {
        let records = newest_records(&session, name, topic, until);
        cluster.topics.entry(name.clone()).or_default().records = records;
        sender.send_replace(Observed::Known(cluster.clone()));
    }
    Ok(())
}

fn known(topics: &BTreeMap<Name, Observed<Topic>>) -> impl Iterator<Item = (&Name, &Topic)> {
    topics.iter().filter_map(|(name, topic)| Some((name, topic.known()?)))
}

/// Returns all groups that the broker lists, with their members and the topics of their
/// committed offsets.
fn discover_groups(session: &mut Session, kafka: &Broker) -> BTreeMap<Name, DiscoveredGroup> {
    let mut listed = Vec::new();
    let list = RoutedRequest { request: Request::ListGroups, brokers: kafka.addresses() };
    session.send(&[list], |_, response| {
        if let Ok(Response::GroupList(names)) = response {
            listed = names;
        }
    });
    let names = listed.into_iter().take(MAX_NAMES).collect();
    let mut found: BTreeMap<Name, DiscoveredGroup> = BTreeMap::new();
    session.send(&groups::requests(&names, &kafka.nodes), |request, response| match (request, response) {
        (Request::Describe(name), Ok(Response::Group(group))) => {
            let discovered = found.entry(name.clone()).or_default();
            for member in group.members {
                discovered.hosts.insert(member.host.trim_start_matches('/').to_string());
                discovered.clients.insert(member.client_id);
                discovered.topics.extend(member.partitions.into_iter().map(|place| place.topic));
            }
        }
        (Request::Committed(name), Ok(Response::Committed(offsets))) => {
            let topics = offsets.into_iter().map(|offset| offset.topic);
            found.entry(name.clone()).or_default().topics.extend(topics);
        }
        _ => {}
    });
    found
}

/// Returns the newest records in a topic, oldest first.
fn newest_records(session: &Session, name: &str, topic: &Topic, until: std::time::Instant) -> Vec<Record> {
    let mut records = Vec::new();
    let until = until.min(std::time::Instant::now() + TOPIC_TIMEOUT);
    for partition in &topic.partitions {
        let (Some(&earliest), Some(&end)) = (partition.earliest.known(), partition.end.known()) else {
            continue;
        };
        let from = earliest.max(end - RECORDS_PER_PARTITION);
        if from >= end {
            continue;
        }
        // Records that cannot be read are skipped; nothing is concluded from their absence.
        let _ = session.read(name, partition.id, from, until, &mut |raw| {
            records.push(record(raw));
            match raw.offset + 1 >= end {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
    }
    records.sort_by_key(|record: &Record| record.at);
    records
}

fn record(raw: &RawRecord) -> Record {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(MAX_TEXT).collect::<String>();
    let mut fields = Vec::new();
    if let Ok(value) = serde_json::from_slice(raw.value) {
        collect_fields("", &value, &mut fields);
    }
    Record {
        at: raw.at_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
        key: text(raw.key),
        headers: raw.headers().into_iter().map(|(name, value)| (name, text(&value))).collect(),
        fields,
    }
}

/// Collects the strings and numbers in a JSON value, with their innermost field names.
fn collect_fields(name: &str, value: &serde_json::Value, fields: &mut Vec<(String, String)>) {
    use serde_json::Value;
    if fields.len() >= MAX_FIELDS {
        return;
    }
    match value {
        Value::String(text) => fields.push((name.into(), text.chars().take(MAX_TEXT).collect())),
        Value::Number(number) => fields.push((name.into(), number.to_string())),
        Value::Object(inner) => inner.iter().for_each(|(name, value)| collect_fields(name, value, fields)),
        Value::Array(items) => items.iter().take(3).for_each(|item| collect_fields(name, item, fields)),
        Value::Null | Value::Bool(_) => {}
    }
}
