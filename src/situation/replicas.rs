//! The replicas of a component: how many of its containers run.

use crate::evidence::{Instance, InstanceState, Observed};
use crate::situation::inputs::Inputs;

/// The containers of a component that has, or should have, more than one.
#[derive(Debug, Clone)]
pub struct Replicas<'a> {
    /// How many of its containers run.
    pub running: usize,
    /// How many there are, or how many the compose file declares if those are more.
    pub expected: usize,
    /// The containers that do not run, sorted by name.
    pub down: Vec<&'a Instance>,
}

impl Replicas<'_> {
    /// Describes the replicas: "1 of 2 running; shop-worker-2 exited (137)".
    pub fn describe(&self) -> String {
        let down = self.down.iter().map(|instance| match instance.state {
            InstanceState::Exited => format!("; {} exited ({})", instance.name, instance.exit.code),
            _ => format!("; {} is {}", instance.name, instance.state.as_str()),
        });
        format!("{} of {} running{}", self.running, self.expected, down.collect::<String>())
    }
}

/// Returns a component's replicas; `NotAsked` if it has, and should have, at most one, or if
/// none of them runs.
pub fn of<'a>(inputs: Inputs<'a>, component: &str, container_name: &str) -> Observed<Replicas<'a>> {
    inputs.runtime().and_then(|docker| {
        let instances = docker.instances_of(component, Some(container_name));
        let is_up = |instance: &&Instance| {
            matches!(
                instance.state,
                InstanceState::Running | InstanceState::Paused | InstanceState::Restarting
            )
        };
        let declared = inputs.declared();
        let declared = declared.known().and_then(|compose| compose.workloads.get(component));
        let declared = declared.filter(|service| service.active).map_or(1, |service| service.replicas);
        let expected = instances.len().max(usize::try_from(declared).unwrap_or(usize::MAX));
        let running = instances.iter().filter(|instance| is_up(instance)).count();
        match docker.why_not_inspected(component, Some(container_name)) {
            Some(why) => Observed::Unknown(why.clone()),
            None if expected < 2 => Observed::not_asked("it has one replica"),
            // Then it is the component that does not run.
            None if running == 0 => Observed::not_asked("none of its replicas runs"),
            None => Observed::Known(Replicas {
                running,
                expected,
                down: instances.into_iter().filter(|instance| !is_up(instance)).collect(),
            }),
        }
    })
}
