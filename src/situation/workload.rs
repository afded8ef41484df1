//! Each service's and worker's container: which one it is, and how far it has come.

use crate::base::states::states;
use crate::evidence::{self, Declared, Instance, InstanceState, Runtime, Seen, WhyKind};
use crate::pipeline::Pipeline;
use crate::situation::source::Source;
use crate::text::plural;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

states! {
    /// What the compose file says of a service.
    pub enum Declaration {
        Absent = "absent",
        BehindProfile = "behind-profile",
        NoReplicas = "no-replicas",
        Declared = "declared",
    }
}

states! {
    /// How far a container has come.
    pub enum ContainerState {
        Absent = "absent",
        Created = "created",
        Exited = "exited",
        Restarting = "restarting",
        Paused = "paused",
        Running = "running",
    }
}

states! {
    /// Why a container does not run.
    pub enum End {
        Absent = "absent",
        NeverStarted = "never-started",
        Command = "command",
        Stopped = "stopped",
        Crashed = "crashed",
        OutOfMemory = "out-of-memory",
        Restarting = "restarting",
        Paused = "paused",
        Running = "running",
    }
}

states! {
    /// What a container's own health check says.
    pub enum Health {
        NotRunning = "not-running",
        Unhealthy = "unhealthy",
        Starting = "starting",
        Healthy = "healthy",
        NoCheck = "no-check",
    }
}

/// A container that the engine restarted and that runs for less than this is
/// still in its crash loop: Docker clears the exit code at each start.
const LOOP: SignedDuration = SignedDuration::from_secs(30);

/// The container of one service or worker.
#[derive(Debug, Clone)]
pub struct Workload<'a> {
    /// The service or worker.
    pub part: &'a str,
    /// The name that the pipeline declares for its container.
    pub container_name: &'a str,
    /// What the compose file says of it, with the files that were read.
    pub declared: Seen<(Declaration, String)>,
    /// Its container. Of several replicas the one that has come furthest.
    pub container: Seen<Option<&'a Instance>>,
    /// How far that has come.
    pub state: Seen<ContainerState>,
    /// Why it does not run.
    pub end: Seen<End>,
    /// What its own health check says.
    pub health: Seen<Health>,
    /// Its state in words.
    pub observed: String,
}

impl<'a> Workload<'a> {
    fn build(source: Source<'a>, part: &'a str, container_name: &'a str, now: Timestamp) -> Self {
        let container = source.runtime().map(|docker| container_of(docker, part, Some(container_name)));
        let state = container
            .as_ref()
            .map(|container| container.map_or(ContainerState::Absent, |c| state_of(c, now)));
        let end = container.as_ref().map(|container| container.map_or(End::Absent, |c| end_of(c, now)));
        let health =
            container.as_ref().map(|container| container.map_or(Health::NotRunning, |c| health_of(c, now)));
        let observed = match &container {
            Seen::Known(Some(container)) => describe(container, now),
            _ => "no container".to_string(),
        };
        let runs = state.known() == Some(&ContainerState::Running);
        let declared = source
            .declared()
            .and_then(|compose| declared(compose, part, container.known().copied().flatten(), runs));
        Workload { part, container_name, declared, container, state, end, health, observed }
    }

    /// Its container, if there is one and it was seen.
    pub fn known(&self) -> Option<&'a Instance> {
        self.container.known().copied().flatten()
    }

    /// Whether its container is up.
    pub fn runs(&self) -> bool {
        self.state.known() == Some(&ContainerState::Running)
    }
}

/// The containers of all services and workers.
pub struct Workloads<'a> {
    source: Source<'a>,
    all: BTreeMap<&'a str, Workload<'a>>,
}

impl<'a> Workloads<'a> {
    /// Looks each up; `now` is the engine's time.
    pub fn build(source: Source<'a>, now: Timestamp) -> Self {
        let parts = source.pipeline.parts();
        let one = |(part, container): (&'a str, Option<&'a str>)| {
            (part, Workload::build(source, part, container.unwrap_or(part), now))
        };
        let mut all = BTreeMap::new();
        for (part, workload) in parts.map(one) {
            all.entry(part).or_insert(workload);
        }
        Workloads { source, all }
    }

    /// That of a service or worker of the pipeline.
    pub fn get(&self, part: &str) -> Option<&Workload<'a>> {
        self.all.get(part)
    }

    /// The container of a service or worker: of the project and with the
    /// service's label first, else with the declared name. Of several replicas
    /// the one that has come furthest.
    pub fn container(&self, part: &str) -> Seen<Option<&'a Instance>> {
        match self.all.get(part) {
            Some(workload) => workload.container.clone(),
            None => self.source.runtime().map(|docker| container_of(docker, part, None)),
        }
    }

    /// The same, if there is one and it was seen.
    pub fn known(&self, part: &str) -> Option<&'a Instance> {
        self.container(part).known().copied().flatten()
    }

    /// Whether it has a container that is up.
    pub fn runs(&self, part: &str) -> bool {
        self.all.get(part).is_some_and(Workload::runs)
    }

    /// The container name that the pipeline declares for a service or worker.
    pub fn container_name(&self, part: &str) -> Option<&'a str> {
        self.all.get(part).map(|workload| workload.container_name)
    }

    /// In the order of the pipeline.
    pub fn in_order<'w>(&'w self, pipeline: &'w Pipeline) -> impl Iterator<Item = &'w Workload<'a>> {
        pipeline.parts().filter_map(|(part, _)| self.all.get(part))
    }
}

fn container_of<'a>(docker: &'a Runtime, part: &str, name: Option<&str>) -> Option<&'a Instance> {
    let containers = docker.instances_of(part, name).into_iter();
    containers
        .max_by_key(|c| (c.state == InstanceState::Running, c.state != InstanceState::Created, c.started))
}

fn declared(
    compose: &Declared,
    part: &str,
    container: Option<&Instance>,
    runs: bool,
) -> Seen<(Declaration, String)> {
    let service = compose.workloads.get(part);
    if let Some(file) =
        container.and_then(|c| made_elsewhere(c, &compose.files)).filter(|_| service.is_none())
    {
        return Seen::unknown(WhyKind::Missing, format!("made from {file}, which is not here"));
    }
    Seen::Known(match (declaration(service, &compose.files.join(", ")), runs) {
        // Somebody asked for the profile, or scaled it, by hand.
        ((Declaration::BehindProfile | Declaration::NoReplicas, say), true) => {
            (Declaration::Declared, format!("{say}, and running"))
        }
        (declaration, _) => declaration,
    })
}

/// The file that a container was made from, if it was not read.
fn made_elsewhere<'a>(container: &'a Instance, files: &[String]) -> Option<&'a str> {
    container
        .details
        .config_files
        .iter()
        .map(String::as_str)
        .find(|file| !files.iter().any(|read| read == file))
}

/// What the compose file says of a service, in a word and in words.
pub fn declaration(service: Option<&evidence::Declaration>, files: &str) -> (Declaration, String) {
    match service {
        None => (Declaration::Absent, format!("not in {files}")),
        Some(service) if !service.active => {
            let profiles = service.profiles.join(", ");
            (Declaration::BehindProfile, format!("behind profile {profiles} in {files}"))
        }
        Some(service) if service.replicas == 0 => {
            (Declaration::NoReplicas, format!("replicas: 0 in {files}"))
        }
        Some(_) => (Declaration::Declared, format!("in {files}")),
    }
}

/// How far a container has come.
pub fn state_of(container: &Instance, now: Timestamp) -> ContainerState {
    match container.state {
        InstanceState::Created => ContainerState::Created,
        InstanceState::Restarting => ContainerState::Restarting,
        InstanceState::Paused => ContainerState::Paused,
        InstanceState::Running if loops(container, now) => ContainerState::Restarting,
        InstanceState::Running => ContainerState::Running,
        _ if is_back(container) => ContainerState::Running,
        _ => ContainerState::Exited,
    }
}

/// Somebody was just restarting it: it had ended at the first look, and runs at
/// the second, without the engine's policy.
fn is_back(container: &Instance) -> bool {
    let again = container.again.as_ref();
    again.is_some_and(|a| a.state == InstanceState::Running && a.restarts == container.restarts)
}

/// Between two looks it was started anew, or it was so a moment ago.
fn loops(container: &Instance, now: Timestamp) -> bool {
    let restarted = container.again.as_ref().is_some_and(|again| {
        let by_policy = again.restarts > 0 && again.started > container.started;
        again.restarts > container.restarts || by_policy || again.state == InstanceState::Restarting
    });
    let young = container.started.is_some_and(|started| now.duration_since(started) < LOOP);
    // Once is a restart, and not again and again.
    restarted || (container.restarts > 1 && young)
}

fn end_of(container: &Instance, now: Timestamp) -> End {
    let command_broken = matches!(container.exit.code, 125..=127);
    match state_of(container, now) {
        ContainerState::Running => End::Running,
        ContainerState::Paused => End::Paused,
        ContainerState::Created if command_broken || container.error().is_some() => End::Command,
        ContainerState::Created => End::NeverStarted,
        // OOMKilled is read only where the container has really ended: it is
        // sticky on some engines while the container runs again.
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

/// The state in words: "exited 137 (out of memory) 3 min ago, restarted 5 times".
pub fn describe(container: &Instance, now: Timestamp) -> String {
    let state = state_of(container, now);
    let ago = |at: Option<Timestamp>| at.map(|at| format!(" {} ago", age(now, at))).unwrap_or_default();
    let mut words = match state {
        ContainerState::Running if container.state != InstanceState::Running => {
            "was just being started again".to_string()
        }
        ContainerState::Running => match container.started {
            Some(started) => format!("running for {}", age(now, started)),
            None => "running".to_string(),
        },
        ContainerState::Exited => {
            format!("exited {}{}", exit_in_words(container.exit.code), ago(container.finished))
        }
        ContainerState::Created => "created, never started".to_string(),
        other => other.to_string(),
    };
    if container.exit.out_of_memory && state != ContainerState::Running {
        words += ", out of memory";
    }
    if container.restarts > 0 {
        let exit = exit_in_words(container.exit.code);
        let count = container.again.as_ref().map_or(0, |again| again.restarts);
        let count = count.max(container.restarts);
        let times = plural::count(u64::try_from(count).unwrap_or_default(), "time");
        words += &format!(", restarted {times}, last exit {exit}");
    }
    if let Some(error) = container.error().filter(|error| !error.is_empty()) {
        words += &format!(": {error}");
    }
    words
}

/// "143 (SIGTERM)", "127 (command not found)", "1".
fn exit_in_words(code: i64) -> String {
    let what = match code {
        125 => "the engine could not start it",
        126 => "command not executable",
        127 => "command not found",
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        134 => "SIGABRT, as V8 ends when its heap is full",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        141 => "SIGPIPE",
        143 => "SIGTERM",
        other => return other.to_string(),
    };
    format!("{code} ({what})")
}

/// An age as a person says it: "12 s", "3 min", "5 h", "2 d".
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
    use crate::evidence::samples::container;

    #[test]
    fn each_end_has_its_word() {
        let taken: Timestamp = "2026-01-07T10:00:00Z".parse().unwrap();
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
            // It was started anew while it was looked at.
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
        for (changes, rung, end) in cases {
            let container = container(changes.clone());
            assert_eq!(state_of(&container, taken).as_str(), rung, "{changes}");
            assert_eq!(end_of(&container, taken).as_str(), end, "{changes}");
        }
    }

    #[test]
    fn an_exit_code_is_said_with_its_meaning() {
        let taken: Timestamp = "2026-01-07T10:00:00Z".parse().unwrap();
        let say = |code| {
            let ended = container(serde_json::json!({"status": "exited", "exit_code": code}));
            describe(&ended, taken)
        };
        assert_eq!(say(1), "exited 1");
        assert_eq!(say(134), "exited 134 (SIGABRT, as V8 ends when its heap is full)");
        assert_eq!(say(127), "exited 127 (command not found)");
        assert_eq!(say(137), "exited 137 (SIGKILL)");
    }
}
