//! Live tests of a team's custom facts against the real pipeline in `tests/sandbox`. Ignored
//! by default, like all live tests.

mod support;

use serde_json::Value;
use support::{Sandbox, causes, doctor, example_rows, instance, sql};

/// Facts in addition to the documented example. Two of them refer to a page and a table that
/// do not exist.
const MORE: &str = r#"
[[fact]]
name = "custom.nowhere"
doc = "a page that does not exist"
about = "event"
http = { service = "admin-service", path = "/nowhere?s={studentId}", harmless = true, expect = { "/success" = "true" } }
[[check]]
id = "page-exists"
title = "the page exists"
step = 4
severity = "warn"
for_each = "event"
fact = "custom.nowhere"
expect = { is = true }
by_hand = "curl"

[[fact]]
name = "custom.missing_table"
doc = "rows in a table that does not exist"
about = "database"
kind = "count"
sql = "select count(*) from no_such_table"
[[check]]
id = "table-exists"
title = "the table exists"
step = 3
severity = "warn"
for_each = "database"
fact = "custom.missing_table"
expect = { is = 0 }
by_hand = "psql"

[[fact]]
name = "custom.recovering"
doc = "whether the server is a replica"
about = "database"
kind = "bool"
sql = "select pg_is_in_recovery()"
[[check]]
id = "is-primary"
title = "the database is not a replica"
step = 3
for_each = "database"
fact = "custom.recovering"
expect = { is = false }
by_hand = "psql"

[[fact]]
name = "custom.received"
doc = "log records of the event's receipt"
about = "event"
log = { part = "purchase-worker", pattern = '(?i)event received', of_id = true }
[[check]]
id = "received-once"
title = "the worker received the event once"
step = 4
for_each = "event"
fact = "custom.received"
expect = { is = 1 }
by_hand = "docker logs"

[[fact]]
name = "custom.received_by_all"
doc = "log records of any event's receipt"
about = "event"
log = { part = "purchase-worker", pattern = '(?i)event received' }
[[check]]
id = "received-at-all"
title = "the worker receives events"
step = 4
for_each = "event"
fact = "custom.received_by_all"
expect = { at_least = 1 }
by_hand = "docker logs"
"#;

#[test]
#[ignore = "needs the sandbox"]
fn reads_custom_facts_from_database_http_and_logs() {
    let sandbox = Sandbox::fresh("");
    let id = sandbox.buy();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("custom.toml"), format!("{}{MORE}", example_rows())).unwrap();
    let recording = directory.path().join("e.json");
    let (checks, recording) = (directory.path().to_str().unwrap(), recording.to_str().unwrap());
    let report = |more: &[&str]| -> Value {
        doctor(["--checks", checks, "--json"].iter().chain(more)).finish().json()
    };
    let result = |report: &Value, check: &str, subject: &str| {
        let instance = instance(report, check, subject);
        (
            instance["verdict"].as_str().unwrap().to_string(),
            instance["observed"].as_str().unwrap().to_string(),
        )
    };
    let verdict = |report: &Value, check: &str| result(report, check, "purchase").0;
    let healthy = report(&[&id]);
    assert_eq!(verdict(&healthy, "purchase-active"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "allocations-listed"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "received-once"), "pass", "{healthy:#}");
    assert_eq!(verdict(&healthy, "received-at-all"), "pass", "{healthy:#}");
    assert_eq!(result(&healthy, "is-primary", "postgres").0, "pass");
    let page = result(&healthy, "page-exists", "purchase");
    assert!(page.0 == "fail" && page.1.contains("404"), "{page:?}");
    let table = result(&healthy, "table-exists", "postgres");
    assert!(table.0 == "unknown" && table.1.contains("no_such_table"), "{table:?}");
    // Make the documented example's check fail.
    sql("update student_course_purchases set is_active = false");
    let broken = report(&[&id, "--record", recording]);
    assert_eq!(verdict(&broken, "purchase-active"), "fail", "{broken:#}");
    assert!(causes(&broken).contains(&"purchase-switched-off".to_string()), "{broken:#}");
    // A replay gives the same result, and without an id the check is not asked.
    let replayed = report(&["--replay", recording]);
    assert_eq!(replayed["causes"][0]["id"], broken["causes"][0]["id"]);
    assert_eq!(
        instance(&replayed, "purchase-active", "purchase"),
        instance(&broken, "purchase-active", "purchase")
    );
    assert_eq!(verdict(&report(&[]), "purchase-active"), "not-asked");
}
