//! A team's own facts against the real pipeline of `tests/sandbox`. Ignored unless
//! asked for, as the other live tests are.

mod support;

use serde_json::Value;
use support::{Sandbox, causes, doctor, example_rows, instance, sql};

/// Facts that are not as they should be, beside the README's.
const MORE: &str = r#"
[[fact]]
name = "own.nowhere"
doc = "a page that is not there"
about = "event"
http = { service = "admin-service", path = "/nowhere?s={studentId}", harmless = true, expect = { "/success" = "true" } }
[[check]]
id = "page-there"
title = "the page is there"
step = 4
severity = "warn"
for_each = "event"
fact = "own.nowhere"
expect = { is = true }
by_hand = "curl"

[[fact]]
name = "own.missing_table"
doc = "rows of a table that is not there"
about = "database"
kind = "count"
sql = "select count(*) from no_such_table"
[[check]]
id = "table-there"
title = "the table is there"
step = 3
severity = "warn"
for_each = "database"
fact = "own.missing_table"
expect = { is = 0 }
by_hand = "psql"

[[fact]]
name = "own.recovering"
doc = "whether it is a replica"
about = "database"
kind = "bool"
sql = "select pg_is_in_recovery()"
[[check]]
id = "is-primary"
title = "the database is no replica"
step = 3
for_each = "database"
fact = "own.recovering"
expect = { is = false }
by_hand = "psql"

[[fact]]
name = "own.received"
doc = "records of its receipt"
about = "event"
log = { part = "purchase-worker", pattern = '(?i)event received', of_id = true }
[[check]]
id = "received-once"
title = "the worker received it once"
step = 4
for_each = "event"
fact = "own.received"
expect = { is = 1 }
by_hand = "docker logs"

[[fact]]
name = "own.received_by_all"
doc = "receipts of any event"
about = "event"
log = { part = "purchase-worker", pattern = '(?i)event received' }
[[check]]
id = "received-at-all"
title = "the worker receives events"
step = 4
for_each = "event"
fact = "own.received_by_all"
expect = { at_least = 1 }
by_hand = "docker logs"
"#;

#[test]
#[ignore = "needs the sandbox"]
fn own_facts_are_seen_where_they_say() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("own.toml"), format!("{}{MORE}", example_rows())).unwrap();
    let recording = directory.path().join("e.json");
    let (checks, recording) = (directory.path().to_str().unwrap(), recording.to_str().unwrap());
    let report = |more: &[&str]| -> Value {
        doctor(["--checks", checks, "--json"].iter().chain(more)).finish().json()
    };
    let of = |report: &Value, check: &str, subject: &str| {
        let found = instance(report, check, subject);
        (found["verdict"].as_str().unwrap().to_string(), found["observed"].as_str().unwrap().to_string())
    };
    let verdict = |report: &Value, check: &str| of(report, check, "purchase").0;
    let healthy = report(&[&id]);
    assert_eq!(verdict(&healthy, "purchase-active"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "allocations-listed"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "received-once"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "received-at-all"), "pass", "{healthy:#}");
    assert_eq!(of(&healthy, "is-primary", "postgres").0, "pass");
    let page = of(&healthy, "page-there", "purchase");
    assert!(page.0 == "fail" && page.1.contains("404"), "{page:?}");
    let table = of(&healthy, "table-there", "postgres");
    assert!(table.0 == "unknown" && table.1.contains("no_such_table"), "{table:?}");
    // Now it fails, for a real id.
    sql("update student_course_purchases set is_active = false");
    let broken = report(&[&id, "--record", recording]);
    assert_eq!(verdict(&broken, "purchase-active"), "fail", "{broken:#}");
    assert!(causes(&broken).contains(&"purchase-switched-off".to_string()), "{broken:#}");
    // The same from the recording, and no id is no failure.
    let again = report(&["--replay", recording]);
    assert_eq!(again["causes"][0]["id"], broken["causes"][0]["id"]);
    assert_eq!(
        instance(&again, "purchase-active", "purchase"),
        instance(&broken, "purchase-active", "purchase")
    );
    assert_eq!(verdict(&report(&[]), "purchase-active"), "not-asked");
}
