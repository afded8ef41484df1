//! The state of each worker, from "not declared" to "advancing".

use crate::base::state_enum::state_enum;
use crate::evidence::{Declared, GroupState, Health, Instance, Log, Observed, ReasonKind};
use crate::pipeline::{Pipeline, Worker};
use crate::situation::declaration::{Declaration, declaration};
use crate::situation::group_motion::{Motion, Motions};
use crate::situation::group_progress::{self, GroupProgress, Progress};
use crate::situation::inputs::Inputs;
use crate::situation::logs;
use crate::situation::settling::Settling;
use crate::situation::workload::{ContainerState, Workload, Workloads, age};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

state_enum! {
    /// A worker's state. States are ordered from failed to healthy.
    pub enum WorkloadState {
        NotDeclared = "not-declared",
        BehindProfile = "behind-profile",
        NoReplicas = "no-replicas",
        NotCreated = "not-created",
        NeverStarted = "never-started",
        Exited = "exited",
        OutOfMemory = "out-of-memory",
        Restarting = "restarting",
        Paused = "paused",
        Unhealthy = "unhealthy",
        Frozen = "frozen",
        NotAMember = "not-a-member",
        WithoutPartitions = "without-partitions",
        Rebalancing = "rebalancing",
        NotAdvancing = "not-advancing",
        Advancing = "advancing",
    }
}

/// A worker counts as frozen if it is not in its group, leaves records unconsumed and has
/// logged nothing for this long. A worker that tries to rejoin logs its attempts, although
/// clients may take a while to notice that a broker is back.
const MAX_SILENCE_WITH_LAG: SignedDuration = SignedDuration::from_secs(45);
/// The same limit for a worker without unconsumed records.
const MAX_SILENCE_WITHOUT_LAG: SignedDuration = SignedDuration::from_secs(90);

/// A worker may take this long to start without logging anything.
const STARTUP_TIME: SignedDuration = SignedDuration::from_secs(30);

type ObservedState = (WorkloadState, String);

/// The state of each worker, with a description of what was observed.
pub struct WorkerStates(BTreeMap<String, Observed<ObservedState>>);

impl WorkerStates {
    /// Determines the state of each worker.
    pub fn build(
        inputs: Inputs,
        now: Timestamp,
        workloads: &Workloads,
        progress: &Progress,
        settling: &Settling,
        motions: &Motions,
    ) -> Self {
        let pipeline: &Pipeline = inputs.pipeline;
        let of = |worker: &Worker| {
            let view = WorkerView {
                worker,
                now,
                log: inputs.log(&worker.name),
                workload: workloads.get(&worker.name)?,
                progress: progress.of(worker),
                not_joined_yet: settling.not_joined_yet(worker).is_some(),
                motion: motions.of(worker),
            };
            let state = view.workload.container.clone().and_then(|container| match container {
                None => Observed::Known(without_container(&inputs.declared(), worker)),
                Some(container) => view.of_container(container),
            });
            Some((worker.name.clone(), state))
        };
        WorkerStates(pipeline.worker.iter().filter_map(of).collect())
    }

    /// Returns the state of a worker, with a description of what was observed.
    pub fn of(&self, worker: &Worker) -> Observed<(WorkloadState, String)> {
        self.0[&worker.name].clone()
    }
}

/// Everything that is known about one worker.
struct WorkerView<'c> {
    worker: &'c Worker,
    now: Timestamp,
    log: Observed<&'c Log>,
    workload: &'c Workload<'c>,
    progress: &'c GroupProgress<'c>,
    not_joined_yet: bool,
    motion: Observed<(Motion, String)>,
}

impl WorkerView<'_> {
    fn of_container(&self, container: &Instance) -> Observed<ObservedState> {
        let observed = || self.workload.observed.clone();
        Observed::Known(match self.workload.state.known() {
            Some(ContainerState::Created) => (WorkloadState::NeverStarted, observed()),
            Some(ContainerState::Exited) if container.exit.out_of_memory => {
                (WorkloadState::OutOfMemory, observed())
            }
            Some(ContainerState::Exited) => (WorkloadState::Exited, observed()),
            Some(ContainerState::Restarting) => (WorkloadState::Restarting, observed()),
            Some(ContainerState::Paused) => (WorkloadState::Paused, observed()),
            _ if container.health == Some(Health::Unhealthy) => {
                (WorkloadState::Unhealthy, format!("{}, but its health check is failing", observed()))
            }
            _ => return self.in_group(container),
        })
    }

    /// Determines the state of a running worker from its consumer group.
    fn in_group(&self, container: &Instance) -> Observed<ObservedState> {
        let name = self.worker.group_name();
        self.progress.group.clone().and_then(|group| {
            if group.members.is_empty() {
                return self.without_membership(container);
            }
            if group.state != GroupState::Stable {
                return Observed::Known((
                    WorkloadState::Rebalancing,
                    format!("group {name} is {}", group.state),
                ));
            }
            if self.progress.assigned_partitions == 0 {
                let message = format!("group {name}: {}", group_progress::describe(group));
                return Observed::Known((
                    WorkloadState::WithoutPartitions,
                    format!("{message}, but no partitions of its topics are assigned"),
                ));
            }
            self.motion.clone().map(|(motion, message)| match motion {
                Motion::Stalled | Motion::NeverCommitted => (WorkloadState::NotAdvancing, message),
                _ => (WorkloadState::Advancing, message),
            })
        })
    }

    /// Determines the state of a running worker whose group has no members: frozen, or busy
    /// with something else.
    fn without_membership(&self, container: &Instance) -> Observed<ObservedState> {
        let not_a_member = format!("running, not a member of group {}", self.worker.group_name());
        if let Some(other) = self.progress.member_of_other_group {
            return Observed::Known((WorkloadState::NotAMember, format!("{not_a_member} but of {other}")));
        }
        // Its member may be listed in another group under a different address than the container's.
        let no_other_reader = self.progress.read_by_others == Some(false);
        let starting = container.health == Some(Health::Starting)
            || container.started.is_none_or(|started| self.now.duration_since(started) < STARTUP_TIME)
            || self.not_joined_yet;
        // If its topics are missing or have no leader, the worker cannot join.
        if starting || !no_other_reader || self.progress.has_unreadable_topic {
            return Observed::Known((WorkloadState::NotAMember, not_a_member));
        }
        self.log.clone().and_then(|log| {
            // A worker whose last log record is an error is waiting for that error to end.
            if logs::ends_with_trouble(log) {
                return Observed::Known((WorkloadState::NotAMember, not_a_member));
            }
            let last = [log.to, container.started].into_iter().flatten().max();
            let waits = self.progress.lag.is_none_or(|lag| lag > 0);
            let silent = if waits { MAX_SILENCE_WITH_LAG } else { MAX_SILENCE_WITHOUT_LAG };
            match last {
                Some(last) if self.now.duration_since(last) < silent => {
                    Observed::Known((WorkloadState::NotAMember, not_a_member))
                }
                Some(last) => {
                    let message = format!("{not_a_member}, and silent for {}", age(self.now, last));
                    Observed::Known((WorkloadState::Frozen, message))
                }
                None => Observed::unknown(ReasonKind::Missing, "neither its start time nor its log was seen"),
            }
        })
    }
}

fn without_container(compose: &Observed<&Declared>, worker: &Worker) -> ObservedState {
    let compose = match compose {
        Observed::Known(compose) => compose,
        Observed::Unknown(why) | Observed::NotAsked(why) => {
            let message = format!("no container; its declaration is unknown: {}", why.describe());
            return (WorkloadState::NotCreated, message);
        }
    };
    let (declared, message) = declaration(compose.workloads.get(&worker.name), &compose.files.join(", "));
    match declared {
        Declaration::Absent => (WorkloadState::NotDeclared, format!("no container; {message}")),
        Declaration::BehindProfile => (WorkloadState::BehindProfile, format!("no container; {message}")),
        Declaration::NoReplicas => (WorkloadState::NoReplicas, format!("no container; {message}")),
        Declaration::Declared => {
            (WorkloadState::NotCreated, format!("declared {message}, but has no container"))
        }
    }
}
