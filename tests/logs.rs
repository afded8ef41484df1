//! Tests the log signatures against sample log records.

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::log_signature::Signature;
use std::collections::BTreeMap;

fn signatures() -> Vec<Signature> {
    let mut mistakes = Vec::new();
    let catalog = lint::read(None, registry(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    catalog.signatures
}

#[test]
fn each_signature_matches_its_examples_and_no_counterexample() {
    for signature in signatures() {
        let id = signature.id.get_ref();
        assert!(!signature.matches.is_empty() && !signature.misses.is_empty(), "{id} lacks examples");
        for record in &signature.matches {
            assert!(signature.pattern.0.is_match(record), "{id} does not match: {record}");
        }
        for record in &signature.misses {
            assert!(!signature.pattern.0.is_match(record), "{id} matches: {record}");
        }
    }
}

/// Each record in `records.toml` matches exactly the signatures listed for it, so that
/// deleting or loosening a signature fails this test.
#[test]
fn each_record_matches_exactly_its_signatures() {
    let records: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("logs/records.toml")).unwrap();
    let signatures = signatures();
    for (record, expected) in &records {
        let matching = signatures.iter().filter(|signature| signature.pattern.0.is_match(record));
        let ids: Vec<&String> = matching.map(|signature| signature.id.get_ref()).collect();
        assert_eq!(ids, expected.iter().collect::<Vec<_>>(), "{record}");
    }
    for signature in &signatures {
        let id = signature.id.get_ref();
        assert!(records.values().flatten().any(|expected| expected == id), "no record matches {id}");
    }
}
