//! The requested event at each stage: its marks and effects, whether it has reached the
//! stage, and whether its grace period there is over.

use crate::base::state_enum::state_enum;
use crate::evidence::{AskedEvent, CustomObservation, Effect, Log, Mark, Observed, Reason, ReasonKind};
use crate::pipeline::{Pipeline, Stage};
use crate::situation::backlog::replica_lagging;
use crate::situation::clock::{ClockOf, Clocks, MAX_CLOCK_SKEW};
use crate::situation::container_changes::{ObservedState, StartedWhen};
use crate::situation::event_lookup::EventLookup;
use crate::situation::settling::grace;
use crate::situation::shared::Shared;
use crate::situation::workload::age;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

state_enum! {
    /// Who has marked the stage's event as processed.
    pub enum MarkState {
        Absent = "absent",
        Emitter = "emitter",
        Other = "other",
        Foreign = "foreign",
        Stale = "stale",
        Done = "done",
        Owner = "owner",
    }
}

state_enum! {
    /// The meaning of an effect row's status.
    pub enum EffectStatus {
        Bad = "bad",
        Waiting = "waiting",
        Good = "good",
    }
}

/// The requested event at one stage.
#[derive(Debug, Clone)]
pub struct AtStage<'a> {
    /// The event's marks for the stage, without those that belong to another stage.
    pub marks: Observed<Vec<&'a Mark>>,
    /// The event's effect rows that are not older than the event.
    pub effects: Observed<Vec<&'a Effect>>,
    /// `Known` if the event's grace period at the stage is over.
    pub old_enough: Observed<()>,
    /// `Known` if the event has reached the stage, that is, if every earlier stage has its effect
    /// and none of those effects has a waiting status.
    pub arrival: Observed<()>,
}

/// The requested event, together with everything that all events share.
pub struct Event<'a> {
    /// Everything that all events share.
    pub shared: Arc<Shared<'a>>,
    /// The evidence about the event.
    pub lookup: EventLookup<'a>,
    /// The clocks, including what the event's records reveal about the broker's clock.
    pub clocks: Clocks,
    stages: BTreeMap<&'a str, AtStage<'a>>,
}

impl<'a> Deref for Event<'a> {
    type Target = Shared<'a>;

    fn deref(&self) -> &Shared<'a> {
        &self.shared
    }
}

impl<'a> Event<'a> {
    /// Joins the marks and effects of an event, stage by stage.
    pub fn build(shared: Arc<Shared<'a>>, event: Option<&'a AskedEvent>) -> Self {
        let inputs = shared.inputs;
        let lookup = EventLookup::build(inputs, event);
        let clocks = Clocks::build(inputs, lookup.newest_record());
        let mut event = Event { lookup, clocks, stages: BTreeMap::new(), shared };
        let mut stages: Vec<&'a Stage> = inputs.pipeline.stage.iter().collect();
        // Build each stage after all stages that precede it.
        stages.sort_by_key(|stage| inputs.pipeline.all_before(stage).len());
        for stage in stages {
            let at = event.build_stage(stage);
            event.stages.insert(&stage.name, at);
        }
        event
    }

    /// Returns the event at a stage of the pipeline.
    pub fn at(&self, stage: &Stage) -> &AtStage<'a> {
        &self.stages[stage.name.as_str()]
    }

    /// Returns the requested id, or "no id given".
    pub fn id(&self) -> Observed<&'a str> {
        self.lookup.id(&self.pipeline.id.name)
    }

    /// Returns when the event happened: the time in its row, or else `--at`.
    pub fn event_at(&self) -> Option<Timestamp> {
        self.lookup.at()
    }

    /// Returns the value of one of the event's keys.
    pub fn event_key(&self, key: &str) -> Observed<&'a str> {
        self.id().and_then(|_| {
            self.lookup.row.clone().and_then(|row| match row.keys.get(key) {
                Some(value) => Observed::Known(value.as_str()),
                None => Observed::unknown(ReasonKind::Missing, format!("the event has no key {key}")),
            })
        })
    }

    /// Returns the event's marks for a stage, without those that belong to another stage.
    pub fn marks(&self, stage: &Stage) -> Observed<Vec<&'a Mark>> {
        self.at(stage).marks.clone()
    }

    /// Returns the effect rows of a stage for the event, without those older than the event.
    pub fn effects(&self, stage: &Stage) -> Observed<Vec<&'a Effect>> {
        self.at(stage).effects.clone()
    }

    /// Reports whether the stage's effect was observed for the event.
    pub fn has_effect(&self, stage: &Stage) -> bool {
        self.at(stage).effects.known().is_some_and(|effects| !effects.is_empty())
    }

    /// Reports whether the effect is known to be missing.
    pub fn lacks_effect(&self, stage: &Stage) -> bool {
        self.at(stage).effects.known().is_some_and(Vec::is_empty)
    }

    /// Returns `Known` if the event's grace period at a stage is over.
    pub fn old_enough(&self, stage: &Stage) -> Observed<()> {
        self.at(stage).old_enough.clone()
    }

    /// Returns `Known` unless the database could not say whether the event was ever recorded. In
    /// that case, a missing record proves nothing. A user who skips the database vouches for the id.
    pub fn recorded(&self) -> Observed<()> {
        let is_marked = self.lookup.marks.known().is_some_and(|marks| !marks.is_empty());
        let says_nothing = |kind| matches!(kind, ReasonKind::Missing | ReasonKind::NotConfigured);
        match &self.lookup.row {
            Observed::Unknown(why) if !says_nothing(why.kind) && !is_marked => {
                let message = format!("whether it was recorded was not seen: {}", why.message);
                Observed::Unknown(Reason { message, ..why.clone() })
            }
            _ => Observed::Known(()),
        }
    }

    /// Returns `Known` if the event has reached a stage.
    pub fn arrival(&self, stage: &Stage) -> Observed<()> {
        self.at(stage).arrival.clone()
    }

    /// Reports whether the event is known to have reached a stage.
    pub fn has_reached(&self, stage: &Stage) -> bool {
        self.at(stage).arrival.known().is_some()
    }

    /// Reports whether the event is known to be stuck at a stage.
    pub fn is_stuck(&self, stage: &Stage) -> bool {
        self.lacks_effect(stage) && self.has_reached(stage) && self.at(stage).old_enough.known().is_some()
    }

    /// Reports whether the requested event is stuck at a stage where this component is the
    /// worker or the emitter.
    pub fn is_stuck_at(&self, component: &str) -> bool {
        self.lookup.id.is_some()
            && self.pipeline.stage.iter().any(|stage| {
                let concerns = stage.worker.get_ref() == component || stage.emitter.get_ref() == component;
                concerns && self.is_stuck(stage)
            })
    }

    /// Reports whether the stage's own worker has marked the event.
    pub fn is_marked_by_owner(&self, stage: &Stage) -> Option<bool> {
        Some(self.at(stage).marks.known()?.iter().any(|mark| is_owner_mark(stage, mark)))
    }

    /// Reports whether a mark is not older than the event.
    pub fn is_fresh(&self, mark: &Mark) -> bool {
        match (mark.processed_at, self.event_at()) {
            (Some(processed), Some(event)) => {
                processed.saturating_add(MAX_CLOCK_SKEW).is_ok_and(|processed| processed >= event)
            }
            _ => true,
        }
    }

    /// Determines from these marks who has marked the stage's event.
    pub fn mark_state(&self, stage: &Stage, marks: &[&Mark]) -> MarkState {
        let source_is = |mark: &Mark, name: &str| mark.source.as_deref() == Some(name);
        let owned = |mark: &&&Mark| is_owner_mark(stage, mark);
        let has_effect = self.has_effect(stage);
        match marks.iter().find(owned).or(marks.last()) {
            None if has_effect => MarkState::Done,
            None => MarkState::Absent,
            Some(mark) if !self.is_fresh(mark) => MarkState::Stale,
            Some(mark) if owned(&mark) => MarkState::Owner,
            Some(_) if has_effect => MarkState::Done,
            Some(mark) if source_is(mark, stage.emitter.get_ref()) => MarkState::Emitter,
            Some(mark) if self.pipeline.components().any(|(component, _)| source_is(mark, component)) => {
                MarkState::Other
            }
            Some(_) => MarkState::Foreign,
        }
    }

    /// Returns an observation of the stage. A value that counts as `missing` is returned only once
    /// the event's grace period is over.
    pub fn judged<T>(&self, stage: &Stage, seen: Observed<T>, missing: impl Fn(&T) -> bool) -> Observed<T> {
        seen.and_then(|value| match missing(&value) {
            true => self.old_enough(stage).map(|()| value),
            false => Observed::Known(value),
        })
    }

    /// Succeeds if a component's log reaches back to the event.
    pub fn covers_event(&self, component: &str) -> Result<(), Reason> {
        match self.logs.of(component) {
            Observed::Known(log) => {
                log.covers(self.event_at(), self.clocks.tolerance(ClockOf::Docker, ClockOf::Postgres))
            }
            Observed::Unknown(why) | Observed::NotAsked(why) => Err(why),
        }
    }

    /// Returns the observation for a custom fact, if it was recorded.
    pub fn custom(&self, fact: &str) -> Option<Observed<&'a CustomObservation>> {
        self.lookup.custom(fact)
    }

    /// Reports whether a component's container started before or after the event.
    pub fn runs_since(&self, component: &str) -> ObservedState<StartedWhen> {
        self.workloads.container(component).and_then(|container| {
            let Some(container) = container else { return Observed::not_asked("no container") };
            let (Some(at), Some(started)) = (self.event_at(), container.started) else {
                return Observed::not_asked("no event time, or the container never started");
            };
            let when = if started > at { StartedWhen::After } else { StartedWhen::Before };
            let ago = age(self.clocks.docker_now, started);
            self.id().map(|_| (when, format!("started {when} the event, {ago} ago")))
        })
    }

    /// Returns a component's log.
    pub fn log(&self, component: &str) -> Observed<&'a Log> {
        self.shared.inputs.log(component)
    }

    fn build_stage(&self, stage: &Stage) -> AtStage<'a> {
        let reached_at = self.reached_at(stage);
        let effects = self.find_effects(stage, reached_at);
        let lacking = effects.known().is_none_or(Vec::is_empty);
        AtStage {
            marks: self.find_marks(stage, reached_at),
            old_enough: self.judge_age(stage, reached_at, lacking),
            arrival: self.find_arrival(stage),
            effects,
        }
    }

    /// Returns when the event reached a stage: the time of the newest effect of the stages
    /// directly before it, or else the time of the event.
    fn reached_at(&self, stage: &Stage) -> Option<Timestamp> {
        let newest = |before: &Stage| {
            let effects = self.stages.get(before.name.as_str())?.effects.known()?;
            effects.iter().map(|effect| effect.at).max()
        };
        let newest_effect = self.pipeline.before(stage).into_iter().filter_map(newest).max();
        newest_effect.or(self.event_at())
    }

    fn find_marks(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Observed<Vec<&'a Mark>> {
        let elsewhere = self.pipeline.marked_elsewhere(stage);
        let is_of_stage = |mark: &&Mark| {
            let of_other_stage = mark.source.as_ref().is_some_and(|source| elsewhere.contains(source));
            mark.event_type == stage.event && !of_other_stage
        };
        let of_stage = |marks: &'a [Mark]| marks.iter().filter(is_of_stage).collect();
        let marks = self.id().and_then(|_| self.lookup.marks.clone().map(of_stage));
        self.confirm_absence(stage, reached_at, marks)
    }

    fn find_effects(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Observed<Vec<&'a Effect>> {
        let rows = self.lookup.effects(&stage.name);
        let oldest = self.event_at().map(|at| at.saturating_sub(MAX_CLOCK_SKEW).unwrap_or(at));
        let fresh = |effect: &&Effect| oldest.is_none_or(|oldest| effect.at >= oldest);
        let rows = rows.map(|rows: &'a Vec<Effect>| rows.iter().filter(fresh).collect());
        self.confirm_absence(stage, reached_at, self.id().and_then(|_| rows))
    }

    /// Returns the rows; an empty result becomes unknown if a lagging read replica may not
    /// have received them yet.
    fn confirm_absence<T>(
        &self,
        stage: &Stage,
        reached_at: Option<Timestamp>,
        rows: Observed<Vec<T>>,
    ) -> Observed<Vec<T>> {
        rows.and_then(|rows| match rows.is_empty() {
            false => Observed::Known(rows),
            true => self.is_absence_conclusive(stage, reached_at).map(|()| rows),
        })
    }

    fn is_absence_conclusive(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Observed<()> {
        let now = self.clocks.database_now;
        self.backlog.replica_lag().and_then(|lag| match reached_at {
            _ if lag.is_zero() => Observed::Known(()),
            Some(at) if at.saturating_add(grace(stage) + lag).is_ok_and(|until| until < now) => {
                Observed::Known(())
            }
            Some(_) => replica_lagging(lag),
            None => self.backlog.caught_up(),
        })
    }

    fn judge_age(&self, stage: &Stage, reached_at: Option<Timestamp>, lacking: bool) -> Observed<()> {
        let Some(at) = reached_at else {
            return Observed::Known(());
        };
        let age: SignedDuration = self.clocks.database_now.duration_since(at);
        if age >= grace(stage) {
            // The event may be waiting at this stage or at an earlier one.
            let pipeline: &Pipeline = self.pipeline;
            let before = pipeline.all_before(stage).into_iter().filter(|before| !self.has_effect(before));
            let mut waits = before.chain(Some(stage).filter(|_| lacking));
            return Observed::from(waits.try_for_each(|stage| self.settling.check_overdue(stage, at)));
        }
        let wait = (grace(stage) - age).as_secs().max(1);
        let message = format!("the event reached this stage {} s ago; wait {wait} s", age.as_secs().max(0));
        Observed::unknown(ReasonKind::Young, message)
    }

    fn find_arrival(&self, stage: &Stage) -> Observed<()> {
        for other in self.pipeline.all_before(stage) {
            let done = self.effects(other).map(|effects| {
                let status = effects.last().map(|effect| effect.status.as_ref());
                status.is_some_and(|s| s.is_none_or(|status| !other.waiting_status.contains(status)))
            });
            match done {
                Observed::Known(true) => {}
                Observed::Known(false) => return Observed::not_asked("the event has not reached this stage"),
                unavailable => return unavailable.map(|_| ()),
            }
        }
        Observed::Known(())
    }
}

/// Reports whether the mark was made by the stage's own worker.
pub fn is_owner_mark(stage: &Stage, mark: &Mark) -> bool {
    mark.source.as_ref().is_some_and(|source| stage.marked_by.contains(source))
}

/// Classifies the status of an effect row.
pub fn status_of(stage: &Stage, status: &str) -> EffectStatus {
    match () {
        () if stage.waiting_status.iter().any(|waiting| waiting == status) => EffectStatus::Waiting,
        () if stage.good_status.is_empty() => EffectStatus::Good,
        () if stage.good_status.iter().any(|good| good == status) => EffectStatus::Good,
        () => EffectStatus::Bad,
    }
}
