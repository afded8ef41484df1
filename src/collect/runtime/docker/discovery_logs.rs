//! Reads the newest lines of a container's log and the first lines since its start.

use crate::collect::runtime::docker::Engine;
use crate::collect::runtime::docker::log_lines::LineAssembler;
use crate::collect::runtime::docker::log_stream::LogStream;
use crate::collect::timeout_at;
use crate::evidence::Instance;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Number of lines read.
const TAIL_LINES: usize = 5_000;
/// Number of newest lines kept.
const NEWEST_LINES: usize = 300;
/// Number of lines kept from the start of the container.
const START_LINES: usize = 10;
/// The first line can be slightly older than the start time that the engine records.
const START_TOLERANCE: SignedDuration = SignedDuration::from_millis(500);

/// Returns the newest lines, preceded by those from the start if the tail reaches that far
/// back, oldest first. Lines that do not arrive in time are left out.
pub(crate) async fn newest_lines(engine: &Engine, container: &Instance, until: Instant) -> Vec<String> {
    let all = read(engine, container, until).await;
    let started = container.started.and_then(|start| start.checked_sub(START_TOLERANCE).ok());
    let since_start = all.iter().position(|(at, _)| started.is_some_and(|start| *at >= start));
    // If the first line read is already past the start, the start may be cut off.
    let begin = since_start.filter(|first| *first > 0 || all.len() < TAIL_LINES);
    let start = all.iter().skip(begin.unwrap_or(0)).take(begin.map_or(0, |_| START_LINES));
    let after_start = begin.map_or(0, |begin| begin + START_LINES);
    let end = all.iter().skip(after_start.max(all.len().saturating_sub(NEWEST_LINES)));
    start.chain(end).map(|(_, text)| text.clone()).collect()
}

async fn read(engine: &Engine, container: &Instance, until: Instant) -> Vec<(Timestamp, String)> {
    let open = LogStream::open(engine, &container.id, TAIL_LINES as u64, container.config.tty);
    let Ok(Ok(mut stream)) = timeout_at(until, open).await else { return Vec::new() };
    let mut lines = LineAssembler::default();
    let mut found = Vec::new();
    while let Ok(Some(Ok(output))) = timeout_at(until, stream.next()).await {
        // A stream that is always ready never times out.
        if Instant::now() >= until
            || lines
                .add(&output, container.config.tty, &mut |line| {
                    found.extend(line.at.map(|at| (at, line.text)))
                })
                .is_err()
        {
            break;
        }
    }
    lines.end(&mut |line| found.extend(line.at.map(|at| (at, line.text))));
    found
}
