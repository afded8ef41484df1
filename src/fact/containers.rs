//! Facts about containers and what the compose file says of them.

use crate::evidence::{Declaration, Health, Instance, InstanceState, Seen, WhyKind};
use crate::fact::view::View;
use crate::fact::{Fact, Value};
use crate::text::plural;
use jiff::{SignedDuration, Timestamp};

/// A container that the engine restarted and that runs for less than this is
/// still in its crash loop: Docker clears the exit code at each start.
const LOOP: SignedDuration = SignedDuration::from_secs(30);

fn for_parts(view: &View, tell: impl Fn(&str) -> Fact) -> Vec<Fact> {
    view.pipeline.parts().map(|(part, _)| tell(part)).collect()
}

pub(super) fn declared(view: &View) -> Vec<Fact> {
    for_parts(view, |part| {
        let declared = view.evidence.declared.as_ref().and_then(|compose| {
            let service = compose.workloads.get(part);
            match made_elsewhere(view, part, &compose.files).filter(|_| service.is_none()) {
                Some(file) => Seen::unknown(WhyKind::Missing, format!("made from {file}, which is not here")),
                None => {
                    Seen::Known(match (declaration(service, &compose.files.join(", ")), runs(view, part)) {
                        // Somebody asked for the profile, or scaled it, by hand.
                        ((Value::Word("behind-profile" | "no-replicas"), say), true) => {
                            (Value::Word("declared"), format!("{say}, and running"))
                        }
                        (declaration, _) => declaration,
                    })
                }
            }
        });
        Fact::of(part, declared, |told| told)
    })
}

/// The file that a part's container was made from, if it was not read.
fn made_elsewhere<'a>(view: &View<'a>, part: &str, files: &[String]) -> Option<&'a str> {
    let container = view.container(part).known().copied().flatten()?;
    container
        .details
        .config_files
        .iter()
        .map(String::as_str)
        .find(|file| !files.iter().any(|read| read == file))
}

/// Whether a part has a container that is up.
pub fn runs(view: &View, part: &str) -> bool {
    let container = view.container(part).known().copied().flatten();
    container.is_some_and(|container| rung_of(container, view.docker_now()) == "running")
}

pub(super) fn declaration(service: Option<&Declaration>, files: &str) -> (Value, String) {
    match service {
        None => (Value::Word("absent"), format!("not in {files}")),
        Some(service) if !service.active => {
            let profiles = service.profiles.join(", ");
            (Value::Word("behind-profile"), format!("behind profile {profiles} in {files}"))
        }
        Some(service) if service.replicas == 0 => {
            (Value::Word("no-replicas"), format!("replicas: 0 in {files}"))
        }
        Some(_) => (Value::Word("declared"), format!("in {files}")),
    }
}

pub(super) fn rung(view: &View) -> Vec<Fact> {
    let taken = view.docker_now();
    for_parts(view, |part| {
        Fact::of(part, view.container(part), |container| match container {
            None => (Value::Word("absent"), "no container".to_string()),
            Some(container) => (Value::Word(rung_of(container, taken)), state_in_words(container, taken)),
        })
    })
}

pub(super) fn end(view: &View) -> Vec<Fact> {
    let taken = view.docker_now();
    for_parts(view, |part| {
        Fact::of(part, view.container(part), |container| match container {
            None => (Value::Word("absent"), "no container".to_string()),
            Some(container) => (Value::Word(end_of(container, taken)), state_in_words(container, taken)),
        })
    })
}

/// How far a container has come.
pub fn rung_of(container: &Instance, taken: Timestamp) -> &'static str {
    match container.state {
        InstanceState::Created => "created",
        InstanceState::Restarting => "restarting",
        InstanceState::Paused => "paused",
        InstanceState::Running if loops(container, taken) => "restarting",
        InstanceState::Running => "running",
        _ if is_back(container) => "running",
        _ => "exited",
    }
}

/// Somebody was just restarting it: it had ended at the first look, and runs at
/// the second, without the engine's policy.
fn is_back(container: &Instance) -> bool {
    let again = container.again.as_ref();
    again.is_some_and(|a| a.state == InstanceState::Running && a.restarts == container.restarts)
}

/// Between two looks it was started anew, or it was so a moment ago.
fn loops(container: &Instance, taken: Timestamp) -> bool {
    let restarted = container.again.as_ref().is_some_and(|again| {
        let by_policy = again.restarts > 0 && again.started > container.started;
        again.restarts > container.restarts || by_policy || again.state == InstanceState::Restarting
    });
    let young = container.started.is_some_and(|started| taken.duration_since(started) < LOOP);
    // Once is a restart, and not again and again.
    restarted || (container.restarts > 1 && young)
}

fn end_of(container: &Instance, taken: Timestamp) -> &'static str {
    let command_broken = matches!(container.exit.code, 125..=127);
    match rung_of(container, taken) {
        "running" => "running",
        "paused" => "paused",
        "created" if command_broken || container.error().is_some() => "command",
        "created" => "never-started",
        // OOMKilled is read only where the container has really ended: it is
        // sticky on some engines while the container runs again.
        _ if container.exit.out_of_memory => "out-of-memory",
        _ if command_broken => "command",
        "restarting" => "restarting",
        _ if matches!(container.exit.code, 0 | 130 | 137 | 143) => "stopped",
        _ => "crashed",
    }
}

/// The state in words: "exited 137 (out of memory) 3 min ago, restarted 5 times".
pub(super) fn state_in_words(container: &Instance, taken: Timestamp) -> String {
    let rung = rung_of(container, taken);
    let ago = |at: Option<Timestamp>| at.map(|at| format!(" {} ago", age(taken, at))).unwrap_or_default();
    let mut words = match rung {
        "running" if container.state != InstanceState::Running => "was just being started again".to_string(),
        "running" => match container.started {
            Some(started) => format!("running for {}", age(taken, started)),
            None => "running".to_string(),
        },
        "exited" => format!("exited {}{}", exit_in_words(container.exit.code), ago(container.finished)),
        "created" => "created, never started".to_string(),
        other => other.to_string(),
    };
    if container.exit.out_of_memory && rung != "running" {
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
pub fn age(taken: Timestamp, at: Timestamp) -> String {
    let seconds = taken.duration_since(at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub(super) fn health(view: &View) -> Vec<Fact> {
    let taken = view.docker_now();
    for_parts(view, |part| {
        Fact::of(part, view.container(part), |container| {
            let running = container.filter(|container| rung_of(container, taken) == "running");
            let word = match running.map(|container| container.health.as_ref()) {
                None => "not-running",
                Some(Some(Health::Healthy)) => "healthy",
                Some(Some(Health::Unhealthy)) => "unhealthy",
                Some(Some(Health::Starting)) => "starting",
                Some(_) => "no-check",
            };
            (Value::Word(word), word.replace('-', " "))
        })
    })
}

pub(super) fn started_line(view: &View) -> Vec<Fact> {
    let workers = view.pipeline.worker.iter();
    workers
        .filter_map(|worker| Some((worker, &worker.started.as_ref()?.0)))
        .map(|(worker, started)| {
            let container = view.container(&worker.name);
            let log = container.and_then(|container| match container {
                None => Seen::not_asked("no container"),
                Some(container) => view.log(&worker.name).map(|log| (container, log)),
            });
            let seen = log.and_then(|(container, log)| {
                let found = log.records.iter().rev().find(|record| started.is_match(&record.text));
                match found {
                    Some(record) => Seen::Known(Some(record.at)),
                    // Its start lies before what the event needs to be read.
                    None if container.started.is_none_or(|at| at < log.wanted) => {
                        Seen::not_asked("it started before the time that was looked at")
                    }
                    None => Seen::from(View::complete(log)).map(|()| None),
                }
            });
            Fact::of(worker.name.as_str(), seen, |at| match at {
                Some(at) => (Value::Bool(true), format!("start logged {} ago", age(view.docker_now(), at))),
                None => (Value::Bool(false), "no start in its log, all read".to_string()),
            })
        })
        .collect()
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
            assert_eq!(rung_of(&container, taken), rung, "{changes}");
            assert_eq!(end_of(&container, taken), end, "{changes}");
        }
    }

    #[test]
    fn an_exit_code_is_said_with_its_meaning() {
        let taken: Timestamp = "2026-01-07T10:00:00Z".parse().unwrap();
        let say = |code| {
            let ended = container(serde_json::json!({"status": "exited", "exit_code": code}));
            state_in_words(&ended, taken)
        };
        assert_eq!(say(1), "exited 1");
        assert_eq!(say(134), "exited 134 (SIGABRT, as V8 ends when its heap is full)");
        assert_eq!(say(127), "exited 127 (command not found)");
        assert_eq!(say(137), "exited 137 (SIGKILL)");
    }
}
