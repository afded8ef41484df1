//! Container logs, newest first and no further back than the event needs.

pub mod keep;
pub mod records;

use crate::base::secret::redact;
use crate::collect::runtime::docker::lines::{self, Lines};
use crate::collect::runtime::docker::{Engine, early};
use crate::collect::{CLOCKS, no_answer};
use crate::config::Config;
use crate::evidence::{Event, Instance, Log, LogSource, Name, Reach, Runtime, Seen, Why, WhyKind};
use crate::pipeline::{Pipeline, Role};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use keep::{Kept, Wanted};
use records::Records;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// How many lines are asked for, until they go back far enough: the engine
/// finds the end of a log quickly, a time in it slowly.
const TAILS: [u64; 3] = [1_000, 20_000, 200_000];

/// Reads the logs of the workers and of the services that emit or are called
/// (`/containers/{id}/logs`). `docker`, `event`: `None` if not known in time.
pub async fn look(
    config: &Config,
    docker: Option<&Seen<Runtime>>,
    event: Option<&Seen<Vec<Event>>>,
    taken: Timestamp,
    until: Instant,
) -> BTreeMap<Name, Seen<Log>> {
    let events = event.and_then(Seen::known).map(Vec::as_slice).unwrap_or_default();
    let wanted = Arc::new(Wanted::new(config, events, since(config, events, taken)));
    let parts = parts(&config.pipeline);
    let docker = match docker {
        Some(Seen::Known(docker)) => Ok(docker),
        Some(Seen::Unknown(why) | Seen::NotAsked(why)) => Err(why.clone()),
        None => Err(Why::new(WhyKind::NoAnswer, "the Docker Engine has not answered yet")),
    };
    let (docker, engine) = match docker.and_then(|docker| Ok((docker, Engine::connect(config)?))) {
        Ok(both) => both,
        Err(why) => {
            let unseen = parts.into_iter().map(|part| part.name.to_string());
            return unseen.map(|name| (name, Seen::Unknown(why.clone()))).collect();
        }
    };
    let logs = parts.iter().map(|part| {
        let reader = Reader {
            engine: engine.clone(),
            wanted: wanted.clone(),
            started: part.started.cloned(),
            until: early(until),
        };
        async move { (part.name.to_string(), of_part(part, docker, reader).await) }
    });
    join_all(logs).await.into_iter().collect()
}

/// Someone whose log is read.
struct Part<'a> {
    name: &'a str,
    container: Option<&'a str>,
    started: Option<&'a Regex>,
}

fn parts(pipeline: &Pipeline) -> Vec<Part<'_>> {
    let workers = pipeline.worker.iter().map(|worker| Part {
        name: &worker.name,
        container: worker.container.as_deref(),
        started: worker.started.as_ref().map(|pattern| &pattern.0),
    });
    let services = pipeline.service.iter();
    let services = services.filter(|service| service.role != Role::Database);
    let services = services.map(|service| Part {
        name: &service.name,
        container: service.container.as_deref(),
        started: None,
    });
    workers.chain(services).collect()
}

/// A minute before the first event, if its time is known, else the window's start.
fn since(config: &Config, events: &[Event], taken: Timestamp) -> Timestamp {
    let window = SignedDuration::try_from(std::time::Duration::from_secs(config.target.window_s));
    match config.target.at.or(events.iter().map(|event| event.at).min()) {
        Some(at) => at.saturating_sub(CLOCKS).unwrap_or(at),
        None => window.ok().and_then(|window| taken.checked_sub(window).ok()).unwrap_or(Timestamp::MIN),
    }
}

/// Each log is read by a task of its own: line by line from one thread to
/// another takes about twice as long.
async fn of_part(part: &Part<'_>, docker: &Runtime, reader: Reader) -> Seen<Log> {
    let containers = docker.instances_of(part.name, part.container);
    let tasks = containers.into_iter().map(|container| {
        let (reader, container) = (reader.clone(), container.clone());
        tokio::spawn(async move { reader.read(&container).await })
    });
    let logs = join_all(tasks).await.into_iter();
    let logs = logs.map(|log| log.unwrap_or_else(|_| Seen::unknown(WhyKind::Failed, "reading broke off")));
    logs.reduce(both).unwrap_or_else(|| Seen::unknown(WhyKind::Missing, "no container"))
}

/// The logs of two containers of one service. What one of them did not show
/// may be what is missing.
fn both(one: Seen<Log>, other: Seen<Log>) -> Seen<Log> {
    let (mut log, more) = match (one, other) {
        (Seen::Known(log), Seen::Known(more)) => (log, more),
        (Seen::Known(log), _) | (_, Seen::Known(log)) => {
            return Seen::Known(Log { reach: Reach::Limit, ..log });
        }
        (unseen, _) => return unseen,
    };
    log.container = format!("{}, {}", log.container, more.container);
    log.read += more.read;
    log.bytes += more.bytes;
    log.from = log.from.into_iter().chain(more.from).min();
    log.to = log.to.into_iter().chain(more.to).max();
    log.cut |= more.cut;
    log.cut_of_event |= more.cut_of_event;
    log.reach = match (log.reach, more.reach) {
        (Reach::Limit, _) | (_, Reach::Limit) => Reach::Limit,
        (Reach::Beginning, _) | (_, Reach::Beginning) => Reach::Beginning,
        _ => Reach::Wanted,
    };
    log.records.extend(more.records);
    log.records.sort_by_key(|record| record.at);
    Seen::Known(log)
}

#[derive(Clone)]
struct Reader {
    engine: Engine,
    wanted: Arc<Wanted>,
    started: Option<Regex>,
    until: Instant,
}

impl Reader {
    /// Reads more and more of the log's end until it goes back far enough.
    async fn read(&self, container: &Instance) -> Seen<Log> {
        if container.config.log_driver == "none" {
            return Seen::unknown(WhyKind::Missing, "log driver `none` keeps nothing to read");
        }
        let mut best: Option<Log> = None;
        for tail in TAILS {
            let (log, stopped) = self.read_tail(container, tail).await;
            match (stopped, best) {
                (None, _) if log.reach != Reach::Limit => return Seen::Known(log),
                (None, _) => best = Some(log),
                // The shorter tail was read to the log's end, this one was not.
                (Some(_), Some(shorter)) => return Seen::Known(shorter),
                (Some(why), None) if log.from.is_none() => return Seen::Unknown(why),
                (Some(_), None) => {
                    return Seen::Known(Log { reach: Reach::Limit, ..log });
                }
            }
        }
        best.map_or_else(|| Seen::unknown(WhyKind::Limit, "nothing was read"), Seen::Known)
    }

    /// Reads the last lines, and says what stopped it, if not the log's end.
    async fn read_tail(&self, container: &Instance, tail: u64) -> (Log, Option<Why>) {
        let options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true);
        let options = options.tail(&tail.to_string()).build();
        let mut stream = std::pin::pin!(self.engine.client.logs(&container.id, Some(options)));
        let mut reading = Reading::new(&self.wanted, self.started.as_ref());
        let start = Instant::now();
        let stopped = loop {
            match tokio::time::timeout_at(self.until, stream.next()).await {
                Err(_) => {
                    let who = format!("the log of {}", container.name);
                    break Some(no_answer(&who, start.elapsed()));
                }
                Ok(None) => break None,
                Ok(Some(Err(error))) => break Some(self.engine.why(&error)),
                Ok(Some(Ok(output))) => {
                    if let Err(said) = reading.add(&output, container.config.tty) {
                        break Some(Why::new(WhyKind::Failed, redact(&said)));
                    }
                }
            }
        };
        (reading.end(container, tail), stopped)
    }
}

/// A log while it is read.
struct Reading<'a> {
    wanted: &'a Wanted,
    lines: Lines,
    records: Records,
    kept: Kept<'a>,
    count: Count,
}

#[derive(Default)]
struct Count {
    /// What the engine counts when it is asked for the last ones: a long line
    /// is several.
    entries: u64,
    records: u64,
    bytes: u64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl<'a> Reading<'a> {
    fn new(wanted: &'a Wanted, started: Option<&'a Regex>) -> Self {
        Reading {
            wanted,
            lines: Lines::default(),
            records: Records::default(),
            kept: Kept::new(wanted, started),
            count: Count::default(),
        }
    }

    fn add(&mut self, output: &bollard::container::LogOutput, tty: bool) -> Result<(), String> {
        self.count.entries += 1;
        self.count.bytes += output.as_ref().len() as u64;
        let Reading { lines, records, kept, count, .. } = self;
        lines.add(output, tty, &mut |line| take(line, records, kept, count))
    }

    fn end(mut self, container: &Instance, tail: u64) -> Log {
        let Reading { lines, records, kept, count, .. } = &mut self;
        lines.end(&mut |line| take(line, records, kept, count));
        for record in self.records.end() {
            self.count.records += 1;
            self.kept.add(record);
        }
        let (records, cut) = self.kept.end();
        Log {
            container: container.name.clone(),
            read: self.count.records,
            bytes: self.count.bytes,
            from: self.count.from,
            to: self.count.to,
            wanted: self.wanted.since,
            reach: reach(&self.count, self.wanted.since, container.created, tail),
            records,
            cut: cut.any,
            cut_of_event: cut.of_event,
            source: Some(LogSource::Engine),
        }
    }
}

fn take(line: lines::Line, records: &mut Records, kept: &mut Kept, count: &mut Count) {
    count.from = count.from.into_iter().chain([line.at]).min();
    count.to = count.to.into_iter().chain([line.at]).max();
    if let Some(record) = records.add(line) {
        count.records += 1;
        kept.add(record);
    }
}

fn reach(count: &Count, since: Timestamp, created: Option<Timestamp>, tail: u64) -> Reach {
    // The log of a container that has not logged at all goes back to its creation.
    if count.from.or(created).is_some_and(|from| from <= since) {
        Reach::Wanted
    } else if count.entries < tail {
        Reach::Beginning
    } else {
        Reach::Limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_says_what_a_missing_record_means() {
        let at = |second| Timestamp::from_second(second).ok();
        let since = Timestamp::from_second(100).unwrap();
        let reach_of = |from, created, entries| {
            let count = Count { entries, from, ..Count::default() };
            reach(&count, since, created, 1_000)
        };
        assert_eq!(reach_of(at(99), at(50), 1_000), Reach::Wanted);
        assert_eq!(reach_of(at(101), at(50), 999), Reach::Beginning);
        assert_eq!(reach_of(at(101), at(50), 1_000), Reach::Limit);
        // Silent ever since it was created.
        assert_eq!(reach_of(None, at(50), 0), Reach::Wanted);
        assert_eq!(reach_of(None, at(101), 0), Reach::Beginning);
    }

    #[test]
    fn two_containers_are_as_well_read_as_the_worse_of_them() {
        let log = |name: &str, reach| {
            Seen::Known(Log {
                container: name.into(),
                read: 1,
                bytes: 2,
                from: Timestamp::from_second(5).ok(),
                to: None,
                wanted: Timestamp::UNIX_EPOCH,
                reach,
                records: vec![],
                cut: false,
                cut_of_event: false,
                source: None,
            })
        };
        let merged = both(log("a", Reach::Wanted), log("b", Reach::Beginning));
        let merged = merged.known().unwrap();
        assert_eq!((merged.container.as_str(), merged.read), ("a, b", 2));
        assert_eq!(merged.reach, Reach::Beginning);
        let half = both(Seen::unknown(WhyKind::NoAnswer, ""), log("b", Reach::Wanted));
        assert_eq!(half.known().unwrap().reach, Reach::Limit);
    }
}
