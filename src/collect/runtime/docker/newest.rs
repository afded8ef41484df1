//! The newest lines of a container's log, and the first ones since it was started.

use crate::collect::runtime::docker::Engine;
use crate::collect::runtime::docker::lines::Lines;
use crate::evidence::Instance;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// So many lines are read,
const READ: usize = 5_000;
/// of which the last are kept,
const LAST: usize = 300;
/// and the first since its start.
const FIRST: usize = 10;
/// The engine notes the start a moment after the first line may have come.
const BEFORE: SignedDuration = SignedDuration::from_millis(500);

/// The lines, oldest first: those of the start, where they are among the last
/// ones, and the newest. What does not come in time is left out.
pub(crate) async fn newest(engine: &Engine, container: &Instance, until: Instant) -> Vec<String> {
    let all = read(engine, container, until).await;
    let started = container.started.and_then(|start| start.checked_sub(BEFORE).ok());
    let since_start = all.iter().position(|(at, _)| started.is_some_and(|start| *at >= start));
    // The start itself may lie before what was read.
    let begin = since_start.filter(|first| *first > 0 || all.len() < READ);
    let start = all.iter().skip(begin.unwrap_or(0)).take(begin.map_or(0, |_| FIRST));
    let behind_start = begin.map_or(0, |begin| begin + FIRST);
    let end = all.iter().skip(behind_start.max(all.len().saturating_sub(LAST)));
    start.chain(end).map(|(_, text)| text.clone()).collect()
}

async fn read(engine: &Engine, container: &Instance, until: Instant) -> Vec<(Timestamp, String)> {
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).timestamps(true);
    let options = options.tail(&READ.to_string()).build();
    let mut stream = std::pin::pin!(engine.client.logs(&container.id, Some(options)));
    let mut lines = Lines::default();
    let mut found = Vec::new();
    while let Ok(Some(Ok(output))) = tokio::time::timeout_at(until, stream.next()).await {
        if lines.add(&output, container.config.tty, &mut |line| found.push((line.at, line.text))).is_err() {
            break;
        }
    }
    lines.end(&mut |line| found.push((line.at, line.text)));
    found
}
