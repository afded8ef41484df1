//! Container logs, read only as far back as the event requires.

mod component;
mod container_log;
pub mod files;
pub mod filter;
mod framing;
mod hints;
mod intake;
pub mod multiline;

use crate::collect::LOOK_BACK;
use crate::collect::own_limit::internal_error;
use crate::collect::runtime::docker::log_lines::LineAssembler;
use crate::collect::runtime::docker::{Engine, before_deadline};
use crate::config::Config;
use crate::evidence::{Event, Log, Name, Observed, Reach, Reason, ReasonKind, Record, Runtime};
use crate::pipeline::{Pipeline, Role};
use bollard::container::LogOutput;
use component::Component;
use container_log::Reader;
use filter::{Criteria, redacted};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use multiline::RecordAssembler;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// Reads the logs of all workers and services except databases
/// (`/containers/{id}/logs`). `docker` and `event` are `None` if they were not
/// available in time.
pub async fn collect(
    config: &Config,
    docker: Option<&Observed<Runtime>>,
    event: Option<&Observed<Vec<Event>>>,
    observed_at: Timestamp,
    until: Instant,
) -> BTreeMap<Name, Observed<Log>> {
    let events = event.and_then(Observed::known).map(Vec::as_slice).unwrap_or_default();
    let criteria = Arc::new(Criteria::new(config, events, since(config, events, observed_at)));
    let components = components(&config.pipeline);
    if let Some(directory) = &config.logs {
        let until = before_deadline(until);
        let read = |component: &Component| {
            (component.name.to_string(), files::read(directory, component, &criteria, until))
        };
        return components.iter().map(read).collect();
    }
    let docker = match docker {
        Some(Observed::Known(docker)) => Ok(docker),
        Some(Observed::Unknown(why) | Observed::NotAsked(why)) => Err(why.clone()),
        None => Err(Reason::new(ReasonKind::NoAnswer, "the Docker Engine has not answered yet")),
    };
    let (docker, engine) = match docker.and_then(|docker| Ok((docker, Engine::connect(config)?))) {
        Ok(both) => both,
        Err(why) => {
            let unavailable = components.into_iter().map(|component| component.name.to_string());
            return unavailable.map(|name| (name, Observed::Unknown(why.clone()))).collect();
        }
    };
    let logs = components.iter().map(|component| {
        let reader = Reader {
            engine: engine.clone(),
            criteria: criteria.clone(),
            started: component.started.cloned(),
            limit: config.log_limit,
            until: before_deadline(until),
        };
        async move { (component.name.to_string(), component_log(component, docker, reader).await) }
    });
    join_all(logs).await.into_iter().collect()
}

/// Returns the names of the components whose logs are read.
pub(crate) fn names(pipeline: &Pipeline) -> impl Iterator<Item = Name> {
    components(pipeline).into_iter().map(|component| component.name.to_string())
}

fn components(pipeline: &Pipeline) -> Vec<Component<'_>> {
    let workers = pipeline.worker.iter().map(|worker| Component {
        name: &worker.name,
        container: worker.container.as_deref(),
        started: worker.started.as_ref().map(|pattern| &pattern.0),
    });
    let services = pipeline.service.iter();
    let services = services.filter(|service| service.role != Role::Database);
    let services = services.map(|service| Component {
        name: &service.name,
        container: service.container.as_deref(),
        started: None,
    });
    workers.chain(services).collect()
}

/// Returns the time one minute before the first event, if its time is known, or else the start of
/// the time window.
fn since(config: &Config, events: &[Event], observed_at: Timestamp) -> Timestamp {
    let window = SignedDuration::try_from(std::time::Duration::from_secs(config.target.window_s));
    match config.target.at.or(events.iter().map(|event| event.at).min()) {
        Some(at) => at.saturating_sub(LOOK_BACK).unwrap_or(at),
        // Files are read whole: they may be old.
        None if config.logs.is_some() => Timestamp::MIN,
        None => window.ok().and_then(|window| observed_at.checked_sub(window).ok()).unwrap_or(Timestamp::MIN),
    }
}

/// Reads each container's log in its own task, because passing lines between threads would
/// take about twice as long.
async fn component_log(component: &Component<'_>, docker: &Runtime, reader: Reader) -> Observed<Log> {
    let containers = docker.instances_of(component.name, component.container);
    if let (true, Some(why)) =
        (containers.is_empty(), docker.why_not_inspected(component.name, component.container))
    {
        return Observed::Unknown(why.clone());
    }
    let tasks = containers.into_iter().map(|container| {
        let (reader, container) = (reader.clone(), container.clone());
        tokio::spawn(async move { reader.read(&container).await })
    });
    let logs = join_all(tasks).await.into_iter();
    let logs = logs.map(|log| log.unwrap_or_else(|_| Observed::Unknown(internal_error("logs"))));
    logs.reduce(merge).unwrap_or_else(|| Observed::unknown(ReasonKind::Missing, "no container"))
}

/// Merges the logs from two containers of the same service. If one log is unavailable, a missing
/// record may be in it, so the reach is `Limit`.
fn merge(one: Observed<Log>, other: Observed<Log>) -> Observed<Log> {
    let (mut log, more) = match (one, other) {
        (Observed::Known(log), Observed::Known(more)) => (log, more),
        (Observed::Known(log), _) | (_, Observed::Known(log)) => {
            return Observed::Known(Log { reach: Reach::Limit, ..log });
        }
        (unavailable, _) => return unavailable,
    };
    log.container = format!("{}, {}", log.container, more.container);
    log.read += more.read;
    log.bytes += more.bytes;
    log.from = log.from.into_iter().chain(more.from).min();
    log.to = log.to.into_iter().chain(more.to).max();
    log.estimated_bytes = log.estimated_bytes.into_iter().chain(more.estimated_bytes).max();
    log.cut |= more.cut;
    log.cut_of_event |= more.cut_of_event;
    log.reach = match (log.reach, more.reach) {
        (Reach::Limit, _) | (_, Reach::Limit) => Reach::Limit,
        (Reach::Beginning, _) | (_, Reach::Beginning) => Reach::Beginning,
        _ => Reach::Wanted,
    };
    log.records.extend(more.records);
    log.records.sort_by_key(|record| record.at);
    Observed::Known(log)
}

/// Returns the records in what the engine sends for a log, in frames for a stream each (or, with a
/// TTY, as raw bytes). Every record is kept.
pub fn records_of(frames: &[LogOutput], tty: bool) -> Result<Vec<Record>, String> {
    let (mut lines, mut records, mut complete) =
        (LineAssembler::default(), RecordAssembler::default(), Vec::new());
    for frame in frames {
        lines.add(frame, tty, &mut |line| complete.extend(records.add(line)))?;
    }
    lines.end(&mut |line| complete.extend(records.add(line)));
    complete.extend(records.finish());
    complete.sort_by_key(|(number, _)| *number);
    Ok(complete.into_iter().map(|(_, record)| redacted(record)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_log_has_the_worse_reach() {
        let log = |name: &str, reach| {
            Observed::Known(Log {
                container: name.into(),
                read: 1,
                bytes: 2,
                from: Timestamp::from_second(5).ok(),
                to: None,
                wanted: Timestamp::UNIX_EPOCH,
                estimated_bytes: None,
                reach,
                records: vec![],
                cut: false,
                cut_of_event: false,
                source: None,
            })
        };
        let merged = merge(log("a", Reach::Wanted), log("b", Reach::Beginning));
        let merged = merged.known().unwrap();
        assert_eq!((merged.container.as_str(), merged.read), ("a, b", 2));
        assert_eq!(merged.reach, Reach::Beginning);
        let half = merge(Observed::unknown(ReasonKind::NoAnswer, ""), log("b", Reach::Wanted));
        assert_eq!(half.known().unwrap().reach, Reach::Limit);
    }
}
