//! All drivers at once, each under the deadline.

use crate::base::error::Mistake;
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::collect::broker::kafka::{self, Cluster};
use crate::collect::database::postgres::own::Told as OwnTold;
use crate::collect::database::postgres::prepare::Prepared;
use crate::collect::database::postgres::{self, Looked};
use crate::collect::deadline::{no_answer, now};
use crate::collect::progress::Progress;
use crate::collect::runtime::docker::Discovered;
use crate::collect::runtime::{compose, docker};
use crate::collect::{http, logs};
use crate::config::Config;
use crate::evidence::{
    self, AskedEvent, Broker, Database, Event, Evidence, Log, Name, Runtime, Seen, System,
};
use futures_util::future::join_all;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is wrong with the addresses and files that the user gave, before
/// anything is contacted.
pub fn check(config: &Config, mistakes: &mut Vec<Mistake>) {
    mistakes.extend(compose::check(config).err());
    if let Some(url) = &config.places.postgres {
        mistakes.extend(postgres::address::check(url.expose()).err());
    }
    for url in config.places.databases.values() {
        mistakes.extend(postgres::address::check(url.expose()).err());
    }
}

/// What the Docker probe tells the others.
pub(crate) type DockerTold = Arc<(Seen<Runtime>, Discovered)>;

/// One run of all probes: until when, and what they tell each other.
pub(crate) struct Looking<'a> {
    pub(crate) config: &'a Config,
    pub(crate) taken: Timestamp,
    pub(crate) until: Instant,
    /// What others wait for is waited for at most a third of the deadline.
    pub(crate) patience: Instant,
    pub(crate) docker: watch::Sender<Option<DockerTold>>,
    pub(crate) event: watch::Sender<Option<Seen<Vec<Event>>>>,
}

/// Looks at everything at once and returns what was seen by the deadline.
pub async fn gather(config: &Config) -> Evidence {
    let start = Instant::now();
    let looking = Looking {
        config,
        taken: now(),
        until: start + config.deadline,
        patience: start + config.deadline / 3,
        docker: watch::channel(None).0,
        event: watch::channel(None).0,
    };
    let progress = Progress::start();
    let (docker, declared, clusters, (databases, told), (http, answers), logs) = tokio::join!(
        progress.watch("Docker", looking.docker()),
        progress.watch("compose file", looking.compose()),
        progress.watch("Kafka", looking.kafka()),
        progress.watch("PostgreSQL", looking.postgres()),
        progress.watch("HTTP", looking.http()),
        progress.watch("logs", looking.logs()),
    );
    let mut events: Vec<AskedEvent> = config.target.ids.iter().map(AskedEvent::new).collect();
    let brokers = clusters.into_iter().map(|(name, cluster)| {
        let broker = cluster.map(|cluster| broker_of(cluster, &mut events));
        (name, broker)
    });
    let brokers = brokers.collect();
    let databases = databases_of(databases, &mut events);
    Evidence {
        schema: evidence::SCHEMA,
        tool: env!("CARGO_PKG_VERSION").into(),
        taken: looking.taken,
        target: config.target.clone(),
        events,
        declared,
        runtimes: [(Runtime::DOCKER.to_string(), docker)].into(),
        brokers,
        databases,
        http,
        logs,
        custom: told.into_iter().chain(answers).chain(looked_for(config)).collect(),
        counters: BTreeMap::new(),
    }
}

/// A broker; its records go to the events that they name.
pub(crate) fn broker_of(cluster: Cluster, events: &mut [AskedEvent]) -> Broker {
    for (topic, found) in cluster.records {
        for (number, record) in found {
            if let Some(event) = events.get_mut(number) {
                event.records.entry(topic.clone()).or_default().push(record);
            }
        }
    }
    cluster.broker
}

/// The databases, the main one first; the rows go to their events.
pub(crate) fn databases_of(
    looked: Seen<Looked>,
    events: &mut [AskedEvent],
) -> IndexMap<Name, Seen<Database>> {
    let mut further = BTreeMap::new();
    let rows = looked.as_ref().map(|looked| looked.rows.clone());
    for (number, event) in events.iter_mut().enumerate() {
        event.rows = rows.as_ref().and_then(|rows| match rows.get(number) {
            Some(rows) => Seen::Known(rows.clone()),
            None => Seen::default(),
        });
    }
    let main = looked.map(|looked| {
        further = looked.further;
        looked.main
    });
    [(MAIN_DATABASE.to_string(), main)].into_iter().chain(further).collect()
}

/// Has the database prepare the pipeline's SQL, by the deadline.
pub async fn prepare(config: &Config) -> Seen<Prepared> {
    if config.without.contains(&System::Postgres) {
        return Seen::Unknown(System::Postgres.left_out());
    }
    let start = Instant::now();
    let docker = match config.without.contains(&System::Docker) {
        true => (Seen::Unknown(System::Docker.left_out()), Discovered::default()),
        false => docker::look(config, start + config.deadline / 3).await,
    };
    postgres::prepare::prepare(config, &docker, start + config.deadline).await
}

/// The patterns of the user's own that logs are read for.
pub(crate) fn looked_for(config: &Config) -> impl Iterator<Item = (Name, Seen<evidence::Custom>)> {
    let logged = config.own.iter().filter_map(|fact| Some((fact, fact.log.as_ref()?)));
    logged.map(|(fact, log)| {
        let pattern = log.pattern.0.as_str().to_string();
        (fact.name().to_string(), Seen::Known(evidence::Custom::LookedFor(pattern)))
    })
}

impl Looking<'_> {
    /// Nobody is asked about a system that is to be left out.
    pub(crate) fn left_out<T>(&self, system: System) -> Option<Seen<T>> {
        self.config.without.contains(&system).then(|| Seen::Unknown(system.left_out()))
    }

    pub(crate) async fn docker(&self) -> Seen<Runtime> {
        if let Some(unseen) = self.left_out(System::Docker) {
            self.docker.send_replace(Some(Arc::new((unseen.clone(), Discovered::default()))));
            return unseen;
        }
        let (docker, discovered) = docker::look(self.config, self.until).await;
        self.docker.send_replace(Some(Arc::new((docker.clone(), discovered))));
        // The others go on meanwhile.
        docker::further(self.config, docker, Instant::now(), self.until).await
    }

    pub(crate) async fn compose(&self) -> Seen<evidence::Declared> {
        // Reading it takes longer than all the rest.
        if self.config.in_haste {
            return Seen::not_asked("not read while an event is followed");
        }
        // Time must remain for reading the file of this directory.
        let found = wait_for(&self.docker, self.until - self.config.deadline / 3).await;
        compose::look(self.config, found.as_deref(), self.until).await
    }

    /// All brokers, the main one first.
    pub(crate) async fn kafka(&self) -> Vec<(Name, Seen<Cluster>)> {
        let further = self.config.pipeline.broker.keys().map(String::as_str);
        let all = [MAIN_BROKER].into_iter().chain(further);
        join_all(all.map(|name| async move { (name.to_string(), self.broker(name).await) })).await
    }

    pub(crate) async fn broker(&self, name: &str) -> Seen<Cluster> {
        if let Some(unseen) = self.left_out(System::Kafka) {
            return unseen;
        }
        let found = wait_for(&self.docker, self.patience).await;
        let told = kafka::Told { event: self.event.subscribe(), patience: self.patience };
        kafka::look(self.config, name, found.as_deref(), self.until, told).await
    }

    pub(crate) async fn postgres(&self) -> (Seen<Looked>, OwnTold) {
        let mut own = postgres::own::not_asked(self.config);
        let rows = self.rows(&mut own).await;
        // Whatever was not told has the database's reason, or came too late.
        for fact in self.config.own.iter().filter(|fact| fact.sql.is_some()) {
            let late = || Seen::Unknown(no_answer("PostgreSQL", self.config.deadline));
            own.entry(fact.name().to_string()).or_insert_with(|| rows.as_ref().and_then(|_| late()));
        }
        (rows, own)
    }

    pub(crate) async fn rows(&self, own: &mut OwnTold) -> Seen<Looked> {
        if let Some(unseen) = self.left_out(System::Postgres) {
            self.event.send_replace(Some(Seen::Unknown(System::Postgres.left_out())));
            return unseen;
        }
        let found = wait_for(&self.docker, self.patience).await;
        let rows = postgres::look(self.config, found.as_deref(), self.until, &self.event, own).await;
        // Whoever still waits for the event's time waits no longer.
        if self.event.borrow().is_none() {
            let event = rows.as_ref().and_then(|looked| match looked.rows.first() {
                Some(rows) => rows.event.clone(),
                None => Seen::not_asked(postgres::NO_ID),
            });
            self.event.send_replace(Some(event.map(|event| vec![event])));
        }
        rows
    }

    pub(crate) async fn http(&self) -> (Seen<evidence::Http>, OwnTold) {
        if let Some(unseen) = self.left_out(System::Http) {
            let own = self.config.own.iter().filter(|fact| fact.http.is_some());
            let left_out = || Seen::Unknown(System::Http.left_out());
            return (unseen, own.map(|fact| (fact.name().to_string(), left_out())).collect());
        }
        let found = wait_for(&self.docker, self.patience).await;
        let event = wait_for(&self.event, self.patience).await;
        http::look(self.config, found.as_deref(), event.as_ref(), self.until).await
    }

    pub(crate) async fn logs(&self) -> BTreeMap<Name, Seen<Log>> {
        if let Some(unseen) = self.left_out(System::Logs) {
            return logs::look(self.config, Some(&unseen), None, self.taken, self.until).await;
        }
        let found = wait_for(&self.docker, self.until).await;
        let event = wait_for(&self.event, self.patience).await;
        let docker = found.as_ref().map(|found| &found.0);
        logs::look(self.config, docker, event.as_ref(), self.taken, self.until).await
    }
}

/// What another probe tells, or `None` if it has not told by then.
pub(crate) async fn wait_for<T: Clone>(told: &watch::Sender<Option<T>>, until: Instant) -> Option<T> {
    let mut told = told.subscribe();
    let waited = tokio::time::timeout_at(until, told.wait_for(Option::is_some)).await;
    match waited {
        Ok(Ok(value)) => value.clone(),
        _ => None,
    }
}
