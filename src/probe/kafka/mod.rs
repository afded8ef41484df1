//! Kafka: topics, partitions, groups. Reads only: nothing joins, commits or
//! creates. librdkafka blocks in its calls and in its end, so it lives on a
//! thread of its own, which is left behind at the deadline.

mod addresses;
mod client;
mod groups;
mod sys;
mod tls;
mod topics;

use super::docker::Discovered;
use super::no_answer;
use crate::config::Config;
use crate::evidence::{Broker, Docker, Kafka, Name, Seen, Why, WhyKind};
use addresses::Ways;
use client::{Asked, Session};
use groups::Groups;
use rdkafka::metadata::Metadata;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use sys::Question;
use tokio::sync::watch;
use tokio::time::Instant;

/// The thread ends its calls this long before the deadline, so that the report
/// is still in time.
const MARGIN: Duration = Duration::from_millis(150);
/// How long it then has to say what it has not reached, before it is left behind.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Looks at the pipeline's topics and groups. `docker`: `None` if the engine
/// has not answered in time. What was not reached by then is unknown.
pub async fn look(
    config: &Config,
    docker: Option<&(Seen<Docker>, Discovered)>,
    until: Instant,
) -> Seen<Kafka> {
    let bootstrap = match addresses::bootstrap(config, docker) {
        Seen::Known(bootstrap) => bootstrap,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    let until = until - MARGIN;
    let pending = no_answer(&bootstrap.join(", "), until - Instant::now());
    let (tell, mut told) = watch::channel(Seen::Unknown(pending.clone()));
    let pipeline = &config.pipeline;
    let visit = Visit {
        topics: pipeline.topic.iter().map(|t| t.name.clone()).collect(),
        groups: pipeline.worker.iter().map(|w| w.group.clone()).collect(),
        bootstrap,
        pending,
        until: until.into_std(),
        tell,
    };
    let ways = Ways::back_to(&visit.bootstrap, config, docker);
    let thread = std::thread::Builder::new().name("kafka".into());
    if let Err(error) = thread.spawn(move || visit.run(ways)) {
        return Seen::unknown(WhyKind::Failed, format!("no thread for Kafka: {error}"));
    }
    // It ends when the thread has told everything.
    let all_told = async { while told.changed().await.is_ok() {} };
    let _ = tokio::time::timeout_at(until + LAST_WORDS, all_told).await;
    told.borrow().clone()
}

/// What the thread is to look at, and whom it tells.
struct Visit {
    bootstrap: Vec<String>,
    topics: BTreeSet<Name>,
    groups: BTreeSet<Name>,
    /// The reason that holds for whatever has not been reached at the deadline.
    pending: Why,
    until: std::time::Instant,
    tell: watch::Sender<Seen<Kafka>>,
}

impl Visit {
    /// Tells what is seen, as it is seen.
    fn run(self, ways: Ways) {
        let mut scout = match Session::open(&self.bootstrap, ways, self.until) {
            Ok(session) => session,
            Err(why) => return drop(self.tell.send(Seen::Unknown(why))),
        };
        let looked = self.look(&mut scout);
        if let Err(why) = &looked {
            // What has been seen stays.
            self.tell.send_if_modified(|seen| {
                let nothing = seen.known().is_none();
                if nothing {
                    *seen = Seen::Unknown(why.clone());
                }
                nothing
            });
        }
        // All is told: whoever listens need not wait for the end of the two
        // clients, which comes only now.
        drop(self.tell);
    }

    /// Metadata through the bootstrap addresses, the rest from the brokers that
    /// have it. Returns the second client, for its end.
    fn look(&self, scout: &mut Session) -> Result<Option<Session>, Why> {
        let metadata = scout.metadata(groups::STORE, &self.bootstrap)?;
        let mut kafka = self.begin(scout, &metadata);
        self.show(&kafka);
        for name in &self.topics {
            let topic = topics::look(scout, name, &self.bootstrap, &self.pending);
            kafka.topics.insert(name.clone(), topic);
            self.show(&kafka);
        }
        let mut asked = topics::questions(&kafka);
        if has_no_groups(&metadata, &self.pending) {
            for group in kafka.groups.values_mut() {
                *group = Seen::Known(groups::absent());
            }
            self.show(&kafka);
        } else {
            asked.extend(groups::questions(&self.groups, &kafka.brokers));
        }
        if asked.is_empty() {
            return Ok(None);
        }
        self.ask(scout.ways(), &asked, kafka).map(Some)
    }

    /// Puts the questions to the brokers, and enters their answers.
    fn ask(&self, ways: &Ways, asked: &[Asked], mut kafka: Kafka) -> Result<Session, Why> {
        let only = Some(kafka.bootstrap.as_str()).filter(|_| kafka.brokers.len() == 1);
        let brokers: Vec<_> = kafka.brokers.iter().map(|b| b.address.clone()).collect();
        let mut session = Session::open(&brokers, ways.on_from_here(only), self.until)?;
        // A client that has not connected yet, or knows no leaders, lets its
        // questions wait for seconds. Why it cannot, the questions will tell.
        let topics = self.topics.iter().map(String::as_str);
        for topic in topics.chain([groups::STORE]) {
            if session.metadata(topic, &brokers).is_err() {
                break;
            }
        }
        let mut groups = Groups::new(&self.groups, &self.pending);
        session.ask(asked, |question, answer| {
            match question {
                Question::Offsets(bound, partitions) => {
                    topics::enter(&mut kafka.topics, *bound, partitions, answer);
                }
                question => {
                    groups.enter(question, answer);
                    kafka.groups = groups.evidence();
                }
            }
            kafka.mapped = ways.used();
            self.show(&kafka);
        });
        Ok(session)
    }

    /// The cluster as its first metadata shows it, all else pending.
    fn begin(&self, session: &Session, metadata: &Metadata) -> Kafka {
        let bootstrap = session.ways().bootstrap_of(client::answered_at(metadata));
        let brokers = metadata.brokers().iter().map(|broker| Broker {
            id: broker.id(),
            address: format!("{}:{}", broker.host(), broker.port()),
        });
        let mut brokers: Vec<Broker> = brokers.collect();
        brokers.sort_by_key(|broker| broker.id);
        Kafka {
            bootstrap,
            mapped: session.ways().used(),
            cluster_id: session.cluster_id(),
            brokers,
            topics: all_unknown(&self.topics, &self.pending),
            groups: all_unknown(&self.groups, &self.pending),
        }
    }

    fn show(&self, kafka: &Kafka) {
        self.tell.send_replace(Seen::Known(kafka.clone()));
    }
}

/// Whether the broker says that its store of groups does not exist. Where it
/// may not be looked at (the usual case with access lists) there may be groups.
fn has_no_groups(metadata: &Metadata, pending: &Why) -> bool {
    let store = topics::read(metadata, groups::STORE, pending);
    store.is_ok_and(|store| !store.exists)
}

/// The same reason for every name.
fn all_unknown<T>(names: &BTreeSet<Name>, why: &Why) -> BTreeMap<Name, Seen<T>> {
    let unknown = |name: &Name| (name.clone(), Seen::Unknown(why.clone()));
    names.iter().map(unknown).collect()
}
