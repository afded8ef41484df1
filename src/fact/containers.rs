//! Facts about containers and what the compose file says of them.

use crate::base::observed::Seen;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::situation::logs::complete;
use crate::situation::workload::{Workload, age};

fn for_parts(s: &Situation, tell: impl Fn(&Workload) -> Seen<(Value, String)>) -> Vec<Fact> {
    let workloads = s.workloads.in_order(s.pipeline);
    workloads.map(|workload| Fact::of(workload.part, tell(workload), |told| told)).collect()
}

pub(super) fn declared(s: &Situation) -> Vec<Fact> {
    for_parts(s, |workload| workload.declared.clone().map(|(declared, say)| (declared.into(), say)))
}

pub(super) fn rung(s: &Situation) -> Vec<Fact> {
    for_parts(s, |workload| workload.state.clone().map(|state| (state.into(), workload.observed.clone())))
}

pub(super) fn end(s: &Situation) -> Vec<Fact> {
    for_parts(s, |workload| workload.end.clone().map(|end| (end.into(), workload.observed.clone())))
}

pub(super) fn health(s: &Situation) -> Vec<Fact> {
    let say = |health: &str| health.replace('-', " ");
    for_parts(s, |workload| workload.health.clone().map(|health| (health.into(), say(health.as_str()))))
}

pub(super) fn started_line(s: &Situation) -> Vec<Fact> {
    let workers = s.pipeline.worker.iter();
    workers
        .filter_map(|worker| Some((worker, worker.started.as_ref()?)))
        .map(|(worker, started)| {
            let log = s.workloads.container(&worker.name).and_then(|container| match container {
                None => Seen::not_asked("no container"),
                Some(container) => s.logs.of(&worker.name).map(|index| (container, index)),
            });
            let seen = log.and_then(|(container, index)| match index.matching(started).last() {
                Some(record) => Seen::Known(Some(record.at)),
                // Its start lies before what the event needs to be read.
                None if container.started.is_none_or(|at| at < index.log.wanted) => {
                    Seen::not_asked("it started before the time that was looked at")
                }
                None => Seen::from(complete(index.log)).map(|()| None),
            });
            Fact::of(worker.name.as_str(), seen, |at| match at {
                Some(at) => (Value::Bool(true), format!("start logged {} ago", age(s.clocks.docker_now, at))),
                None => (Value::Bool(false), "no start in its log, all read".to_string()),
            })
        })
        .collect()
}
