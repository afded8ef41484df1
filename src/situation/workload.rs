//! Each component's container, and the container's state.

use crate::base::state_enum::state_enum;
use crate::evidence::{self, Instance, InstanceState, Observed, Runtime, StartFailure, StartFailureKind};
use crate::pipeline::Pipeline;
use crate::situation::declaration::{Declaration, declared, if_profile_is_known};
use crate::situation::inputs::Inputs;
use crate::situation::replicas::{self, Replicas};
use crate::text::plural;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

state_enum! {
    /// The state of a container.
    pub enum ContainerState {
        Absent = "absent",
        Created = "created",
        Exited = "exited",
        Restarting = "restarting",
        Paused = "paused",
        Running = "running",
    }
}

state_enum! {
    /// Why a container is not running.
    pub enum End {
        Absent = "absent",
        NeverStarted = "never-started",
        Refused = "refused",
        Command = "command",
        Stopped = "stopped",
        Crashed = "crashed",
        OutOfMemory = "out-of-memory",
        Restarting = "restarting",
        Paused = "paused",
        Running = "running",
    }
}

state_enum! {
    /// Why the engine could not start a container.
    pub enum Start {
        Started = "started",
        Command = "command",
        PortTaken = "port-taken",
        HostAddress = "host-address",
        Mount = "mount",
        Network = "network",
        NetworkAddress = "network-address",
        Firewall = "firewall",
        OtherContainer = "other-container",
        Limits = "limits",
        DiskFull = "disk-full",
        ContainerRuntime = "container-runtime",
        User = "user",
        Security = "security",
        Device = "device",
        LogDriver = "log-driver",
        Engine = "engine",
        Other = "other",
    }
}

state_enum! {
    /// The result of a container's own health check.
    pub enum Health {
        NotRunning = "not-running",
        Unhealthy = "unhealthy",
        Starting = "starting",
        Healthy = "healthy",
        NoCheck = "no-check",
    }
}

/// A container that the engine restarted and that has been running for less than this still counts
/// as being in a crash loop, because Docker clears the exit code at each start.
const CRASH_LOOP_UPTIME: SignedDuration = SignedDuration::from_secs(30);

/// The container of one component.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// The name of the component.
    pub component: &'a str,
    /// The container name that the pipeline declares for it.
    pub container_name: &'a str,
    /// Whether the compose file declares it, with the files that were read.
    pub declared: Observed<(Declaration, String)>,
    /// Its container; if there are several replicas, the healthiest one.
    pub container: Observed<Option<&'a Instance>>,
    /// The state of that container.
    pub state: Observed<ContainerState>,
    /// Why that container is not running.
    pub end: Observed<End>,
    /// Why the engine could not start that container.
    pub start: Observed<Start>,
    /// The result of that container's own health check.
    pub health: Observed<Health>,
    /// Its replicas, if it has several.
    pub replicas: Observed<Replicas<'a>>,
    /// A description of the state.
    pub observed: String,
}

impl<'a> Workload<'a> {
    fn build(inputs: Inputs<'a>, component: &'a str, container_name: &'a str, now: Timestamp) -> Self {
        let container =
            inputs.runtime().and_then(|docker| container_of(docker, component, Some(container_name)));
        let state = container
            .as_ref()
            .map(|container| container.map_or(ContainerState::Absent, |c| state_of(c, now)));
        let end = container.as_ref().map(|container| container.map_or(End::Absent, |c| end_of(c, now)));
        let start = container.clone().and_then(|container| match container {
            Some(container) => Observed::Known(start_of(container, now)),
            None => Observed::not_asked("no container"),
        });
        let health =
            container.as_ref().map(|container| container.map_or(Health::NotRunning, |c| health_of(c, now)));
        let observed = match &container {
            Observed::Known(Some(container)) => describe(container, now),
            _ => "no container".to_string(),
        };
        let runs = state.known() == Some(&ContainerState::Running);
        let declared = inputs
            .declared()
            .and_then(|compose| declared(compose, component, container.known().copied().flatten(), runs))
            .and_then(|declared| if_profile_is_known(inputs, component, declared));
        let replicas = replicas::of(inputs, component, container_name);
        Workload {
            component,
            container_name,
            declared,
            container,
            state,
            end,
            start,
            health,
            replicas,
            observed,
        }
    }

    /// Returns its container, if one exists and was observed.
    pub fn known(&self) -> Option<&'a Instance> {
        self.container.known().copied().flatten()
    }

    /// Reports whether its container is running.
    pub fn runs(&self) -> bool {
        self.state.known() == Some(&ContainerState::Running)
    }
}

/// The containers of all components.
pub struct Workloads<'a> {
    inputs: Inputs<'a>,
    all: BTreeMap<&'a str, Workload<'a>>,
}

impl<'a> Workloads<'a> {
    /// Finds the container of each component; `now` is the engine's time.
    pub fn build(inputs: Inputs<'a>, now: Timestamp) -> Self {
        let components = inputs.pipeline.components();
        let one = |(component, container): (&'a str, Option<&'a str>)| {
            (component, Workload::build(inputs, component, container.unwrap_or(component), now))
        };
        let mut all = BTreeMap::new();
        for (component, workload) in components.map(one) {
            all.entry(component).or_insert(workload);
        }
        Workloads { inputs, all }
    }

    /// Returns the workload of a component of the pipeline.
    pub fn get(&self, component: &str) -> Option<&Workload<'a>> {
        self.all.get(component)
    }

    /// Returns a component's container, found by its project and service labels or else by the
    /// declared name. If there are several replicas, the healthiest one is returned.
    pub fn container(&self, component: &str) -> Observed<Option<&'a Instance>> {
        match self.all.get(component) {
            Some(workload) => workload.container.clone(),
            None => self.inputs.runtime().and_then(|docker| container_of(docker, component, None)),
        }
    }

    /// Returns the same container, if one exists and was observed.
    pub fn known(&self, component: &str) -> Option<&'a Instance> {
        self.container(component).known().copied().flatten()
    }

    /// Reports whether the component has a running container.
    pub fn runs(&self, component: &str) -> bool {
        self.all.get(component).is_some_and(Workload::runs)
    }

    /// Returns the container name that the pipeline declares for a component.
    pub fn container_name(&self, component: &str) -> Option<&'a str> {
        self.all.get(component).map(|workload| workload.container_name)
    }

    /// Returns all workloads in the order of the pipeline.
    pub fn in_order<'w>(&'w self, pipeline: &'w Pipeline) -> impl Iterator<Item = &'w Workload<'a>> {
        pipeline.components().filter_map(|(component, _)| self.all.get(component))
    }
}

fn container_of<'a>(
    docker: &'a Runtime,
    component: &str,
    name: Option<&str>,
) -> Observed<Option<&'a Instance>> {
    let containers = docker.instances_of(component, name).into_iter();
    let best = containers
        .max_by_key(|c| (c.state == InstanceState::Running, c.state != InstanceState::Created, c.started));
    match docker.why_not_inspected(component, name) {
        // The container that was not inspected may be healthier.
        Some(why) if best.is_none_or(|best| best.state != InstanceState::Running) => {
            Observed::Unknown(why.clone())
        }
        _ => Observed::Known(best),
    }
}

/// Returns the state of a container.
pub fn state_of(container: &Instance, now: Timestamp) -> ContainerState {
    match container.state {
        InstanceState::Created => ContainerState::Created,
        InstanceState::Restarting => ContainerState::Restarting,
        InstanceState::Paused => ContainerState::Paused,
        InstanceState::Running if is_crash_looping(container, now) => ContainerState::Restarting,
        InstanceState::Running => ContainerState::Running,
        _ if came_back(container) => ContainerState::Running,
        _ => ContainerState::Exited,
    }
}

/// Reports whether the container was being restarted by hand, that is, whether it was stopped in
/// the first sample and running in the second without a restart by the engine.
fn came_back(container: &Instance) -> bool {
    let again = container.again.as_ref();
    again.is_some_and(|a| a.state == InstanceState::Running && a.restarts == container.restarts)
}

/// Reports whether the engine restarted the container between two samples, or has restarted it
/// several times, most recently just now.
fn is_crash_looping(container: &Instance, now: Timestamp) -> bool {
    let restarted = container.again.as_ref().is_some_and(|again| {
        let by_policy = again.restarts > 0 && again.started > container.started;
        again.restarts > container.restarts || by_policy || again.state == InstanceState::Restarting
    });
    let young = container.started.is_some_and(|started| now.duration_since(started) < CRASH_LOOP_UPTIME);
    // A single restart is not a crash loop.
    restarted || (container.restarts > 1 && young)
}

/// Returns why the engine could not start a container, which does not run.
fn start_of(container: &Instance, now: Timestamp) -> Start {
    let failure = container.start_failure.as_ref().map(|failure| failure.kind);
    let is_up = matches!(state_of(container, now), ContainerState::Running | ContainerState::Paused);
    let Some(kind) = failure.filter(|_| !is_up) else { return Start::Started };
    match kind {
        StartFailureKind::CommandNotFound | StartFailureKind::CommandNotExecutable => Start::Command,
        StartFailureKind::PortTaken => Start::PortTaken,
        StartFailureKind::HostAddress => Start::HostAddress,
        StartFailureKind::Mount => Start::Mount,
        StartFailureKind::Network => Start::Network,
        StartFailureKind::NetworkAddress => Start::NetworkAddress,
        StartFailureKind::Firewall => Start::Firewall,
        StartFailureKind::OtherContainer => Start::OtherContainer,
        StartFailureKind::Limits => Start::Limits,
        StartFailureKind::DiskFull => Start::DiskFull,
        StartFailureKind::ContainerRuntime => Start::ContainerRuntime,
        StartFailureKind::User => Start::User,
        StartFailureKind::Security => Start::Security,
        StartFailureKind::Device => Start::Device,
        StartFailureKind::LogDriver => Start::LogDriver,
        StartFailureKind::Engine => Start::Engine,
        StartFailureKind::Other => Start::Other,
    }
}

fn end_of(container: &Instance, now: Timestamp) -> End {
    let start = start_of(container, now);
    let command_broken = start == Start::Command;
    match state_of(container, now) {
        ContainerState::Running => End::Running,
        ContainerState::Paused => End::Paused,
        _ if !matches!(start, Start::Started | Start::Command) => End::Refused,
        ContainerState::Created if command_broken => End::Command,
        ContainerState::Created => End::NeverStarted,
        // OOMKilled counts only after the container has exited, because some engines leave
        // the flag set when the container runs again.
        _ if container.exit.out_of_memory => End::OutOfMemory,
        _ if command_broken => End::Command,
        ContainerState::Restarting => End::Restarting,
        _ if matches!(container.exit.code, 0 | 130 | 137 | 143) => End::Stopped,
        _ => End::Crashed,
    }
}

fn health_of(container: &Instance, now: Timestamp) -> Health {
    match &container.health {
        _ if state_of(container, now) != ContainerState::Running => Health::NotRunning,
        Some(evidence::Health::Healthy) => Health::Healthy,
        Some(evidence::Health::Unhealthy) => Health::Unhealthy,
        Some(evidence::Health::Starting) => Health::Starting,
        _ => Health::NoCheck,
    }
}

/// Describes the state: "exited 137 (out of memory) 3 min ago, restarted 5 times".
pub fn describe(container: &Instance, now: Timestamp) -> String {
    let state = state_of(container, now);
    let ago = |at: Option<Timestamp>| at.map(|at| format!(" {} ago", age(now, at))).unwrap_or_default();
    let mut description = match state {
        ContainerState::Running if container.state != InstanceState::Running => "just restarted".to_string(),
        ContainerState::Running => match container.started {
            Some(started) => format!("running for {}", age(now, started)),
            None => "running".to_string(),
        },
        ContainerState::Exited => {
            format!("exited {}{}", describe_exit_code(container.exit.code), ago(container.finished))
        }
        ContainerState::Created => "created, never started".to_string(),
        other => other.to_string(),
    };
    if container.exit.out_of_memory && state != ContainerState::Running {
        description += ", out of memory";
    }
    if container.restarts > 0 {
        let exit = describe_exit_code(container.exit.code);
        let count = container.again.as_ref().map_or(0, |again| again.restarts);
        let count = count.max(container.restarts);
        let times = plural::count(u64::try_from(count).unwrap_or_default(), "time");
        description += &format!(", restarted {times}, last exit {exit}");
    }
    if let Some(error) = container.start_failure.as_ref().and_then(StartFailure::message) {
        description += &format!(": {error}");
    }
    description
}

/// Describes an exit code: "143 (SIGTERM)", "127 (command not found)", "1".
fn describe_exit_code(code: i64) -> String {
    let meaning = match code {
        125 => "the engine failed to start it",
        126 => "command not executable",
        127 => "command not found",
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        134 => "SIGABRT, e.g. V8 out of heap memory",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        143 => "SIGTERM",
        other => return other.to_string(),
    };
    format!("{code} ({meaning})")
}

/// Formats an age for display: "12 s", "3 min", "5 h", "2 d".
pub fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::test_samples::container;

    #[test]
    fn derives_state_and_end_of_container() {
        let observed_at: Timestamp = "2026-01-07T10:00:00Z".parse().unwrap();
        let cases = [
            (serde_json::json!({}), "running", "running"),
            (serde_json::json!({"status": "created"}), "created", "never-started"),
            (
                serde_json::json!({"status": "created", "exit_code": 127, "error": "no such file"}),
                "created",
                "command",
            ),
            (serde_json::json!({"status": "exited", "exit_code": 143}), "exited", "stopped"),
            (serde_json::json!({"status": "exited", "exit_code": 1}), "exited", "crashed"),
            (
                serde_json::json!({"status": "exited", "exit_code": 137, "oom_killed": true}),
                "exited",
                "out-of-memory",
            ),
            (
                serde_json::json!({"status": "restarting", "exit_code": 1, "restart_count": 4}),
                "restarting",
                "restarting",
            ),
            (
                serde_json::json!({"restart_count": 4, "started": "2026-01-07T09:59:58Z"}),
                "restarting",
                "restarting",
            ),
            (
                serde_json::json!({"restart_count": 4, "started": "2026-01-07T07:00:00Z", "oom_killed": true}),
                "running",
                "running",
            ),
            // Restarted between the two samples.
            (
                serde_json::json!({"again": {"after_ms": 1000, "status": "running", "restart_count": 1,
                    "started": "2026-01-07T10:00:00Z"}}),
                "restarting",
                "restarting",
            ),
            (
                serde_json::json!({"again": {"after_ms": 1000, "status": "restarting", "restart_count": 0,
                    "started": null}}),
                "restarting",
                "restarting",
            ),
            (serde_json::json!({"status": "exited", "exit_code": 134}), "exited", "crashed"),
            (serde_json::json!({"status": "paused"}), "paused", "paused"),
        ];
        for (changes, state, end) in cases {
            let container = container(changes.clone());
            assert_eq!(state_of(&container, observed_at).as_str(), state, "{changes}");
            assert_eq!(end_of(&container, observed_at).as_str(), end, "{changes}");
        }
    }

    #[test]
    fn describes_exit_code_with_its_meaning() {
        let observed_at: Timestamp = "2026-01-07T10:00:00Z".parse().unwrap();
        let message = |code| {
            let ended = container(serde_json::json!({"status": "exited", "exit_code": code}));
            describe(&ended, observed_at)
        };
        assert_eq!(message(1), "exited 1");
        assert_eq!(message(134), "exited 134 (SIGABRT, e.g. V8 out of heap memory)");
        assert_eq!(message(127), "exited 127 (command not found)");
        assert_eq!(message(137), "exited 137 (SIGKILL)");
    }
}
