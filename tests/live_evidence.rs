//! What no grep shows, seen on the real services: who else reads, what moves, what
//! a role may not see, a replica, a needle in a million records, every rung.

mod support;

use serde_json::Value;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::{Sandbox, causes, doctor, instance, recorded, root, shell, sql};

/// The lines of a step.
fn summary(report: &Value, step: usize) -> &str {
    report["steps"][step - 1]["summary"].as_str().unwrap()
}

#[test]
#[ignore = "needs the sandbox"]
fn groups_of_the_new_protocol_and_static_members_are_shown_as_what_they_are() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    for (group, property) in
        [("audit", "group.protocol=consumer"), ("archive", "group.instance.id=archive-1")]
    {
        shell(&format!(
            "docker exec -d kodingcaravan-kafka kafka-console-consumer --bootstrap-server kafka:9092 \
             --topic purchase-created --group {group} --consumer-property {property}"
        ));
    }
    let wanted = [
        "also read by group archive: stable, 1 member (instance archive-1)",
        "also read by group audit: stable, type consumer, 1 member",
    ];
    let give_up = Instant::now() + Duration::from_secs(40);
    loop {
        let report = recorded("others-read-too", doctor([id.as_str(), "--json"])).finish().code(0).json();
        if wanted.iter().all(|line| summary(&report, 2).contains(line)) {
            assert_eq!(report["outcome"], "healthy");
            return;
        }
        assert!(Instant::now() < give_up, "{}", summary(&report, 2));
        std::thread::sleep(Duration::from_secs(1));
    }
}

const WATCHER: &str = "postgres://watcher:sandbox-only@localhost:5432/kodingcaravan";

#[test]
#[ignore = "needs the sandbox"]
fn what_a_role_may_not_see_is_unknown_and_never_failed() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    shell(
        "docker exec kodingcaravan-postgres psql -q -U postgres -d kodingcaravan \
         -c \"create role watcher login password 'sandbox-only'\" -c 'grant select on all tables in schema public to watcher' \
         -c 'revoke select on trainer_allocations from watcher'",
    );
    let look = |name: &str| {
        let run = doctor([id.as_str(), "--json", "--postgres", WATCHER]);
        let report = recorded(name, run).finish().code(5).json();
        let effect = instance(&report, "stage-effect-present", "allocation-worker");
        assert_eq!(effect["verdict"], "unknown", "{effect:#}");
        assert!(effect["observed"].as_str().unwrap().contains("42501"), "{effect:#}");
        assert_eq!(report["causes"], serde_json::json!([]));
        let untellable = report["untellable"].as_array().unwrap();
        assert!(untellable.iter().any(|cause| cause["id"] == "marked-unverified"), "{untellable:#?}");
        effect["observed"].as_str().unwrap().to_string()
    };
    assert!(look("no-privilege").contains("permission denied"));
    // Row security without a policy shows no rows, and silence proves nothing.
    sql(
        "grant select on trainer_allocations to watcher; alter table trainer_allocations enable row level security;",
    );
    assert!(look("row-security").contains("row-level security"));
}

/// Runs beside the test, and is ended with it.
struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn load(seconds: u32) -> Beside {
    let mut command = Command::new(root().join("tests/sandbox/load"));
    Beside(command.args(["--rate", "10", "--seconds", &seconds.to_string()]).spawn().unwrap())
}

/// What the group of a worker does, ten times in a row.
fn ten_motions(worker: &str) -> Vec<String> {
    let run = |_| {
        let report = doctor(["--json"]).finish().json();
        instance(&report, "group-keeps-up", worker)["value"].as_str().unwrap_or("unknown").to_string()
    };
    (0..10).map(run).collect()
}

#[test]
#[ignore = "needs the sandbox"]
fn a_slow_a_frozen_and_an_idle_worker_are_called_so_ten_times_of_ten() {
    let sandbox = Sandbox::fresh("");
    sandbox.buy();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(ten_motions("allocation-worker"), ["idle"; 10]);
    // One event a second is taken, ten arrive.
    sandbox.again("--set ALLOCATION_DELAY_MS=1000");
    let load = load(120);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(ten_motions("allocation-worker"), ["slow"; 10]);
    shell("docker kill -s STOP kodingcaravan-allocation-worker");
    assert_eq!(ten_motions("allocation-worker"), ["stalled"; 10]);
    drop(load);
}

fn flood(arguments: &str) {
    shell(&format!(
        "docker exec kodingcaravan-payment-service sandbox-services flood purchase-created {arguments}"
    ));
}

#[test]
#[ignore = "needs the sandbox"]
fn an_id_among_a_million_records_is_found_and_what_was_read_is_told() {
    let sandbox = Sandbox::fresh("");
    // Nobody has to do the work of a million events.
    shell("docker stop kodingcaravan-allocation-worker kodingcaravan-cache-worker");
    flood("500000");
    let id = shell("tests/sandbox/buy --no-wait");
    std::thread::sleep(Duration::from_secs(6));
    flood("500000");
    let look = |more: &[&str]| {
        let arguments = [id.as_str(), "--json"].into_iter().chain(more.iter().copied());
        let report = doctor(arguments).finish().json();
        let found = instance(&report, "event-on-topic", "allocation-worker");
        (found["verdict"].as_str().unwrap().to_string(), found["observed"].as_str().unwrap().to_string())
    };
    let (verdict, known) = look(&[]);
    assert_eq!(verdict, "pass", "{known}");
    let read: u64 =
        regex::Regex::new(r"found in (\d+) records? \(\d+\.\d MB\)").unwrap().captures(&known).expect(&known)
            [1]
        .parse()
        .unwrap();
    assert!(read < 200_000, "{known}");
    drop(sandbox);
    // Nobody tells when it happened: from the oldest record on, and only so far.
    let (verdict, unknown) = look(&["--postgres", "postgres://app@localhost:1/none"]);
    match verdict.as_str() {
        "pass" => assert!(unknown.contains("found in"), "{unknown}"),
        verdict => assert!(verdict == "unknown" && unknown.contains("stopped reading"), "{unknown}"),
    }
    println!("time known: {known}\ntime unknown: {unknown}");
}

#[test]
#[ignore = "needs the sandbox"]
fn records_of_every_compression_are_read() {
    let _sandbox = Sandbox::fresh("");
    shell("docker stop kodingcaravan-allocation-worker kodingcaravan-cache-worker");
    for (number, compression) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let id = format!("00000000-0000-4000-8000-00000000000{number}");
        flood(&format!("500 --compression {compression} --id {id}"));
        let at = shell("date -u -d '1 minute ago' +%FT%TZ");
        let report = doctor([id.as_str(), "--json", "--at", at.as_str()]).finish().json();
        let found = instance(&report, "event-on-topic", "allocation-worker");
        assert_eq!(found["verdict"], "pass", "{compression}: {found:#}");
    }
}

/// A container that is removed with the test.
struct Container(&'static str);

impl Drop for Container {
    fn drop(&mut self) {
        shell(&format!("docker rm -f {} 2>&1", self.0));
    }
}

#[test]
#[ignore = "needs the sandbox"]
fn what_a_read_replica_does_not_have_yet_is_not_missing() {
    let sandbox = Sandbox::fresh("");
    sandbox.buy();
    shell(
        "docker exec kodingcaravan-postgres sh -c 'echo host replication all all trust >>/var/lib/postgresql/data/pg_hba.conf \
         && pg_ctl -D /var/lib/postgresql/data reload'",
    );
    let replica = Container("kodingcaravan-test-replica");
    shell(
        "docker run -d --name kodingcaravan-test-replica --network kodingcaravan_default kodingcaravan/postgres sh -c \
         'pg_basebackup -h postgres -U postgres -D /tmp/data -R -X stream && chmod 700 /tmp/data && \
          exec postgres -D /tmp/data -c listen_addresses=\"*\" -c max_connections=40'",
    );
    let query = |text: &str| {
        shell(&format!(
            "docker exec {} psql -At -U postgres -d kodingcaravan -c \"{text}\" 2>&1 || true",
            replica.0
        ))
    };
    let give_up = Instant::now() + Duration::from_secs(30);
    while query("select pg_is_in_recovery()") != "t" {
        assert!(Instant::now() < give_up, "{}", shell(&format!("docker logs {} 2>&1", replica.0)));
        std::thread::sleep(Duration::from_millis(300));
    }
    let address = shell(&format!(
        "docker inspect -f '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}' {}",
        replica.0
    ));
    let url = format!("postgres://app:sandbox-only@{address}:5432/kodingcaravan");
    let before = sandbox.buy();
    std::thread::sleep(Duration::from_secs(1));
    doctor([before.as_str(), "--json", "--postgres", &url]).finish().code(0);
    query("select pg_wal_replay_pause()");
    let id = sandbox.buy();
    std::thread::sleep(Duration::from_secs(8));
    let run = doctor([id.as_str(), "--json", "--postgres", &url]);
    let report = recorded("replica-behind", run).finish().code(5).json();
    assert_eq!(causes(&report), Vec::<String>::new());
    assert!(summary(&report, 3).contains("read from a replica"), "{}", summary(&report, 3));
    let row = instance(&report, "event-recorded", "purchase");
    assert!(row["observed"].as_str().unwrap().contains("not there yet, or never"), "{row:#}");
    query("select pg_wal_replay_resume()");
    std::thread::sleep(Duration::from_secs(2));
    let report = doctor([id.as_str(), "--json", "--postgres", &url]).finish().code(0).json();
    assert_eq!(report["outcome"], "healthy");
}

#[test]
#[ignore = "needs the sandbox"]
fn a_worker_is_seen_on_every_rung_that_it_is_put_on() {
    let _sandbox = Sandbox::fresh("");
    let rungs = std::env::var("PIPELINE_DOCTOR_RUNGS").unwrap_or_default();
    println!("{}", shell(&format!("tests/sandbox/rungs {rungs}")));
}
