//! Recordings and drafts are readable only by their owner, and failing to write one never loses the report.

use crate::support::{Run, doctor, scenario};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// A run that needs no running systems and records its evidence.
fn recording(file: &Path) -> Run {
    let flags = ["--docker", "unix:///nonexistent.sock", "--without", "kafka", "--without", "postgres"];
    let directory = file.parent().unwrap();
    doctor(flags).arg("--record").arg(file.to_str().unwrap()).current_dir(directory)
}

#[test]
fn a_recording_is_private_whatever_the_umask() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("e.json");
    fs::write(&file, "older").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    recording(&file).finish().code(5);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&file).unwrap().contains("\"schema\""));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_recording_follows_no_link_and_no_planted_name() {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    fs::write(&victim, "theirs").unwrap();
    let file = directory.path().join("e.json");
    symlink(&victim, &file).unwrap();
    let run = recording(&file).finish().code(2);
    assert!(run.stderr.contains("is a symbolic link"), "{}", run.stderr);
    fs::remove_file(&file).unwrap();
    // Earlier versions used this name for a temporary file.
    symlink(&victim, directory.path().join("e.json.part")).unwrap();
    recording(&file).finish().code(5);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs");
}

#[test]
fn a_pipe_or_a_device_cannot_hang_a_recording() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for file in [pipe.as_path(), Path::new("/dev/full"), Path::new("/dev/tty")] {
        let run = doctor(["--docker", "unix:///nonexistent.sock", "--record", file.to_str().unwrap()]);
        let run = run.finish().code(2);
        assert!(run.stderr.contains("is not a regular file"), "{}", run.stderr);
    }
    let run = doctor(["--docker", "unix:///nonexistent.sock", "--record", "/dev/null"]);
    run.current_dir(directory.path()).finish().code(5);
}

#[test]
fn a_recording_that_fails_costs_no_report() {
    // No file can be created here, not even by root.
    let run = doctor(["--docker", "unix:///nonexistent.sock", "--record", "/proc/self/e.json"]);
    let run = run.arg("--json").finish().code(2);
    assert_eq!(run.json()["outcome"], "inconclusive");
    assert!(run.stderr.starts_with("error: --record /proc/self/e.json: cannot be written"), "{}", run.stderr);
}

#[test]
fn a_recording_is_written_although_the_report_cannot_be() {
    let directory = tempfile::tempdir().unwrap();
    let script = "\"$0\" --docker unix:///nonexistent.sock --record e.json > /dev/full";
    let mut shell = Command::new("bash");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_pipeline-doctor")]).current_dir(directory.path());
    assert_eq!(shell.status().unwrap().code(), Some(1));
    assert!(fs::read_to_string(directory.path().join("e.json")).unwrap().contains("\"schema\""));
}

#[test]
fn a_draft_is_private_and_follows_no_link() {
    let directory = tempfile::tempdir().unwrap();
    let flags =
        ["init", "--docker", "unix:///nonexistent.sock", "--without", "kafka", "--without", "postgres"];
    let file = directory.path().join("pipeline.toml");
    symlink(directory.path().join("elsewhere"), &file).unwrap();
    doctor(flags).current_dir(directory.path()).finish().code(2);
    assert!(!directory.path().join("elsewhere").exists());
    fs::remove_file(&file).unwrap();
    doctor(flags).current_dir(directory.path()).finish().code(0);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn every_command_fails_on_a_full_disk_and_not_on_a_closed_pipe() {
    let replay = format!("--replay {}", scenario("healthy").display());
    let explain = "explain kafka-down";
    for arguments in ["--help", "--version", "schema", "schema report", "lint", "demo", explain, &replay] {
        let run = |redirection: &str| {
            let script = format!("\"$0\" {arguments} {redirection}");
            let mut shell = Command::new("bash");
            shell.args(["-o", "pipefail", "-c", &script, env!("CARGO_BIN_EXE_pipeline-doctor")]);
            shell.output().unwrap()
        };
        let full = run("> /dev/full");
        assert_eq!(full.status.code(), Some(1), "{arguments}");
        let stderr = String::from_utf8_lossy(&full.stderr).into_owned();
        assert!(stderr.contains("cannot write"), "{arguments}: {stderr}");
        let closed = run("2> /dev/null | true");
        assert_eq!(closed.status.code(), Some(0), "{arguments}");
    }
}
