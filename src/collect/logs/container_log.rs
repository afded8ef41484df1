//! Reads the log of one container from the engine, only as far back as needed.

use crate::base::secret::redact;
use crate::collect::logs::filter::Criteria;
use crate::collect::logs::intake::{Intake, Stats};
use crate::collect::runtime::docker::Engine;
use crate::collect::runtime::docker::log_lines::LineAssembler;
use crate::collect::runtime::docker::log_stream::LogStream;
use crate::collect::{no_answer, timeout_at};
use crate::evidence::{Instance, Log, LogSource, Observed, Reach, Reason, ReasonKind};
use bollard::container::LogOutput;
use jiff::Timestamp;
use regex::Regex;
use std::sync::Arc;
use tokio::time::{Duration, Instant};

/// How many entries to request first. Their times tell how many reach back to the event.
const FIRST_TAIL: u64 = 1_000;

/// How many entries are requested if too many seem to be needed: the newest ones may have come in a burst.
const SECOND_TAIL: u64 = 20_000;

/// How long a log is read before other tasks may run.
const TIME_SLICE: Duration = Duration::from_millis(10);

/// Returns the reason for a log that could not be read to its end.
fn reading_time(container: &str, waited: Duration) -> Reason {
    no_answer(&format!("the log of {container}"), waited)
}

/// Reads logs.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) engine: Engine,
    pub(super) criteria: Arc<Criteria>,
    pub(super) started: Option<Regex>,
    /// About how many bytes to read at most.
    pub(super) limit: u64,
    pub(super) until: Instant,
}

impl Reader {
    /// Reads a short tail of the log, and a second one that reaches back far enough if it is not too long. The
    /// engine reads a tail quickly, wherever it begins, but is slow to find a point in time.
    pub(super) async fn read(&self, container: &Instance) -> Observed<Log> {
        if container.config.log_driver == "none" {
            return Observed::unknown(ReasonKind::Missing, "log driver `none` stores no logs");
        }
        let mut best: Option<Log> = None;
        let mut tail = FIRST_TAIL;
        loop {
            let (log, read, stopped) = self.read_tail(container, tail).await;
            match (stopped, best) {
                (None, _) if log.reach != Reach::Limit => return Observed::Known(log),
                // Nothing in the log is older than the container.
                (None, _) => match next_tail(
                    &read,
                    log.wanted.max(container.created.unwrap_or(log.wanted)),
                    self.limit,
                ) {
                    Ok(longer) => (best, tail) = (Some(log), longer),
                    Err(estimated_bytes) => return Observed::Known(Log { estimated_bytes, ..log }),
                },
                // The shorter tail was read completely, but this one was not.
                (Some(_), Some(shorter)) => return Observed::Known(shorter),
                (Some(why), None) if log.from.is_none() => return Observed::Unknown(why),
                (Some(_), None) => return Observed::Known(Log { reach: Reach::Limit, ..log }),
            }
        }
    }

    /// Reads the last `tail` lines; also returns why reading stopped before the end, if it did.
    async fn read_tail(&self, container: &Instance, tail: u64) -> (Log, Stats, Option<Reason>) {
        let intake = Intake::new(&self.criteria, self.started.as_ref());
        let mut reading = Reading { lines: LineAssembler::default(), intake };
        let stopped = self.read_stream(container, tail, &mut reading).await.err();
        let read = reading.intake.stats.clone();
        (reading.finish(container, tail), read, stopped)
    }

    /// Adds the last `tail` lines to `reading`. Returns why it stopped before the end, if it did.
    async fn read_stream(
        &self,
        container: &Instance,
        tail: u64,
        reading: &mut Reading<'_>,
    ) -> Result<(), Reason> {
        let start = Instant::now();
        let tty = container.config.tty;
        let late = |_| reading_time(&container.name, start.elapsed());
        let open = LogStream::open(&self.engine, &container.id, tail, tty);
        let opened = timeout_at(self.until, open).await.map_err(late)?;
        let mut stream = opened.map_err(|error| self.engine.reason(&error))?;
        let mut yielded = Instant::now();
        while let Some(output) = timeout_at(self.until, stream.next()).await.map_err(late)? {
            let output = output.map_err(|error| self.engine.reason(&error))?;
            let added = reading.add(&output, tty);
            added.map_err(|message| Reason::new(ReasonKind::Failed, redact(&message)))?;
            // A stream that is always ready neither times out nor lets other tasks run.
            let now = Instant::now();
            if now >= self.until {
                return Err(reading_time(&container.name, start.elapsed()));
            }
            if now.duration_since(yielded) >= TIME_SLICE {
                tokio::task::yield_now().await;
                yielded = now;
            }
        }
        Ok(())
    }
}

/// Returns how many entries to request next, because those that were read do not reach back to `wanted`. If they
/// are too many, returns their estimated size in bytes instead, or `None` if there is no estimate.
fn next_tail(read: &Stats, wanted: Timestamp, limit: u64) -> Result<u64, Option<u64>> {
    // The rate varies, so some more are read.
    let entries = entries_back_to(wanted, read);
    let entries = entries.map(|entries| entries.saturating_add(entries / 4).max(read.entries * 2));
    let bytes = entries.map(|entries| entries.saturating_mul(read.bytes / read.entries.max(1)));
    match entries {
        Some(entries) if bytes <= Some(limit) => Ok(entries),
        _ if read.entries < SECOND_TAIL => Ok(SECOND_TAIL),
        _ => Err(bytes),
    }
}

/// Estimates how many entries there are since `wanted`, or returns `None` if all have the same time.
fn entries_back_to(wanted: Timestamp, read: &Stats) -> Option<u64> {
    let (from, to) = (read.from?, read.to?);
    let read_ms = u128::try_from(to.duration_since(from).as_millis()).ok().filter(|ms| *ms > 0)?;
    let needed_ms = u128::try_from(to.duration_since(wanted).as_millis()).unwrap_or(0);
    let entries = u128::from(read.entries) * needed_ms / read_ms;
    Some(u64::try_from(entries).unwrap_or(u64::MAX / 2))
}

/// The state of reading one log from the engine.
struct Reading<'a> {
    lines: LineAssembler,
    intake: Intake<'a>,
}

impl Reading<'_> {
    fn add(&mut self, output: &LogOutput, tty: bool) -> Result<(), String> {
        let Reading { lines, intake } = self;
        intake.stats.entries += 1;
        intake.stats.bytes += output.as_ref().len() as u64;
        lines.add(output, tty, &mut |line| intake.add(line))
    }

    fn finish(self, container: &Instance, tail: u64) -> Log {
        let Reading { mut lines, mut intake } = self;
        lines.end(&mut |line| intake.add(line));
        intake.finish(container.name.clone(), LogSource::Engine, |stats, since| {
            reach(stats, since, container.created, tail)
        })
    }
}

fn reach(stats: &Stats, since: Timestamp, created: Option<Timestamp>, tail: u64) -> Reach {
    // If a container has never logged anything, its log reaches back to the container's
    // creation.
    if stats.from.or(created).is_some_and(|from| from <= since) {
        Reach::Wanted
    } else if stats.entries < tail {
        Reach::Beginning
    } else {
        Reach::Limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reach_depends_on_the_oldest_line_and_the_tail() {
        let at = |second| Timestamp::from_second(second).ok();
        let since = Timestamp::from_second(100).unwrap();
        let reach_of = |from, created, entries| {
            let stats = Stats { entries, from, ..Stats::default() };
            reach(&stats, since, created, 1_000)
        };
        assert_eq!(reach_of(at(99), at(50), 1_000), Reach::Wanted);
        assert_eq!(reach_of(at(101), at(50), 999), Reach::Beginning);
        assert_eq!(reach_of(at(101), at(50), 1_000), Reach::Limit);
        // No output since the container was created.
        assert_eq!(reach_of(None, at(50), 0), Reach::Wanted);
        assert_eq!(reach_of(None, at(101), 0), Reach::Beginning);
    }

    #[test]
    fn reads_as_many_entries_as_the_rate_calls_for() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let read = |entries, from, to| Stats {
            entries,
            bytes: entries * 100,
            from: Some(at(from)),
            to: Some(at(to)),
            ..Stats::default()
        };
        let limit = 10 << 20;
        // 10 entries a second, for 1,000 s.
        assert_eq!(next_tail(&read(1_000, 1_900, 2_000), at(1_000), limit), Ok(12_500));
        // A million entries of 100 bytes are too many, but these may be a burst.
        assert_eq!(next_tail(&read(1_000, 1_999, 2_000), at(1_000), limit), Ok(SECOND_TAIL));
        assert_eq!(next_tail(&read(20_000, 1_980, 2_000), at(1_000), limit), Err(Some(125_000_000)));
        assert_eq!(next_tail(&read(20_000, 2_000, 2_000), at(1_000), limit), Err(None));
    }
}
