//! Tests the log signatures against sample log records.

mod support;

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::text::log::LogRecord;
use serde_json::Value;
use std::collections::BTreeMap;
use support::{Finished, causes, doctor, instance};

fn catalog() -> Catalog {
    let mut mistakes = Vec::new();
    let catalog = lint::read(None, registry(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    catalog
}

/// `lint` holds each row to its examples; this test requires them.
#[test]
fn each_signature_has_examples_and_counterexamples() {
    for signature in catalog().signatures.iter() {
        let id = signature.id.get_ref();
        assert!(!signature.matches.is_empty() && !signature.misses.is_empty(), "{id} lacks examples");
    }
    let mut mistakes = Vec::new();
    lint::catalog::check_built_in(registry(), &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

/// Each record in `records.toml` matches exactly the signatures listed for it, so that
/// deleting or loosening a signature fails this test.
#[test]
fn each_record_matches_exactly_its_signatures() {
    let records: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("logs/records.toml")).unwrap();
    let kinds = catalog().signatures;
    let mut wrong = Vec::new();
    for (record, expected) in &records {
        let found = kinds.of(&LogRecord::parse(record));
        let ids: Vec<&String> = found.iter().map(|found| kinds[found.signature].id.get_ref()).collect();
        if ids != expected.iter().collect::<Vec<_>>() {
            wrong.push(format!("{record}: {ids:?}, expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for signature in kinds.iter() {
        let id = signature.id.get_ref();
        let listed = records.values().flatten().any(|expected| expected == id);
        assert!(listed || signature.matches.len() > 1, "no record matches {id}");
    }
}

/// Diagnoses an event by nothing but the log of the corpus' only worker.
fn diagnose_log(id: &str, log: &str) -> Finished {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("part.log"), log).unwrap();
    let pipeline = support::root().join("tests/support/log_corpus/pipeline.toml");
    let files = [pipeline.to_str().unwrap(), directory.path().to_str().unwrap()];
    let without = "docker,kafka,postgres,http";
    doctor([id, "--json", "--config", files[0], "--without", without, "--logs", files[1]]).finish()
}

fn observed(report: &Value, check: &str) -> String {
    instance(report, check, "part")["observed"].as_str().unwrap().to_string()
}

#[test]
fn an_unknown_error_that_names_the_event_comes_first() {
    for log in [
        "ERROR order 3003: no tariff for zone 9",
        "{\"level\":50,\"msg\":\"no tariff for zone 9\",\"order\":3003}\n{\"level\":30,\"msg\":\"waiting\"}",
    ] {
        let report = diagnose_log("3003", log).code(3).json();
        assert_eq!(causes(&report)[0], "unrecognised-error", "{log}");
        assert!(observed(&report, "no-unrecognised-error").contains("no tariff for zone 9"), "{log}");
        // It concerns no other event.
        assert_eq!(causes(&diagnose_log("3004", log).code(5).json()), Vec::<String>::new(), "{log}");
    }
}

#[test]
fn a_known_error_that_names_the_event_needs_no_other_evidence() {
    let log = r#"{"level":"error","message":"store: {\"error\":\"column \\\"tier\\\" of relation \\\"orders\\\" does not exist\",\"id\":\"ord-3003\"}"}"#;
    let report = diagnose_log("ord-3003", log).code(3).json();
    assert_eq!(causes(&report)[0], "schema-outdated");
    assert!(observed(&report, "log-schema").contains("of relation"), "{report:#}");
}

#[test]
fn healed_trouble_of_another_event_is_no_cause() {
    let log = "2026-11-28T16:40:01Z WARN ord-1001: there is no unique or exclusion constraint matching the ON CONFLICT specification\n\
               2026-11-28T16:41:01Z INFO stored ord-1001\n\
               2026-11-28T16:58:01Z INFO received ord-3003";
    assert_eq!(causes(&diagnose_log("ord-3003", log).code(5).json()), Vec::<String>::new());
}

#[test]
fn a_long_record_is_quoted_around_what_matched() {
    let lines = "{\\\"sku\\\":\\\"a-17\\\",\\\"count\\\":1},".repeat(40);
    let log = format!(
        "{{\"level\":\"error\",\"message\":\"{{\\\"id\\\":\\\"ord-3003\\\",\\\"lines\\\":[{lines}],\\\"detail\\\":\\\"there is no unique or exclusion constraint matching the ON CONFLICT specification\\\"}}\"}}"
    );
    let report = diagnose_log("ord-3003", &log).code(3).json();
    assert!(observed(&report, "log-conflict-target").contains("ON CONFLICT specification"), "{report:#}");
}
