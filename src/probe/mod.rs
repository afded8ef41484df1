//! Probes: the only I/O. Each talks to one outside system, read-only, and
//! returns evidence. None judges, none outlives the deadline.

pub mod compose;
pub mod docker;
mod failure;
pub mod http;
pub mod kafka;
pub mod logs;
pub mod postgres;
mod progress;

use crate::config::Config;
use crate::error::Mistake;
use crate::evidence::{self, Docker, Event, Evidence, Postgres, Seen, Why, WhyKind};
use docker::Discovered;
use jiff::Timestamp;
use progress::Progress;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

/// What is wrong with the addresses and files that the user gave, before
/// anything is contacted.
pub fn check(config: &Config, mistakes: &mut Vec<Mistake>) {
    mistakes.extend(compose::check(config).err());
    if let Some(url) = &config.places.postgres {
        mistakes.extend(postgres::address::check(url.expose()).err());
    }
}

/// What the Docker probe tells the others.
type DockerTold = Arc<(Seen<Docker>, Discovered)>;

/// Looks at everything at once and returns what was seen by the deadline.
pub async fn gather(config: &Config) -> Evidence {
    let taken = now();
    let start = Instant::now();
    let until = start + config.deadline;
    // What others wait for is waited for at most a third of the deadline.
    let patience = start + config.deadline / 3;
    let progress = Progress::start();
    let (tell_docker, docker) = told::<DockerTold>();
    let (tell_event, event) = told::<Seen<Event>>();

    let docker_probe = async {
        let (docker, discovered) = docker::look(config, until).await;
        let found = Arc::new((docker, discovered));
        let _ = tell_docker.send(Some(found.clone()));
        found
    };
    let compose_probe = async {
        // Time must remain for reading the file of this directory.
        let found = wait_for(&docker, until - config.deadline / 3).await;
        let docker = found.as_ref().map(|found| &found.0);
        compose::look(config, docker, until).await
    };
    let kafka_probe = async {
        let found = wait_for(&docker, patience).await;
        kafka::look(config, found.as_deref(), until).await
    };
    let postgres_probe = async {
        let found = wait_for(&docker, patience).await;
        let rows = postgres::look(config, found.as_deref(), until, &tell_event).await;
        // Whoever still waits for the event's time waits no longer.
        tell_event.send_if_modified(|told| {
            let silent = told.is_none();
            if silent {
                *told = Some(event_of(&rows));
            }
            silent
        });
        rows
    };
    let http_probe = async {
        let found = wait_for(&docker, patience).await;
        let event = wait_for(&event, patience).await;
        http::look(config, found.as_deref(), event.as_ref(), until).await
    };
    let logs_probe = async {
        let found = wait_for(&docker, until).await;
        let event = wait_for(&event, patience).await;
        let docker = found.as_ref().map(|found| &found.0);
        logs::look(config, docker, event.as_ref(), taken, until).await
    };

    let (docker, compose, kafka, postgres, http, logs) = tokio::join!(
        progress.watch("Docker", docker_probe),
        progress.watch("compose file", compose_probe),
        progress.watch("Kafka", kafka_probe),
        progress.watch("PostgreSQL", postgres_probe),
        progress.watch("HTTP", http_probe),
        progress.watch("logs", logs_probe),
    );
    Evidence {
        schema: evidence::SCHEMA,
        tool: env!("CARGO_PKG_VERSION").into(),
        taken,
        target: config.target.clone(),
        compose,
        docker: docker.0.clone(),
        kafka,
        postgres,
        http,
        logs,
    }
}

/// Now, in whole milliseconds: as exact as the report ever shows it.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The outcome of `work`, or "no answer from WHO in N s" at the deadline. The
/// work is dropped then: it must not block in its destructor.
pub async fn in_time<T>(
    who: &str,
    until: Instant,
    work: impl Future<Output = Result<T, Why>>,
) -> Result<T, Why> {
    let start = Instant::now();
    match tokio::time::timeout_at(until, work).await {
        Ok(result) => result,
        Err(_) => Err(no_answer(who, start.elapsed())),
    }
}

/// "no answer from WHO in N s".
pub fn no_answer(who: &str, waited: Duration) -> Why {
    let waited = waited.as_secs_f64();
    Why::new(WhyKind::NoAnswer, format!("no answer from {who} in {waited:.1} s"))
}

fn told<T>() -> (watch::Sender<Option<T>>, watch::Receiver<Option<T>>) {
    watch::channel(None)
}

/// What another probe tells, or `None` if it has not told by then.
async fn wait_for<T: Clone>(told: &watch::Receiver<Option<T>>, until: Instant) -> Option<T> {
    let mut told = told.clone();
    let waited = tokio::time::timeout_at(until, told.wait_for(Option::is_some)).await;
    match waited {
        Ok(Ok(value)) => value.clone(),
        _ => None,
    }
}

fn event_of(rows: &Seen<Postgres>) -> Seen<Event> {
    rows.as_ref().and_then(|rows| rows.event.clone())
}
