//! A cluster that nobody has described: its topics, who reads them, and their
//! newest records.

use crate::base::name::MAIN_BROKER;
use crate::collect::broker::kafka::addresses::Ways;
use crate::collect::broker::kafka::client::{self, Asked, Session};
use crate::collect::broker::kafka::groups::{self, STORE};
use crate::collect::broker::kafka::sys::records::RawRecord;
use crate::collect::broker::kafka::sys::{Answer, Question};
use crate::collect::broker::kafka::{LAST_WORDS, MARGIN, addresses, topics};
use crate::collect::discovery::{Cluster, GroupSeen, Record, TopicSeen};
use crate::collect::no_answer;
use crate::collect::runtime::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Broker, Name, Node, Runtime, Seen, Topic, Why, WhyKind};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// At most so many topics are read, and so many groups described.
const MOST: usize = 200;
/// So many of the newest records of each partition are read,
const RECORDS: i64 = 40;
/// for so long.
const FOR_ONE: Duration = Duration::from_millis(400);
/// More of a key or header is of no use.
const TEXT: usize = 200;
/// Nor are more fields of a value.
const FIELDS: usize = 60;

/// Looks at all of a cluster by the deadline; what was seen by then stays.
pub async fn survey(config: &Config, docker: &(Seen<Runtime>, Discovered), until: Instant) -> Seen<Cluster> {
    let bootstrap = match addresses::bootstrap(config, MAIN_BROKER, Some(docker)) {
        Seen::Known(bootstrap) => bootstrap,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    let until = until - MARGIN;
    let pending = no_answer(&bootstrap.join(", "), until - Instant::now());
    let (tell, mut told) = watch::channel(Seen::Unknown(pending));
    let ways = Ways::back_to(&bootstrap, config, Some(docker));
    let visit = move || {
        if let Err(why) = look(&bootstrap, ways, until.into_std(), &tell)
            && tell.borrow().known().is_none()
        {
            tell.send_replace(Seen::Unknown(why));
        }
    };
    let thread = std::thread::Builder::new().name("kafka".into());
    if let Err(error) = thread.spawn(visit) {
        return Seen::unknown(WhyKind::Failed, format!("no thread for Kafka: {error}"));
    }
    let all_told = async { while told.changed().await.is_ok() {} };
    let _ = tokio::time::timeout_at(until + LAST_WORDS, all_told).await;
    told.borrow().clone()
}

fn look(
    bootstrap: &[String],
    ways: Ways,
    until: std::time::Instant,
    tell: &watch::Sender<Seen<Cluster>>,
) -> Result<(), Why> {
    let mut scout = Session::open(bootstrap, ways, until)?;
    let metadata = scout.metadata(None, bootstrap)?;
    let pending = Why::new(WhyKind::NoAnswer, "not looked at in time");
    let names = metadata.topics().iter().map(rdkafka::metadata::MetadataTopic::name);
    let own = |name: &&str| !name.starts_with("__") && !name.starts_with("_schemas");
    let topics = names.filter(own).take(MOST).filter_map(|name| {
        let topic = topics::read(&metadata, name, &pending).ok()?;
        topic.exists.then(|| (name.to_string(), Seen::Known(topic)))
    });
    let brokers = metadata
        .brokers()
        .iter()
        .map(|broker| Node { id: broker.id(), address: format!("{}:{}", broker.host(), broker.port()) });
    let mut kafka = Broker {
        bootstrap: scout.ways().bootstrap_of(client::answered_at(&metadata)),
        nodes: brokers.collect(),
        topics: topics.collect(),
        ..Broker::default()
    };
    let mut cluster = Cluster { bootstrap: kafka.bootstrap.clone(), ..Cluster::default() };
    for (name, topic) in known(&kafka.topics) {
        let partitions = u32::try_from(topic.partitions.len()).unwrap_or(u32::MAX);
        cluster.topics.insert(name.clone(), TopicSeen { partitions, records: Vec::new() });
    }
    tell.send_replace(Seen::Known(cluster.clone()));
    let only = Some(kafka.bootstrap.as_str()).filter(|_| kafka.nodes.len() == 1);
    let mut session = Session::open(&kafka.addresses(), scout.ways().on_from_here(only), until)?;
    let has_groups = metadata.topics().iter().any(|topic| topic.name() == STORE);
    session.metadata(None, &kafka.addresses())?;
    if has_groups {
        cluster.groups = groups_of(&mut session, &kafka);
        tell.send_replace(Seen::Known(cluster.clone()));
    }
    let asked = topics::questions(&kafka);
    session.ask(&asked, |question, answer| {
        if let Question::Offsets(bound, partitions) = question {
            topics::enter(&mut kafka.topics, *bound, partitions, answer);
        }
    });
    for (name, topic) in known(&kafka.topics) {
        let records = newest(&session, name, topic, until);
        cluster.topics.entry(name.clone()).or_default().records = records;
        tell.send_replace(Seen::Known(cluster.clone()));
    }
    Ok(())
}

fn known(topics: &BTreeMap<Name, Seen<Topic>>) -> impl Iterator<Item = (&Name, &Topic)> {
    topics.iter().filter_map(|(name, topic)| Some((name, topic.known()?)))
}

/// All groups that the broker lists, described, with what they have committed.
fn groups_of(session: &mut Session, kafka: &Broker) -> BTreeMap<Name, GroupSeen> {
    let mut listed = Vec::new();
    session.ask(&[Asked { question: Question::List, at: kafka.addresses() }], |_, answer| {
        if let Ok(Answer::Listed(names)) = answer {
            listed = names;
        }
    });
    let names = listed.into_iter().take(MOST).collect();
    let mut found: BTreeMap<Name, GroupSeen> = BTreeMap::new();
    session.ask(&groups::questions(&names, &kafka.nodes), |question, answer| match (question, answer) {
        (Question::Describe(name), Ok(Answer::Described(group))) => {
            let seen = found.entry(name.clone()).or_default();
            for member in group.members {
                seen.hosts.insert(member.host.trim_start_matches('/').to_string());
                seen.clients.insert(member.client_id);
                seen.topics.extend(member.partitions.into_iter().map(|place| place.topic));
            }
        }
        (Question::Committed(name), Ok(Answer::Committed(offsets))) => {
            let topics = offsets.into_iter().map(|offset| offset.topic);
            found.entry(name.clone()).or_default().topics.extend(topics);
        }
        _ => {}
    });
    found
}

/// The newest records of a topic, oldest first.
fn newest(session: &Session, name: &str, topic: &Topic, until: std::time::Instant) -> Vec<Record> {
    let mut records = Vec::new();
    let until = until.min(std::time::Instant::now() + FOR_ONE);
    for partition in &topic.partitions {
        let (Some(&earliest), Some(&end)) = (partition.earliest.known(), partition.end.known()) else {
            continue;
        };
        let from = earliest.max(end - RECORDS);
        if from >= end {
            continue;
        }
        // What cannot be read is missing: nothing is concluded from that.
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
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(TEXT).collect::<String>();
    let mut fields = Vec::new();
    if let Ok(value) = serde_json::from_slice(raw.value) {
        collect("", &value, &mut fields);
    }
    Record {
        at: raw.at_ms.and_then(|at| Timestamp::from_millisecond(at).ok()),
        key: text(raw.key),
        headers: raw.headers().into_iter().map(|(name, value)| (name, text(&value))).collect(),
        fields,
    }
}

/// The texts and numbers of a JSON value.
fn collect(name: &str, value: &serde_json::Value, fields: &mut Vec<(String, String)>) {
    use serde_json::Value;
    if fields.len() >= FIELDS {
        return;
    }
    match value {
        Value::String(text) => fields.push((name.into(), text.chars().take(TEXT).collect())),
        Value::Number(number) => fields.push((name.into(), number.to_string())),
        Value::Object(inner) => inner.iter().for_each(|(name, value)| collect(name, value, fields)),
        Value::Array(items) => items.iter().take(3).for_each(|item| collect(name, item, fields)),
        Value::Null | Value::Bool(_) => {}
    }
}
