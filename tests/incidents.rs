//! Incidents on which the program was once wrong: what it says now. The cases are in `tests/incidents.toml`; those
//! with a recording are replayed, and the table is `tests/incidents.txt`.

mod support;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use support::accept::assert_file;
use support::replay::Runbook;
use support::{root, scenario};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    group: String,
    case: String,
    /// The cause that must come first, or what a test asserts.
    expected: String,
    before: String,
    /// A recording in `tests/scenarios`.
    recording: Option<String>,
    /// A test, as `FILE: NAME`.
    test: Option<String>,
}

/// What the program says about a case.
struct Now {
    text: String,
    is_right: bool,
    /// Whether it names another cause with 50 % or more.
    is_wrong_and_sure: bool,
}

fn replayed(runbook: &Runbook, case: &Case, recording: &str) -> Now {
    let report = runbook.replay(&scenario(recording)).document();
    let first = &report["causes"][0];
    let (id, confidence) =
        (first["id"].as_str().unwrap_or("no cause"), first["confidence"].as_u64().unwrap_or(0));
    let is_right = id == case.expected;
    let text = if confidence == 0 { id.to_string() } else { format!("{id} {confidence} %") };
    Now { text, is_right, is_wrong_and_sure: !is_right && confidence >= 50 }
}

/// A test that is named here must exist. Whether it passes is its own matter.
fn held_by_test(test: &str) -> Now {
    let (file, name) = test.split_once(": ").unwrap_or_else(|| panic!("{test}: expected FILE: NAME"));
    let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert!(text.contains(&format!("fn {name}()")), "no test {name} in {file}");
    Now { text: "as expected, by a test".into(), is_right: true, is_wrong_and_sure: false }
}

#[test]
fn says_what_an_engineer_who_knows_the_incident_would_say() {
    let text = std::fs::read_to_string(root().join("tests/incidents.toml")).unwrap();
    let cases = toml::from_str::<File>(&text).unwrap().case;
    let runbook = Runbook::of(None);
    let mut table = String::from(
        "What was said before, and what is said now, of the incidents in incidents.toml. Causes with their\n\
         confidence come from recordings that were made live.\n",
    );
    let (mut group, mut right, mut by_recording) = (String::new(), 0, BTreeMap::new());
    for case in &cases {
        let now = match (&case.recording, &case.test) {
            (Some(recording), None) => replayed(&runbook, case, recording),
            (None, Some(test)) => held_by_test(test),
            _ => panic!("{}: expected either a recording or a test", case.case),
        };
        if group != case.group {
            group.clone_from(&case.group);
            let _ = writeln!(table, "\n{group}");
        }
        let verdict = if now.is_right { "right" } else { "WRONG" };
        let _ = writeln!(table, "  {}", case.case);
        let _ = writeln!(table, "    before    {}", case.before);
        let _ = writeln!(table, "    expected  {}", case.expected);
        let _ = writeln!(table, "    now       {} ({verdict})", now.text);
        assert!(!now.is_wrong_and_sure, "{}: {}", case.case, now.text);
        right += usize::from(now.is_right);
        if let Some(recording) = &case.recording {
            by_recording.insert(recording.clone(), now.is_right);
        }
    }
    let replayed_right = by_recording.values().filter(|right| **right).count();
    let _ = writeln!(
        table,
        "\n{right} of {} right; of the {} that are replayed, {replayed_right}; none wrong with 50 % or more.",
        cases.len(),
        by_recording.len()
    );
    assert!(right * 100 >= cases.len() * 85, "{table}");
    assert_file("tests/incidents.txt", &table);
}
