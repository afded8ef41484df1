//! Components that have just started. Workers that depend on them may not have reconnected
//! yet, and events that waited for them are late for that reason alone.

use crate::base::state_enum::state_enum;
use crate::evidence::{GroupState, InstanceState, Observed, Reason, ReasonKind};
use crate::pipeline::{Pipeline, Stage, Worker};
use crate::situation::clock::{ClockOf, Clocks};
use crate::situation::group_progress::Progress;
use crate::situation::workload::{Workload, Workloads};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

state_enum! {
    /// Whether a worker has had enough time to join its group.
    pub enum Settled {
        Starting = "starting",
        Settled = "settled",
    }
}

/// For this long after its start, a worker may still be joining its group, a database may
/// still be recovering, and a broker may not be listening yet.
const STARTUP_TIME: SignedDuration = SignedDuration::from_secs(25);

/// For this long after its start, a process may not have contacted the broker yet, and its
/// group may still list the previous process.
const BOOT_TIME: SignedDuration = SignedDuration::from_secs(10);

/// How long after a broker starts its group members may still be missing. They notice when
/// their session expires (45 s by default since Kafka 3) and then rejoin; until then the
/// broker may still list them as members.
const REJOIN_TIME: SignedDuration = SignedDuration::from_secs(60);

/// A running container and when it started.
#[derive(Debug, Clone)]
struct Started {
    component: String,
    /// How long it has been running.
    age: SignedDuration,
    /// When it became unavailable: at the end of its previous run, or else at its start.
    away_since: Timestamp,
    /// When it started.
    at: Timestamp,
}

impl Started {
    fn describe(&self) -> String {
        format!("{} started {} s ago", self.component, self.age.as_secs())
    }
}

/// Whether a log record about a lost connection coincides with a restart of the broker or
/// of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outage {
    /// The record does not coincide with a restart.
    No,
    /// The record coincides with a restart that is over.
    Over,
    /// The record coincides with a restart, and the restarted component may not have
    /// settled yet.
    Ending(Reason),
}

/// When each component started, and which workers have not settled yet.
pub struct Settling {
    starts: BTreeMap<String, Started>,
    not_joined_yet: BTreeMap<String, String>,
    /// For each worker, the component it depends on that has just started.
    unsettled: BTreeMap<String, Started>,
    brokers: Vec<String>,
    databases: Vec<String>,
    /// How far apart the engine's and the database's clocks may be.
    tolerance: SignedDuration,
}

impl Settling {
    /// Finds the components that have just started.
    pub fn build(pipeline: &Pipeline, clocks: &Clocks, workloads: &Workloads, progress: &Progress) -> Self {
        let now = clocks.docker_now;
        let of = |workload: &Workload| Some((workload.component.to_string(), start_of(workload, now)?));
        let mut settling = Settling {
            starts: workloads.in_order(pipeline).filter_map(of).collect(),
            not_joined_yet: BTreeMap::new(),
            unsettled: BTreeMap::new(),
            brokers: pipeline.brokers().into_iter().cloned().collect(),
            databases: pipeline.databases().into_iter().cloned().collect(),
            tolerance: clocks.tolerance(ClockOf::Docker, ClockOf::Postgres),
        };
        for worker in &pipeline.worker {
            if let Some(message) = settling.joining(workloads, progress, worker) {
                settling.not_joined_yet.insert(worker.name.clone(), message);
            }
            if let Some(started) = settling.unsettled_by(workloads, worker) {
                settling.unsettled.insert(worker.name.clone(), started);
            }
        }
        settling
    }

    /// Returns how long a component has been running ("12 s") if it started so recently that
    /// it may not be ready yet.
    pub fn just_started(&self, component: &str) -> Option<String> {
        let started = self.starts.get(component).filter(|started| started.age < STARTUP_TIME)?;
        Some(format!("{} s", started.age.as_secs()))
    }

    /// Returns why a worker has not joined its group yet, if the worker or the broker has just
    /// started.
    pub fn not_joined_yet(&self, worker: &Worker) -> Option<&str> {
        self.not_joined_yet.get(&worker.name).map(String::as_str)
    }

    /// Reports whether a worker has had enough time to join its group.
    pub fn settled(&self, worker: &Worker) -> (Settled, String) {
        match self.not_joined_yet(worker) {
            Some(message) => (Settled::Starting, message.to_string()),
            None => (Settled::Settled, "has not just started".to_string()),
        }
    }

    /// Fails with the reason if it is too early to conclude anything from a worker's lack of
    /// progress.
    pub fn check_settled(&self, worker: &Worker) -> Result<(), Reason> {
        match self.unsettled.get(&worker.name) {
            Some(started) => Err(Reason::new(ReasonKind::Young, started.describe())),
            None => Ok(()),
        }
    }

    /// Fails with the reason if an event that reached the stage at this time may still arrive,
    /// because a component that the stage depends on was unavailable then or has just started.
    pub fn check_overdue(&self, stage: &Stage, reached_at: Timestamp) -> Result<(), Reason> {
        let Some(started) = self.unsettled.get(stage.worker.get_ref()) else {
            return Ok(());
        };
        let before = self.tolerance.saturating_add(grace(stage));
        let was_delayed = started.away_since.saturating_sub(before).is_ok_and(|before| reached_at >= before);
        match was_delayed {
            true => Err(Reason::new(ReasonKind::Young, format!("{}; run again", started.describe()))),
            false => Ok(()),
        }
    }

    /// Reports whether a connection lost at this time is explained by a restart of the broker
    /// or of the database.
    pub fn outage(&self, at: Timestamp) -> Outage {
        let brokers = self.brokers.iter().map(|broker| (broker, REJOIN_TIME));
        let databases = self.databases.iter().map(|database| (database, STARTUP_TIME));
        let restarted = brokers.chain(databases).find_map(|(component, settled)| {
            let started = self.starts.get(component)?;
            let from = started.away_since.saturating_sub(SignedDuration::from_secs(1)).ok()?;
            let until = started.at.saturating_add(settled).ok()?;
            let during_outage = from <= at && at < until && started.away_since < started.at;
            during_outage.then_some((started, settled))
        });
        match restarted {
            None => Outage::No,
            Some((started, settled)) if started.age >= settled => Outage::Over,
            Some((started, _)) => Outage::Ending(Reason::new(ReasonKind::Young, started.describe())),
        }
    }

    fn joining(&self, workloads: &Workloads, progress: &Progress, worker: &Worker) -> Option<String> {
        let progress = progress.of(worker);
        let group = &progress.group;
        let settled =
            group.known().is_none_or(|group| group.state == GroupState::Stable && !group.members.is_empty());
        if settled || progress.member_of_other_group.is_some() {
            return None;
        }
        if let Some(age) = self.just_started(&worker.name) {
            return Some(format!("started {age} ago and has not joined its group yet"));
        }
        let broker =
            self.restarted_broker(workloads, &worker.name).filter(|_| workloads.runs(&worker.name))?;
        Some(format!("has not rejoined its group yet because {}", broker.describe()))
    }

    /// Returns the component the worker depends on that has just started.
    fn unsettled_by(&self, workloads: &Workloads, worker: &Worker) -> Option<Started> {
        let name = worker.name.as_str();
        let joining = self.not_joined_yet(worker).is_some();
        let own =
            || self.starts.get(name).filter(|own| own.age < if joining { STARTUP_TIME } else { BOOT_TIME });
        let mut databases = self.databases.iter();
        let database =
            || databases.find_map(|database| self.restarted_under(workloads, name, database, STARTUP_TIME));
        self.restarted_broker(workloads, name).or_else(own).or_else(database).cloned()
    }

    /// Returns the broker that restarted, if the worker may not have reconnected to it.
    fn restarted_broker(&self, workloads: &Workloads, worker: &str) -> Option<&Started> {
        self.brokers.iter().find_map(|broker| self.restarted_under(workloads, worker, broker, REJOIN_TIME))
    }

    /// Returns the system if it has just started and the worker may not have reconnected, or
    /// may not have caught up. A worker that is not running does not reconnect.
    fn restarted_under(
        &self,
        workloads: &Workloads,
        worker: &str,
        system: &str,
        settled: SignedDuration,
    ) -> Option<&Started> {
        let system = self.starts.get(system).filter(|system| system.age < settled)?;
        let was_down = system.away_since < system.at;
        let may_be_disconnected = match self.starts.get(worker) {
            Some(worker) => worker.age >= system.age || (was_down && worker.age < STARTUP_TIME),
            None => !matches!(workloads.container(worker), Observed::Known(_)),
        };
        may_be_disconnected.then_some(system)
    }
}

/// Returns how long a stage may take.
pub fn grace(stage: &Stage) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX))
}

/// Returns when a component's container started, if it is running.
fn start_of(workload: &Workload, now: Timestamp) -> Option<Started> {
    let container = workload.known().filter(|_| workload.runs())?;
    // The container came up or restarted between the first sample and the second.
    let again = container.again.as_ref().filter(|again| again.state == InstanceState::Running);
    let restarted_at = again
        .and_then(|again| again.started)
        .filter(|restarted_at| container.started.is_none_or(|at| *restarted_at > at));
    let came_up = container.state != InstanceState::Running || restarted_at.is_some();
    let at = restarted_at.or(container.started.filter(|_| !came_up)).unwrap_or(now);
    let ended = container.finished.filter(|ended| *ended <= at && !came_up);
    Some(Started {
        component: workload.component.to_string(),
        age: now.duration_since(at).max(SignedDuration::ZERO),
        away_since: ended.unwrap_or(at.min(now)),
        at,
    })
}
