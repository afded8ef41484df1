//! How far each worker has come: from not being declared to taking what arrives.

use crate::evidence::{GroupState, Health, Instance, Log, Seen, Topic, WhyKind};
use crate::fact::containers::{age, declaration, rung_of, state_in_words};
use crate::fact::groups::{self, group_of};
use crate::fact::view::View;
use crate::fact::{Fact, Value, for_workers, motion, settling};
use crate::pipeline::Worker;
use jiff::SignedDuration;
use regex::Regex;
use std::sync::LazyLock;

/// The rungs, from the lowest to the highest.
pub const RUNGS: &[&str] = &[
    "not-declared",
    "behind-profile",
    "no-replicas",
    "not-created",
    "never-started",
    "exited",
    "out-of-memory",
    "restarting",
    "paused",
    "unhealthy",
    "frozen",
    "not-a-member",
    "without-partitions",
    "rebalancing",
    "not-advancing",
    "advancing",
];

/// Who is not in its group, has logged nothing for so long and leaves records
/// waiting, does nothing any more: one that tries to get in again says so, although
/// clients may take a while to notice that a broker is back;
const SILENT: SignedDuration = SignedDuration::from_secs(45);
/// and where nothing waits, longer.
const SILENT_AT_REST: SignedDuration = SignedDuration::from_secs(90);

/// A start may take so long without a word.
const START: SignedDuration = SignedDuration::from_secs(30);

pub(super) fn rung(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        let told = view.container(&worker.name).and_then(|container| match container {
            None => Seen::Known(without_container(view, worker)),
            Some(container) => of_container(view, worker, container),
        });
        told.map(|(word, say)| (Value::Word(word), say))
    })
}

type Rung = (&'static str, String);

fn without_container(view: &View, worker: &Worker) -> Rung {
    let compose = match &view.evidence.declared {
        Seen::Known(compose) => compose,
        Seen::Unknown(why) | Seen::NotAsked(why) => {
            return ("not-created", format!("no container; whether it is declared: {}", why.words()));
        }
    };
    let (word, say) = declaration(compose.workloads.get(&worker.name), &compose.files.join(", "));
    match word {
        Value::Word("absent") => ("not-declared", format!("no container; {say}")),
        Value::Word("behind-profile") => ("behind-profile", format!("no container; {say}")),
        Value::Word("no-replicas") => ("no-replicas", format!("no container; {say}")),
        _ => ("not-created", format!("no container, although {say}")),
    }
}

fn of_container(view: &View, worker: &Worker, container: &Instance) -> Seen<Rung> {
    let taken = view.docker_now();
    let words = || state_in_words(container, taken);
    Seen::Known(match rung_of(container, taken) {
        "created" => ("never-started", words()),
        "exited" if container.exit.out_of_memory => ("out-of-memory", words()),
        "exited" => ("exited", words()),
        "restarting" => ("restarting", words()),
        "paused" => ("paused", words()),
        _ if container.health == Some(Health::Unhealthy) => {
            ("unhealthy", format!("{}, its health check fails", words()))
        }
        _ => return in_group(view, worker, container),
    })
}

/// A worker that runs, by what its group says of it.
fn in_group(view: &View, worker: &Worker, container: &Instance) -> Seen<Rung> {
    group_of(view, worker).and_then(|group| {
        if group.members.is_empty() {
            return outside(view, worker, container);
        }
        if group.state != GroupState::Stable {
            return Seen::Known(("rebalancing", format!("group {} is {}", worker.group_name(), group.state)));
        }
        if groups::own_partitions(worker, group) == 0 {
            let say = format!("group {}: {}", worker.group_name(), groups::in_words(group));
            return Seen::Known(("without-partitions", format!("{say}, no partition of its topics")));
        }
        motion::word(view, worker, group).map(|(word, say)| match word {
            "stalled" | "never-committed" => ("not-advancing", say),
            _ => ("advancing", say),
        })
    })
}

/// Runs, and is no member of its group: frozen, or busy with something else.
fn outside(view: &View, worker: &Worker, container: &Instance) -> Seen<Rung> {
    let taken = view.docker_now();
    let not_a_member = format!("running, no member of group {}", worker.group_name());
    if let Some(other) = groups::member_elsewhere(view, worker) {
        return Seen::Known(("not-a-member", format!("{not_a_member}, but of {other}")));
    }
    // It may be a member somewhere under an address that is not the container's.
    let kafka = view.broker_of(worker);
    let kafka = kafka.known().copied();
    let nobody_else = kafka.is_some_and(|kafka| {
        kafka.other_groups.known().is_some_and(|others| {
            !others.values().any(|group| worker.topics.iter().any(|topic| group.reads(topic.get_ref())))
        })
    });
    let starting = container.health == Some(Health::Starting)
        || container.started.is_none_or(|started| taken.duration_since(started) < START)
        || settling::on_its_way(view, worker).is_some();
    // Where its topics are not there or not led, there is nothing to join for.
    let topics = worker.topics.iter().filter_map(|topic| view.topic(topic.get_ref()).known().copied());
    let led = |topic: &Topic| topic.exists && topic.partitions.iter().all(|p| p.leader.is_some());
    let nothing_to_read = topics.into_iter().any(|topic| !led(topic));
    if starting || !nobody_else || nothing_to_read {
        return Seen::Known(("not-a-member", not_a_member));
    }
    view.log(&worker.name).and_then(|log| {
        // Whoever has said last what keeps him away waits for that to end.
        if complained_last(log) {
            return Seen::Known(("not-a-member", not_a_member));
        }
        let last = [log.to, container.started].into_iter().flatten().max();
        let waits = kafka.and_then(|kafka| groups::lag(kafka, worker)).is_none_or(|lag| lag > 0);
        let silent = if waits { SILENT } else { SILENT_AT_REST };
        match last {
            Some(last) if taken.duration_since(last) < silent => Seen::Known(("not-a-member", not_a_member)),
            Some(last) => {
                let say = format!("{not_a_member}, and silent for {}", age(taken, last));
                Seen::Known(("frozen", say))
            }
            None => Seen::unknown(WhyKind::Missing, "neither its start nor its log was seen"),
        }
    })
}

/// A record that tells of trouble, in whatever language it is logged.
static TROUBLE: LazyLock<Regex> = LazyLock::new(|| {
    let words = r"(?i)\b(?:error|failed|failure|denied|refused|unauthori[sz]ed|exception|fatal)\b|(?:Error|Exception|Failed)\b";
    Regex::new(words).expect("a constant pattern")
});

/// Whether the newest record of a log tells of trouble.
fn complained_last(log: &Log) -> bool {
    log.records.iter().rev().any(|record| Some(record.at) == log.to && TROUBLE.is_match(&record.text))
}
