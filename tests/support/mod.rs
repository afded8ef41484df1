//! What the tests of the program share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

/// What stands beside a recording, and what the program never reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// What was done to the sandbox.
    pub injected: String,
    /// The cause that a human expert would name; none: healthy.
    pub cause: Option<String>,
    /// Whom they would name.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// The runbook's number, where it has one.
    pub documented: Option<u64>,
    /// How the program ends.
    pub exit_code: i32,
}

/// The true causes, by recording.
pub fn truths() -> BTreeMap<String, Truth> {
    let text = std::fs::read_to_string(root().join("tests/scenarios/truth.toml")).unwrap();
    toml::from_str(&text).unwrap()
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
