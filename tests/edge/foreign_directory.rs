//! What a directory of other people may do: its checks, its compose files and its addresses.

use crate::support::{Finished, doctor};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// A pipeline with own checks beside it.
fn directory_with(rows: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let built_in = crate::support::root().join("checks/pipeline.toml");
    fs::copy(built_in, directory.path().join("pipeline.toml")).unwrap();
    fs::create_dir(directory.path().join("checks")).unwrap();
    fs::write(directory.path().join("checks/own.toml"), rows).unwrap();
    directory
}

fn fact(sql: &str) -> String {
    format!(
        "[[fact]]\nname = \"custom.x\"\ndoc = \"x\"\nabout = \"database\"\nkind = \"count\"\nsql = '''{sql}'''\n"
    )
}

const NOTHING: [&str; 6] =
    ["--docker", "unix:///nonexistent.sock", "--without", "kafka", "--without", "postgres"];

fn start(directory: &Path) -> Finished {
    let config = directory.join("pipeline.toml");
    doctor(NOTHING).arg("--config").arg(config.to_str().unwrap()).current_dir(directory).finish()
}

#[test]
fn sql_with_effects_is_refused_by_lint_and_at_start() {
    for sql in [
        "select pg_terminate_backend(pid) from pg_stat_activity",
        "select count(*) from pg_create_physical_replication_slot('x')",
        "select length(pg_read_file('/etc/passwd'))",
        "select 1 from dblink('dbname=shop', 'delete from t') as t(x int)",
        "select \"pg_cancel_backend\"/**/(1)",
        "with gone as (delete from purchase returning *) select count(*) from gone",
        "do $$ begin perform 1; end $$",
        "select 1; select 2",
    ] {
        let directory = directory_with(&fact(sql));
        let run = start(directory.path()).code(2);
        assert!(run.stderr.contains("own.toml:6"), "{sql}: {}", run.stderr);
        let config = directory.path().join("pipeline.toml");
        let lint = doctor(["lint", "--config", config.to_str().unwrap()]).arg("--without").arg("postgres");
        assert!(lint.finish().code(2).stdout.contains("own.toml:6"), "{sql}");
    }
    start(directory_with(&fact("select count(*) from purchase")).path()).code(5);
}

#[test]
fn patterns_are_limited_one_by_one_and_together() {
    let signature = |number: usize, pattern: &str| {
        format!("[[signature]]\nid = \"s{number}\"\ntitle = \"no s{number}\"\npattern = '{pattern}'\n")
    };
    let one = directory_with(&signature(1, r"\w{200}"));
    let run = start(one.path()).code(2);
    assert!(
        run.stderr.contains("needs more than 1 MiB") && run.stderr.contains("own.toml:4"),
        "{}",
        run.stderr
    );
    let many: String = (0..300).map(|number| signature(number, &format!(r"\w{{20}}x{number}"))).collect();
    let many = directory_with(&many);
    let run = start(many.path()).code(2);
    assert!(run.stderr.contains("together need more than"), "{}", run.stderr);
}

#[test]
fn a_base_address_has_no_query_and_no_fragment() {
    for address in ["http://localhost:1?token=s3cret-token", "http://localhost:1/#x"] {
        let run = doctor(NOTHING).arg("--http").arg(&format!("admin-service={address}"));
        let run = run.finish().code(2);
        assert!(run.stderr.contains("has a query or a fragment"), "{}", run.stderr);
        assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
        let run = doctor(NOTHING).env("ADMIN_SERVICE_URL", address).finish().code(2);
        assert!(run.stderr.contains("has a query or a fragment"), "{}", run.stderr);
    }
}

#[test]
fn the_report_names_the_directory_of_own_checks() {
    let directory = directory_with(&fact("select count(*) from purchase"));
    let run = start(directory.path()).code(5);
    let shown = directory.path().join("checks").display().to_string();
    assert!(run.stdout.contains("Checks and causes from"), "{}", run.stdout);
    let config = directory.path().join("pipeline.toml");
    let json = doctor(NOTHING).arg("--json").arg("--config").arg(config.to_str().unwrap()).finish().code(5);
    assert_eq!(json.json()["custom_checks"], shown);
}

/// A directory with a program named `docker` that runs this script.
fn with_docker(script: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("docker");
    fs::write(&program, format!("#!/bin/bash\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(directory.path().join("compose.yaml"), "services: {a: {image: x}}").unwrap();
    directory
}

fn run_with_docker(directory: &Path, flags: &[&str]) -> Finished {
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let run = doctor(NOTHING).env("PATH", &path).env("GIT_SSH_COMMAND", "evil").env("GIT_DIR", "evil");
    let run = run.env("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "true").env("COMPOSE_PROFILES", "kept");
    flags.iter().fold(run, |run, flag| run.arg(flag)).current_dir(directory).finish()
}

#[test]
fn compose_gets_no_variables_that_fetch_files() {
    let directory = with_docker("env >> environment; exit 1");
    run_with_docker(directory.path(), &[]);
    let environment = fs::read_to_string(directory.path().join("environment")).unwrap();
    let lines: Vec<&str> = environment.lines().collect();
    assert!(!environment.contains("evil"), "{environment}");
    for line in [
        "GIT_TERMINAL_PROMPT=0",
        "COMPOSE_EXPERIMENTAL_GIT_REMOTE=false",
        "COMPOSE_EXPERIMENTAL_OCI_REMOTE=false",
        "COMPOSE_PROFILES=kept",
    ] {
        assert!(lines.contains(&line), "{line}: {environment}");
    }
    // A file that the user names may fetch others. Several children write at the same time.
    let directory = with_docker("env >> environment; exit 1");
    run_with_docker(directory.path(), &["-f", "compose.yaml"]);
    let environment = fs::read_to_string(directory.path().join("environment")).unwrap();
    assert!(environment.contains("GIT_SSH_COMMAND=evil"), "{environment}");
}

#[test]
fn a_remote_include_is_refused_before_compose_runs() {
    let directory = with_docker("touch ran");
    fs::write(directory.path().join("compose.yaml"), "include: [https://example.org/x.git]").unwrap();
    let run = run_with_docker(directory.path(), &["-v"]);
    assert!(!directory.path().join("ran").exists());
    assert!(run.stdout.contains("loaded from the network"), "{}", run.stdout);
}

#[test]
fn output_of_compose_is_bounded() {
    let directory = with_docker("exec yes");
    let run = run_with_docker(directory.path(), &["--deadline", "30s", "-v"]);
    assert!(run.stdout.contains("printed more than 4 MiB"), "{}", run.stdout);
}

#[test]
fn grandchildren_of_compose_end_at_the_deadline() {
    // The lock is held as long as any of them lives.
    let directory = with_docker("exec 9>>lock; flock 9; (trap '' TERM INT HUP; sleep 600) & sleep 600");
    run_with_docker(directory.path(), &["--deadline", "1s"]);
    let start = Instant::now();
    let free = || {
        let mut flock = Command::new("flock");
        flock.args(["--nonblock", "lock", "true"]).current_dir(directory.path()).status().unwrap().success()
    };
    while !free() {
        assert!(start.elapsed() < Duration::from_secs(20), "a process lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server that answers every request with a redirect to `to`, and tells the requests.
fn redirecting_server(to: impl Fn(u16) -> String) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let location = to(port);
    let (sender, requests) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n");
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
        }
    });
    (port, requests)
}

#[test]
fn redirects_stay_on_the_same_origin_and_tell_nothing() {
    let (other, other_requests) = redirecting_server(|_| "/".to_string());
    let (proxy, proxy_requests) = redirecting_server(|_| "/".to_string());
    let elsewhere = format!("http://127.0.0.1:{other}/");
    let (port, requests) = redirecting_server(|_| elsewhere.clone());
    let (same, same_requests) = redirecting_server(|port| format!("http://127.0.0.1:{port}/next"));
    for port in [port, same] {
        let address = format!("admin-service=http://127.0.0.1:{port}");
        let run = doctor(NOTHING).arg("--http").arg(&address);
        let run = ["http_proxy", "HTTP_PROXY", "ALL_PROXY"]
            .iter()
            .fold(run, |run, name| run.env(name, &format!("http://127.0.0.1:{proxy}")));
        assert!([3, 5].contains(&run.finish().code));
    }
    assert!(requests.try_iter().count() > 0);
    assert_eq!(other_requests.try_iter().count() + proxy_requests.try_iter().count(), 0);
    let followed: Vec<String> = same_requests.try_iter().collect();
    assert!(followed.iter().any(|request| request.starts_with("GET /next ")), "{followed:?}");
    assert!(followed.iter().all(|request| !request.to_lowercase().contains("referer")), "{followed:?}");
}
