//! A signal ends a run early, and what was seen until then is reported and recorded.

use crate::support::{doctor, root};
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// The deadline of the interrupted runs, which none of them may reach.
const DEADLINE: Duration = Duration::from_secs(60);

/// A port that accepts connections and never answers. Tells when a request has arrived.
struct BlackHole {
    address: String,
    requests: Receiver<TcpStream>,
}

impl BlackHole {
    fn open() -> BlackHole {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let sender = sender.clone();
                std::thread::spawn(move || {
                    // The first byte of a request shows that the run is waiting for the answer.
                    let _ = stream.read(&mut [0]);
                    let _ = sender.send(stream);
                });
            }
        });
        BlackHole { address, requests }
    }

    /// Starts a run against this address alone.
    fn start(&self, arguments: &[&str], directory: &Path) -> Child {
        // The program keeps ignoring SIGHUP if nohup made these tests ignore it.
        let mut command = Command::new("env");
        command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_pipeline-doctor")]);
        command.args(arguments).args(["--deadline", "60s", "--docker", &format!("tcp://{}", self.address)]);
        command.args(["--kafka", &self.address, "--postgres"]);
        command.arg(format!("postgres://app@{}/shop?sslmode=disable", self.address));
        command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Interrupts a run once it waits for an answer.
    fn interrupt(&self, run: Child, signal: &str) -> Output {
        let _waiting = self.requests.recv_timeout(DEADLINE).expect("a request");
        let start = Instant::now();
        send(&run, signal);
        let output = run.wait_with_output().unwrap();
        assert!(start.elapsed() < DEADLINE / 4, "ended {:?} after the signal", start.elapsed());
        output
    }
}

fn send(run: &Child, signal: &str) {
    let sent = Command::new("kill").args([format!("-{signal}"), run.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SENTENCE: &str = "INTERRUPTED by SIG";

#[test]
fn each_signal_ends_a_run_with_its_report_and_its_recording() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let directory = tempfile::tempdir().unwrap();
        let hole = BlackHole::open();
        let run = hole.start(&["--record", "e.json"], directory.path());
        let output = hole.interrupt(run, signal);
        assert_eq!(output.status.code(), Some(code), "{signal}: {}", text(&output.stderr));
        let report = text(&output.stdout);
        assert!(report.contains(&format!("INTERRUPTED by SIG{signal} after ")), "{report}");
        assert!(report.contains("the run was interrupted"), "{report}");
        assert!(report.lines().last().unwrap().starts_with("UNCLEAR: nothing failed"), "{report}");
        assert!(!report.contains("no answer"), "{report}");
        let recording = directory.path().join("e.json");
        let replay = doctor(["--replay", recording.to_str().unwrap()]).finish().code(code);
        assert_eq!(replay.stdout, report);
        let replay = doctor(["--json", "--replay", recording.to_str().unwrap()]).finish().code(code);
        assert_eq!(replay.json()["interrupted"]["signal"], format!("SIG{signal}"));
        assert_eq!(replay.json()["exit_code"], code);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}

#[test]
fn every_command_that_asks_systems_can_be_interrupted() {
    let id = "1fa90c93-ea40-4ba9-a7bf-4ed47e735b91";
    let commands: [&[&str]; 6] = [
        &["--wait", "1h", "--record", "e.json"],
        &["trace", id, "--record", "e.json"],
        &["trace", id, "--follow", "--record", "e.json"],
        &["trace", "--stuck", "--record", "e.json"],
        &["explain", "workers-not-deployed", "--records", "--record", "e.json"],
        &["lint"],
    ];
    for arguments in commands {
        let directory = tempfile::tempdir().unwrap();
        let hole = BlackHole::open();
        let run = hole.start(arguments, directory.path());
        let output = hole.interrupt(run, "INT");
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{arguments:?}: {all}");
        assert!(all.contains("interrupted") || all.contains(SENTENCE), "{arguments:?}: {all}");
        let recorded = arguments.contains(&"e.json");
        assert_eq!(directory.path().join("e.json").exists(), recorded, "{arguments:?}");
    }
}

#[test]
fn a_draft_that_was_interrupted_is_marked_as_incomplete() {
    let directory = tempfile::tempdir().unwrap();
    let hole = BlackHole::open();
    let output = hole.interrupt(hole.start(&["init"], directory.path()), "INT");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let draft = std::fs::read_to_string(directory.path().join("pipeline.toml")).unwrap();
    assert!(draft.starts_with(&format!("# {SENTENCE}INT after ")), "{draft}");
    assert!(draft.contains("the run was interrupted"), "{draft}");
}

#[test]
fn a_signal_between_two_runs_ends_the_wait() {
    // Everything is refused at once, so the run soon waits for its repetition.
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"));
    command.args(["--wait", "1h", "--docker", "unix:///nonexistent.sock", "--without", "kafka"]);
    command.args(["--without", "postgres", "--record", "e.json"]).current_dir(directory.path());
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Before the handlers are installed, a signal has its usual effect. Wait until they are.
    wait_until(|| catches_signals(run.id()));
    send(&run, "TERM");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("INTERRUPTED by SIGTERM"), "{}", text(&output.stdout));
    assert!(directory.path().join("e.json").exists());
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reports whether the process handles SIGINT and SIGTERM.
fn catches_signals(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    [2, 15].into_iter().all(|signal| mask & (1 << (signal - 1)) != 0)
}

#[test]
fn the_second_signal_ends_the_program_at_once() {
    let hole = BlackHole::open();
    // Nobody reads the report, which is longer than a pipe holds, so the run hangs while it prints.
    let mut run = hole.start(&["--json"], root());
    let _waiting = hole.requests.recv_timeout(DEADLINE).expect("a request");
    send(&run, "INT");
    wait_until(|| {
        // The signal is sent again, because the first may not have been noticed yet.
        let _ = Command::new("kill").args(["-TERM", &run.id().to_string()]).stderr(Stdio::null()).status();
        run.try_wait().unwrap().is_some()
    });
    assert_eq!(run.wait().unwrap().code(), Some(143));
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let directory = tempfile::tempdir().unwrap();
    let hole = BlackHole::open();
    let mut command = Command::new("nohup");
    command.args([env!("CARGO_BIN_EXE_pipeline-doctor"), "--deadline", "1s"]);
    command.args(["--docker", &format!("tcp://{}", hole.address), "--without", "kafka"]);
    command.args(["--without", "postgres"]).current_dir(directory.path()).stdin(Stdio::null());
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _waiting = hole.requests.recv_timeout(DEADLINE).expect("a request");
    send(&run, "HUP");
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    assert!(!text(&output.stdout).contains(SENTENCE));
}
