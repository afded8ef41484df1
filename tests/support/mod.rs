//! What the tests of the program share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod pipelines;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

/// The project's directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A recorded scenario.
pub fn scenario(name: &str) -> PathBuf {
    root().join("tests/scenarios").join(format!("{name}.json"))
}

/// The names of all recorded scenarios.
pub fn scenarios() -> Vec<String> {
    let files = std::fs::read_dir(root().join("tests/scenarios")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no recorded scenarios");
    names
}

/// What stands beside a recording, and what the program never reads: a row of
/// `tests/scenarios/truth.toml`, or of `tests/sandbox/faults.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The recording's name, of a fault.
    pub scenario: Option<String>,
    /// What was done to the sandbox.
    pub injected: String,
    /// The cause that a human expert would name; none: healthy.
    pub cause: Option<String>,
    /// Causes that say the same, less exactly.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// Whom they would name.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// The runbook's number, where it has one.
    pub documented: Option<u64>,
    /// Whether it is mended by changing code.
    #[serde(default)]
    pub code: bool,
    /// How the program ends, where that does not follow from the cause.
    pub exit_code: Option<i32>,
}

impl Truth {
    /// How the program ends.
    pub fn exit_code(&self) -> i32 {
        self.exit_code.unwrap_or(if self.cause.is_some() { 3 } else { 0 })
    }

    /// Whether this first guess, or none, is right.
    pub fn is(&self, first: Option<&String>) -> bool {
        first == self.cause.as_ref() || first.is_some_and(|first| self.or.contains(first))
    }
}

/// The true causes, by recording; of a pair of faults, of either of them.
pub fn truths() -> BTreeMap<String, Truth> {
    let read = |file: &str| -> BTreeMap<String, Truth> {
        toml::from_str(&std::fs::read_to_string(root().join(file)).unwrap()).unwrap()
    };
    let mut truths = read("tests/scenarios/truth.toml");
    let faults = read("tests/sandbox/faults.toml").into_values();
    truths.extend(faults.map(|truth| (truth.scenario.clone().expect("a recording"), truth)));
    for name in scenarios() {
        if let Some((one, other)) = name.split_once('+') {
            let (mut one, other) = (truths[one].clone(), truths[other].clone());
            one.or.extend(other.or.into_iter().chain(other.cause));
            (one.subjects, one.documented) = (Vec::new(), None);
            truths.insert(name, one);
        }
    }
    truths
}

/// The run, which also writes its evidence to the scenarios if that was asked for.
pub fn recorded(name: &str, run: Run) -> Run {
    match std::env::var_os("PIPELINE_DOCTOR_RECORD") {
        Some(_) => run.arg("--record").arg(scenario(name).to_str().unwrap()),
        None => run,
    }
}

/// One run of the program, in an environment that tells it nothing.
pub struct Run {
    command: Command,
}

/// The program with these arguments, run in the project's directory.
pub fn doctor<I: IntoIterator<Item = S>, S: AsRef<std::ffi::OsStr>>(arguments: I) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    for variable in
        ["KAFKA_BROKERS", "POSTGRES_URL", "DATABASE_URL", "DOCKER_HOST", "ADMIN_SERVICE_URL", "COMPOSE_FILE"]
    {
        command.env_remove(variable);
    }
    Run { command }
}

impl Run {
    /// Adds an argument.
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it elsewhere.
    pub fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs it to its end.
    pub fn finish(mut self) -> Finished {
        let output = self.command.output().expect("the program starts");
        Finished::of(output)
    }
}

/// What a run printed, and how it ended.
pub struct Finished {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit code.
    pub code: i32,
}

impl Finished {
    fn of(output: Output) -> Self {
        Finished {
            stdout: String::from_utf8(output.stdout).expect("UTF-8 on stdout"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8 on stderr"),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Fails the test unless it ended with this code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("not one JSON document: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }

    /// The last line of standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// The rows that the README gives as an example of one's own.
pub fn example_rows() -> String {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("## Your own checks").expect("the section");
    let (_, rest) = section.split_once("```toml\n").expect("its example");
    rest.split_once("```").expect("the example's end").0.to_string()
}

/// The ids of the listed causes, in order.
pub fn causes(report: &Value) -> Vec<String> {
    let causes = report["causes"].as_array().expect("causes");
    causes.iter().map(|cause| cause["id"].as_str().unwrap().to_string()).collect()
}

/// A shell command in the project's directory; fails the test unless it succeeds.
#[track_caller]
pub fn shell(command: &str) -> String {
    let output =
        Command::new("bash").args(["-euo", "pipefail", "-c", command]).current_dir(root()).output().unwrap();
    let finished = Finished::of(output);
    assert_eq!(finished.code, 0, "{command}\nstdout:\n{}\nstderr:\n{}", finished.stdout, finished.stderr);
    finished.stdout.trim_end().to_string()
}

/// The sandbox is one: tests that use it come one after another.
pub static SANDBOX: Mutex<()> = Mutex::new(());

/// The sandbox, for one test alone.
pub struct Sandbox {
    _alone: MutexGuard<'static, ()>,
}

impl Sandbox {
    /// A sandbox with no data, set up with these options.
    pub fn fresh(options: &str) -> Self {
        let alone = SANDBOX.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shell(&format!("tests/sandbox/up --fresh {options} 2>&1"));
        Sandbox { _alone: alone }
    }

    /// The same data, other options.
    pub fn again(&self, options: &str) {
        shell(&format!("tests/sandbox/up {options} 2>&1"));
    }

    /// A purchase that arrives.
    pub fn buy(&self) -> String {
        shell("tests/sandbox/buy")
    }

    /// A purchase that gets stuck, old enough to be judged.
    pub fn buy_stuck(&self) -> String {
        // It waits for the purchase to arrive, in vain, longer than the grace period.
        shell("tests/sandbox/buy")
    }
}

/// The first cause, and surely.
#[track_caller]
pub fn first_cause(report: &Value, cause: &str) {
    assert_eq!(causes(report).first().map(String::as_str), Some(cause), "{report:#}");
    assert_eq!(report["causes"][0]["best"], true, "{report:#}");
    assert_eq!(report["exit_code"], 3);
}

/// One of Kafka's own tools, in the broker's container.
#[track_caller]
pub fn kafka(tool: &str, arguments: &str) -> String {
    shell(&format!("docker exec kodingcaravan-kafka {tool} --bootstrap-server kafka:9092 {arguments}"))
}

/// SQL by the services' role, in the database's container; rows without headings.
#[track_caller]
pub fn sql(statements: &str) -> String {
    shell(&format!(
        "docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan -At <<'SQL'\n{statements}\nSQL"
    ))
}

/// The instance of a check about a subject.
#[track_caller]
pub fn instance<'a>(report: &'a Value, check: &str, subject: &str) -> &'a Value {
    let steps = report["steps"].as_array().expect("steps").iter();
    let findings = steps.flat_map(|step| step["findings"].as_array().expect("findings"));
    let mut instances = findings
        .filter(|finding| finding["check"] == check)
        .flat_map(|finding| finding["instances"].as_array().expect("instances"));
    instances
        .find(|instance| instance["subject"] == subject)
        .unwrap_or_else(|| panic!("no {check} of {subject} in {report:#}"))
}
