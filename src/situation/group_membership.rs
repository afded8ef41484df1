//! Whether workers are members of their declared groups and have partitions assigned.

use crate::evidence::{GroupState, Observed, ReasonKind};
use crate::pipeline::Worker;
use crate::situation::Situation;
use crate::situation::group_progress::describe;
use crate::text::plural;
use jiff::SignedDuration;

/// The broker keeps members that stopped without leaving the group until their sessions
/// time out. By then, their addresses may belong to other containers.
const SESSION_TIMEOUT: SignedDuration = SignedDuration::from_secs(60);

impl Situation<'_> {
    /// Returns how many partitions of the worker's topics are assigned to its group.
    pub fn assigned(&self, worker: &Worker) -> Observed<(u64, String)> {
        let progress = self.progress.of(worker);
        progress.group.clone().and_then(|group| {
            let settled = group.state == GroupState::Stable && !group.members.is_empty();
            match (settled, progress.assigned_partitions) {
                (false, _) => {
                    Observed::not_asked(format!("group {} {}", worker.group_name(), describe(group)))
                }
                (true, 0) => {
                    let mut others: Vec<&str> = group.partitions().map(|p| p.topic.as_str()).collect();
                    others.dedup();
                    let group = worker.group_name();
                    let message = match others.is_empty() {
                        true => format!("group {group} has no partitions assigned"),
                        false => {
                            format!(
                                "group {group} is assigned {}, but none of the worker's topics",
                                others.join(", ")
                            )
                        }
                    };
                    Observed::Known((0, message))
                }
                (true, count) => {
                    let message = format!("{} of its topics", plural::count(count as u64, "partition"));
                    Observed::Known((count as u64, message))
                }
            }
        })
    }

    /// Reports whether a worker's container is a member of the declared group.
    pub fn in_declared_group(&self, worker: &Worker) -> Observed<(bool, String)> {
        let container = self.workloads.known(&worker.name);
        let progress = self.progress.of(worker);
        progress.group.clone().and_then(|group| match (container, progress.member_of_other_group) {
            (Some(container), Some(other)) => {
                let age = container.started.map(|started| self.clocks.docker_now.duration_since(started));
                let message = format!("is a member of group {other}, not of {}", worker.group_name());
                match age.is_some_and(|age| age < SESSION_TIMEOUT) && !group.members.is_empty() {
                    true => Observed::unknown(ReasonKind::Young, format!("{message}; it has just started")),
                    false => Observed::Known((false, message)),
                }
            }
            (Some(_), None) if progress.is_member => {
                Observed::Known((true, format!("group {} {}", worker.group_name(), describe(group))))
            }
            _ => Observed::not_asked(format!("its container was not seen in group {}", worker.group_name())),
        })
    }
}
