//! The log signatures against records of the clients in use.

use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::signature::Signature;
use std::collections::BTreeMap;

fn signatures() -> Vec<Signature> {
    let mut mistakes = Vec::new();
    let catalog = lint::read(None, registry(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    catalog.signatures
}

#[test]
fn each_signature_finds_what_it_must_and_nothing_else() {
    for signature in signatures() {
        let id = signature.id.get_ref();
        assert!(!signature.matches.is_empty() && !signature.misses.is_empty(), "{id} lacks examples");
        for record in &signature.matches {
            assert!(signature.pattern.0.is_match(record), "{id} does not find: {record}");
        }
        for record in &signature.misses {
            assert!(!signature.pattern.0.is_match(record), "{id} finds: {record}");
        }
    }
}

/// Each record raises just the signatures that stand beside it: a row that is
/// deleted or loosened is missed here.
#[test]
fn each_record_raises_its_signatures() {
    let records: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("logs/records.toml")).unwrap();
    let signatures = signatures();
    for (record, expected) in &records {
        let raised = signatures.iter().filter(|signature| signature.pattern.0.is_match(record));
        let raised: Vec<&String> = raised.map(|signature| signature.id.get_ref()).collect();
        assert_eq!(raised, expected.iter().collect::<Vec<_>>(), "{record}");
    }
    for signature in &signatures {
        let id = signature.id.get_ref();
        assert!(records.values().flatten().any(|raised| raised == id), "no record raises {id}");
    }
}
