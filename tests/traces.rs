//! Traces recorded events. Each one stops where `tests/scenarios/stops.toml` says it does. The
//! program never reads that file.

mod support;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::{Finished, doctor, root};

/// Where an event stops.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    outcome: String,
    at: Option<String>,
    missing: Option<String>,
    #[serde(default)]
    given_up: bool,
}

fn stops() -> BTreeMap<String, Stop> {
    let text = std::fs::read_to_string(root().join("tests/scenarios/stops.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Returns the recording made by `trace` or, if there is none, by the default command.
fn scenario(name: &str) -> PathBuf {
    let of_trace = root().join(format!("tests/scenarios/traces/{name}.json"));
    if of_trace.exists() { of_trace } else { support::scenario(name) }
}

fn trace(name: &str, more: &[&str]) -> Finished {
    let file = scenario(name);
    let mut arguments = vec!["trace", "--replay", file.to_str().unwrap()];
    arguments.extend(more);
    doctor(arguments).finish()
}

fn hop(trace: &Value, key: &str) -> Value {
    match trace[key].as_u64() {
        Some(at) => trace["hops"][usize::try_from(at).unwrap()].clone(),
        None => Value::Null,
    }
}

#[test]
fn each_event_stops_where_expected() {
    for (name, stop) in stops() {
        let code = match stop.outcome.as_str() {
            "arrived" => 0,
            "stopped" => 3,
            _ => 5,
        };
        let trace = trace(&name, &["--json"]).code(code).json();
        let missing = hop(&trace, "first_missing");
        let found = (trace["outcome"].as_str(), trace["component"].as_str(), missing["title"].as_str());
        let expected = (Some(stop.outcome.as_str()), stop.at.as_deref(), stop.missing.as_deref());
        assert_eq!(found, expected, "{name}: {}", trace["headline"]);
        let dead_letters =
            trace["hops"].as_array().unwrap().iter().filter(|hop| hop["kind"] == "dead-letter");
        assert_eq!(dead_letters.count() > 0, stop.given_up, "{name}");
    }
}

#[test]
fn a_stopped_trace_has_the_causes_and_actions_of_the_report() {
    for (name, stop) in stops().into_iter().filter(|(_, stop)| stop.outcome == "stopped") {
        let file = scenario(&name);
        let report = doctor(["--replay", file.to_str().unwrap(), "--json"]).finish().json();
        let trace = trace(&name, &["--json"]).json();
        assert_eq!(trace["causes"], report["causes"], "{name} {}", stop.outcome);
        assert_eq!(trace["actions"], report["actions"], "{name}");
    }
}

#[test]
fn every_trace_matches_its_snapshot() {
    for name in stops().into_keys() {
        insta::assert_snapshot!(name.clone(), trace(&name, &[]).stdout);
    }
    insta::assert_snapshot!("healthy.json", trace("healthy", &["--json"]).stdout);
}

#[test]
fn traces_are_ascii_and_have_at_most_80_columns_without_a_terminal() {
    for name in stops().into_keys() {
        for line in trace(&name, &["--verbose"]).stdout.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
            assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{name}: {line}");
        }
    }
}

#[test]
fn hop_times_of_a_healthy_event_come_from_the_evidence() {
    let trace = trace("healthy", &["--json"]).json();
    let evidence: Value =
        serde_json::from_str(&std::fs::read_to_string(scenario("healthy")).unwrap()).unwrap();
    let event = &evidence["events"][0];
    let rows = &event["rows"]["known"];
    let time_of = |stage: &str, kind: &str| {
        let mut hops = trace["hops"].as_array().unwrap().iter();
        hops.find(|hop| hop["stage"] == stage && hop["kind"] == kind).unwrap()["at"].clone()
    };
    assert_eq!(time_of("purchase", "row"), rows["event"]["known"]["at"]);
    for stage in ["purchase", "allocation"] {
        assert_eq!(time_of(stage, "effect"), rows["effects"][stage]["known"][0]["at"], "{stage}");
    }
    assert_eq!(time_of("sessions", "effect"), Value::Null, "its rows have no creation time");
    for (stage, topic) in [
        ("purchase", "purchase-confirmed"),
        ("allocation", "purchase-created"),
        ("sessions", "trainer-allocated"),
    ] {
        let record = &event["records"][topic][0];
        assert_eq!(time_of(stage, "record"), record["at"], "{topic}");
    }
}

#[test]
fn accepts_an_id_in_upper_case_braces_or_spaces() {
    let id = trace("healthy", &["--json"]).json()["id"].as_str().unwrap().to_string();
    for typed in [id.to_uppercase(), format!("{{{id}}}"), format!("  {id} ")] {
        assert_eq!(trace("healthy", &["--json", &typed]).code(0).json()["id"], id.as_str());
    }
    let wrong = trace("healthy", &["no-id"]).code(2);
    assert!(wrong.stderr.contains("id `no-id`: not a payment id"), "{}", wrong.stderr);
}

#[test]
fn rejects_an_id_that_is_not_in_the_recording() {
    let known = trace("healthy", &["--json"]).json()["id"].as_str().unwrap().to_string();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let run = trace("healthy", &[&known, unknown]).code(2);
    assert!(run.stderr.contains(&format!("not for {unknown}")), "{}", run.stderr);
}

#[test]
fn a_trace_of_several_ids_equals_the_traces_of_each() {
    let all = trace("several", &["--json"]).code(3).json();
    let traces = all["traces"].as_array().unwrap();
    assert_eq!(traces.len(), 5);
    assert_eq!(all["stops"][0]["ids"].as_array().unwrap().len(), 4, "{:#}", all["stops"]);
    assert!(all["headline"].as_str().unwrap().starts_with("STOPPED: 4 stopped, 1 arrived of 5 purchases."));
    for each in traces {
        let alone = trace("several", &["--json", each["id"].as_str().unwrap()]).json();
        assert_eq!(&alone, each);
    }
    insta::assert_snapshot!("several", trace("several", &[]).stdout);
}
