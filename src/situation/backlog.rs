//! The backlog: how many events in the window lack each stage's effect.

use crate::evidence::{Extent, Observed, ReasonKind};
use crate::pipeline::Stage;
use crate::situation::clock::MAX_CLOCK_SKEW;
use crate::situation::inputs::Inputs;
use crate::situation::settling::Settling;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// The stuck events in the window.
pub struct Backlog<'a> {
    /// How far back stuck events are counted, in seconds.
    pub window_s: u64,
    /// The number of stuck events at all stages that could be counted; `None` if no stage
    /// could be counted.
    pub stuck: Option<u64>,
    /// Whether all stuck events were counted; otherwise there may be more.
    pub complete: bool,
    /// The time of the oldest stuck event.
    pub since: Option<Timestamp>,
    /// When the newest effect of any stage was written.
    pub last_good: Option<Timestamp>,
    /// The distinct stuck ids that were kept, newest first.
    pub newest: Vec<&'a str>,
    stages: BTreeMap<&'a str, Observed<&'a Extent>>,
    /// `None` if the database is not a replica.
    replica_lag: Option<Observed<SignedDuration>>,
}

impl<'a> Backlog<'a> {
    /// Counts the stuck events.
    pub fn build(inputs: Inputs<'a>, settling: &Settling) -> Self {
        let pipeline = inputs.pipeline;
        let stages: BTreeMap<&str, Observed<&Extent>> = pipeline
            .stage
            .iter()
            .map(|stage| (stage.name.as_str(), extent_of(inputs, settling, stage)))
            .collect();
        let replica_lag = replica_lag(inputs);
        let in_order = pipeline.stage.iter().map(|stage| &stages[stage.name.as_str()]);
        let seen: Vec<&Extent> = in_order.filter_map(Observed::known).copied().collect();
        let mut newest: Vec<_> = seen.iter().flat_map(|extent| &extent.newest).collect();
        newest.sort_by(|a, b| (b.at, &a.id).cmp(&(a.at, &b.id)));
        // With several branches, one event may be stuck at several stages.
        let mut newest_ids: Vec<&str> = Vec::new();
        let mut listed = std::collections::BTreeSet::new();
        for stuck in newest {
            if listed.insert(stuck.id.as_str()) {
                newest_ids.push(&stuck.id);
            }
        }
        let all_listed = seen.iter().all(|extent| extent.stuck == extent.newest.len() as u64);
        let stuck = match all_listed {
            true => newest_ids.len() as u64,
            false => seen.iter().map(|extent| extent.stuck).sum(),
        };
        Backlog {
            window_s: inputs.evidence.target.window_s,
            stuck: (!seen.is_empty()).then_some(stuck),
            complete: seen.len() == pipeline.stage.len()
                && seen.iter().all(|extent| !extent.limited)
                && caught_up(lag_or_zero(replica_lag.clone())).known().is_some(),
            since: seen.iter().filter_map(|extent| extent.since).min(),
            last_good: seen.iter().filter_map(|extent| extent.last_good).max(),
            newest: newest_ids,
            stages,
            replica_lag,
        }
    }

    /// Returns how many events in the window lack the stage's effect. The result is unknown if all
    /// of them were only waiting for a component that has just restarted.
    pub fn extent(&self, stage: &Stage) -> Observed<&'a Extent> {
        self.stages[stage.name.as_str()].clone()
    }

    /// Reports whether events in the window are stuck at a stage.
    pub fn has_stuck(&self, stage: &Stage) -> bool {
        self.stages[stage.name.as_str()].known().is_some_and(|extent| extent.stuck > 0)
    }

    /// Returns `Known` if the database shows the latest writes.
    pub fn caught_up(&self) -> Observed<()> {
        caught_up(self.replica_lag())
    }

    /// Returns the lag of a read replica; zero if the database is not a replica.
    pub fn replica_lag(&self) -> Observed<SignedDuration> {
        lag_or_zero(self.replica_lag.clone())
    }

    /// Describes the replica and its lag, if the database was read from one.
    pub fn replica(&self) -> Option<String> {
        Some(match self.replica_lag.as_ref()? {
            Observed::Known(lag) => describe_replica(*lag),
            Observed::Unknown(why) | Observed::NotAsked(why) => why.describe(),
        })
    }
}

fn extent_of<'a>(inputs: Inputs<'a>, settling: &Settling, stage: &Stage) -> Observed<&'a Extent> {
    let extent = inputs.database().and_then(|rows| match rows.extents.get(&stage.name) {
        Some(extent) => extent.as_ref(),
        None => Observed::unknown(ReasonKind::Missing, format!("stage {} was not queried", stage.name)),
    });
    extent.and_then(|extent| match extent.since.filter(|_| extent.stuck > 0) {
        Some(since) => match settling.check_overdue(stage, since) {
            Ok(()) => Observed::Known(extent),
            Err(why) => {
                let waiting = inputs.pipeline.count(extent.stuck);
                Observed::unknown(why.kind, format!("{waiting} waiting; {}", why.describe()))
            }
        },
        // The events that were not looked at may be stuck. For one event, the others only say how far trouble reaches.
        None if extent.limited && inputs.evidence.target.ids.is_empty() => {
            let back = extent.oldest.map(|at| format!(", back to {}", at.strftime("%d %b %H:%MZ")));
            let message = format!(
                "only the newest events of the window were counted{}; --window DURATION counts all of a shorter one",
                back.unwrap_or_default()
            );
            Observed::unknown(ReasonKind::Limit, message)
        }
        None => Observed::Known(extent),
    })
}

fn replica_lag(inputs: Inputs) -> Option<Observed<SignedDuration>> {
    Some(match inputs.database().known()?.replica_behind_ms.as_ref()? {
        Observed::Known(lag_ms) => Observed::Known(SignedDuration::from_millis(*lag_ms)),
        Observed::Unknown(why) | Observed::NotAsked(why) => {
            let message = format!("read from a replica; its lag is unknown: {}", why.describe());
            Observed::unknown(ReasonKind::Young, message)
        }
    })
}

fn lag_or_zero(replica_lag: Option<Observed<SignedDuration>>) -> Observed<SignedDuration> {
    replica_lag.unwrap_or(Observed::Known(SignedDuration::ZERO))
}

fn caught_up(lag: Observed<SignedDuration>) -> Observed<()> {
    lag.and_then(|lag| match lag > MAX_CLOCK_SKEW {
        true => replica_lagging(lag),
        false => Observed::Known(()),
    })
}

fn describe_replica(lag: SignedDuration) -> String {
    format!("read from a replica that is {:.1} s behind", lag.as_secs_f64())
}

/// Reports a missing row as inconclusive because the replica lags this far behind.
pub fn replica_lagging<T>(lag: SignedDuration) -> Observed<T> {
    let message = format!("{}, so missing rows may not have been replicated yet", describe_replica(lag));
    Observed::unknown(ReasonKind::Young, message)
}
