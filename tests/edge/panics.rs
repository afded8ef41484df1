//! A panic is one plain sentence, and no input or environment causes one.

use crate::support::{doctor, scenario};
use pipeline_doctor::base::panics;
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

const SECRET: &str = "hunter2-in-a-variable";

/// Runs this test binary again, where only [`panicking_child`] does something.
fn child(kind: &str, backtrace: bool) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "panics::panicking_child", "--nocapture"]).env("EDGE_PANIC", kind);
    command.env_remove("RUST_BACKTRACE");
    if backtrace {
        command.env("RUST_BACKTRACE", "1");
    }
    command.output().unwrap()
}

#[test]
fn panicking_child() {
    let Ok(kind) = std::env::var("EDGE_PANIC") else { return };
    panics::install_hook();
    let work = move || {
        if kind == "threads" {
            panic!("failed to spawn thread: {SECRET}");
        }
        // The message of this panic holds the value.
        let _: i32 = SECRET.parse::<i32>().map_err(|_| SECRET).unwrap();
    };
    let in_thread = std::thread::spawn(work.clone());
    let id = in_thread.thread().id();
    assert!(in_thread.join().is_err() && panics::caught(work).is_none());
    assert!(panics::thread_limit_reached() || panics::has_panicked(id));
}

#[test]
fn a_panic_prints_a_sentence_without_values() {
    let output = child("value", false);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    let start = format!("error: internal error in pipeline-doctor {} at ", env!("CARGO_PKG_VERSION"));
    assert!(lines.iter().all(|line| line.starts_with(&start) && line.contains("report")), "{stderr}");
    assert!(!stderr.contains(SECRET), "{stderr}");
    let stderr = String::from_utf8_lossy(&child("value", true).stderr).into_owned();
    assert!(stderr.contains("panicking_child") && !stderr.contains(SECRET), "{stderr}");
}

#[test]
fn a_limit_on_threads_is_no_bug() {
    let stderr = String::from_utf8_lossy(&child("threads", false).stderr).into_owned();
    assert!(stderr.starts_with("error: this machine's limit on threads is reached"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// A run whose output has no sign of a panic.
fn run(command: &mut Command, codes: &[i32]) -> Output {
    let output = command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().unwrap_or(-1);
    assert!(codes.contains(&code), "{command:?}: {code}: {stderr}");
    assert!(!stderr.contains("internal error") && !stderr.contains("panicked"), "{command:?}: {stderr}");
    output
}

#[test]
fn arguments_and_variables_need_not_be_text() {
    let program = env!("CARGO_BIN_EXE_pipeline-doctor");
    let garbage = OsStr::from_bytes(b"\xff\xfe=x");
    let flags = ["--docker", "unix:///nonexistent.sock", "--without", "kafka", "--without", "postgres"];
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("compose.yaml"), "services: {a: {image: 'x:${ANY}'}}").unwrap();
    let mut command = Command::new(program);
    command.args(flags).current_dir(directory.path()).env(garbage, garbage);
    let names = ["ANY", "KAFKA_BROKERS", "POSTGRES_URL", "DOCKER_HOST", "COMPOSE_FILE", "COMPOSE_PROFILES"];
    let more = ["NO_COLOR", "LANG", "HOME", "COLUMNS", "DOCKER_CERT_PATH", "ADMIN_SERVICE_URL", "PGSSLMODE"];
    for name in names.into_iter().chain(more) {
        command.env(name, garbage);
    }
    run(&mut command, &[3, 5]);
    let mut init = Command::new(program);
    init.args(["init", "--stdout"]).args(flags).current_dir(directory.path()).env("ANY", garbage);
    run(&mut init, &[0]);
    for arguments in [&["trace"][..], &["--config"], &["--kafka"], &["explain"], &[]] {
        run(Command::new(program).args(arguments).arg(garbage).args(flags), &[2]);
    }
}

#[test]
fn the_longest_deadline_works() {
    let flags = ["--kafka", "127.0.0.1:1", "--postgres", "postgres://a@127.0.0.1:1/b", "--settle", "8784h"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"));
    command.args(["--docker", "unix:///nonexistent.sock", "--deadline", "8784h", "--window", "8784h"]);
    run(command.args(flags), &[3, 5]);
    doctor(["--deadline", "8785h"]).finish().code(2);
    doctor(["--deadline", "9223372036854775807s"]).finish().code(2);
}

#[test]
fn few_threads_are_an_error_and_no_panic() {
    // A limit on address space makes threads fail even for root, whom `ulimit -u` does not bind.
    for limit in ["-v 500000", "-v 400000", "-v 300000", "-v 200000", "-v 100000", "-v 60000"] {
        let script = format!("ulimit {limit} && exec timeout 60 \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_pipeline-doctor"), "--deadline", "2s"]);
        command.args(["--docker", "unix:///nonexistent.sock", "--kafka", "127.0.0.1:1"]);
        let output = command.env_remove("RUST_BACKTRACE").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!stderr.contains("internal error"), "{limit}: {stderr}");
        assert_ne!(output.status.code(), Some(124), "{limit}: hangs");
    }
}

/// Times and numbers that no clock shows, but a file can hold.
const TIMES: [&str; 6] = [
    "-009999-01-02T01:59:59Z",
    "9999-12-30T22:00:00.999999999Z",
    "9999-12-31T23:59:59Z",
    "+010000-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z",
    "1970-01-01T00:00:00Z",
];

/// Replaces each time, or each number, of a document.
fn replace(value: &mut Value, with: &dyn Fn(&Value) -> Option<Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(fields) => {
            // Another schema would not be read at all.
            let fields = fields.iter_mut().filter(|(name, _)| *name != "schema");
            fields.for_each(|(_, field)| replace(field, with));
        }
        other => {
            if let Some(new) = with(other) {
                *other = new;
            }
        }
    }
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
}

#[test]
fn absurd_times_and_numbers_in_a_recording_are_an_error_or_work() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("e.json");
    let codes = [0, 2, 3, 5];
    for name in ["healthy", "joined-too-late", "worker-crash-loop"] {
        let text = std::fs::read_to_string(scenario(name)).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        let replays = |with: &dyn Fn(&Value) -> Option<Value>| {
            let mut mutated = document.clone();
            replace(&mut mutated, with);
            std::fs::write(&file, mutated.to_string()).unwrap();
            for command in [&[][..], &["trace"]] {
                let mut run_it = Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"));
                run(run_it.args(command).arg("--replay").arg(&file), &codes);
            }
        };
        for time in TIMES {
            replays(&|value| is_time(value).then(|| time.into()));
            // Every other time stays as it is.
            let number = std::cell::Cell::new(0_usize);
            replays(&|value| {
                number.set(number.get() + usize::from(is_time(value)));
                (is_time(value) && number.get().is_multiple_of(2)).then(|| time.into())
            });
        }
        for number in [i64::MIN, -1, 0, i64::from(i32::MAX), i64::MAX] {
            replays(&|value| value.is_i64().then(|| number.into()));
            let count = std::cell::Cell::new(0_usize);
            replays(&|value| {
                count.set(count.get() + usize::from(value.is_i64()));
                (value.is_i64() && count.get().is_multiple_of(3)).then(|| number.into())
            });
        }
        replays(&|value| value.is_u64().then(|| u64::MAX.into()));
    }
}
