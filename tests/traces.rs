//! How far recorded events came: each stops where it was stopped, which stands in
//! `tests/scenarios/stops.toml` and which the program never reads.

mod support;

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use support::{Finished, doctor, root};

/// How far an event came.
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

/// A recording of `trace`, else one of the runbook.
fn scenario(name: &str) -> PathBuf {
    let own = root().join(format!("tests/scenarios/traces/{name}.json"));
    if own.exists() { own } else { support::scenario(name) }
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
fn each_event_stops_where_it_was_stopped() {
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
        let letters = trace["hops"].as_array().unwrap().iter().filter(|hop| hop["kind"] == "dead-letter");
        assert_eq!(letters.count() > 0, stop.given_up, "{name}");
    }
}

#[test]
fn the_cause_of_the_gap_is_that_of_the_runbook() {
    for (name, stop) in stops().into_iter().filter(|(_, stop)| stop.outcome == "stopped") {
        let file = scenario(&name);
        let report = doctor(["--replay", file.to_str().unwrap(), "--json"]).finish().json();
        let trace = trace(&name, &["--json"]).json();
        assert_eq!(trace["causes"], report["causes"], "{name} {}", stop.outcome);
        assert_eq!(trace["actions"], report["actions"], "{name}");
    }
}

#[test]
fn every_trace_is_as_it_was() {
    for name in stops().into_keys() {
        insta::assert_snapshot!(name.clone(), trace(&name, &[]).stdout);
    }
    insta::assert_snapshot!("healthy.json", trace("healthy", &["--json"]).stdout);
}

#[test]
fn a_trace_fits_the_screen_and_is_ascii_where_it_is_no_terminal() {
    for name in stops().into_keys() {
        for line in trace(&name, &["--verbose"]).stdout.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
            assert!(line.chars().all(|c| (' '..='~').contains(&c)), "{name}: {line}");
        }
    }
}

/// Hops stand in the pipeline's order, and so do their times, where all clocks are one.
#[test]
fn the_times_of_a_healthy_event_are_those_of_its_evidence() {
    let trace = trace("healthy", &["--json"]).json();
    let evidence: Value =
        serde_json::from_str(&std::fs::read_to_string(scenario("healthy")).unwrap()).unwrap();
    let event = &evidence["events"][0];
    let rows = &event["rows"]["known"];
    let of = |stage: &str, kind: &str| {
        let mut hops = trace["hops"].as_array().unwrap().iter();
        hops.find(|hop| hop["stage"] == stage && hop["kind"] == kind).unwrap()["at"].clone()
    };
    assert_eq!(of("purchase", "row"), rows["event"]["known"]["at"]);
    for stage in ["purchase", "allocation"] {
        assert_eq!(of(stage, "effect"), rows["effects"][stage]["known"][0]["at"], "{stage}");
    }
    assert_eq!(of("sessions", "effect"), Value::Null, "its rows do not tell when they were written");
    for (stage, topic) in [
        ("purchase", "purchase-confirmed"),
        ("allocation", "purchase-created"),
        ("sessions", "trainer-allocated"),
    ] {
        let found = &event["records"][topic][0];
        assert_eq!(of(stage, "record"), found["at"], "{topic}");
    }
}

#[test]
fn an_id_is_taken_as_people_type_it() {
    let id = trace("healthy", &["--json"]).json()["id"].as_str().unwrap().to_string();
    for typed in [id.to_uppercase(), format!("{{{id}}}"), format!("  {id} ")] {
        assert_eq!(trace("healthy", &["--json", &typed]).code(0).json()["id"], id.as_str());
    }
    let wrong = trace("healthy", &["no-id"]).code(2);
    assert!(wrong.stderr.contains("id `no-id`: not a payment id"), "{}", wrong.stderr);
}

#[test]
fn an_id_that_a_recording_is_not_of_is_told_and_not_taken_for_another() {
    let known = trace("healthy", &["--json"]).json()["id"].as_str().unwrap().to_string();
    let unknown = "00000000-0000-4000-8000-000000000000";
    let run = trace("healthy", &[&known, unknown]).code(2);
    assert!(run.stderr.contains(&format!("not of {unknown}")), "{}", run.stderr);
}

#[test]
fn several_ids_have_a_line_each_and_are_traced_as_each_alone() {
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
