//! Evidence and pipeline side by side, with the joins that several facts need.

use crate::evidence::{
    AskedEvent, Broker, Custom, Database, Effect, EventRows, Evidence, Extent, FoundRecord, Instance,
    InstanceState, Log, Mark, Reach, Runtime, Seen, Topic, Why, WhyKind,
};
use crate::fact::settling;
use crate::pipeline::{Pipeline, Stage, Worker};
use jiff::{SignedDuration, Timestamp};

/// Clocks of different machines may differ by this much, although nobody knows.
pub const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

/// Evidence and pipeline side by side, and the event that is looked at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// What was seen.
    pub evidence: &'a Evidence,
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// The event that is looked at, if one was asked about.
    pub event: Option<&'a AskedEvent>,
}

impl<'a> View<'a> {
    /// A view of the two, and of the first event that was asked about.
    pub fn new(evidence: &'a Evidence, pipeline: &'a Pipeline) -> Self {
        View { evidence, pipeline, event: evidence.first_event() }
    }

    /// The id of the event that is looked at, if one was asked about.
    pub fn asked_id(&self) -> Option<&'a str> {
        self.event.map(|event| event.id.as_str())
    }

    /// What was asked of the id, or "no id given".
    pub fn id(&self) -> Seen<&'a str> {
        match self.asked_id() {
            Some(id) => Seen::Known(id),
            None => Seen::not_asked(format!("no {} given", self.pipeline.id.name)),
        }
    }

    /// The container of a service or worker: of the project and with the
    /// service's label first, else with the declared name. Of several replicas
    /// the one that has come furthest.
    pub fn container(&self, part: &str) -> Seen<Option<&'a Instance>> {
        self.evidence.runtime().map(|docker| self.container_of(docker, part))
    }

    fn container_of(&self, docker: &'a Runtime, part: &str) -> Option<&'a Instance> {
        let containers = docker.instances_of(part, self.container_name(part)).into_iter();
        containers
            .max_by_key(|c| (c.state == InstanceState::Running, c.state != InstanceState::Created, c.started))
    }

    /// The container name that the pipeline declares for a service or worker.
    pub fn container_name(&self, part: &str) -> Option<&'a str> {
        let mut parts = self.pipeline.parts();
        parts.find(|(name, _)| *name == part).map(|(name, container)| container.unwrap_or(name))
    }

    /// When the event happened: as the database tells, else as `--at` said.
    pub fn event_at(&self) -> Option<Timestamp> {
        let told = self.rows().and_then(|rows| rows.event.as_ref()).known().map(|event| event.at);
        told.or(self.evidence.target.at)
    }

    /// A key's value of the event that was asked about.
    pub fn event_key(&self, key: &str) -> Seen<&'a str> {
        let event = self.rows().and_then(|rows| rows.event.as_ref());
        self.id().and_then(|_| {
            event.and_then(|event| match event.keys.get(key) {
                Some(value) => Seen::Known(value.as_str()),
                None => Seen::unknown(WhyKind::Missing, format!("the event carries no {key}")),
            })
        })
    }

    /// The database with the events.
    pub fn postgres(&self) -> Seen<&'a Database> {
        self.evidence.main_database()
    }

    /// The event's rows.
    pub fn rows(&self) -> Seen<&'a EventRows> {
        self.postgres().and_then(|_| match self.event {
            Some(event) => event.rows.as_ref(),
            None => Seen::not_asked("no id given"),
        })
    }

    /// Why look-ups of rows came to nothing, those that did.
    pub fn whys(&self) -> Vec<&'a Why> {
        let Seen::Known(database) = self.postgres() else { return Vec::new() };
        let rows = self.event.and_then(|event| event.rows.known());
        database.whys(rows)
    }

    /// What was told for a fact of the user's own, if it was recorded.
    pub fn custom(&self, name: &str) -> Option<Seen<&'a Custom>> {
        if let Some(answer) = self.event.and_then(|event| event.answers.get(name)) {
            return Some(answer.as_ref());
        }
        let seen = self.evidence.custom.get(name)?;
        let of_first = !matches!(seen, Seen::Known(Custom::LookedFor(_)));
        let other = self.evidence.first_event().filter(|first| Some(first.id.as_str()) != self.asked_id());
        Some(match other.filter(|_| of_first && self.event.is_some()) {
            Some(first) => Seen::not_asked(format!("asked of {} alone", first.id)),
            None => seen.as_ref(),
        })
    }

    /// Whether a dead letter names the event.
    pub fn is_of_event(&self, letter: &FoundRecord) -> bool {
        letter.names.as_deref().is_some_and(|id| Some(id) == self.asked_id())
    }

    /// The id's marks for a stage's event, without those that belong to another stage.
    pub fn marks(&self, stage: &Stage) -> Seen<Vec<&'a Mark>> {
        let marks = self.rows().and_then(|rows| rows.marks.as_ref());
        let elsewhere = self.pipeline.marked_elsewhere(stage);
        let is_of_stage = |mark: &&Mark| {
            let others = mark.source.as_ref().is_some_and(|source| elsewhere.contains(source));
            mark.event_type == stage.event && !others
        };
        let of_stage = |marks: &'a Vec<Mark>| marks.iter().filter(is_of_stage).collect();
        let marks = self.id().and_then(|_| marks.map(of_stage));
        self.replicated(stage, marks)
    }

    /// The id's effect rows of a stage that are not older than its event.
    pub fn effects(&self, stage: &Stage) -> Seen<Vec<&'a Effect>> {
        let rows = self.rows().and_then(|rows| match rows.effects.get(&stage.name) {
            Some(effects) => effects.as_ref(),
            None => Seen::unknown(WhyKind::Missing, format!("stage {} was not looked at", stage.name)),
        });
        let oldest = self.event_at().map(|at| at.saturating_sub(CLOCKS).unwrap_or(at));
        let fresh = |effect: &&Effect| oldest.is_none_or(|oldest| effect.at >= oldest);
        let rows = rows.map(|rows: &'a Vec<Effect>| rows.iter().filter(fresh).collect());
        self.replicated(stage, self.id().and_then(|_| rows))
    }

    /// Whether the id's effect of a stage was seen.
    pub fn has_effect(&self, stage: &Stage) -> bool {
        self.effects(stage).known().is_some_and(|effects| !effects.is_empty())
    }

    /// How many events of the window lack the stage's effect; not known where all
    /// of them only waited for what has just been started again.
    pub fn extent(&self, stage: &Stage) -> Seen<&'a Extent> {
        let extent = self.postgres().and_then(|rows| match rows.extents.get(&stage.name) {
            Some(extent) => extent.as_ref(),
            None => Seen::unknown(WhyKind::Missing, format!("stage {} was not looked at", stage.name)),
        });
        extent.and_then(|extent| match extent.since.filter(|_| extent.stuck > 0) {
            Some(since) => match settling::late_for_now(self, stage, since) {
                Ok(()) => Seen::Known(extent),
                Err(why) => {
                    let waiting = self.pipeline.count(extent.stuck);
                    Seen::unknown(why.kind, format!("{waiting} waiting; {}", why.words()))
                }
            },
            None => Seen::Known(extent),
        })
    }

    /// `Known` when the event has been at the stage for long enough to be judged.
    pub fn old_enough(&self, stage: &Stage) -> Seen<()> {
        let Some(at) = self.reached_at(stage) else {
            return Seen::Known(());
        };
        let age = self.database_now().duration_since(at);
        let grace = SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
        if age >= grace {
            // Here or at a stage before, wherever it waits.
            let way = self.pipeline.all_before(stage).into_iter().chain([stage]);
            let mut waits = way.filter(|stage| !self.has_effect(stage));
            return Seen::from(waits.try_for_each(|stage| settling::late_for_now(self, stage, at)));
        }
        let wait = (grace - age).as_secs().max(1);
        let say = format!("the event came here {} s ago: wait {wait} s", age.as_secs().max(0));
        Seen::unknown(WhyKind::Young, say)
    }

    /// When the event came to a stage: when the last of the effects of the stages right
    /// before it was written, else when it happened.
    fn reached_at(&self, stage: &Stage) -> Option<Timestamp> {
        let newest = |before: &Stage| {
            let effects = self.effects(before);
            effects.known()?.iter().map(|effect| effect.at).max()
        };
        let came = self.pipeline.before(stage).into_iter().filter_map(newest).max();
        came.or(self.event_at())
    }

    /// Whether the event has come to a stage, as far as that was seen.
    pub fn reached(&self, stage: &Stage) -> bool {
        self.here(stage).known().is_some()
    }

    /// `Known` when the event has come to a stage: every stage before it has its
    /// effect for the id, and none of them waits for something else.
    pub fn here(&self, stage: &Stage) -> Seen<()> {
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

    /// The log of a service or worker.
    pub fn log(&self, part: &str) -> Seen<&'a Log> {
        match self.evidence.logs.get(part) {
            Some(log) => log.as_ref(),
            None => self
                .evidence
                .runtime()
                .and_then(|_| Seen::unknown(WhyKind::Missing, format!("no log of {part}"))),
        }
    }

    /// The broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> Seen<&'a Broker> {
        self.evidence.broker(self.pipeline.broker_of_topic(topic))
    }

    /// The broker on which a worker is a member of its group.
    pub fn broker_of(&self, worker: &Worker) -> Seen<&'a Broker> {
        self.evidence.broker(self.pipeline.broker_of(worker))
    }

    /// A topic of the pipeline, as its broker shows it.
    pub fn topic(&self, name: &str) -> Seen<&'a Topic> {
        self.broker_of_topic(name).and_then(|kafka| match kafka.topics.get(name) {
            Some(seen) => seen.as_ref(),
            None => Seen::unknown(WhyKind::Missing, format!("topic {name} was not asked for")),
        })
    }

    /// `Known` when the log was read as far back as it was wanted, or to its beginning.
    pub fn complete(log: &Log) -> Result<(), Why> {
        match log.reach {
            Reach::Wanted | Reach::Beginning => Ok(()),
            Reach::Limit => Err(Why::new(
                WhyKind::Limit,
                format!("stopped reading the log of {} after {} records", log.container, log.read),
            )),
        }
    }

    /// `Known` when the log of a part reaches back to the event: one that begins
    /// after it (rotated, or of a container made anew) proves no absence.
    pub fn covers_event(&self, part: &str, log: &Log) -> Result<(), Why> {
        Self::complete(log)?;
        if log.cut_of_event {
            let say = format!("more records of {} name the event than were kept", log.container);
            return Err(Why::new(WhyKind::Limit, say));
        }
        let Some(at) = self.event_at().filter(|_| log.reach == Reach::Beginning) else {
            return Ok(());
        };
        let after = at.saturating_add(self.apart("Docker", "PostgreSQL")).unwrap_or(at);
        let container = self.container(part).known().copied().flatten();
        let created = container.and_then(|container| container.created);
        if created.is_some_and(|created| created > after) {
            let say = format!(
                "{} was created after the event: what the one before it logged is gone",
                log.container
            );
            return Err(Why::new(WhyKind::Missing, say));
        }
        match log.from {
            Some(from) if from > after => {
                let say =
                    format!("the log of {} begins after the event: what came before is gone", log.container);
                Err(Why::new(WhyKind::Missing, say))
            }
            Some(_) => Ok(()),
            // An empty log tells neither when it began.
            None => {
                let say = format!("the log of {} is empty: it tells of no time", log.container);
                Err(Why::new(WhyKind::Missing, say))
            }
        }
    }

    /// By how much times of these two systems (as [`crate::runbook::scope::SYSTEMS`] calls
    /// them) may be apart before their order means anything: wider where a clock
    /// is known to be wrong.
    pub fn apart(&self, one: &str, other: &str) -> SignedDuration {
        let off = crate::fact::clocks::all(self).into_iter().filter(|(name, _)| [one, other].contains(name));
        let off = off.filter_map(|(_, clock)| clock.known().map(|clock| clock.surely_ahead_ms().abs()));
        CLOCKS.saturating_add(SignedDuration::from_millis(off.fold(0, i64::saturating_add)))
    }

    /// When it was looked, by the engine's clock: containers' and records' ages are
    /// counted from here.
    pub fn docker_now(&self) -> Timestamp {
        self.by_clock(self.evidence.runtime().known().and_then(|docker| docker.clock))
    }

    fn by_clock(&self, clock: Option<crate::evidence::Clock>) -> Timestamp {
        let ahead = SignedDuration::from_millis(clock.map_or(0, |clock| clock.ahead_ms));
        self.evidence.taken.checked_add(ahead).unwrap_or(self.evidence.taken)
    }

    /// When it was looked, by the database's clock: rows' ages are counted from here.
    pub fn database_now(&self) -> Timestamp {
        self.by_clock(self.postgres().known().and_then(|rows| rows.clock))
    }

    /// Rows that a stage has written for the event. No rows are none only where
    /// they would be here: a read replica may not have them yet.
    fn replicated<T>(&self, stage: &Stage, rows: Seen<Vec<T>>) -> Seen<Vec<T>> {
        rows.and_then(|rows| match rows.is_empty() {
            false => Seen::Known(rows),
            true => self.shows_absence(stage).map(|()| rows),
        })
    }

    fn shows_absence(&self, stage: &Stage) -> Seen<()> {
        let grace = SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
        self.behind().and_then(|behind| match self.reached_at(stage) {
            _ if behind.is_zero() => Seen::Known(()),
            Some(at) if at.saturating_add(grace + behind).is_ok_and(|until| until < self.database_now()) => {
                Seen::Known(())
            }
            Some(_) => late_replica(behind),
            None => self.caught_up(),
        })
    }

    /// `Known` when the database shows what was written a moment ago.
    pub fn caught_up(&self) -> Seen<()> {
        self.behind().and_then(|behind| match behind > CLOCKS {
            true => late_replica(behind),
            false => Seen::Known(()),
        })
    }

    /// `Known` unless it is a read replica that does not tell how far it is behind.
    pub fn lag_is_known(&self) -> Seen<()> {
        self.behind().map(|_| ())
    }

    /// How far a read replica is behind; nothing, where it is none.
    fn behind(&self) -> Seen<SignedDuration> {
        match self.postgres().known().and_then(|rows| rows.replica_behind_ms.as_ref()) {
            None => Seen::Known(SignedDuration::ZERO),
            Some(Seen::Known(behind)) => Seen::Known(SignedDuration::from_millis(*behind)),
            Some(Seen::Unknown(why) | Seen::NotAsked(why)) => {
                let say = format!("read from a replica; how far behind: {}", why.words());
                Seen::unknown(WhyKind::Young, say)
            }
        }
    }
}

fn late_replica<T>(behind: SignedDuration) -> Seen<T> {
    let behind = behind.as_secs_f64();
    let say = format!("read from a replica that is {behind:.1} s behind: not there yet, or never");
    Seen::unknown(WhyKind::Young, say)
}
