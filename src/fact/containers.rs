//! Facts about containers and their declarations in the compose file.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::logs::complete;
use crate::situation::workload::{Workload, age};

fn for_components(s: &Situation, read: impl Fn(&Workload) -> Observed<(Value, String)>) -> Vec<Fact> {
    let workloads = s.workloads.in_order(s.pipeline);
    workloads.map(|workload| Fact::of(workload.component, read(workload), |value| value)).collect()
}

pub(super) fn declared(s: &Situation) -> Vec<Fact> {
    for_components(s, |workload| {
        workload.declared.clone().map(|(declared, message)| (declared.into(), message))
    })
}

/// Counts the replicas of each component that do not run.
pub(super) fn replicas_down(s: &Situation) -> Vec<Fact> {
    for_components(s, |workload| {
        workload.replicas.clone().map(|replicas| {
            let down = replicas.expected.saturating_sub(replicas.running);
            (Value::Count(down as u64), replicas.describe())
        })
    })
}

pub(super) fn state(s: &Situation) -> Vec<Fact> {
    for_components(s, |workload| {
        workload.state.clone().map(|state| (state.into(), workload.observed.clone()))
    })
}

pub(super) fn end(s: &Situation) -> Vec<Fact> {
    for_components(s, |workload| workload.end.clone().map(|end| (end.into(), workload.observed.clone())))
}

pub(super) fn start(s: &Situation) -> Vec<Fact> {
    for_components(s, |workload| {
        workload.start.clone().map(|start| (start.into(), workload.observed.clone()))
    })
}

pub(super) fn health(s: &Situation) -> Vec<Fact> {
    let message = |health: &str| health.replace('-', " ");
    for_components(s, |workload| {
        workload.health.clone().map(|health| (health.into(), message(health.as_str())))
    })
}

pub(super) fn started_line(s: &Situation) -> Vec<Fact> {
    let workers = s.pipeline.worker.iter();
    workers
        .filter_map(|worker| Some((worker, worker.started.as_ref()?)))
        .map(|(worker, started)| {
            let log = s.workloads.container(&worker.name).and_then(|container| match container {
                None => Observed::not_asked("no container"),
                Some(container) => s.logs.of(&worker.name).map(|index| (container, index)),
            });
            let seen = log.and_then(|(container, index)| match index.matching(started).last() {
                Some(record) => Observed::Known(record.at),
                // The container started before the part of the log that was read.
                None if container.started.is_none_or(|at| at < index.log.wanted) => {
                    Observed::not_asked("it started before the log window")
                }
                None => Observed::from(complete(index.log)).map(|()| None),
            });
            Fact::of(worker.name.as_str(), seen, |at| match at {
                Some(at) => {
                    (Value::Bool(true), format!("startup logged {} ago", age(s.clocks.docker_now, at)))
                }
                None => (Value::Bool(false), "no startup line in its log (all read)".to_string()),
            })
        })
        .collect()
}
