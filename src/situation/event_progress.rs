//! How far the requested event got, and whether it arrived.

use crate::base::unavailable_reason::ReasonKind;
use crate::pipeline::HopKind;
use crate::situation::hops::{self, Hop, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far an event got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventOutcome {
    /// It passed every stage, including branches.
    Arrived,
    /// A hop is missing and its grace period is over.
    Stopped,
    /// A hop is missing, but its grace period is not over.
    UnderWay,
    /// The deciding hop could not be checked.
    Unclear,
}

impl EventOutcome {
    /// All outcomes, the worst first.
    pub const ALL: [EventOutcome; 4] =
        [EventOutcome::Stopped, EventOutcome::Unclear, EventOutcome::UnderWay, EventOutcome::Arrived];

    /// Returns the outcome in words.
    pub fn describe(self) -> &'static str {
        match self {
            EventOutcome::Arrived => "arrived",
            EventOutcome::Stopped => "stopped",
            EventOutcome::UnderWay => "under way",
            EventOutcome::Unclear => "unclear",
        }
    }
}

/// How far the requested event got. The hops are indices into the situation's hops.
pub struct EventProgress {
    /// How far the event got.
    pub outcome: EventOutcome,
    /// Whether the event has completed the last stage of every branch.
    pub arrived: bool,
    /// The last hop that was seen.
    pub last: Option<usize>,
    /// The first missing hop after `last`, or else the first unknown one. If the event
    /// arrived, this is a missing branch, or else an unknown effect.
    pub gap: Option<usize>,
    /// The hop to the dead letter topic, if a worker gave up on the event.
    pub dead_letter: Option<usize>,
}

impl EventProgress {
    /// Derives the progress from the hops. `arrived` says whether the last stage of every branch is complete.
    pub fn of(hops: &[Hop], arrived: bool) -> EventProgress {
        let last = hops::furthest(hops);
        let next = last.map_or(0, |last| last + 1);
        let is_missing = |hop: &Hop| matches!(hop.state, State::Missing(_));
        let remaining = || (next..hops.len()).filter(|at| hops[*at].is_on_main_path());
        let young = |at: &usize| is_young(&hops[*at]);
        let missing_branch = hops.iter().position(|hop| !hop.is_on_main_path() && is_missing(hop));
        let unknown_effect =
            |hop: &Hop| hop.kind == HopKind::Effect && matches!(hop.state, State::Unknown(_));
        let gap = match arrived {
            true => missing_branch.or_else(|| hops.iter().position(unknown_effect)),
            false => remaining()
                .find(|at| is_missing(&hops[*at]))
                .or_else(|| remaining().find(young))
                .or_else(|| remaining().next()),
        };
        let dead_letter = hops.iter().rposition(|hop| hop.kind == HopKind::DeadLetter);
        let dead_letter = dead_letter.filter(|_| !arrived);
        let outcome = match gap.map(|gap| &hops[gap]) {
            None if arrived => EventOutcome::Arrived,
            // A pipeline without stages has no hops.
            None => EventOutcome::Unclear,
            Some(gap) => outcome(gap, dead_letter.is_some()),
        };
        EventProgress { outcome, arrived, last, gap, dead_letter }
    }

    /// Returns when the event arrived by this machine's clock: the time of its last effect, if
    /// that is known.
    pub fn arrived_at(&self, hops: &[Hop]) -> Option<Timestamp> {
        let effects = hops.iter().filter(|hop| self.arrived && hop.kind == HopKind::Effect);
        effects.filter_map(Hop::local_time).max()
    }
}

fn outcome(gap: &Hop, has_dead_letter: bool) -> EventOutcome {
    match &gap.state {
        _ if has_dead_letter => EventOutcome::Stopped,
        State::Missing(_) => EventOutcome::Stopped,
        _ if is_young(gap) => EventOutcome::UnderWay,
        _ => EventOutcome::Unclear,
    }
}

/// Reports whether the grace period of a hop is still running.
fn is_young(hop: &Hop) -> bool {
    matches!(&hop.state, State::Unknown(why) if why.kind == ReasonKind::Young)
}
