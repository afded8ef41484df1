//! Helpers shared by the integration tests.
#![allow(dead_code, reason = "each test file uses only some of the helpers")]

pub mod accept;
pub mod jail;
pub mod outputs;
pub mod pipelines;
pub mod places;
pub mod replay;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

/// Returns the project directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the path of a recorded scenario.
pub fn scenario(name: &str) -> PathBuf {
    root().join("tests/scenarios").join(format!("{name}.json"))
}

/// Returns the names of all recorded scenarios, sorted.
pub fn scenarios() -> Vec<String> {
    recordings("tests/scenarios", "")
}

/// Returns the names of the recordings in a folder that begin with a prefix, sorted.
pub fn recordings(folder: &str, prefix: &str) -> Vec<String> {
    let files = std::fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no recordings named {prefix}* in {folder}");
    names
}

/// The ground truth for a recording, which the program never reads: a row of
/// `tests/scenarios/truth.toml` or `tests/sandbox/faults.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The recording's name. Only faults have this field.
    pub scenario: Option<String>,
    /// The changes made to the sandbox.
    pub injected: String,
    /// The kind of fault, and the first cause that was named when it was first injected. Only
    /// `tests/matrix` uses them.
    #[serde(rename = "kind")]
    pub _kind: Option<String>,
    #[serde(rename = "first_sight")]
    pub _first_sight: Option<String>,
    /// The cause that a human expert would name; `None` if healthy.
    pub cause: Option<String>,
    /// Causes that are also correct, but less exact.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// The subjects that the expert would name.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// The runbook's confidence in the cause as a percentage, if it states one.
    pub documented: Option<u64>,
    /// Whether the fix is a code change.
    #[serde(default)]
    pub code: bool,
    /// The program's exit code, if it does not follow from the cause.
    pub exit_code: Option<i32>,
}

impl Truth {
    /// Returns the program's expected exit code.
    pub fn exit_code(&self) -> i32 {
        self.exit_code.unwrap_or(if self.cause.is_some() { 3 } else { 0 })
    }

    /// Reports whether a report's first cause is correct.
    pub fn matches(&self, first: Option<&String>) -> bool {
        first == self.cause.as_ref() || first.is_some_and(|first| self.or.contains(first))
    }
}

/// Returns the ground truth for each recording, by name. For a pair of faults, either fault's
/// cause is correct.
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

/// Makes the run record its evidence to `tests/scenarios/` if `SANDBOX_RECORD` is set.
pub fn recorded(name: &str, run: Run) -> Run {
    match std::env::var_os("SANDBOX_RECORD") {
        Some(_) => run.arg("--record").arg(scenario(name).to_str().unwrap()),
        None => run,
    }
}

/// A run of the program in an environment without its configuration variables.
pub struct Run {
    command: Command,
}

/// Prepares a run of the program with these arguments in the project directory.
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

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs the program until it exits.
    pub fn finish(mut self) -> Finished {
        let output = self.command.output().expect("cannot start the program");
        Finished::of(output)
    }
}

/// The output and exit code of a run.
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

    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Parses standard output as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("expected one JSON document: {error}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr)
        })
    }

    /// Returns the last line of standard output.
    pub fn last_line(&self) -> &str {
        self.stdout.lines().last().unwrap_or_default()
    }
}

/// Returns the example rows in docs/custom-checks.md.
pub fn example_rows() -> String {
    let document = std::fs::read_to_string(root().join("docs/custom-checks.md")).unwrap();
    let (_, rest) = document.split_once("```toml\n").expect("the example");
    rest.split_once("```").expect("the end of the example").0.to_string()
}

/// Returns the ids of the listed causes, in order.
pub fn causes(report: &Value) -> Vec<String> {
    let causes = report["causes"].as_array().expect("causes");
    causes.iter().map(|cause| cause["id"].as_str().unwrap().to_string()).collect()
}

/// Runs a shell command in the project directory and returns its output. Fails the test
/// unless the command succeeds.
#[track_caller]
pub fn shell(command: &str) -> String {
    let output =
        Command::new("bash").args(["-euo", "pipefail", "-c", command]).current_dir(root()).output().unwrap();
    let finished = Finished::of(output);
    assert_eq!(finished.code, 0, "{command}\nstdout:\n{}\nstderr:\n{}", finished.stdout, finished.stderr);
    finished.stdout.trim_end().to_string()
}

/// Serializes the tests that use the sandbox, because there is only one sandbox.
pub static SANDBOX: Mutex<()> = Mutex::new(());

/// Exclusive use of the sandbox.
pub struct Sandbox {
    _lock: MutexGuard<'static, ()>,
}

impl Sandbox {
    /// Starts the sandbox without data, passing these options to `up`.
    pub fn fresh(options: &str) -> Self {
        let lock = SANDBOX.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        shell(&format!("tests/sandbox/up --fresh {options} 2>&1"));
        Sandbox { _lock: lock }
    }

    /// Applies other options and keeps the data.
    pub fn reconfigure(&self, options: &str) {
        shell(&format!("tests/sandbox/up {options} 2>&1"));
    }

    /// Makes a purchase, waits, and asserts that it arrives. Returns its id.
    #[track_caller]
    pub fn buy(&self) -> String {
        purchase("sessions scheduled after")
    }

    /// Makes a purchase, waits longer than the grace period, and asserts that it is stuck.
    /// Returns its id.
    #[track_caller]
    pub fn buy_stuck(&self) -> String {
        purchase("stuck after")
    }
}

/// Makes a purchase and returns its id. `outcome` is what `buy` must report.
#[track_caller]
fn purchase(outcome: &str) -> String {
    let output = shell("tests/sandbox/buy 2>&1");
    assert!(output.contains(outcome), "expected `{outcome}`:\n{output}");
    // The id may stand in the middle of a message, because both streams arrive in pieces.
    let id = output.as_bytes().windows(36).find(|part| is_id(part));
    let id = id.map(|part| String::from_utf8_lossy(part).into_owned());
    id.unwrap_or_else(|| panic!("no id:\n{output}"))
}

/// Reports whether 36 bytes are a UUID.
fn is_id(part: &[u8]) -> bool {
    part.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

/// Asserts that this cause comes first and is marked as best, and that the exit code is 3.
#[track_caller]
pub fn assert_first_cause(report: &Value, cause: &str) {
    assert_eq!(causes(report).first().map(String::as_str), Some(cause), "{report:#}");
    assert_eq!(report["causes"][0]["best"], true, "{report:#}");
    assert_eq!(report["exit_code"], 3);
}

/// Runs one of Kafka's command-line tools in the broker's container.
#[track_caller]
pub fn kafka(tool: &str, arguments: &str) -> String {
    shell(&format!("docker exec kodingcaravan-kafka {tool} --bootstrap-server kafka:9092 {arguments}"))
}

/// Runs SQL as the services' role in the database's container. Returns rows without headings.
#[track_caller]
pub fn sql(statements: &str) -> String {
    shell(&format!(
        "docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan -At <<'SQL'\n{statements}\nSQL"
    ))
}

/// Returns a check's instance for a subject.
#[track_caller]
pub fn instance<'a>(report: &'a Value, check: &str, subject: &str) -> &'a Value {
    let steps = report["steps"].as_array().expect("steps").iter();
    let findings = steps.flat_map(|step| step["findings"].as_array().expect("findings"));
    let mut instances = findings
        .filter(|finding| finding["check"] == check)
        .flat_map(|finding| finding["instances"].as_array().expect("instances"));
    instances
        .find(|instance| instance["subject"] == subject)
        .unwrap_or_else(|| panic!("no {check} for {subject} in {report:#}"))
}
