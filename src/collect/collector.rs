//! Runs all drivers concurrently, each under the deadline.

use crate::base::error::Mistake;
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::collect::broker::kafka::{self, Cluster};
use crate::collect::clock::now;
use crate::collect::database::postgres::custom_facts::Answers as CustomAnswers;
use crate::collect::database::postgres::lint_sql::Prepared;
use crate::collect::database::postgres::{self, Collected};
use crate::collect::deadline::no_answer;
use crate::collect::own_limit::thread_limit;
use crate::collect::progress::Progress;
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::runtime::{compose, docker};
use crate::collect::{http, logs};
use crate::config::Config;
use crate::evidence::{
    self, AskedEvent, Broker, Database, Event, Evidence, Log, Name, Observed, Reason, ReasonKind, Runtime,
    System,
};
use futures_util::future::join_all;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

/// Checks the addresses and files that the user gave, before any system is contacted,
/// and adds all errors to `mistakes`.
pub fn check(config: &Config, mistakes: &mut Vec<Mistake>) {
    mistakes.extend(compose::check(config).err());
    if let Some(url) = &config.endpoints.postgres {
        mistakes.extend(postgres::address::check(url.expose()).err());
    }
    for url in config.endpoints.databases.values() {
        mistakes.extend(postgres::address::check(url.expose()).err());
    }
}

/// The result of the Docker driver, which other drivers wait for.
pub(crate) type DockerResult = Arc<(Observed<Runtime>, EnvironmentAddresses)>;

/// One run of all drivers: its deadlines and the results that drivers share.
pub(crate) struct Collector {
    pub(crate) config: Config,
    pub(crate) observed_at: Timestamp,
    pub(crate) until: Instant,
    /// When a driver stops waiting for another one, which is after a third of the deadline.
    pub(crate) wait_until: Instant,
    pub(crate) docker: watch::Sender<Option<DockerResult>>,
    pub(crate) event: watch::Sender<Option<Observed<Vec<Event>>>>,
    results: mpsc::Sender<Deposit>,
}

/// Runs all drivers concurrently and returns what they observed by the deadline. Waits on this thread,
/// not in the runtime, so that no driver can keep it from returning: one that is late loses its own
/// evidence.
pub fn gather_evidence(config: &Config, runtime: &Handle) -> Evidence {
    let start = Instant::now();
    let (results, deposits) = mpsc::channel();
    let (until, observed_at) = (start + config.deadline, now());
    let collector = Arc::new(Collector {
        config: config.clone(),
        observed_at,
        until,
        wait_until: start + config.deadline / 3,
        docker: watch::channel(None).0,
        event: watch::channel(None).0,
        results,
    });
    start_drivers(&collector, runtime);
    // The drivers hold the collector, so the channel ends with the last of them.
    drop(collector);
    let mut seen = Seen::default();
    let missing = loop {
        match deposits.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(deposit) => deposit(&mut seen),
            Err(RecvTimeoutError::Timeout) => break not_finished(config.deadline),
            Err(RecvTimeoutError::Disconnected) => {
                break Reason::new(ReasonKind::Failed, "reading it failed unexpectedly; this is a bug");
            }
        }
    };
    seen.into_evidence(config, observed_at, &missing)
}

fn not_finished(deadline: Duration) -> Reason {
    let message = format!("reading it was not finished within the deadline of {deadline:?}");
    Reason::new(ReasonKind::TooLittleTime, message)
}

/// Starts each driver in a task of its own, so that none waits for another's work.
fn start_drivers(collector: &Arc<Collector>, runtime: &Handle) {
    let _entered = runtime.enter();
    let progress = Arc::new(Progress::start());
    macro_rules! start {
        ($name:literal, $driver:ident, $field:ident) => {
            let (collector, progress) = (collector.clone(), progress.clone());
            runtime.spawn(async move {
                let result = progress.watch($name, collector.$driver()).await;
                collector.deposit(|seen| seen.$field = Some(result));
            });
        };
    }
    start!("Docker", docker, docker);
    start!("compose file", compose, declared);
    start!("Kafka", kafka, clusters);
    start_postgres(collector.clone(), progress.clone());
    start!("HTTP", http, http);
    start!("logs", logs, logs);
}

/// Starts the PostgreSQL driver on a thread and runtime of its own: what it reads matters most, and no
/// other driver can take its time.
fn start_postgres(collector: Arc<Collector>, progress: Arc<Progress>) {
    let to_report = collector.clone();
    let work = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return collector.deposit_no_databases(&thread_limit(&error)),
        };
        let result = runtime.block_on(progress.watch("PostgreSQL", collector.postgres()));
        collector.deposit(|seen| seen.databases = Some(result));
        // A lookup that hangs does not keep the thread.
        runtime.shutdown_background();
    };
    if let Err(error) = std::thread::Builder::new().name("postgres".into()).spawn(work) {
        to_report.deposit_no_databases(&thread_limit(&error));
    }
}

/// Adds a driver's result to the others.
type Deposit = Box<dyn FnOnce(&mut Seen) + Send>;

type Custom = BTreeMap<Name, Observed<evidence::CustomObservation>>;

/// What the drivers have returned so far.
#[derive(Default)]
struct Seen {
    docker: Option<Observed<Runtime>>,
    declared: Option<Observed<evidence::Declared>>,
    clusters: Option<Vec<(Name, Observed<Cluster>)>>,
    databases: Option<(Observed<Collected>, CustomAnswers)>,
    http: Option<(Observed<evidence::Http>, Custom)>,
    logs: Option<BTreeMap<Name, Observed<Log>>>,
}

impl Seen {
    /// Builds the evidence, with `missing` as the reason for results that did not arrive.
    fn into_evidence(self, config: &Config, observed_at: Timestamp, missing: &Reason) -> Evidence {
        let mut events: Vec<AskedEvent> = config.target.ids.iter().map(AskedEvent::new).collect();
        let clusters = self.clusters.unwrap_or_else(|| {
            broker_names(config).map(|name| (name, Observed::Unknown(missing.clone()))).collect()
        });
        let brokers = clusters.into_iter().map(|(name, cluster)| {
            let broker = cluster.map(|cluster| broker_evidence(cluster, &mut events));
            (name, broker)
        });
        let brokers = brokers.collect();
        let (databases, sql_facts) = self.databases.unwrap_or_else(|| no_databases(config, missing));
        let (http, http_facts) = self.http.unwrap_or_else(|| {
            let facts = config.custom_facts.iter().filter(|fact| fact.http.is_some());
            (unknown(missing), facts.map(|fact| (fact.name().to_string(), unknown(missing))).collect())
        });
        let logs = self
            .logs
            .unwrap_or_else(|| logs::names(&config.pipeline).map(|name| (name, unknown(missing))).collect());
        let databases = database_evidence(databases, &mut events);
        Evidence {
            schema: evidence::SCHEMA,
            tool: env!("CARGO_PKG_VERSION").into(),
            observed_at,
            target: config.target.clone(),
            events,
            declared: self.declared.unwrap_or_else(|| unknown(missing)),
            runtimes: [(Runtime::DOCKER.to_string(), self.docker.unwrap_or_else(|| unknown(missing)))].into(),
            brokers,
            databases,
            http,
            logs,
            custom: sql_facts.into_iter().chain(http_facts).chain(log_facts(config)).collect(),
            counters: BTreeMap::new(),
        }
    }
}

fn no_databases(config: &Config, why: &Reason) -> (Observed<Collected>, CustomAnswers) {
    let facts = config.custom_facts.iter().filter(|fact| fact.sql.is_some());
    (unknown(why), facts.map(|fact| (fact.name().to_string(), unknown(why))).collect())
}

fn unknown<T>(why: &Reason) -> Observed<T> {
    Observed::Unknown(why.clone())
}

/// Returns the names of all brokers, the main one first.
fn broker_names(config: &Config) -> impl Iterator<Item = Name> {
    let additional = config.pipeline.broker.keys().cloned();
    [MAIN_BROKER.to_string()].into_iter().chain(additional)
}

/// Returns the broker's evidence and moves its records to the events that they name.
pub(crate) fn broker_evidence(cluster: Cluster, events: &mut [AskedEvent]) -> Broker {
    for (topic, found) in cluster.records {
        for (number, record) in found {
            if let Some(event) = events.get_mut(number) {
                event.records.entry(topic.clone()).or_default().push(record);
            }
        }
    }
    cluster.broker
}

/// Returns the databases, with the main one first, and moves the rows to their events.
pub(crate) fn database_evidence(
    collected: Observed<Collected>,
    events: &mut [AskedEvent],
) -> IndexMap<Name, Observed<Database>> {
    let mut additional = BTreeMap::new();
    let rows = collected.as_ref().map(|collected| collected.rows.clone());
    for (number, event) in events.iter_mut().enumerate() {
        event.rows = rows.as_ref().and_then(|rows| match rows.get(number) {
            Some(rows) => Observed::Known(rows.clone()),
            None => Observed::default(),
        });
    }
    let main = collected.map(|collected| {
        additional = collected.additional;
        collected.main
    });
    [(MAIN_DATABASE.to_string(), main)].into_iter().chain(additional).collect()
}

/// Prepares the pipeline's SQL on the database, without running it.
pub async fn prepare(config: &Config) -> Observed<Prepared> {
    if config.without.contains(&System::Postgres) {
        return Observed::Unknown(System::Postgres.skipped_reason());
    }
    let start = Instant::now();
    let docker = match config.without.contains(&System::Docker) {
        true => (Observed::Unknown(System::Docker.skipped_reason()), EnvironmentAddresses::default()),
        false => docker::collect(config, start + config.deadline / 3).await,
    };
    postgres::lint_sql::prepare(config, &docker, start + config.deadline).await
}

/// Returns the custom facts' log patterns.
pub(crate) fn log_facts(
    config: &Config,
) -> impl Iterator<Item = (Name, Observed<evidence::CustomObservation>)> {
    let facts = config.custom_facts.iter().filter_map(|fact| Some((fact, fact.log.as_ref()?)));
    facts.map(|(fact, log)| {
        let pattern = log.pattern.0.as_str().to_string();
        (fact.name().to_string(), Observed::Known(evidence::CustomObservation::LookedFor(pattern)))
    })
}

impl Collector {
    /// Hands over a result. After the deadline, nobody takes it any more.
    fn deposit(&self, deposit: impl FnOnce(&mut Seen) + Send + 'static) {
        let _ = self.results.send(Box::new(deposit));
    }

    /// Hands over that the databases could not be read, and releases the drivers that wait for the event.
    fn deposit_no_databases(&self, why: &Reason) {
        let result = no_databases(&self.config, why);
        self.event.send_replace(Some(Observed::Unknown(why.clone())));
        self.deposit(|seen| seen.databases = Some(result));
    }

    /// Returns the reason a system is unavailable if the user has excluded it.
    pub(crate) fn left_out<T>(&self, system: System) -> Option<Observed<T>> {
        self.config.without.contains(&system).then(|| Observed::Unknown(system.skipped_reason()))
    }

    pub(crate) async fn docker(&self) -> Observed<Runtime> {
        if let Some(unavailable) = self.left_out(System::Docker) {
            self.docker.send_replace(Some(Arc::new((unavailable.clone(), EnvironmentAddresses::default()))));
            return unavailable;
        }
        let (docker, discovered) = docker::collect(&self.config, self.until).await;
        self.docker.send_replace(Some(Arc::new((docker.clone(), discovered))));
        // The other drivers are already running. What follows may take until the deadline.
        let first = docker.clone();
        self.deposit(|seen| seen.docker = Some(first));
        docker::follow_up(&self.config, docker, Instant::now(), self.until).await
    }

    pub(crate) async fn compose(&self) -> Observed<evidence::Declared> {
        // Reading the compose files takes longer than everything else.
        if self.config.quick {
            return Observed::not_asked("not read while following an event");
        }
        // Leaves time to read the compose file in this directory.
        let docker = wait_for(&self.docker, self.until - self.config.deadline / 3).await;
        compose::collect(&self.config, docker.as_deref(), self.until).await
    }

    /// Collects from all brokers, the main one first.
    pub(crate) async fn kafka(&self) -> Vec<(Name, Observed<Cluster>)> {
        let all = broker_names(&self.config);
        join_all(all.map(|name| async move {
            let cluster = self.broker(&name).await;
            (name, cluster)
        }))
        .await
    }

    pub(crate) async fn broker(&self, name: &str) -> Observed<Cluster> {
        if let Some(unavailable) = self.left_out(System::Kafka) {
            return unavailable;
        }
        let docker = wait_for(&self.docker, self.wait_until).await;
        let events = kafka::PendingEvents { updates: self.event.subscribe(), wait_until: self.wait_until };
        kafka::collect(&self.config, name, docker.as_deref(), self.until, events).await
    }

    pub(crate) async fn postgres(&self) -> (Observed<Collected>, CustomAnswers) {
        let mut answers = postgres::custom_facts::not_asked(&self.config);
        let rows = self.rows(&mut answers).await;
        // A fact without an answer gets the database's reason, or else a timeout.
        for fact in self.config.custom_facts.iter().filter(|fact| fact.sql.is_some()) {
            let timeout = || Observed::Unknown(no_answer("PostgreSQL", self.config.deadline));
            answers.entry(fact.name().to_string()).or_insert_with(|| rows.as_ref().and_then(|_| timeout()));
        }
        (rows, answers)
    }

    pub(crate) async fn rows(&self, answers: &mut CustomAnswers) -> Observed<Collected> {
        if let Some(unavailable) = self.left_out(System::Postgres) {
            self.event.send_replace(Some(Observed::Unknown(System::Postgres.skipped_reason())));
            return unavailable;
        }
        let docker = wait_for(&self.docker, self.wait_until).await;
        let rows = postgres::collect(&self.config, docker.as_deref(), self.until, &self.event, answers).await;
        // Releases the drivers that are still waiting for the event's time.
        if self.event.borrow().is_none() {
            let event = rows.as_ref().and_then(|collected| match collected.rows.first() {
                Some(rows) => rows.event.clone(),
                None => Observed::not_asked(postgres::NO_ID),
            });
            self.event.send_replace(Some(event.map(|event| vec![event])));
        }
        rows
    }

    pub(crate) async fn http(&self) -> (Observed<evidence::Http>, CustomAnswers) {
        if let Some(unavailable) = self.left_out(System::Http) {
            let facts = self.config.custom_facts.iter().filter(|fact| fact.http.is_some());
            let left_out = || Observed::Unknown(System::Http.skipped_reason());
            return (unavailable, facts.map(|fact| (fact.name().to_string(), left_out())).collect());
        }
        let docker = wait_for(&self.docker, self.wait_until).await;
        let event = wait_for(&self.event, self.wait_until).await;
        http::collect(&self.config, docker.as_deref(), event.as_ref(), self.until).await
    }

    pub(crate) async fn logs(&self) -> BTreeMap<Name, Observed<Log>> {
        if let Some(unavailable) = self.left_out(System::Logs) {
            return logs::collect(&self.config, Some(&unavailable), None, self.observed_at, self.until).await;
        }
        let docker = wait_for(&self.docker, self.until).await;
        let event = wait_for(&self.event, self.wait_until).await;
        let docker = docker.as_ref().map(|docker| &docker.0);
        logs::collect(&self.config, docker, event.as_ref(), self.observed_at, self.until).await
    }
}

/// Waits for another driver's result, or returns `None` if there is none by `until`.
pub(crate) async fn wait_for<T: Clone>(result: &watch::Sender<Option<T>>, until: Instant) -> Option<T> {
    let mut result = result.subscribe();
    let waited = tokio::time::timeout_at(until, result.wait_for(Option::is_some)).await;
    match waited {
        Ok(Ok(value)) => value.clone(),
        _ => None,
    }
}
