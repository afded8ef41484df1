//! Live tests of `trace` against the real pipeline in `tests/sandbox`, stopping one
//! component after another. Ignored by default, like all live tests.

mod support;

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Stdio};
use support::{Sandbox, doctor, recorded, shell, sql};

/// Traces an event. With `SANDBOX_RECORD=1`, also records the evidence under this name.
fn run_trace(name: &str, id: &str) -> Value {
    recorded(&format!("traces/{name}"), doctor(["trace", id, "--json"])).finish().json()
}

/// Traces an event and asserts that it stopped at this component, before this hop.
#[track_caller]
fn assert_stops(name: &str, id: &str, component: &str, missing: &str) -> Value {
    let trace = run_trace(name, id);
    assert_eq!(trace["outcome"], "stopped", "{trace:#}");
    assert_eq!(trace["exit_code"], 3);
    let gap = usize::try_from(trace["first_missing"].as_u64().expect("a gap")).unwrap();
    let stopped_at = (trace["component"].as_str(), trace["hops"][gap]["title"].as_str());
    assert_eq!(stopped_at, (Some(component), Some(missing)), "{trace:#}");
    trace
}

fn container(service: &str) -> String {
    format!("kodingcaravan-{service}")
}

#[test]
#[ignore = "needs the sandbox"]
fn an_event_stops_at_the_component_that_was_stopped() {
    let sandbox = Sandbox::fresh("");
    for (worker, missing) in
        [("session-worker", "consumed"), ("allocation-worker", "consumed"), ("purchase-worker", "consumed")]
    {
        shell(&format!("docker stop {}", container(worker)));
        let id = sandbox.buy_stuck();
        let trace = assert_stops(&format!("{worker}-stopped"), &id, worker, missing);
        assert_eq!(trace["causes"][0]["id"], "worker-stopped", "{trace:#}");
        shell(&format!("docker start {}", container(worker)));
        doctor(["trace", id.as_str(), "--follow"]).finish().code(0);
    }
    // Stop a side branch. The event continues on the main path.
    shell(&format!("docker stop {}", container("cache-worker")));
    let id = shell("tests/sandbox/buy && sleep 9");
    let trace = assert_stops("branch-stopped", &id, "cache-worker", "consumed");
    assert!(trace["headline"].as_str().unwrap().contains("at a branch"), "{trace:#}");
    shell(&format!("docker start {}", container("cache-worker")));
    // Pause the API that a worker calls.
    shell(&format!("docker pause {}", container("admin-service")));
    let id = sandbox.buy_stuck();
    assert_stops("api-paused", &id, "admin-service", "auto-assign called");
    shell(&format!("docker unpause {}", container("admin-service")));
    // Lock the table that a worker writes to.
    let lock = "begin; lock table student_course_purchases in access exclusive mode; select pg_sleep(25)";
    let mut locked = Command::new("docker")
        .args(["exec", "kodingcaravan-postgres", "psql", "-U", "app", "-d", "kodingcaravan", "-c", lock])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let id = shell("tests/sandbox/buy --no-wait && sleep 9");
    let trace = run_trace("row-waits", &id);
    assert_ne!(trace["outcome"], "arrived", "{trace:#}");
    let received = trace["hops"].as_array().unwrap().iter().find(|hop| hop["title"] == "received").unwrap();
    assert_eq!((&received["by"], &received["state"]), (&"purchase-worker".into(), &"seen".into()));
    locked.wait().unwrap();
    // Prevent the emitter, the first hop, from sending.
    sandbox.reconfigure("--set PAYMENT_EMITS=false");
    let id = sandbox.buy_stuck();
    assert_stops("never-sent", &id, "payment-service", "before emission");
}

#[test]
#[ignore = "needs the sandbox"]
fn hop_times_match_those_in_the_systems() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    let trace = run_trace("on-time", &id);
    assert_eq!(trace["outcome"], "arrived", "{trace:#}");
    let time_of = |stage: &str, kind: &str| {
        let mut hops = trace["hops"].as_array().unwrap().iter();
        let hop = hops.find(|hop| hop["stage"] == stage && hop["kind"] == kind).unwrap();
        hop["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
    };
    let query_ms = |statement: &str| sql(statement).parse::<i64>().unwrap();
    let ms = "floor(extract(epoch from";
    let row = format!(
        "select {ms} created_at) * 1000) from processed_events where correlation_id = '{id}' and event_type = 'PURCHASE_CONFIRMED'"
    );
    assert_eq!(time_of("purchase", "row"), query_ms(&row));
    let purchase = format!(
        "select {ms} s.created_at) * 1000) from student_course_purchases s join processed_events e on e.payload->>'studentId' = s.student_id::text where e.correlation_id = '{id}' and e.event_type = 'PURCHASE_CONFIRMED'"
    );
    assert_eq!(time_of("purchase", "effect"), query_ms(&purchase));
    let records = support::kafka(
        "kafka-console-consumer",
        "--topic purchase-created --from-beginning --timeout-ms 4000 --property print.timestamp=true --property print.key=true 2>/dev/null || true",
    );
    let record = records.lines().find(|line| line.contains(&id)).expect("the event's record");
    let timestamp: i64 = record.split(['\t', ':']).nth(1).unwrap().parse().unwrap();
    assert_eq!(time_of("allocation", "record"), timestamp);
}

#[test]
#[ignore = "needs the sandbox"]
fn names_a_wrong_clock_and_keeps_the_order_of_hops() {
    let sandbox = Sandbox::fresh("");
    for (seconds, direction) in [(-300, "behind"), (300, "ahead")] {
        sandbox.reconfigure(&format!("--set CLOCK_AHEAD_S={seconds}"));
        let id = sandbox.buy();
        let trace = run_trace(&format!("clock-{direction}"), &id);
        assert_eq!(trace["outcome"], "arrived", "{trace:#}");
        let clocks = trace["clocks"].to_string();
        assert!(clocks.contains("payment-service") && clocks.contains(direction), "{clocks}");
        let after = trace["hops"].as_array().unwrap().iter().filter_map(|hop| hop["after_ms"].as_i64());
        let after: Vec<i64> = after.collect();
        assert!(after.len() > 10 && after.iter().all(|after| (-50..20_000).contains(after)), "{after:?}");
    }
}

#[test]
#[ignore = "needs the sandbox"]
fn finds_events_by_field_and_reports_unknown_ones() {
    let sandbox = Sandbox::fresh("");
    let known = sandbox.buy();
    let trace =
        assert_stops("nowhere", "00000000-0000-4000-8000-000000000000", "payment-service", "recorded");
    assert_eq!(trace["last_seen"], Value::Null, "{trace:#}");
    let student = sql(&format!("select student_id from payments where id = '{known}'"));
    let by_student = doctor(["trace", "--student", &student, "--json"]).finish().code(0).json();
    assert_eq!(by_student["id"], known.as_str(), "{by_student:#}");
    let none = doctor(["trace", "--course", "00000000-0000-4000-8000-000000000000"]).finish().code(3);
    assert!(none.last_line().starts_with("NOTHING"), "{}", none.stdout);
    let payload = doctor(["trace", known.as_str(), "--payload", "--json"]).finish().json();
    let mut values = payload["hops"].as_array().unwrap().iter().filter_map(|hop| hop["value"].as_str());
    let value: Value = serde_json::from_str(values.next().expect("a value")).unwrap();
    assert_eq!(value["payload"]["paymentId"], known.as_str());
    // A payload that is not JSON is replaced by a note.
    shell(&format!(
        "printf '{known}:\\001\\377' | docker exec -i kodingcaravan-kafka kafka-console-producer \
         --bootstrap-server kafka:9092 --topic trainer-allocated --property parse.key=true --property key.separator=:"
    ));
    let payload = doctor(["trace", known.as_str(), "--payload"]).finish();
    let words: Vec<&str> = payload.stdout.split_whitespace().collect();
    assert!(words.join(" ").contains("is not JSON and is not shown"), "{}", payload.stdout);
    assert!(!payload.stdout.contains(['\u{1}', '\u{fffd}']), "{}", payload.stdout);
}

/// Returns how many bytes and packets a container has sent and received.
fn traffic(service: &str) -> (u64, u64) {
    let lines = shell(&format!("docker exec {} cat /proc/net/dev", container(service)));
    let interface = lines.lines().find(|line| line.trim().starts_with("eth0:")).expect("eth0");
    let numbers: Vec<u64> = interface.split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect();
    (numbers[0] + numbers[8], numbers[1] + numbers[9])
}

#[test]
#[ignore = "needs the sandbox"]
fn tracing_a_hundred_ids_costs_less_than_three_times_as_much_as_one() {
    let sandbox = Sandbox::fresh("");
    let arrived = sandbox.buy();
    // Stop the workers, so that they cause no traffic and the events stay stuck.
    shell(
        "docker stop kodingcaravan-session-worker kodingcaravan-allocation-worker kodingcaravan-cache-worker",
    );
    let ids = shell("for _ in {1..100}; do tests/sandbox/buy --no-wait 2>/dev/null; done");
    shell("docker stop kodingcaravan-purchase-worker && sleep 10");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("evidence.json");
    let cost = |ids: &str| {
        let before = [traffic("kafka"), traffic("postgres")];
        let mut run = Command::new(env!("CARGO_BIN_EXE_pipeline-doctor"))
            .args(["trace", "-", "--json", "--record", file.to_str().unwrap()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        run.stdin.take().unwrap().write_all(ids.as_bytes()).unwrap();
        let output = run.wait_with_output().unwrap();
        let after = [traffic("kafka"), traffic("postgres")];
        let evidence = std::fs::read_to_string(&file).unwrap();
        let evidence: Value = serde_json::from_str(&evidence).unwrap();
        let logs = evidence["logs"].as_object().unwrap().values();
        let logs: u64 = logs.filter_map(|log| log["known"]["bytes"].as_u64()).sum();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let spent = [0, 1].map(|i| (after[i].0 - before[i].0, after[i].1 - before[i].1));
        (spent, logs, document)
    };
    let (one, one_logs, document) = cost(ids.lines().next().unwrap());
    assert_eq!(document["outcome"], "stopped", "{document:#}");
    let (all, all_logs, document) = cost(&ids);
    assert_eq!(document["traces"].as_array().unwrap().len(), 100);
    assert_eq!(document["outcome"], "stopped", "{}", document["headline"]);
    assert!(document["stops"][0]["ids"].as_array().unwrap().len() >= 99, "{}", document["stops"]);
    eprintln!("one id: kafka, postgres (bytes, packets) {one:?}, logs {one_logs} bytes");
    eprintln!("a hundred ids: kafka, postgres (bytes, packets) {all:?}, logs {all_logs} bytes");
    for (one, all) in one.into_iter().zip(all) {
        assert!(all.0 < 3 * one.0 && all.1 < 3 * one.1, "{one:?} {all:?}");
    }
    assert!(all_logs < 3 * one_logs, "{one_logs} {all_logs}");
    let mixed = ["trace", arrived.as_str(), "--json"].into_iter().chain(ids.lines().take(4));
    let document = recorded("traces/several", doctor(mixed)).finish().code(3).json();
    assert_eq!(document["traces"][0]["outcome"], "arrived", "{}", document["headline"]);
    let stuck = doctor(["trace", "--stuck", "--json"]).finish().code(3).json();
    assert_eq!(stuck["traces"].as_array().unwrap().len(), 100);
}
