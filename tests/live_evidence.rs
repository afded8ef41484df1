//! Live tests of evidence that is hard to simulate: other consumer groups, consumer
//! progress, missing privileges, a replica, an id among a million records, and every worker
//! state.

mod support;

use serde_json::Value;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::{Sandbox, causes, doctor, instance, recorded, root, shell, sql};

/// Returns a step's summary.
fn summary(report: &Value, step: usize) -> &str {
    report["steps"][step - 1]["summary"].as_str().unwrap()
}

#[test]
#[ignore = "needs the sandbox"]
fn shows_new_protocol_groups_and_static_members() {
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
    let expected = [
        "also read by group archive: stable, 1 member (instance archive-1)",
        "also read by group audit: stable, type consumer, 1 member",
    ];
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let report = recorded("others-read-too", doctor([id.as_str(), "--json"])).finish().code(0).json();
        if expected.iter().all(|line| summary(&report, 2).contains(line)) {
            assert_eq!(report["outcome"], "healthy");
            return;
        }
        assert!(Instant::now() < deadline, "{}", summary(&report, 2));
        std::thread::sleep(Duration::from_secs(1));
    }
}

const WATCHER: &str = "postgres://watcher:sandbox-only@localhost:5432/kodingcaravan";

#[test]
#[ignore = "needs the sandbox"]
fn missing_table_privileges_make_a_check_unknown_instead_of_failed() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    shell(
        "docker exec kodingcaravan-postgres psql -q -U postgres -d kodingcaravan \
         -c \"create role watcher login password 'sandbox-only'\" -c 'grant select on all tables in schema public to watcher' \
         -c 'revoke select on trainer_allocations from watcher'",
    );
    let observe_effect = |name: &str| {
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
    assert!(observe_effect("no-privilege").contains("permission denied"));
    // Row security without a policy hides all rows, which must not count as missing.
    sql(
        "grant select on trainer_allocations to watcher; alter table trainer_allocations enable row level security;",
    );
    assert!(observe_effect("row-security").contains("row-level security"));
}

/// The index that the pipeline's `quick_sql` uses covers only active purchases.
#[test]
#[ignore = "needs the sandbox"]
fn finds_an_effect_that_the_index_does_not_cover() {
    let sandbox = Sandbox::fresh("");
    let (id, other) = (sandbox.buy(), sandbox.buy());
    sql(&format!(
        "update student_course_purchases set is_active = false where student_id::text =
           (select payload->>'studentId' from processed_events where correlation_id = '{id}' limit 1)"
    ));
    for id in [id, other] {
        let report = doctor([id.as_str(), "--json"]).finish().code(0).json();
        let effect = instance(&report, "stage-effect-present", "purchase-worker");
        assert_eq!(effect["verdict"], "pass", "{effect:#}");
        let backlog = instance(&report, "stage-complete", "purchase-worker");
        assert_eq!(backlog["verdict"], "pass", "{backlog:#}");
    }
}

/// A background process that is killed when dropped.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn load(seconds: u32) -> Background {
    let mut command = Command::new(root().join("tests/sandbox/load"));
    Background(command.args(["--rate", "10", "--seconds", &seconds.to_string()]).spawn().unwrap())
}

/// Observes ten times whether the worker's group advances.
fn ten_motions(worker: &str) -> Vec<String> {
    let run = |_| {
        let report = doctor(["--json"]).finish().json();
        instance(&report, "group-keeps-up", worker)["value"].as_str().unwrap_or("unknown").to_string()
    };
    (0..10).map(run).collect()
}

#[test]
#[ignore = "needs the sandbox"]
fn detects_slow_frozen_and_idle_workers_in_ten_of_ten_runs() {
    let sandbox = Sandbox::fresh("");
    sandbox.buy();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(ten_motions("allocation-worker"), ["idle"; 10]);
    // Ten events arrive per second, but the worker handles only one per second.
    sandbox.reconfigure("--set ALLOCATION_DELAY_MS=1000");
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
fn finds_an_id_among_a_million_records_and_shows_how_much_was_read() {
    let sandbox = Sandbox::fresh("");
    // Stop the workers, so that they do not have to handle a million events.
    shell("docker stop kodingcaravan-allocation-worker kodingcaravan-cache-worker");
    flood("500000");
    let id = shell("tests/sandbox/buy --no-wait");
    std::thread::sleep(Duration::from_secs(6));
    flood("500000");
    let observe_topic = |more: &[&str]| {
        let arguments = [id.as_str(), "--json"].into_iter().chain(more.iter().copied());
        let report = doctor(arguments).finish().json();
        let instance = instance(&report, "event-on-topic", "allocation-worker");
        (
            instance["verdict"].as_str().unwrap().to_string(),
            instance["observed"].as_str().unwrap().to_string(),
        )
    };
    let (verdict, known) = observe_topic(&[]);
    assert_eq!(verdict, "pass", "{known}");
    let read: u64 =
        regex::Regex::new(r"found in (\d+) records? \(\d+\.\d MB\)").unwrap().captures(&known).expect(&known)
            [1]
        .parse()
        .unwrap();
    assert!(read < 200_000, "{known}");
    drop(sandbox);
    // Without PostgreSQL the event's time is unknown, so the topic is read from its oldest
    // record, up to a limit.
    let (verdict, unknown) = observe_topic(&["--postgres", "postgres://app@localhost:1/none"]);
    match verdict.as_str() {
        "pass" => assert!(unknown.contains("found in"), "{unknown}"),
        verdict => assert!(verdict == "unknown" && unknown.contains("stopped reading"), "{unknown}"),
    }
    println!("time known: {known}\ntime unknown: {unknown}");
}

#[test]
#[ignore = "needs the sandbox"]
fn reads_records_of_every_compression_type() {
    let _sandbox = Sandbox::fresh("");
    shell("docker stop kodingcaravan-allocation-worker kodingcaravan-cache-worker");
    for (number, compression) in ["none", "gzip", "snappy", "lz4", "zstd"].into_iter().enumerate() {
        let id = format!("00000000-0000-4000-8000-00000000000{number}");
        flood(&format!("500 --compression {compression} --id {id}"));
        let at = shell("date -u -d '1 minute ago' +%FT%TZ");
        let report = doctor([id.as_str(), "--json", "--at", at.as_str()]).finish().json();
        let instance = instance(&report, "event-on-topic", "allocation-worker");
        assert_eq!(instance["verdict"], "pass", "{compression}: {instance:#}");
    }
}

/// A container that is removed when dropped.
struct Container(&'static str);

impl Container {
    /// Runs a container with these arguments of `docker run`. Removes one of this name first: a
    /// test that was killed leaves its container.
    fn run(name: &'static str, arguments: &str) -> Self {
        shell(&format!("docker rm -f {name} 2>&1 || true"));
        let container = Container(name);
        shell(&format!("docker run -d --name {name} {arguments}"));
        container
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        shell(&format!("docker rm -f {} 2>&1", self.0));
    }
}

#[test]
#[ignore = "needs the sandbox"]
fn rows_not_yet_replicated_do_not_count_as_missing() {
    let sandbox = Sandbox::fresh("");
    sandbox.buy();
    shell(
        "docker exec kodingcaravan-postgres sh -c 'echo host replication all all trust >>/var/lib/postgresql/data/pg_hba.conf \
         && pg_ctl -D /var/lib/postgresql/data reload'",
    );
    let replica = Container::run(
        "kodingcaravan-test-replica",
        "--network kodingcaravan_default kodingcaravan/postgres sh -c \
         'pg_basebackup -h postgres -U postgres -D /tmp/data -R -X stream && chmod 700 /tmp/data && \
          exec postgres -D /tmp/data -c listen_addresses=\"*\" -c max_connections=40'",
    );
    let query = |text: &str| {
        shell(&format!(
            "docker exec {} psql -At -U postgres -d kodingcaravan -c \"{text}\" 2>&1 || true",
            replica.0
        ))
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while query("select pg_is_in_recovery()") != "t" {
        assert!(Instant::now() < deadline, "{}", shell(&format!("docker logs {} 2>&1", replica.0)));
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
    assert!(row["observed"].as_str().unwrap().contains("may not have been replicated yet"), "{row:#}");
    query("select pg_wal_replay_resume()");
    std::thread::sleep(Duration::from_secs(2));
    let report = doctor([id.as_str(), "--json", "--postgres", &url]).finish().code(0).json();
    assert_eq!(report["outcome"], "healthy");
}

#[test]
#[ignore = "needs the sandbox"]
fn observes_every_worker_state() {
    let _sandbox = Sandbox::fresh("");
    let states = std::env::var("SANDBOX_WORKER_STATES").unwrap_or_default();
    println!("{}", shell(&format!("tests/sandbox/worker-states {states}")));
}
