//! The asked event at each stage: its marks and effects, whether it came there, and
//! whether it has been there for long enough to be judged.

use crate::base::states::states;
use crate::evidence::{AskedEvent, Custom, Effect, Log, Mark, Seen, Why, WhyKind};
use crate::pipeline::{Pipeline, Stage};
use crate::situation::asked::Asked;
use crate::situation::backlog::late_replica;
use crate::situation::changes::{StartedWhen, Told};
use crate::situation::clock::{CLOCKS, ClockOf, Clocks};
use crate::situation::settling::grace;
use crate::situation::shared::Shared;
use crate::situation::workload::age;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

states! {
    /// Who has marked a stage's event as processed.
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

states! {
    /// What the status of an effect row means.
    pub enum EffectStatus {
        Bad = "bad",
        Waiting = "waiting",
        Good = "good",
    }
}

/// The event at one stage.
#[derive(Debug, Clone)]
pub struct AtStage<'a> {
    /// Its marks for the stage's event, without those that belong to another stage.
    pub marks: Seen<Vec<&'a Mark>>,
    /// Its effect rows that are not older than the event.
    pub effects: Seen<Vec<&'a Effect>>,
    /// `Known` when the event has been here for long enough to be judged.
    pub old_enough: Seen<()>,
    /// `Known` when the event has come here: every stage before it has its effect, and
    /// none of them waits for something else.
    pub here: Seen<()>,
}

/// The asked event, beside what is the same for all.
pub struct Event<'a> {
    /// What is the same for all.
    pub shared: Arc<Shared<'a>>,
    /// What was looked up of it.
    pub asked: Asked<'a>,
    /// All clocks.
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
    /// Joins marks and effects of an event, stage by stage.
    pub fn build(shared: Arc<Shared<'a>>, event: Option<&'a AskedEvent>) -> Self {
        let source = shared.source;
        let asked = Asked::build(source, event);
        let clocks = Clocks::build(source, asked.newest_record());
        let mut event = Event { asked, clocks, stages: BTreeMap::new(), shared };
        let mut stages: Vec<&'a Stage> = source.pipeline.stage.iter().collect();
        // A stage comes after all that an event passes before it.
        stages.sort_by_key(|stage| source.pipeline.all_before(stage).len());
        for stage in stages {
            let at = event.look(stage);
            event.stages.insert(&stage.name, at);
        }
        event
    }

    /// The event at a stage of the pipeline.
    pub fn at(&self, stage: &Stage) -> &AtStage<'a> {
        &self.stages[stage.name.as_str()]
    }

    /// The asked id, or "no id given".
    pub fn id(&self) -> Seen<&'a str> {
        self.asked.id(&self.pipeline.id.name)
    }

    /// When the event happened: as the database tells, else as `--at` said.
    pub fn event_at(&self) -> Option<Timestamp> {
        self.asked.at()
    }

    /// A key's value of the event.
    pub fn event_key(&self, key: &str) -> Seen<&'a str> {
        self.id().and_then(|_| {
            self.asked.row.clone().and_then(|row| match row.keys.get(key) {
                Some(value) => Seen::Known(value.as_str()),
                None => Seen::unknown(WhyKind::Missing, format!("the event carries no {key}")),
            })
        })
    }

    /// The id's marks for a stage's event, without those that belong to another stage.
    pub fn marks(&self, stage: &Stage) -> Seen<Vec<&'a Mark>> {
        self.at(stage).marks.clone()
    }

    /// The id's effect rows of a stage that are not older than its event.
    pub fn effects(&self, stage: &Stage) -> Seen<Vec<&'a Effect>> {
        self.at(stage).effects.clone()
    }

    /// Whether the id's effect of a stage was seen.
    pub fn has_effect(&self, stage: &Stage) -> bool {
        self.at(stage).effects.known().is_some_and(|effects| !effects.is_empty())
    }

    /// Whether it was looked for, and is not there.
    pub fn lacks_effect(&self, stage: &Stage) -> bool {
        self.at(stage).effects.known().is_some_and(Vec::is_empty)
    }

    /// `Known` when the event has been at the stage for long enough to be judged.
    pub fn old_enough(&self, stage: &Stage) -> Seen<()> {
        self.at(stage).old_enough.clone()
    }

    /// `Known` when the event has come to a stage.
    pub fn here(&self, stage: &Stage) -> Seen<()> {
        self.at(stage).here.clone()
    }

    /// Whether the event has come to a stage, as far as that was seen.
    pub fn reached(&self, stage: &Stage) -> bool {
        self.at(stage).here.known().is_some()
    }

    /// Whether the event waits at a stage, as far as that can be judged.
    pub fn is_stuck(&self, stage: &Stage) -> bool {
        self.lacks_effect(stage) && self.reached(stage) && self.at(stage).old_enough.known().is_some()
    }

    /// Whether the asked event waits for this worker, or was to be sent by this service.
    pub fn is_stuck_at(&self, part: &str) -> bool {
        self.asked.id.is_some()
            && self.pipeline.stage.iter().any(|stage| {
                let concerns = stage.worker.get_ref() == part || stage.emitter.get_ref() == part;
                concerns && self.is_stuck(stage)
            })
    }

    /// Whether its own worker has marked the event at a stage.
    pub fn is_marked_by_owner(&self, stage: &Stage) -> Option<bool> {
        Some(self.at(stage).marks.known()?.iter().any(|mark| is_owners(stage, mark)))
    }

    /// Whether a mark is not older than the event.
    pub fn is_fresh(&self, mark: &Mark) -> bool {
        match (mark.processed_at, self.event_at()) {
            (Some(processed), Some(event)) => {
                processed.saturating_add(CLOCKS).is_ok_and(|processed| processed >= event)
            }
            _ => true,
        }
    }

    /// Who has marked the stage's event, by these marks.
    pub fn mark_state(&self, stage: &Stage, marks: &[&Mark]) -> MarkState {
        let source_is = |mark: &Mark, name: &str| mark.source.as_deref() == Some(name);
        let owned = |mark: &&&Mark| is_owners(stage, mark);
        let has_effect = self.has_effect(stage);
        match marks.iter().find(owned).or(marks.last()) {
            None if has_effect => MarkState::Done,
            None => MarkState::Absent,
            Some(mark) if !self.is_fresh(mark) => MarkState::Stale,
            Some(mark) if owned(&mark) => MarkState::Owner,
            Some(_) if has_effect => MarkState::Done,
            Some(mark) if source_is(mark, stage.emitter.get_ref()) => MarkState::Emitter,
            Some(mark) if self.pipeline.parts().any(|(part, _)| source_is(mark, part)) => MarkState::Other,
            Some(_) => MarkState::Foreign,
        }
    }

    /// What the stage did with the id, once it is old enough to be judged. What is
    /// there already is judged at any age.
    pub fn judged<T>(&self, stage: &Stage, seen: Seen<T>, missing: impl Fn(&T) -> bool) -> Seen<T> {
        seen.and_then(|value| match missing(&value) {
            true => self.old_enough(stage).map(|()| value),
            false => Seen::Known(value),
        })
    }

    /// `Ok` when the log of a part reaches back to the event.
    pub fn covers_event(&self, part: &str) -> Result<(), Why> {
        match self.logs.of(part) {
            Seen::Known(log) => {
                log.covers(self.event_at(), self.clocks.apart(ClockOf::Docker, ClockOf::Postgres))
            }
            Seen::Unknown(why) | Seen::NotAsked(why) => Err(why),
        }
    }

    /// What was told for a custom fact, if that was recorded.
    pub fn custom(&self, fact: &str) -> Option<Seen<&'a Custom>> {
        self.asked.custom(fact)
    }

    /// Whether a component runs since before the event.
    pub fn runs_since(&self, part: &str) -> Told<StartedWhen> {
        self.workloads.container(part).and_then(|container| {
            let Some(container) = container else { return Seen::not_asked("no container") };
            let (Some(at), Some(started)) = (self.event_at(), container.started) else {
                return Seen::not_asked("no event, or never started");
            };
            let when = if started > at { StartedWhen::After } else { StartedWhen::Before };
            let ago = age(self.clocks.docker_now, started);
            self.id().map(|_| (when, format!("started {when} the event, {ago} ago")))
        })
    }

    /// The log of a service or worker.
    pub fn log(&self, part: &str) -> Seen<&'a Log> {
        self.shared.source.log(part)
    }

    fn look(&self, stage: &Stage) -> AtStage<'a> {
        let reached_at = self.reached_at(stage);
        let effects = self.look_for_effects(stage, reached_at);
        let lacking = effects.known().is_none_or(Vec::is_empty);
        AtStage {
            marks: self.look_for_marks(stage, reached_at),
            old_enough: self.is_old_enough(stage, reached_at, lacking),
            here: self.is_here(stage),
            effects,
        }
    }

    /// When it came to a stage: when the last of the effects of the stages right before it
    /// was written, else when it happened.
    fn reached_at(&self, stage: &Stage) -> Option<Timestamp> {
        let newest = |before: &Stage| {
            let effects = self.stages.get(before.name.as_str())?.effects.known()?;
            effects.iter().map(|effect| effect.at).max()
        };
        let came = self.pipeline.before(stage).into_iter().filter_map(newest).max();
        came.or(self.event_at())
    }

    fn look_for_marks(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Seen<Vec<&'a Mark>> {
        let elsewhere = self.pipeline.marked_elsewhere(stage);
        let is_of_stage = |mark: &&Mark| {
            let others = mark.source.as_ref().is_some_and(|source| elsewhere.contains(source));
            mark.event_type == stage.event && !others
        };
        let of_stage = |marks: &'a [Mark]| marks.iter().filter(is_of_stage).collect();
        let marks = self.id().and_then(|_| self.asked.marks.clone().map(of_stage));
        self.replicated(stage, reached_at, marks)
    }

    fn look_for_effects(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Seen<Vec<&'a Effect>> {
        let rows = self.asked.effects(&stage.name);
        let oldest = self.event_at().map(|at| at.saturating_sub(CLOCKS).unwrap_or(at));
        let fresh = |effect: &&Effect| oldest.is_none_or(|oldest| effect.at >= oldest);
        let rows = rows.map(|rows: &'a Vec<Effect>| rows.iter().filter(fresh).collect());
        self.replicated(stage, reached_at, self.id().and_then(|_| rows))
    }

    /// Rows that a stage has written for the event. No rows are none only where
    /// they would be here: a read replica may not have them yet.
    fn replicated<T>(
        &self,
        stage: &Stage,
        reached_at: Option<Timestamp>,
        rows: Seen<Vec<T>>,
    ) -> Seen<Vec<T>> {
        rows.and_then(|rows| match rows.is_empty() {
            false => Seen::Known(rows),
            true => self.shows_absence(stage, reached_at).map(|()| rows),
        })
    }

    fn shows_absence(&self, stage: &Stage, reached_at: Option<Timestamp>) -> Seen<()> {
        let now = self.clocks.database_now;
        self.backlog.behind().and_then(|behind| match reached_at {
            _ if behind.is_zero() => Seen::Known(()),
            Some(at) if at.saturating_add(grace(stage) + behind).is_ok_and(|until| until < now) => {
                Seen::Known(())
            }
            Some(_) => late_replica(behind),
            None => self.backlog.caught_up(),
        })
    }

    fn is_old_enough(&self, stage: &Stage, reached_at: Option<Timestamp>, lacking: bool) -> Seen<()> {
        let Some(at) = reached_at else {
            return Seen::Known(());
        };
        let age: SignedDuration = self.clocks.database_now.duration_since(at);
        if age >= grace(stage) {
            // Here or at a stage before, wherever it waits.
            let pipeline: &Pipeline = self.pipeline;
            let before = pipeline.all_before(stage).into_iter().filter(|before| !self.has_effect(before));
            let mut waits = before.chain(Some(stage).filter(|_| lacking));
            return Seen::from(waits.try_for_each(|stage| self.settling.late_for_now(stage, at)));
        }
        let wait = (grace(stage) - age).as_secs().max(1);
        let say = format!("the event came here {} s ago: wait {wait} s", age.as_secs().max(0));
        Seen::unknown(WhyKind::Young, say)
    }

    fn is_here(&self, stage: &Stage) -> Seen<()> {
        for other in self.pipeline.all_before(stage) {
            let done = self.effects(other).map(|effects| {
                let status = effects.last().map(|effect| effect.status.as_ref());
                status.is_some_and(|s| s.is_none_or(|status| !other.waiting_status.contains(status)))
            });
            match done {
                Seen::Known(true) => {}
                Seen::Known(false) => return Seen::not_asked("the event has not come so far"),
                unseen => return unseen.map(|_| ()),
            }
        }
        Seen::Known(())
    }
}

/// Whether a stage's own worker has made the mark.
pub fn is_owners(stage: &Stage, mark: &Mark) -> bool {
    mark.source.as_ref().is_some_and(|source| stage.marked_by.contains(source))
}

/// What the status of an effect row means.
pub fn status_of(stage: &Stage, status: &str) -> EffectStatus {
    match () {
        () if stage.waiting_status.iter().any(|waiting| waiting == status) => EffectStatus::Waiting,
        () if stage.good_status.is_empty() => EffectStatus::Good,
        () if stage.good_status.iter().any(|good| good == status) => EffectStatus::Good,
        () => EffectStatus::Bad,
    }
}
