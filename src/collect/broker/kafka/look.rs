//! One cluster: topics, groups and records.

use crate::collect::broker::kafka::addresses::Ways;
use crate::collect::broker::kafka::client::{Asked, Session};
use crate::collect::broker::kafka::groups::Groups;
use crate::collect::broker::kafka::limits::{AT_ONCE, LAST_WORDS, MARGIN, POLL, all_unknown};
use crate::collect::broker::kafka::records::{Ids, Wanted};
use crate::collect::broker::kafka::sys::Question;
use crate::collect::broker::kafka::{addresses, client, groups, records, samples, topics};
use crate::collect::runtime::docker::Discovered;
use crate::collect::{CLOCKS, no_answer};
use crate::config::Config;
use crate::evidence::{Broker, Event, FoundRecord, Name, Node, Runtime, Seen, Target, Why, WhyKind};
use crate::pipeline::DeadLetters;
use jiff::{SignedDuration, Timestamp};
use rdkafka::metadata::Metadata;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is seen of a broker.
#[derive(Clone, Default)]
pub struct Cluster {
    /// As evidence.
    pub broker: Broker,
    /// The records found, by topic: those that name an id, with its number among
    /// those that were asked about.
    pub records: BTreeMap<Name, Vec<(usize, FoundRecord)>>,
}

/// Looks at the topics and groups that the pipeline has on a broker, by its name. `docker`: `None` if the engine has not answered in time.
/// What was not reached by then is unknown.
pub async fn look(
    config: &Config,
    broker: &str,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    until: Instant,
    event: Told,
) -> Seen<Cluster> {
    if config.pipeline.broker(broker).is_none() {
        return Seen::no_part("the pipeline has no broker");
    }
    let bootstrap = match addresses::bootstrap(config, broker, docker) {
        Seen::Known(bootstrap) => bootstrap,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    let until = until - MARGIN;
    let pending = no_answer(&bootstrap.join(", "), until - Instant::now());
    let (tell, mut told) = watch::channel(Seen::Unknown(pending.clone()));
    let pipeline = &config.pipeline;
    let is_here = |topic: &&String| pipeline.broker_of_topic(topic) == broker;
    let dead_letters = pipeline.dead_letters.clone().filter(|dead| is_here(&&dead.topic));
    let dead_topic = dead_letters.iter().map(|dead| &dead.topic);
    let members = pipeline.worker.iter().filter(|worker| pipeline.broker_of(worker) == broker);
    let of_stages = pipeline.stage.iter().filter_map(|stage| stage.topic().known().copied());
    let visit = Visit {
        topics: pipeline.topic.iter().map(|t| &t.name).filter(is_here).chain(dead_topic).cloned().collect(),
        groups: members.filter_map(|w| w.group.clone()).collect(),
        stage_topics: of_stages.filter(is_here).cloned().collect(),
        dead_letters,
        target: config.target.clone(),
        settle: config.settle,
        values: config.values,
        taken: Timestamp::now(),
        bootstrap,
        pending,
        until: until.into_std(),
        event,
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

/// How the database tells of the events, and until when it is waited for.
pub struct Told {
    /// What it tells.
    pub event: watch::Receiver<Option<Seen<Vec<Event>>>>,
    /// Until when.
    pub patience: Instant,
}

/// What the thread is to look at, and whom it tells.
pub(crate) struct Visit {
    pub(crate) bootstrap: Vec<String>,
    pub(crate) topics: BTreeSet<Name>,
    pub(crate) groups: BTreeSet<Name>,
    pub(crate) stage_topics: BTreeSet<Name>,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) target: Target,
    pub(crate) settle: Duration,
    pub(crate) values: bool,
    pub(crate) taken: Timestamp,
    pub(crate) event: Told,
    /// The reason that holds for whatever has not been reached at the deadline.
    pub(crate) pending: Why,
    pub(crate) until: std::time::Instant,
    pub(crate) tell: watch::Sender<Seen<Cluster>>,
}

impl Visit {
    /// Tells what is seen, as it is seen.
    pub(crate) fn run(self, ways: Ways) {
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
    pub(crate) fn look(&self, scout: &mut Session) -> Result<Option<Session>, Why> {
        let metadata = scout.metadata(groups::STORE, &self.bootstrap)?;
        let mut cluster = Cluster { broker: self.begin(scout, &metadata), records: BTreeMap::new() };
        let kafka = &mut cluster.broker;
        self.begin_with(kafka);
        for name in &self.topics {
            let topic = topics::look(scout, name, &self.bootstrap, &self.pending);
            kafka.topics.insert(name.clone(), topic);
            self.begin_with(kafka);
        }
        let mut asked = topics::questions(kafka);
        if has_no_groups(&metadata, &self.pending) {
            for group in kafka.groups.values_mut() {
                *group = Seen::Known(groups::absent());
            }
            kafka.other_groups = Seen::Known(BTreeMap::new());
            self.begin_with(kafka);
        } else {
            asked.extend(groups::questions(&self.groups, &kafka.nodes));
        }
        if asked.is_empty() {
            return Ok(None);
        }
        self.ask(scout.ways(), &asked, cluster).map(Some)
    }

    /// Puts the questions to the brokers, and enters their answers.
    pub(crate) fn ask(&self, ways: &Ways, asked: &[Asked], mut cluster: Cluster) -> Result<Session, Why> {
        let kafka = &mut cluster.broker;
        let only = Some(kafka.bootstrap.as_str()).filter(|_| kafka.nodes.len() == 1);
        let brokers: Vec<_> = kafka.nodes.iter().map(|b| b.address.clone()).collect();
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
                Question::MinInSync(names) => topics::enter_settings(&mut kafka.topics, names, answer),
                question => {
                    groups.enter(question, answer);
                    kafka.groups = groups.evidence();
                }
            }
            kafka.mapped = ways.used();
            self.begin_with(kafka);
        });
        let first = std::time::Instant::now();
        self.read(&mut session, &mut cluster);
        samples::take(&mut session, &mut cluster.broker, (first, self.settle), self.until);
        self.show(&cluster);
        if cluster.broker.other_groups.known().is_none() {
            cluster.broker.other_groups = groups::others(&mut session, &cluster.broker, &self.topics);
            self.show(&cluster);
        }
        Ok(session)
    }

    /// Reads the event's records and the dead letters.
    pub(crate) fn read(&self, session: &mut Session, cluster: &mut Cluster) {
        let event_at = self.event_at();
        let ids = Ids::new(&self.target.ids);
        let (values, until) = (self.values, self.until);
        if let Some(dead) = &self.dead_letters {
            let from = event_at.or_else(|| self.window_start());
            let headers: Vec<String> = [&dead.reason].into_iter().chain(&dead.worker).cloned().collect();
            let wanted = Wanted { ids: &ids, values, all: true, from, likely: None, headers: &headers };
            let found = records::look(session, &cluster.broker, &dead.topic, &wanted, until);
            cluster.broker.dead_letters = found.map(|found| found.dead_letters(&self.target.ids));
            self.show(cluster);
        }
        for topic in self.stage_topics.iter().filter(|_| !self.target.ids.is_empty()) {
            let likely = event_at.and_then(|from| from.checked_add(CLOCKS - AT_ONCE).ok());
            let wanted = Wanted { ids: &ids, values, all: false, from: event_at, likely, headers: &[] };
            let found = records::look(session, &cluster.broker, topic, &wanted, until);
            let search = found.map(|found| {
                cluster.records.insert(topic.clone(), found.naming());
                found.search
            });
            cluster.broker.searches.insert(topic.clone(), search);
            self.show(cluster);
        }
    }

    /// A little before the first event, once the database has told when it was.
    pub(crate) fn event_at(&self) -> Option<Timestamp> {
        let patience = self.event.patience.into_std().min(self.until);
        while self.event.event.borrow().is_none() && std::time::Instant::now() < patience {
            std::thread::sleep(POLL);
        }
        let told = self.event.event.borrow();
        let told = told.as_ref().and_then(|event| event.known()?.iter().map(|event| event.at).min());
        self.target.at.or(told).map(|at| at.saturating_sub(CLOCKS).unwrap_or(at))
    }

    pub(crate) fn window_start(&self) -> Option<Timestamp> {
        let window = SignedDuration::from_secs(i64::try_from(self.target.window_s).ok()?);
        self.taken.checked_sub(window).ok()
    }

    /// The cluster as its first metadata shows it, all else pending.
    pub(crate) fn begin(&self, session: &Session, metadata: &Metadata) -> Broker {
        let bootstrap = session.ways().bootstrap_of(client::answered_at(metadata));
        let brokers = metadata
            .brokers()
            .iter()
            .map(|broker| Node { id: broker.id(), address: format!("{}:{}", broker.host(), broker.port()) });
        let mut brokers: Vec<Node> = brokers.collect();
        brokers.sort_by_key(|broker| broker.id);
        Broker {
            bootstrap,
            mapped: session.ways().used(),
            cluster_id: session.cluster_id(),
            nodes: brokers,
            topics: all_unknown(&self.topics, &self.pending),
            groups: all_unknown(&self.groups, &self.pending),
            other_groups: Seen::Unknown(self.pending.clone()),
            searches: match self.target.ids.is_empty() {
                false => all_unknown(&self.stage_topics, &self.pending),
                true => BTreeMap::new(),
            },
            again: Vec::new(),
            commands: None,
            dead_letters: match self.dead_letters {
                Some(_) => Seen::Unknown(self.pending.clone()),
                None => Seen::not_asked("the pipeline names no dead letter topic"),
            },
        }
    }

    /// Tells of the broker before any record was looked for.
    pub(crate) fn begin_with(&self, broker: &Broker) {
        self.show(&Cluster { broker: broker.clone(), records: BTreeMap::new() });
    }

    pub(crate) fn show(&self, cluster: &Cluster) {
        self.tell.send_replace(Seen::Known(cluster.clone()));
    }
}

/// Whether the broker says that its store of groups does not exist. Where it
/// may not be looked at (the usual case with access lists) there may be groups.
pub(crate) fn has_no_groups(metadata: &Metadata, pending: &Why) -> bool {
    let store = topics::read(metadata, groups::STORE, pending);
    store.is_ok_and(|store| !store.exists)
}
