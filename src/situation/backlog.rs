//! What is stuck: how many events of the window lack the effect of each stage.

use crate::evidence::{Extent, Seen, WhyKind};
use crate::pipeline::Stage;
use crate::situation::clock::CLOCKS;
use crate::situation::settling::Settling;
use crate::situation::source::Source;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The stuck events of the window.
pub struct Backlog<'a> {
    /// How far back stuck events are counted, in seconds.
    pub window_s: u64,
    /// Stuck events of the stages that could be counted; `None` where none could.
    pub stuck: Option<u64>,
    /// Whether all of them were counted; else there may be more.
    pub complete: bool,
    /// Time of the oldest.
    pub since: Option<Timestamp>,
    /// When the newest effect of any stage was written.
    pub last_good: Option<Timestamp>,
    /// The stuck ids that were kept, the newest first, each once.
    pub newest: Vec<&'a str>,
    stages: BTreeMap<&'a str, Seen<&'a Extent>>,
    behind: Seen<SignedDuration>,
    replica: Option<String>,
}

impl<'a> Backlog<'a> {
    /// Counts them.
    pub fn build(source: Source<'a>, settling: &Settling) -> Self {
        let pipeline = source.pipeline;
        let stages: BTreeMap<&str, Seen<&Extent>> = pipeline
            .stage
            .iter()
            .map(|stage| (stage.name.as_str(), of_stage(source, settling, stage)))
            .collect();
        let behind = behind(source);
        let in_order = pipeline.stage.iter().map(|stage| &stages[stage.name.as_str()]);
        let seen: Vec<&Extent> = in_order.filter_map(Seen::known).copied().collect();
        let mut newest: Vec<_> = seen.iter().flat_map(|extent| &extent.newest).collect();
        newest.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
        // Where ways branch, one event may be stuck at several stages.
        let mut ids: Vec<&str> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for stuck in newest {
            if known.insert(stuck.id.as_str()) {
                ids.push(&stuck.id);
            }
        }
        let all_listed = seen.iter().all(|extent| extent.stuck == extent.newest.len() as u64);
        let stuck = match all_listed {
            true => ids.len() as u64,
            false => seen.iter().map(|extent| extent.stuck).sum(),
        };
        Backlog {
            window_s: source.evidence.target.window_s,
            stuck: (!seen.is_empty()).then_some(stuck),
            complete: seen.len() == pipeline.stage.len()
                && seen.iter().all(|extent| !extent.limited)
                && caught_up(&behind).known().is_some(),
            since: seen.iter().filter_map(|extent| extent.since).min(),
            last_good: seen.iter().filter_map(|extent| extent.last_good).max(),
            newest: ids,
            stages,
            behind,
            replica: replica(source),
        }
    }

    /// How many events of the window lack the stage's effect; not known where all
    /// of them only waited for what has just been started again.
    pub fn extent(&self, stage: &Stage) -> Seen<&'a Extent> {
        self.stages[stage.name.as_str()].clone()
    }

    /// Whether events of the window are stuck at a stage.
    pub fn has_stuck(&self, stage: &Stage) -> bool {
        self.stages[stage.name.as_str()].known().is_some_and(|extent| extent.stuck > 0)
    }

    /// `Known` when the database shows what was written a moment ago.
    pub fn caught_up(&self) -> Seen<()> {
        caught_up(&self.behind)
    }

    /// How far a read replica is behind; nothing, where it is none.
    pub fn behind(&self) -> Seen<SignedDuration> {
        self.behind.clone()
    }

    /// Of what was read from a replica: that it was, and how far behind that is.
    pub fn replica(&self) -> Option<String> {
        self.replica.clone()
    }
}

fn replica(source: Source) -> Option<String> {
    let behind = source.database().known()?.replica_behind_ms.clone()?;
    Some(match behind {
        Seen::Known(ms) => format!("read from a replica, {:.1} s behind", ms as f64 / 1000.0),
        Seen::Unknown(why) | Seen::NotAsked(why) => {
            format!("read from a replica; how far behind: {}", why.words())
        }
    })
}

fn of_stage<'a>(source: Source<'a>, settling: &Settling, stage: &Stage) -> Seen<&'a Extent> {
    let extent = source.database().and_then(|rows| match rows.extents.get(&stage.name) {
        Some(extent) => extent.as_ref(),
        None => Seen::unknown(WhyKind::Missing, format!("stage {} was not looked at", stage.name)),
    });
    extent.and_then(|extent| match extent.since.filter(|_| extent.stuck > 0) {
        Some(since) => match settling.late_for_now(stage, since) {
            Ok(()) => Seen::Known(extent),
            Err(why) => {
                let waiting = source.pipeline.count(extent.stuck);
                Seen::unknown(why.kind, format!("{waiting} waiting; {}", why.words()))
            }
        },
        None => Seen::Known(extent),
    })
}

fn behind(source: Source) -> Seen<SignedDuration> {
    match source.database().known().and_then(|rows| rows.replica_behind_ms.as_ref()) {
        None => Seen::Known(SignedDuration::ZERO),
        Some(Seen::Known(behind)) => Seen::Known(SignedDuration::from_millis(*behind)),
        Some(Seen::Unknown(why) | Seen::NotAsked(why)) => {
            let say = format!("read from a replica; how far behind: {}", why.words());
            Seen::unknown(WhyKind::Young, say)
        }
    }
}

fn caught_up(behind: &Seen<SignedDuration>) -> Seen<()> {
    behind.clone().and_then(|behind| match behind > CLOCKS {
        true => late_replica(behind),
        false => Seen::Known(()),
    })
}

/// What a replica that is so far behind does not show.
pub fn late_replica<T>(behind: SignedDuration) -> Seen<T> {
    let behind = behind.as_secs_f64();
    let say = format!("read from a replica that is {behind:.1} s behind: not there yet, or never");
    Seen::unknown(WhyKind::Young, say)
}
