//! How far each worker has come: from not being declared to taking what arrives.

use crate::base::states::states;
use crate::evidence::{Declared, GroupState, Health, Instance, Log, Seen, WhyKind};
use crate::pipeline::{Pipeline, Worker};
use crate::situation::logs;
use crate::situation::motion::{Motion, Motions};
use crate::situation::progress::{self, GroupProgress, Progress};
use crate::situation::settling::Settling;
use crate::situation::source::Source;
use crate::situation::workload::{ContainerState, Declaration, Workload, Workloads, age, declaration};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

states! {
    /// How far a worker has come, from the lowest to the highest.
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

/// Who is not in its group, has logged nothing for so long and leaves records
/// waiting, does nothing any more: one that tries to get in again says so, although
/// clients may take a while to notice that a broker is back;
const SILENT: SignedDuration = SignedDuration::from_secs(45);
/// and where nothing waits, longer.
const SILENT_AT_REST: SignedDuration = SignedDuration::from_secs(90);

/// A start may take so long without a word.
const START: SignedDuration = SignedDuration::from_secs(30);

type Told = (WorkloadState, String);

/// How far each worker has come, and what was seen of it in words.
pub struct Ladder(BTreeMap<String, Seen<Told>>);

impl Ladder {
    /// Finds the state of each worker.
    pub fn build(
        source: Source,
        now: Timestamp,
        workloads: &Workloads,
        progress: &Progress,
        settling: &Settling,
        motions: &Motions,
    ) -> Self {
        let pipeline: &Pipeline = source.pipeline;
        let of = |worker: &Worker| {
            let climb = Climb {
                worker,
                now,
                log: source.log(&worker.name),
                workload: workloads.get(&worker.name)?,
                progress: progress.of(worker),
                on_its_way: settling.on_its_way(worker).is_some(),
                motion: motions.of(worker),
            };
            let state = climb.workload.container.clone().and_then(|container| match container {
                None => Seen::Known(without_container(&source.declared(), worker)),
                Some(container) => climb.of_container(container),
            });
            Some((worker.name.clone(), state))
        };
        Ladder(pipeline.worker.iter().filter_map(of).collect())
    }

    /// How far a worker of the pipeline has come, and what was seen of it in words.
    pub fn of(&self, worker: &Worker) -> Seen<(WorkloadState, String)> {
        self.0[&worker.name].clone()
    }
}

/// What is known of one worker.
struct Climb<'c> {
    worker: &'c Worker,
    now: Timestamp,
    log: Seen<&'c Log>,
    workload: &'c Workload<'c>,
    progress: &'c GroupProgress<'c>,
    on_its_way: bool,
    motion: Seen<(Motion, String)>,
}

impl Climb<'_> {
    fn of_container(&self, container: &Instance) -> Seen<Told> {
        let observed = || self.workload.observed.clone();
        Seen::Known(match self.workload.state.known() {
            Some(ContainerState::Created) => (WorkloadState::NeverStarted, observed()),
            Some(ContainerState::Exited) if container.exit.out_of_memory => {
                (WorkloadState::OutOfMemory, observed())
            }
            Some(ContainerState::Exited) => (WorkloadState::Exited, observed()),
            Some(ContainerState::Restarting) => (WorkloadState::Restarting, observed()),
            Some(ContainerState::Paused) => (WorkloadState::Paused, observed()),
            _ if container.health == Some(Health::Unhealthy) => {
                (WorkloadState::Unhealthy, format!("{}, its health check fails", observed()))
            }
            _ => return self.in_group(container),
        })
    }

    /// A worker that runs, by what its group says of it.
    fn in_group(&self, container: &Instance) -> Seen<Told> {
        let name = self.worker.group_name();
        self.progress.group.clone().and_then(|group| {
            if group.members.is_empty() {
                return self.outside(container);
            }
            if group.state != GroupState::Stable {
                return Seen::Known((WorkloadState::Rebalancing, format!("group {name} is {}", group.state)));
            }
            if self.progress.own_partitions == 0 {
                let say = format!("group {name}: {}", progress::describe(group));
                return Seen::Known((
                    WorkloadState::WithoutPartitions,
                    format!("{say}, no partition of its topics"),
                ));
            }
            self.motion.clone().map(|(motion, say)| match motion {
                Motion::Stalled | Motion::NeverCommitted => (WorkloadState::NotAdvancing, say),
                _ => (WorkloadState::Advancing, say),
            })
        })
    }

    /// Runs, and is no member of its group: frozen, or busy with something else.
    fn outside(&self, container: &Instance) -> Seen<Told> {
        let not_a_member = format!("running, no member of group {}", self.worker.group_name());
        if let Some(other) = self.progress.member_elsewhere {
            return Seen::Known((WorkloadState::NotAMember, format!("{not_a_member}, but of {other}")));
        }
        // It may be a member somewhere under an address that is not the container's.
        let nobody_else = self.progress.others_read == Some(false);
        let starting = container.health == Some(Health::Starting)
            || container.started.is_none_or(|started| self.now.duration_since(started) < START)
            || self.on_its_way;
        // Where its topics are not there or not led, there is nothing to join for.
        if starting || !nobody_else || self.progress.nothing_to_read {
            return Seen::Known((WorkloadState::NotAMember, not_a_member));
        }
        self.log.clone().and_then(|log| {
            // Whoever has said last what keeps him away waits for that to end.
            if logs::complained_last(log) {
                return Seen::Known((WorkloadState::NotAMember, not_a_member));
            }
            let last = [log.to, container.started].into_iter().flatten().max();
            let waits = self.progress.lag.is_none_or(|lag| lag > 0);
            let silent = if waits { SILENT } else { SILENT_AT_REST };
            match last {
                Some(last) if self.now.duration_since(last) < silent => {
                    Seen::Known((WorkloadState::NotAMember, not_a_member))
                }
                Some(last) => {
                    let say = format!("{not_a_member}, and silent for {}", age(self.now, last));
                    Seen::Known((WorkloadState::Frozen, say))
                }
                None => Seen::unknown(WhyKind::Missing, "neither its start nor its log was seen"),
            }
        })
    }
}

fn without_container(compose: &Seen<&Declared>, worker: &Worker) -> Told {
    let compose = match compose {
        Seen::Known(compose) => compose,
        Seen::Unknown(why) | Seen::NotAsked(why) => {
            let say = format!("no container; whether it is declared: {}", why.words());
            return (WorkloadState::NotCreated, say);
        }
    };
    let (declared, say) = declaration(compose.workloads.get(&worker.name), &compose.files.join(", "));
    match declared {
        Declaration::Absent => (WorkloadState::NotDeclared, format!("no container; {say}")),
        Declaration::BehindProfile => (WorkloadState::BehindProfile, format!("no container; {say}")),
        Declaration::NoReplicas => (WorkloadState::NoReplicas, format!("no container; {say}")),
        Declaration::Declared => (WorkloadState::NotCreated, format!("no container, although {say}")),
    }
}
