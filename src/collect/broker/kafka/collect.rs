//! Collects the topics, groups and records of one cluster.

use crate::base::panics::has_panicked;
use crate::collect::broker::kafka::addresses::AddressMap;
use crate::collect::broker::kafka::client::{RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::Request;
use crate::collect::broker::kafka::groups::GroupResponses;
use crate::collect::broker::kafka::reach::Reached;
use crate::collect::broker::kafka::record_search::{Ids, SearchQuery};
use crate::collect::broker::kafka::timeouts::{
    DEADLINE_MARGIN, EVENT_POLL_INTERVAL, SHUTDOWN_GRACE, USUAL_CLOCK_SKEW, all_unknown,
};
use crate::collect::broker::kafka::wire::metadata::Metadata;
use crate::collect::broker::kafka::{
    addresses, groups, offset_samples, open_transactions, reach, record_search, topics, waiting_records,
};
use crate::collect::own_limit::{internal_error, thread_limit};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::{LOOK_BACK, no_answer, timeout_at, without_pending};
use crate::config::Config;
use crate::evidence::{Broker, Event, FoundRecord, Name, Observed, Reason, Runtime, Target, Topic};
use crate::pipeline::{DeadLetters, Pipeline};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long to look for topics with similar names.
const SIMILAR_TIMEOUT: Duration = Duration::from_millis(500);

/// What was collected from a cluster.
#[derive(Clone, Default)]
pub struct Cluster {
    /// The cluster as evidence.
    pub broker: Broker,
    /// Records that name an id, by topic, each with the index of the requested id.
    pub records: BTreeMap<Name, Vec<(usize, FoundRecord)>>,
}

/// Collects the pipeline's topics and groups from one broker. `docker` is `None` if the
/// engine has not answered in time. Anything not reached by the deadline is unknown.
pub async fn collect(
    config: &Config,
    broker: &str,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    until: Instant,
    events: PendingEvents,
) -> Observed<Cluster> {
    if config.pipeline.broker(broker).is_none() {
        return Observed::not_in_pipeline("the pipeline has no broker");
    }
    let bootstrap = match addresses::bootstrap(config, broker, docker) {
        Observed::Known(bootstrap) => bootstrap,
        Observed::Unknown(why) => return Observed::Unknown(why),
        Observed::NotAsked(why) => return Observed::NotAsked(why),
    };
    let until = until - DEADLINE_MARGIN;
    let pending = no_answer(&bootstrap.join(", "), until - Instant::now());
    let (sender, mut updates) = watch::channel(Observed::Unknown(pending.clone()));
    let of_thread = pending.clone();
    let pipeline = &config.pipeline;
    let is_on_broker = |topic: &&String| pipeline.broker_of_topic(topic) == broker;
    let dead_letters = pipeline.dead_letters.clone().filter(|dead| is_on_broker(&&dead.topic));
    let dead_topic = dead_letters.iter().map(|dead| &dead.topic);
    let members = pipeline.worker.iter().filter(|worker| pipeline.broker_of(worker) == broker);
    let of_stages = pipeline.stage.iter().filter_map(|stage| stage.topic().known().copied());
    let collector = ClusterCollector {
        topics: pipeline
            .topic
            .iter()
            .map(|t| &t.name)
            .filter(is_on_broker)
            .chain(dead_topic)
            .cloned()
            .collect(),
        groups_with_stages: groups_with_stages(pipeline),
        groups: members.filter_map(|w| w.group.clone()).collect(),
        stage_topics: of_stages.filter(is_on_broker).cloned().collect(),
        dead_letters,
        target: config.target.clone(),
        settle: config.settle,
        values: config.values,
        observed_at: Timestamp::now(),
        bootstrap,
        pending,
        too_large: BTreeMap::new(),
        until: until.into_std(),
        events,
        sender,
    };
    let address_map = AddressMap::new(config, docker);
    let thread = std::thread::Builder::new().name("kafka".into());
    let thread = match thread.spawn(move || collector.run(address_map)) {
        Ok(thread) => thread.thread().id(),
        Err(error) => return Observed::Unknown(thread_limit(&error)),
    };
    // The thread drops its sender when it is done.
    let finished = async { while updates.changed().await.is_ok() {} };
    let _ = timeout_at(until + SHUTDOWN_GRACE, finished).await;
    if has_panicked(thread) {
        return Observed::Unknown(internal_error("Kafka"));
    }
    let seen = updates.borrow().clone();
    after_signal(seen, &of_thread)
}

/// Returns the groups of workers that have stages.
fn groups_with_stages(pipeline: &Pipeline) -> BTreeSet<Name> {
    let workers = pipeline.worker.iter();
    let with_stages = workers.filter(|worker| pipeline.stages_of(&worker.name).next().is_some());
    with_stages.filter_map(|worker| worker.group.clone()).collect()
}

/// Replaces the reason for what was not reached if a signal ended the run.
fn after_signal(seen: Observed<Cluster>, pending: &Reason) -> Observed<Cluster> {
    let seen = seen.map_reason(|why| without_pending(why, pending));
    seen.map(|cluster| Cluster { broker: without_pending(cluster.broker, pending), ..cluster })
}

/// The events that the database driver will find.
pub struct PendingEvents {
    /// The events once they are known; `None` until then.
    pub updates: watch::Receiver<Option<Observed<Vec<Event>>>>,
    /// When to stop waiting for them.
    pub wait_until: Instant,
}

/// What the Kafka thread collects, and where it publishes the results.
pub(crate) struct ClusterCollector {
    pub(crate) bootstrap: Vec<String>,
    pub(crate) topics: BTreeSet<Name>,
    /// Topics that are not read, with the reasons.
    pub(crate) too_large: BTreeMap<Name, Reason>,
    pub(crate) groups: BTreeSet<Name>,
    /// The groups whose workers have stages, so that the database tells when they last did something.
    pub(crate) groups_with_stages: BTreeSet<Name>,
    pub(crate) stage_topics: BTreeSet<Name>,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) target: Target,
    pub(crate) settle: Duration,
    pub(crate) values: bool,
    pub(crate) observed_at: Timestamp,
    pub(crate) events: PendingEvents,
    /// The reason reported for everything that has not been reached by the deadline.
    pub(crate) pending: Reason,
    pub(crate) until: std::time::Instant,
    pub(crate) sender: watch::Sender<Observed<Cluster>>,
}

impl ClusterCollector {
    /// Collects everything and publishes partial results along the way.
    pub(crate) fn run(mut self, address_map: AddressMap) {
        let topics: Vec<Name> =
            self.topics.iter().filter(|name| topics::is_valid_name(name)).cloned().collect();
        let topics = topics.iter().map(String::as_str).chain([groups::OFFSETS_TOPIC]);
        let topics: Vec<&str> = topics.collect();
        let reached = match reach::reach(&self.bootstrap, &address_map, Some(&topics), self.until) {
            Ok(reached) => reached,
            Err(why) => return drop(self.sender.send(Observed::Unknown(why))),
        };
        self.too_large.clone_from(&reached.too_large);
        let result = self.collect(&address_map, reached);
        if let Err(why) = &result {
            // Keeps results that are already published.
            self.sender.send_if_modified(|published| {
                let is_empty = published.known().is_none();
                if is_empty {
                    *published = Observed::Unknown(why.clone());
                }
                is_empty
            });
        }
        // Everything is published, so the receiver need not wait until both clients are
        // dropped, which may block.
        drop(self.sender);
    }

    /// Reads the rest from the responsible brokers. Returns the sessions, so that the caller can drop them last.
    pub(crate) fn collect(&self, address_map: &AddressMap, reached: Reached) -> Result<Vec<Session>, Reason> {
        let metadata = &reached.metadata;
        let mut cluster =
            Cluster { broker: self.initial_evidence(address_map, &reached), records: BTreeMap::new() };
        let kafka = &mut cluster.broker;
        for name in &self.topics {
            let topic = match self.too_large.get(name) {
                Some(why) => Observed::Unknown(why.clone()),
                None => topics::from_metadata(metadata, name, &self.pending).into(),
            };
            kafka.topics.insert(name.clone(), topic);
        }
        self.publish_broker(kafka);
        self.find_similar_topics(address_map, kafka);
        let mut requests = topics::requests(kafka);
        if kafka.offsets_topic == Observed::Known(false) {
            for group in kafka.groups.values_mut() {
                *group = Observed::Known(groups::absent());
            }
            kafka.other_groups = Observed::Known(BTreeMap::new());
            self.publish_broker(kafka);
        } else {
            requests.extend(groups::requests(&self.groups, &kafka.nodes));
        }
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        self.query_brokers(address_map, &requests, cluster)
    }

    /// Looks for topics whose names resemble those of missing ones.
    fn find_similar_topics(&self, address_map: &AddressMap, kafka: &mut Broker) {
        let is_missing = |topic: &Observed<Topic>| topic.known().is_some_and(|topic| !topic.exists);
        if !kafka.topics.values().any(is_missing) {
            return;
        }
        let until = self.until.min(std::time::Instant::now() + SIMILAR_TIMEOUT);
        let connection = reach::connect_once(&address_map.target(&kafka.bootstrap), until);
        let all = connection.and_then(|mut connection| connection.metadata(None).ok()?);
        let Some(size) = all.and_then(|response| response.size().ok()) else { return };
        for (name, topic) in &mut kafka.topics {
            if let Some(topic) = topic.known_mut().filter(|topic| !topic.exists) {
                topic.similar = topics::similar(name, size.partitions.keys());
            }
        }
        self.publish_broker(kafka);
    }

    /// Sends the requests to the brokers and stores their responses, then reads records,
    /// offset samples and other groups.
    pub(crate) fn query_brokers(
        &self,
        address_map: &AddressMap,
        requests: &[RoutedRequest],
        mut cluster: Cluster,
    ) -> Result<Vec<Session>, Reason> {
        if std::time::Instant::now() >= self.until {
            return Err(self.pending.clone());
        }
        let kafka = &mut cluster.broker;
        let only = Some(kafka.bootstrap.as_str()).filter(|_| kafka.nodes.len() == 1);
        let brokers: Vec<_> = kafka.nodes.iter().map(|b| b.address.clone()).collect();
        let mut session = Session::open(&brokers, address_map.to_brokers(only), self.until)?;
        // Without a connection and known leaders, librdkafka delays requests for seconds.
        // An error here is ignored, because the requests will report it.
        let existing =
            kafka.topics.iter().filter(|(_, topic)| topic.known().is_some_and(|topic| topic.exists));
        let existing: Vec<&str> = existing.map(|(name, _)| name.as_str()).collect();
        let _ = session.connect(Some(&existing), &brokers);
        let mut groups = GroupResponses::new(&self.groups, &self.pending);
        session.send(requests, |request, response| {
            match request {
                Request::Offsets(spec, partitions) => {
                    topics::store_offsets(&mut kafka.topics, *spec, partitions, response);
                }
                Request::TopicSettings(names) => topics::store_settings(&mut kafka.topics, names, response),
                request => {
                    groups.add(request, response);
                    kafka.groups = groups.evidence();
                }
            }
            kafka.mapped = address_map.mapped();
            self.publish_broker(kafka);
        });
        let first_read = std::time::Instant::now();
        let uncommitted = open_transactions::collect(&mut cluster.broker, &session, self.until);
        waiting_records::collect(&mut cluster.broker, &session, self.until);
        self.publish_broker(&cluster.broker);
        self.read_records(&mut session, uncommitted.as_ref(), &mut cluster);
        let schedule = offset_samples::Schedule {
            first: first_read,
            settle: self.settle,
            with_effects: self.groups_with_effects(),
        };
        offset_samples::collect(&mut session, &mut cluster.broker, &schedule, self.until);
        self.publish(&cluster);
        if cluster.broker.other_groups.known().is_none() {
            cluster.broker.other_groups = groups::others(&mut session, &cluster.broker, &self.topics);
            self.publish(&cluster);
        }
        Ok([session].into_iter().chain(uncommitted).collect())
    }

    /// Reads the event's records and the dead letters.
    pub(crate) fn read_records(
        &self,
        session: &mut Session,
        uncommitted: Option<&Session>,
        cluster: &mut Cluster,
    ) {
        let search_start = self.search_start();
        let ids = Ids::new(&self.target.ids);
        let (values, until) = (self.values, self.until);
        if let Some(dead) = &self.dead_letters {
            let from = search_start.or_else(|| self.window_start());
            let headers = dead.header_names();
            let query = SearchQuery {
                ids: &ids,
                values,
                all: true,
                from,
                likely: None,
                headers: &headers,
                uncommitted,
            };
            let result = record_search::search(session, &cluster.broker, &dead.topic, &query, until);
            cluster.broker.dead_letters = result.map(|result| result.dead_letters(&self.target.ids));
            self.publish(cluster);
        }
        for topic in self.stage_topics.iter().filter(|_| !self.target.ids.is_empty()) {
            let likely = search_start.and_then(|from| from.checked_add(LOOK_BACK - USUAL_CLOCK_SKEW).ok());
            let query = SearchQuery {
                ids: &ids,
                values,
                all: false,
                from: search_start,
                likely,
                headers: &[],
                uncommitted,
            };
            let result = record_search::search(session, &cluster.broker, topic, &query, until);
            let search = result.map(|result| {
                cluster.records.insert(topic.clone(), result.matches());
                result.search
            });
            cluster.broker.searches.insert(topic.clone(), search);
            self.publish(cluster);
        }
    }

    /// Waits for the events' times from the database and returns a time shortly before the
    /// first event.
    pub(crate) fn search_start(&self) -> Option<Timestamp> {
        let wait_until = self.events.wait_until.into_std().min(self.until);
        while self.events.updates.borrow().is_none() && std::time::Instant::now() < wait_until {
            std::thread::sleep(EVENT_POLL_INTERVAL);
        }
        let events = self.events.updates.borrow();
        let first = events.as_ref().and_then(|events| events.known()?.iter().map(|event| event.at).min());
        self.target.at.or(first).map(|at| at.saturating_sub(LOOK_BACK).unwrap_or(at))
    }

    /// Returns the groups of which the database tells when their workers last did something.
    fn groups_with_effects(&self) -> BTreeSet<Name> {
        let answers =
            matches!(&*self.events.updates.borrow(), Some(Observed::Known(_) | Observed::NotAsked(_)));
        if answers { self.groups_with_stages.clone() } else { BTreeSet::new() }
    }

    pub(crate) fn window_start(&self) -> Option<Timestamp> {
        let window = SignedDuration::from_secs(i64::try_from(self.target.window_s).ok()?);
        self.observed_at.checked_sub(window).ok()
    }

    /// Returns the cluster as described by its first metadata; everything else is pending.
    pub(crate) fn initial_evidence(&self, address_map: &AddressMap, reached: &Reached) -> Broker {
        let metadata = &reached.metadata;
        Broker {
            bootstrap: reached.bootstrap.clone(),
            mapped: address_map.mapped(),
            cluster_id: metadata.cluster_id.clone(),
            nodes: metadata.nodes.clone(),
            topics: all_unknown(&self.topics, &self.pending),
            groups: all_unknown(&self.groups, &self.pending),
            other_groups: Observed::Unknown(self.pending.clone()),
            searches: match self.target.ids.is_empty() {
                false => all_unknown(&self.stage_topics, &self.pending),
                true => BTreeMap::new(),
            },
            again: Vec::new(),
            offsets_topic: offsets_topic(metadata, &self.pending),
            commands: None,
            dead_letters: match self.dead_letters {
                Some(_) => Observed::Unknown(self.pending.clone()),
                None => Observed::not_asked("the pipeline declares no dead letter topic"),
            },
        }
    }

    /// Publishes the broker before any records are read.
    pub(crate) fn publish_broker(&self, broker: &Broker) {
        self.publish(&Cluster { broker: broker.clone(), records: BTreeMap::new() });
    }

    pub(crate) fn publish(&self, cluster: &Cluster) {
        self.sender.send_replace(Observed::Known(cluster.clone()));
    }
}

/// Reports whether the topic that holds committed offsets exists. If it does not, there are no groups. If
/// ACLs forbid access to the topic, as they usually do, there may be groups.
pub(crate) fn offsets_topic(metadata: &Metadata, pending: &Reason) -> Observed<bool> {
    topics::from_metadata(metadata, groups::OFFSETS_TOPIC, pending).map(|topic| topic.exists).into()
}
