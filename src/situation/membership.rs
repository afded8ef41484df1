//! Workers beside the groups that they should be members of.

use crate::evidence::{GroupState, Seen, WhyKind};
use crate::pipeline::Worker;
use crate::situation::Situation;
use crate::situation::progress::describe;
use crate::text::plural;
use jiff::SignedDuration;

/// The broker keeps members that ended without a word for as long as their
/// session lasts, and their address may be another container's by then.
const SESSIONS: SignedDuration = SignedDuration::from_secs(60);

impl Situation<'_> {
    /// How many partitions of its topics a worker's group is given.
    pub fn assigned(&self, worker: &Worker) -> Seen<(u64, String)> {
        let progress = self.progress.of(worker);
        progress.group.clone().and_then(|group| {
            let settled = group.state == GroupState::Stable && !group.members.is_empty();
            match (settled, progress.own_partitions) {
                (false, _) => Seen::not_asked(format!("group {} {}", worker.group_name(), describe(group))),
                (true, 0) => {
                    let mut others: Vec<&str> = group.partitions().map(|p| p.topic.as_str()).collect();
                    others.dedup();
                    let others = if others.is_empty() { "nothing".to_string() } else { others.join(", ") };
                    let say =
                        format!("group {} is given {others}, and none of its topics", worker.group_name());
                    Seen::Known((0, say))
                }
                (true, count) => {
                    let say = format!("{} of its topics", plural::count(count as u64, "partition"));
                    Seen::Known((count as u64, say))
                }
            }
        })
    }

    /// Whether a worker's container is a member of the group that the pipeline declares.
    pub fn in_declared_group(&self, worker: &Worker) -> Seen<(bool, String)> {
        let container = self.workloads.known(&worker.name);
        let progress = self.progress.of(worker);
        progress.group.clone().and_then(|group| match (container, progress.member_elsewhere) {
            (Some(container), Some(other)) => {
                let age = container.started.map(|started| self.clocks.docker_now.duration_since(started));
                let say = format!("is a member of group {other}, not of {}", worker.group_name());
                match age.is_some_and(|age| age < SESSIONS) && !group.members.is_empty() {
                    true => Seen::unknown(WhyKind::Young, format!("{say}; it started a moment ago")),
                    false => Seen::Known((false, say)),
                }
            }
            (Some(_), None) if progress.is_member => {
                Seen::Known((true, format!("group {} {}", worker.group_name(), describe(group))))
            }
            _ => Seen::not_asked(format!("its container is not seen in group {}", worker.group_name())),
        })
    }
}
