//! Runs all drivers concurrently, each under the deadline.

use crate::base::error::Mistake;
use crate::base::interruption::Interruption;
use crate::collect::broker::kafka::{self, Cluster};
use crate::collect::clock::now;
use crate::collect::database::postgres::custom_facts::Answers as CustomAnswers;
use crate::collect::database::postgres::lint_sql::Prepared;
use crate::collect::database::postgres::{self, Collected};
use crate::collect::driver_results::{
    COMPOSE, DOCKER, HTTP, KAFKA, LOGS, Seen, broker_names, no_answers, no_databases,
};
use crate::collect::own_limit::{internal_error, thread_limit};
use crate::collect::progress::Progress;
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::runtime::{compose, docker};
use crate::collect::{http, interrupt, logs, no_answer, timeout_at};
use crate::config::Config;
use crate::evidence::{
    self, Event, Evidence, Log, Name, Observed, Reason, ReasonKind, Runtime, System, sealing,
};
use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
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
    mistakes.extend(config.logs.as_deref().and_then(logs::files::check));
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
    /// When a driver stops waiting for another driver: after a third of the deadline.
    pub(crate) wait_until: Instant,
    pub(crate) docker: watch::Sender<Option<DockerResult>>,
    pub(crate) event: watch::Sender<Option<Observed<Vec<Event>>>>,
    results: mpsc::Sender<Deposit>,
}

/// Runs all drivers concurrently and returns what they observed by the deadline. Waits on this thread,
/// not in the runtime, so that no driver can prevent it from returning. A late driver loses only
/// its own evidence.
pub fn gather_evidence(config: &Config, runtime: &Handle) -> Evidence {
    let start = Instant::now();
    let (results, deposits) = mpsc::channel();
    let (until, observed_at) = (start + config.deadline - time_of_own(config), now());
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
    // The drivers hold the collector, so the channel closes when the last driver ends.
    drop(collector);
    let mut seen = Seen::default();
    let (missing, interrupted) = take_deposits(&deposits, &mut seen, (until, config.deadline));
    sealed(seen, config, observed_at, &missing, interrupted)
}

/// Time that sealing and reporting take. Each event has a report.
const REPORT_TIME: Duration = Duration::from_millis(2);

/// Returns the part of the deadline that is not for the drivers: what has passed before they start, and what
/// sealing and reporting will take. On the same machine, that takes about as long as loading the rows.
fn time_of_own(config: &Config) -> Duration {
    let events = u32::try_from(config.target.ids.len()).unwrap_or(u32::MAX);
    let reports = REPORT_TIME.saturating_mul(events).max(config.loading);
    config.loading.saturating_add(reports).min(config.deadline / 2)
}

/// Takes the drivers' results until all have arrived, the deadline has passed or a signal ends the
/// run. Returns the reason for the missing ones, and the signal.
fn take_deposits(
    deposits: &mpsc::Receiver<Deposit>,
    seen: &mut Seen,
    (until, deadline): (Instant, Duration),
) -> (Reason, Option<Interruption>) {
    let mut until = until;
    let mut interruption = None;
    loop {
        if interruption.is_none() {
            interruption = interrupt::interruption();
            until = interruption.map_or(until, |_| until.min(Instant::now() + interrupt::HANDOVER));
        }
        let left = until.saturating_duration_since(Instant::now());
        match deposits.recv_timeout(left.min(interrupt::POLL_INTERVAL)) {
            Ok(deposit) => deposit(seen),
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
            Err(RecvTimeoutError::Timeout) => {
                let missing = interruption.map_or_else(|| not_finished(deadline), |_| interrupt::reason());
                return (missing, interruption);
            }
            Err(RecvTimeoutError::Disconnected) => {
                let bug = "reading it failed unexpectedly; this is a bug";
                return (Reason::new(ReasonKind::Failed, bug), interruption);
            }
        }
    }
}

/// Builds the evidence without secrets. Evidence that cannot be sealed is not shown.
fn sealed(
    seen: Seen,
    config: &Config,
    observed_at: Timestamp,
    missing: &Reason,
    interrupted: Option<Interruption>,
) -> Evidence {
    let evidence = seen.into_evidence(config, observed_at, missing, interrupted);
    sealing::seal(&evidence).unwrap_or_else(|error| {
        let message = format!("its secrets could not be removed, so it is not shown; this is a bug: {error}");
        let missing = Reason::new(ReasonKind::Failed, message);
        Seen::default().into_evidence(config, observed_at, &missing, interrupted)
    })
}

fn not_finished(deadline: Duration) -> Reason {
    let message = format!("reading it was not finished within the deadline of {deadline:?}");
    Reason::new(ReasonKind::TooLittleTime, message)
}

/// Starts each driver in a separate task, so that no driver waits for another driver's work.
fn start_drivers(collector: &Arc<Collector>, runtime: &Handle) {
    let _entered = runtime.enter();
    let progress = Arc::new(Progress::start());
    macro_rules! start {
        ($name:expr, $driver:ident, $field:ident) => {
            let (collector, progress) = (collector.clone(), progress.clone());
            runtime.spawn(async move {
                match caught(progress.watch($name, collector.$driver())).await {
                    Some(result) => collector.deposit(|seen| seen.$field = Some(result)),
                    None => collector.deposit_failure($name),
                }
            });
        };
    }
    start!(DOCKER, docker, docker);
    start!(COMPOSE, compose, declared);
    start!(KAFKA, kafka, clusters);
    start_postgres(collector.clone(), progress.clone());
    start!(HTTP, http, http);
    start!(LOGS, logs, logs);
}

/// Starts the PostgreSQL driver on a separate thread and runtime. Its evidence matters most, and no
/// other driver can use up its time.
fn start_postgres(collector: Arc<Collector>, progress: Arc<Progress>) {
    let to_report = collector.clone();
    let work = move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return collector.deposit_no_databases(&thread_limit(&error)),
        };
        match runtime.block_on(caught(progress.watch("PostgreSQL", collector.postgres()))) {
            Some(result) => collector.deposit(|seen| seen.databases = Some(result)),
            None => collector.deposit_no_databases(&internal_error("PostgreSQL")),
        }
        // A hanging lookup does not keep the thread alive.
        runtime.shutdown_background();
    };
    if let Err(error) = std::thread::Builder::new().name("postgres".into()).spawn(work) {
        to_report.deposit_no_databases(&thread_limit(&error));
    }
}

/// Runs a driver. Returns `None` if it panics, so that it costs only its own evidence.
async fn caught<T>(driver: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(driver).catch_unwind().await.ok()
}

/// Adds a driver's result to the others.
type Deposit = Box<dyn FnOnce(&mut Seen) + Send>;

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

impl Collector {
    /// Sends a result to the waiting thread. Results sent after the deadline are ignored.
    fn deposit(&self, deposit: impl FnOnce(&mut Seen) + Send + 'static) {
        let _ = self.results.send(Box::new(deposit));
    }

    /// Reports that a driver has panicked, and unblocks the drivers that wait for it.
    fn deposit_failure(&self, driver: &'static str) {
        if driver == DOCKER && self.docker.borrow().is_none() {
            let unavailable = Observed::Unknown(internal_error(driver));
            self.docker.send_replace(Some(Arc::new((unavailable, EnvironmentAddresses::default()))));
        }
        self.deposit(move |seen| {
            seen.failed.insert(driver);
        });
    }

    /// Reports why the databases could not be read, and unblocks the drivers that wait for the event.
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
        // The other drivers no longer wait for this one, so the rest may take until the deadline.
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
        if let Some(unavailable) = interrupted_without(docker.as_ref()) {
            return unavailable;
        }
        compose::collect(&self.config, docker.as_deref(), self.until).await
    }

    /// Collects from all brokers, with the main broker first.
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
        if let Some(unavailable) = interrupted_without(docker.as_ref()) {
            return unavailable;
        }
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
        if let Some(unavailable) = interrupted_without(docker.as_ref()) {
            return unavailable;
        }
        let rows = postgres::collect(&self.config, docker.as_deref(), self.until, &self.event, answers).await;
        // Unblock the drivers that are still waiting for the event's time.
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
        if self.left_out::<()>(System::Http).is_some() {
            return no_answers(&self.config, &System::Http.skipped_reason());
        }
        let docker = wait_for(&self.docker, self.wait_until).await;
        if interrupted_without::<()>(docker.as_ref()).is_some() {
            return no_answers(&self.config, &interrupt::reason());
        }
        let event = wait_for(&self.event, self.wait_until).await;
        http::collect(&self.config, docker.as_deref(), event.as_ref(), self.until).await
    }

    pub(crate) async fn logs(&self) -> BTreeMap<Name, Observed<Log>> {
        if self.config.logs.is_some() {
            let event = wait_for(&self.event, self.wait_until).await;
            return logs::collect(&self.config, None, event.as_ref(), self.observed_at, self.until).await;
        }
        if let Some(unavailable) = self.left_out(System::Logs) {
            return logs::collect(&self.config, Some(&unavailable), None, self.observed_at, self.until).await;
        }
        let kinds = self.config.log_kinds.clone();
        tokio::task::spawn_blocking(move || kinds.prepare());
        let docker = wait_for(&self.docker, self.until).await;
        if let Some(unavailable) = interrupted_without(docker.as_ref()) {
            return logs::collect(&self.config, Some(&unavailable), None, self.observed_at, self.until).await;
        }
        let event = wait_for(&self.event, self.wait_until).await;
        let docker = docker.as_ref().map(|docker| &docker.0);
        logs::collect(&self.config, docker, event.as_ref(), self.observed_at, self.until).await
    }
}

/// Returns the reason a system is unavailable if a signal ended the run while its driver waited for
/// another one.
fn interrupted_without<T>(docker: Option<&DockerResult>) -> Option<Observed<T>> {
    let is_interrupted = docker.is_none() && interrupt::interruption().is_some();
    is_interrupted.then(|| Observed::Unknown(interrupt::reason()))
}

/// Waits for another driver's result, or returns `None` if there is none by `until`.
pub(crate) async fn wait_for<T: Clone>(result: &watch::Sender<Option<T>>, until: Instant) -> Option<T> {
    let mut result = result.subscribe();
    let waited = timeout_at(until, result.wait_for(Option::is_some)).await;
    match waited {
        Ok(Ok(value)) => value.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::name::MAIN_BROKER;
    use crate::cli::TargetOptions;
    use crate::config::pipeline_source;

    #[test]
    fn a_panic_costs_only_its_own_evidence() {
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(caught(async { 1 })), Some(1));
        assert_eq!(runtime.block_on(caught(async { panic!("expected in this test") })), None::<()>);
        let options = TargetOptions {
            window: "24h".into(),
            deadline: "10s".into(),
            settle: "1s".into(),
            ..TargetOptions::default()
        };
        let source = pipeline_source(None).unwrap();
        let config = Config::new(&source, None, &options, &BTreeMap::new(), &mut Vec::new()).unwrap();
        let seen = Seen { failed: [KAFKA].into(), ..Seen::default() };
        let evidence = seen.into_evidence(&config, now(), &not_finished(config.deadline), None);
        let why = evidence.brokers[MAIN_BROKER].reason().unwrap();
        assert_eq!(why.message, "internal error in pipeline-doctor's part for Kafka; this is a bug");
        let why = evidence.http.reason().unwrap();
        assert_eq!(why.message, "reading it was not finished within the deadline of 10s");
    }
}
