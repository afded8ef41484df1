//! What has been started just now: what depends on it may still be on its way, and
//! what waited meanwhile is late for that reason alone.

use crate::base::states::states;
use crate::evidence::{GroupState, InstanceState, Seen, Why, WhyKind};
use crate::pipeline::{Pipeline, Stage, Worker};
use crate::situation::clock::{ClockOf, Clocks};
use crate::situation::progress::Progress;
use crate::situation::workload::{Workload, Workloads};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

states! {
    /// Whether a worker has had the time to come into its group.
    pub enum Settled {
        Starting = "starting",
        Settled = "settled",
    }
}

/// So long after its start a worker may still be on its way into its group, a
/// database recover, and a broker not listen yet.
const START: SignedDuration = SignedDuration::from_secs(25);

/// So long after its start a process may not have said anything to the broker, and
/// its group still show the one before it.
const BOOT: SignedDuration = SignedDuration::from_secs(10);

/// So long after a broker's start those that were there before may not be back: they
/// notice when their session is over, 45 s by the default of Broker 3, and join once
/// more. Meanwhile the broker may count them as members.
const RETURN: SignedDuration = SignedDuration::from_secs(60);

/// A container that was started, and for how long it is up.
#[derive(Debug, Clone)]
struct Started {
    part: String,
    /// For how long it is up.
    age: SignedDuration,
    /// Since when it was away: when the run before ended, else its start.
    away_since: Timestamp,
    /// When it was started.
    at: Timestamp,
}

impl Started {
    fn describe(&self) -> String {
        format!("{} was started {} s ago", self.part, self.age.as_secs())
    }
}

/// What a record of a lost connection tells when the broker or the database was
/// away at its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outage {
    /// Neither was.
    No,
    /// It is over.
    Over,
    /// It may be over: what was started is not settled.
    Ending(Why),
}

/// Who was started when.
pub struct Settling {
    starts: BTreeMap<String, Started>,
    on_its_way: BTreeMap<String, String>,
    /// By worker, what its work waits for.
    unsettled: BTreeMap<String, Started>,
    brokers: Vec<String>,
    databases: Vec<String>,
    /// By how much the engine's times and the database's may be apart.
    apart: SignedDuration,
}

impl Settling {
    /// Finds out who was started just now.
    pub fn build(pipeline: &Pipeline, clocks: &Clocks, workloads: &Workloads, progress: &Progress) -> Self {
        let now = clocks.docker_now;
        let of = |workload: &Workload| Some((workload.part.to_string(), start_of(workload, now)?));
        let mut settling = Settling {
            starts: workloads.in_order(pipeline).filter_map(of).collect(),
            on_its_way: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            brokers: pipeline.brokers().into_iter().cloned().collect(),
            databases: pipeline.databases().into_iter().cloned().collect(),
            apart: clocks.apart(ClockOf::Docker, ClockOf::Postgres),
        };
        for worker in &pipeline.worker {
            if let Some(say) = settling.joining(workloads, progress, worker) {
                settling.on_its_way.insert(worker.name.clone(), say);
            }
            if let Some(started) = settling.unsettled_by(workloads, worker) {
                settling.unsettled.insert(worker.name.clone(), started);
            }
        }
        settling
    }

    /// For how long a part's container is up, in words, if it was started so short a
    /// time ago that it may not do its work yet.
    pub fn just_started(&self, part: &str) -> Option<String> {
        let started = self.starts.get(part).filter(|started| started.age < START)?;
        Some(format!("{} s", started.age.as_secs()))
    }

    /// A worker that is not settled in its group, because it or the broker has just
    /// been started: since when, in words.
    pub fn on_its_way(&self, worker: &Worker) -> Option<&str> {
        self.on_its_way.get(&worker.name).map(String::as_str)
    }

    /// Whether a worker is where it works, as far as it has had the time.
    pub fn settled(&self, worker: &Worker) -> (Settled, String) {
        match self.on_its_way(worker) {
            Some(say) => (Settled::Starting, say.to_string()),
            None => (Settled::Settled, "was not started just now".to_string()),
        }
    }

    /// Why nothing can be concluded yet from a worker that does not move.
    pub fn may_move_yet(&self, worker: &Worker) -> Result<(), Why> {
        match self.unsettled.get(&worker.name) {
            Some(started) => Err(Why::new(WhyKind::Young, started.describe())),
            None => Ok(()),
        }
    }

    /// Why what came to a stage at this time may still arrive: something that it waits
    /// for was away then, or came up a moment ago.
    pub fn late_for_now(&self, stage: &Stage, came: Timestamp) -> Result<(), Why> {
        let Some(started) = self.unsettled.get(stage.worker.get_ref()) else {
            return Ok(());
        };
        let before = self.apart.saturating_add(grace(stage));
        let meanwhile = started.away_since.saturating_sub(before).is_ok_and(|before| came >= before);
        match meanwhile {
            true => Err(Why::new(WhyKind::Young, format!("{}: ask again", started.describe()))),
            false => Ok(()),
        }
    }

    /// Whether a lost connection at this time belongs to a restart of the broker or of
    /// the database.
    pub fn outage(&self, at: Timestamp) -> Outage {
        let brokers = self.brokers.iter().map(|broker| (broker, RETURN));
        let databases = self.databases.iter().map(|database| (database, START));
        let told = brokers.chain(databases).find_map(|(part, settled)| {
            let started = self.starts.get(part)?;
            let from = started.away_since.saturating_sub(SignedDuration::from_secs(1)).ok()?;
            let until = started.at.saturating_add(settled).ok()?;
            let meanwhile = from <= at && at < until && started.away_since < started.at;
            meanwhile.then_some((started, settled))
        });
        match told {
            None => Outage::No,
            Some((started, settled)) if started.age >= settled => Outage::Over,
            Some((started, _)) => Outage::Ending(Why::new(WhyKind::Young, started.describe())),
        }
    }

    fn joining(&self, workloads: &Workloads, progress: &Progress, worker: &Worker) -> Option<String> {
        let progress = progress.of(worker);
        let group = &progress.group;
        let settled =
            group.known().is_none_or(|group| group.state == GroupState::Stable && !group.members.is_empty());
        if settled || progress.member_elsewhere.is_some() {
            return None;
        }
        if let Some(age) = self.just_started(&worker.name) {
            return Some(format!("started {age} ago, not yet in its group"));
        }
        let broker = self.broker_left_by(workloads, &worker.name).filter(|_| workloads.runs(&worker.name))?;
        Some(format!("not yet back in its group: {}", broker.describe()))
    }

    /// What a worker's work waits for, and was started just now.
    fn unsettled_by(&self, workloads: &Workloads, worker: &Worker) -> Option<Started> {
        let name = worker.name.as_str();
        let joining = self.on_its_way(worker).is_some();
        let own = || self.starts.get(name).filter(|own| own.age < if joining { START } else { BOOT });
        let mut databases = self.databases.iter();
        let database = || databases.find_map(|database| self.left_by(workloads, name, database, START));
        self.broker_left_by(workloads, name).or_else(own).or_else(database).cloned()
    }

    /// The broker, if the worker may not be back with it.
    fn broker_left_by(&self, workloads: &Workloads, worker: &str) -> Option<&Started> {
        self.brokers.iter().find_map(|broker| self.left_by(workloads, worker, broker, RETURN))
    }

    /// A system that was started just now, and to which the worker may not have come back,
    /// or only now to what was left meanwhile. Whoever does not run does not come back.
    fn left_by(
        &self,
        workloads: &Workloads,
        worker: &str,
        system: &str,
        settled: SignedDuration,
    ) -> Option<&Started> {
        let system = self.starts.get(system).filter(|system| system.age < settled)?;
        let has_ended = system.away_since < system.at;
        let left = match self.starts.get(worker) {
            Some(worker) => worker.age >= system.age || (has_ended && worker.age < START),
            None => !matches!(workloads.container(worker), Seen::Known(_)),
        };
        left.then_some(system)
    }
}

/// How long a stage may take.
pub fn grace(stage: &Stage) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX))
}

/// The container of a part, if it is up and was started at all.
fn start_of(workload: &Workload, now: Timestamp) -> Option<Started> {
    let container = workload.known().filter(|_| workload.runs())?;
    // Between the first look and the second it came up, or was started anew.
    let again = container.again.as_ref().filter(|again| again.state == InstanceState::Running);
    let anew =
        again.and_then(|again| again.started).filter(|anew| container.started.is_none_or(|at| *anew > at));
    let back = container.state != InstanceState::Running || anew.is_some();
    let at = anew.or(container.started.filter(|_| !back)).unwrap_or(now);
    let ended = container.finished.filter(|ended| *ended <= at && !back);
    Some(Started {
        part: workload.part.to_string(),
        age: now.duration_since(at).max(SignedDuration::ZERO),
        away_since: ended.unwrap_or(at.min(now)),
        at,
    })
}
