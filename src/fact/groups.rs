//! Facts about consumer groups.

use crate::evidence::{Broker, Committed, Group, GroupProtocol, GroupState, Instance, Seen, WhyKind};
use crate::fact::view::View;
use crate::fact::{Fact, Value, for_workers, settling};
use crate::pipeline::Worker;
use crate::text::plural;
use jiff::SignedDuration;

/// The group of a worker, as the broker describes it.
pub fn group_of<'a>(view: &View<'a>, worker: &Worker) -> Seen<&'a Group> {
    let kafka = worker.group().and_then(|name| view.broker_of(worker).map(|kafka| (name, kafka)));
    kafka.and_then(|(name, kafka)| match kafka.groups.get(name) {
        Some(group) => group.as_ref(),
        None => Seen::unknown(WhyKind::Missing, format!("group {name} was not asked for")),
    })
}

pub(super) fn members(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        if let Some(say) = settling::on_its_way(view, worker) {
            return Seen::not_asked(say);
        }
        group_of(view, worker).map(|group| {
            let say = format!("group {} {}", worker.group_name(), in_words(group));
            (Value::Count(group.members.len() as u64), say)
        })
    })
}

/// "stable, type consumer, 2 members (instance a, instance b)".
pub fn in_words(group: &Group) -> String {
    let state = group.state.as_str().replace('-', " ");
    let members = plural::count(group.members.len() as u64, "member");
    let instances = group.members.iter().filter_map(|member| member.instance_id.as_deref());
    let instances: Vec<String> = instances.map(|instance| format!("instance {instance}")).collect();
    let kind = if group.protocol == GroupProtocol::Classic {
        String::new()
    } else {
        format!(", type {}", group.protocol)
    };
    let fixed = if instances.is_empty() { String::new() } else { format!(" ({})", instances.join(", ")) };
    format!("{state}{kind}, {members}{fixed}")
}

/// How many partitions of the worker's topics its group's members have.
pub fn own_partitions(worker: &Worker, group: &Group) -> usize {
    group.partitions().filter(|partition| worker.consumes(&partition.topic)).count()
}

pub(super) fn partitions(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        group_of(view, worker).and_then(|group| {
            let settled = group.state == GroupState::Stable && !group.members.is_empty();
            match (settled, own_partitions(worker, group)) {
                (false, _) => Seen::not_asked(format!("group {} {}", worker.group_name(), in_words(group))),
                (true, 0) => {
                    let mut others: Vec<&str> = group.partitions().map(|p| p.topic.as_str()).collect();
                    others.dedup();
                    let others = if others.is_empty() { "nothing".to_string() } else { others.join(", ") };
                    let say =
                        format!("group {} is given {others}, and none of its topics", worker.group_name());
                    Seen::Known((Value::Count(0), say))
                }
                (true, count) => {
                    let say = format!("{} of its topics", plural::count(count as u64, "partition"));
                    Seen::Known((Value::Count(count as u64), say))
                }
            }
        })
    })
}

/// Whether a member of the group sits at an address of the container, on the
/// engine's networks.
fn is_member(group: &Group, container: &Instance) -> bool {
    let mut hosts = group.members.iter().map(|member| member.host.trim_start_matches('/'));
    hosts.any(|host| {
        container.addresses.networks.values().any(|address| !address.is_empty() && address == host)
    })
}

/// Where a worker's container is a member: another group than its own; not, if it
/// is one of its own, too.
pub fn member_elsewhere<'a>(view: &View<'a>, worker: &Worker) -> Option<&'a str> {
    let container = view.container(&worker.name).known().copied().flatten()?;
    let kafka = *view.broker_of(worker).known()?;
    let others = kafka.other_groups.known().into_iter().flatten().map(|(name, group)| (name, Some(group)));
    let mut all = kafka.groups.iter().map(|(name, group)| (name, group.known())).chain(others);
    let own = kafka.groups.get(worker.group.as_ref()?).and_then(Seen::known);
    let elsewhere = all.find(|(name, group)| {
        Some(*name) != worker.group.as_ref() && group.is_some_and(|group| is_member(group, container))
    });
    elsewhere.filter(|_| !own.is_some_and(|own| is_member(own, container))).map(|(name, _)| name.as_str())
}

/// The broker keeps members that ended without a word for as long as their
/// session lasts, and their address may be another container's by then.
const SESSIONS: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn as_declared(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| {
        let container = view.container(&worker.name);
        group_of(view, worker).and_then(|group| match (container, member_elsewhere(view, worker)) {
            (Seen::Known(Some(container)), Some(other)) => {
                let age = container.started.map(|started| view.docker_now().duration_since(started));
                let say = format!("is a member of group {other}, not of {}", worker.group_name());
                match age.is_some_and(|age| age < SESSIONS) && !group.members.is_empty() {
                    true => Seen::unknown(WhyKind::Young, format!("{say}; it started a moment ago")),
                    false => Seen::Known((Value::Bool(false), say)),
                }
            }
            (Seen::Known(Some(container)), None) if is_member(group, container) => {
                Seen::Known((Value::Bool(true), format!("group {} {}", worker.group_name(), in_words(group))))
            }
            _ => Seen::not_asked(format!("its container is not seen in group {}", worker.group_name())),
        })
    })
}

/// Groups that the pipeline does not name and that read a topic of it.
pub(super) fn other_readers(view: &View) -> Vec<Fact> {
    let topics = view.pipeline.topic.iter();
    topics
        .map(|topic| {
            let others = view.broker_of_topic(&topic.name).and_then(|kafka| kafka.other_groups.as_ref());
            Fact::of(topic.name.as_str(), others, |others| {
                let reading = others.iter().filter(|(_, group)| group.reads(&topic.name));
                let told: Vec<String> =
                    reading.map(|(name, group)| format!("group {name} {}", in_words(group))).collect();
                let say = match told.is_empty() {
                    true => "read by nobody else".to_string(),
                    false => format!("read by {}", told.join("; ")),
                };
                (Value::Count(told.len() as u64), say)
            })
        })
        .collect()
}

/// Records between the group's commits and the ends of its topics; `None` where
/// it is not known: for a partition that holds records nothing is committed, say.
pub fn lag(kafka: &Broker, worker: &Worker) -> Option<u64> {
    if *crate::fact::skips::has_untaken(kafka, worker).known().unwrap_or(&true) {
        return None;
    }
    let group = kafka.groups.get(worker.group.as_ref()?)?.known()?;
    let mut lag = 0;
    let own = |committed: &&Committed| worker.consumes(&committed.topic);
    for committed in group.committed.known()?.iter().filter(own) {
        let topic = kafka.topics.get(&committed.topic).and_then(Seen::known)?;
        let partition = topic.partitions.iter().find(|p| p.id == committed.partition)?;
        lag += u64::try_from(partition.end.known()? - committed.offset).unwrap_or(0);
    }
    Some(lag)
}
