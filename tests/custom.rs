//! Tests of a team's custom checks, causes and facts alongside the built-in ones.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{Finished, causes, doctor, instance, scenario};
use tempfile::TempDir;

const REFUNDS: &str = r#"
[[fact]]
name = "custom.refunds_waiting"
doc = "pending refunds for this payment"
about = "event"
kind = "count"
sql = "select count(*) from refunds where payment_id = $1::uuid and done_at is null"

[[check]]
id = "no-refund-waiting"
title = "the payment has no pending refund"
step = 3
for_each = "event"
fact = "custom.refunds_waiting"
expect = { is = 0 }
by_hand = "psql -c 'select * from refunds'"

[[cause]]
id = "refund-waits"
title = "A refund is pending"
means = "A refund for the payment has not been decided."
confidence = 85
always = ["no-refund-waiting"]
actions = [
  { kind = "fix", say = "ask the refund desk", run = "refunds decide {id}" },
  { kind = "verify", run = "{self} --wait 60s" },
]
"#;

/// A directory containing a file of custom rows.
struct CustomRows {
    directory: TempDir,
}

impl CustomRows {
    fn new(rows: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("checks")).unwrap();
        fs::write(directory.path().join("checks/custom.toml"), rows).unwrap();
        CustomRows { directory }
    }

    fn checks(&self) -> String {
        self.directory.path().join("checks").display().to_string()
    }

    /// Replays a recording with the custom rows, after `change` has edited its evidence.
    fn replay(&self, recording: &str, change: impl FnOnce(&mut Value), more: &[&str]) -> Finished {
        let mut evidence = serde_json::from_str(&fs::read_to_string(scenario(recording)).unwrap()).unwrap();
        change(&mut evidence);
        let file = self.directory.path().join("evidence.json");
        fs::write(&file, evidence.to_string()).unwrap();
        let checks = self.checks();
        let arguments = ["--replay", file.to_str().unwrap(), "--checks", &checks];
        doctor(arguments.iter().chain(more)).finish()
    }

    fn report(&self, recording: &str, change: impl FnOnce(&mut Value)) -> Value {
        self.replay(recording, change, &["--json"]).json()
    }

    fn explain(&self, name: &str) -> String {
        let explained = doctor(["explain", name, "--checks", &self.checks()]).finish().code(0).stdout;
        explained.split_whitespace().collect::<Vec<&str>>().join(" ")
    }

    /// Asserts that the rows are rejected with exactly one error containing this text.
    #[track_caller]
    fn assert_rejected(&self, message: &str) {
        let run = doctor(["--checks", &self.checks(), "--replay", scenario("healthy").to_str().unwrap()]);
        let run = run.finish().code(2);
        assert!(run.stderr.contains(message) && run.stderr.matches("error: ").count() == 1, "{}", run.stderr);
    }
}

fn unchanged(_: &mut Value) {}

fn refunds_waiting(count: u64) -> impl FnOnce(&mut Value) {
    move |evidence| evidence["custom"] = json!({ "custom.refunds_waiting": { "known": { "count": count } } })
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap().iter();
    let mut findings = steps.flat_map(|step| step["findings"].as_array().unwrap());
    findings.find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no {check}"))
}

#[test]
fn a_custom_fact_can_fail_its_check_and_raise_its_cause_with_actions() {
    let custom = CustomRows::new(REFUNDS);
    let report = custom.report("healthy", refunds_waiting(2));
    // The event itself has arrived.
    assert_eq!((&report["outcome"], &report["exit_code"]), (&json!("warning"), &json!(0)));
    assert_eq!(causes(&report), ["refund-waits"]);
    assert_eq!(report["causes"][0]["best"], true);
    let id = report["id"].as_str().unwrap();
    assert_eq!(report["actions"][0]["run"], json!([format!("refunds decide {id}")]));
    assert!(report["actions"][1]["run"][0].as_str().unwrap().starts_with("pipeline-doctor"));
    let instance = instance(&report, "no-refund-waiting", "purchase");
    assert_eq!(instance["observed"], "pending refunds for this payment: 2");
    for healthy in [custom.report("healthy", refunds_waiting(0)), custom.report("healthy", unchanged)] {
        assert_eq!((&healthy["exit_code"], &healthy["causes"]), (&json!(0), &json!([])));
    }
    // Built-in causes still apply.
    let report = custom.report("workers-not-deployed", refunds_waiting(0));
    assert_eq!(report["causes"][0]["id"], "workers-not-deployed");
}

#[test]
fn a_check_of_an_unrecorded_fact_is_not_asked() {
    let custom = CustomRows::new(REFUNDS);
    let report = custom.report("healthy", unchanged);
    let found = finding(&report, "no-refund-waiting");
    assert_eq!((&found["verdict"], &found["why"]), (&json!("not-asked"), &json!("not in this recording")));
    let unavailable = custom.report("healthy", |evidence| {
        let why = json!({ "kind": "schema", "say": "relation \"refunds\" does not exist", "code": "42P01" });
        evidence["custom"] = json!({ "custom.refunds_waiting": { "unknown": why } });
    });
    assert_eq!(unavailable["exit_code"], 5);
    assert!(unavailable["unseen"].to_string().contains("does not exist (42P01)"), "{unavailable:#}");
    // The fact comes from the database, so it is unknown without PostgreSQL.
    let run = custom.replay("healthy", refunds_waiting(2), &["--json", "--without", "postgres"]);
    assert_eq!(finding(&run.json(), "no-refund-waiting")["verdict"], "unknown");
}

#[test]
fn an_http_answer_is_judged_by_status_and_body() {
    let custom = CustomRows::new(
        r#"
[[fact]]
name = "custom.allocation_enabled"
doc = "the allocation flag"
about = "event"
http = { service = "admin-service", path = "/flags?s={studentId}", harmless = true, expect = { "/on" = "true" } }
[[check]]
id = "allocation-enabled"
title = "allocation is switched on"
step = 4
for_each = "event"
fact = "custom.allocation_enabled"
expect = { is = true }
by_hand = "curl /flags"
"#,
    );
    let verdict = |status: u16, on: &str| {
        let answer = json!({ "url": "http://x/flags", "status": status, "body": { "/on": on } });
        let report = custom.report("healthy", |evidence| {
            evidence["custom"] = json!({ "custom.allocation_enabled": { "known": { "answer": answer } } });
        });
        instance(&report, "allocation-enabled", "purchase").clone()
    };
    assert_eq!(verdict(200, "true")["verdict"], "pass");
    assert_eq!(verdict(500, "true")["verdict"], "fail");
    let off = verdict(200, "false");
    assert_eq!(
        (&off["verdict"], &off["observed"]),
        (&json!("fail"), &json!("the allocation flag: 200, on false"))
    );
}

#[test]
fn counts_log_records_as_a_minimum_if_the_log_is_incomplete() {
    let rows = |of_id: bool, expect: &str| {
        format!(
            r#"
[[fact]]
name = "custom.answers"
doc = "answers from the API"
about = "event"
log = {{ part = "admin-service", pattern = 'auto-assign answered', of_id = {of_id} }}
[[check]]
id = "answered-once"
title = "answered"
step = 4
for_each = "event"
fact = "custom.answers"
expect = {{ {expect} }}
by_hand = "docker logs"
"#
        )
    };
    let searched = |evidence: &mut Value| {
        evidence["custom"] =
            json!({ "custom.answers": { "known": { "looked-for": "auto-assign answered" } } });
    };
    let cut = |evidence: &mut Value| evidence["logs"]["admin-service"]["known"]["cut"] = json!(true);
    let judge = |of_id, expect: &str, change: &dyn Fn(&mut Value)| {
        let report = CustomRows::new(&rows(of_id, expect)).report("healthy", change);
        let instance = instance(&report, "answered-once", "purchase").clone();
        (instance["verdict"].as_str().unwrap().to_string(), instance["value"].as_str().map(String::from))
    };
    let result = |verdict: &str, value: &str| (verdict.to_string(), Some(value.to_string()));
    assert_eq!(judge(true, "is = 1", &unchanged), result("pass", "1"));
    assert_eq!(judge(false, "is = 1", &searched), result("fail", "6"));
    // The recorded run did not search for the pattern, so records may be missing.
    assert_eq!(judge(false, "at_most = 5", &unchanged), result("fail", "6 or more"));
    assert_eq!(judge(false, "at_most = 6", &unchanged), result("unknown", "6 or more"));
    assert_eq!(judge(false, "at_most = 6", &searched), result("pass", "6"));
    let searched_and_cut = |evidence: &mut Value| (searched(evidence), cut(evidence)).0;
    assert_eq!(judge(false, "at_least = 2", &searched_and_cut), result("pass", "6 or more"));
    assert_eq!(judge(false, "at_most = 6", &searched_and_cut), result("unknown", "6 or more"));
}

#[test]
fn overriding_a_severity_changes_the_exit_code() {
    let custom = CustomRows::new(&format!("{REFUNDS}{WARNS}"));
    custom.replay("healthy", refunds_waiting(2), &[]).code(0);
    custom.replay("healthy", refunds_waiting(2), &["--fail-on", "warn"]).code(4);
    doctor(["--replay", scenario("advertised-elsewhere").to_str().unwrap()]).finish().code(3);
    custom.replay("advertised-elsewhere", unchanged, &[]).code(5);
    let explained = custom.explain("kafka-advertised");
    assert!(explained.contains("a warning") && explained.contains("overridden"), "{explained}");
}

const WARNS: &str = "
[[override]]
id = 'kafka-advertised'
severity = 'warn'
[[override]]
id = 'no-refund-waiting'
severity = 'warn'
";

const OFF: &str = "
[[override]]
id = 'group-has-members'
off = 'renamed on Monday'
until = '2999-12-31'
[[override]]
id = 'group-as-declared'
off = 'renamed on Monday'
until = '2999-12-31'
[[override]]
id = 'group-name-differs'
off = 'we know'
until = '2999-12-31'
";

#[test]
fn switched_off_rows_are_not_judged_but_listed() {
    let custom = CustomRows::new(OFF);
    let file = scenario("group-name-typo");
    let without = doctor(["--replay", file.to_str().unwrap(), "--json"]).finish().json();
    assert_eq!(causes(&without), ["group-name-differs"]);
    let run = custom.replay("group-name-typo", unchanged, &["--json"]);
    let report = run.json();
    let off = json!({ "id": "group-has-members", "kind": "check", "why": "renamed on Monday", "until": "2999-12-31" });
    assert_eq!(report["switched_off"][0], off);
    assert_eq!(report["switched_off"][2]["kind"], "cause");
    assert!(!causes(&report).contains(&"group-name-differs".to_string()));
    let found = finding(&report, "group-has-members");
    assert_eq!((&found["verdict"], &found["instances"]), (&json!("not-asked"), &json!([])));
    // A check that requires it to pass is not asked either, unless that check fails.
    let dependent = finding(&report, "group-took-up");
    assert_eq!(dependent["verdict"], "not-asked", "{dependent:#}");
    let table = custom.replay("group-name-typo", unchanged, &[]).stdout;
    let line = "2 checks and 1 cause are switched off: group-has-members (until 2999-12-31:";
    assert!(table.contains(line) && table.contains("and 1 more"), "{table}");
    assert!(table.is_ascii() && table.lines().all(|line| line.len() <= 80), "{table}");
    let all = custom.replay("group-name-typo", unchanged, &["--verbose"]).stdout.replace("\n ", " ");
    assert!(all.contains("group-name-differs (until 2999-12-31: we know)"), "{all}");
    assert!(custom.explain("group-name-differs").contains("switched off until 2999-12-31: we know"));
}

#[test]
fn an_override_ends_after_its_last_day() {
    let rows = |until: &str| CustomRows::new(&OFF.replace("2999-12-31", until));
    // The recording was made on 2026-11-25.
    assert_eq!(
        rows("2026-11-25").report("group-name-typo", unchanged)["switched_off"].as_array().unwrap().len(),
        3
    );
    let report = rows("2026-11-24").report("group-name-typo", unchanged);
    assert_eq!((&report["exit_code"], report.get("switched_off")), (&json!(0), None));
    assert_eq!(causes(&report), ["group-name-differs"]);
    let table = rows("2026-11-24").replay("group-name-typo", unchanged, &[]).code(0).stdout;
    let line = "group-has-members is judged again; its override expired on 2026-11-24";
    assert!(table.contains(line), "{table}");
    assert!(report["overrides_ended"].to_string().contains(line), "{report:#}");
}

#[test]
fn a_custom_row_replaces_the_built_in_row_with_the_same_id() {
    let custom = CustomRows::new(
        r#"
[[step]]
step = 2
title = "our topics"
about = "topics"
by_hand = "kafka-topics"
[[check]]
id = "worker-running"
title = "{subject} has been created"
step = 1
severity = "note"
for_each = "worker"
fact = "container.state"
expect = { at_least = "created" }
by_hand = "docker ps"
"#,
    );
    let with = custom.report("worker-stopped", unchanged);
    let without = empty_rows().report("worker-stopped", unchanged);
    let ids = |report: &Value| {
        let steps = report["steps"].as_array().unwrap().iter();
        let findings = steps.flat_map(|step| step["findings"].as_array().unwrap());
        findings.map(|finding| finding["check"].as_str().unwrap().to_string()).collect::<Vec<String>>()
    };
    assert_eq!(ids(&with), ids(&without));
    assert_eq!(with["steps"][1]["title"], "our topics");
    assert_eq!(finding(&with, "worker-running")["verdict"], "pass");
    assert_eq!(finding(&without, "worker-running")["verdict"], "fail");
    let explained = custom.explain("worker-running");
    assert!(explained.contains("custom.toml:8 (replaces the built-in row)"), "{explained}");
}

/// A custom rows file that contains no rows.
fn empty_rows() -> CustomRows {
    CustomRows::new("# nothing yet\n")
}

#[test]
fn reads_the_checks_directory_next_to_the_pipeline_file() {
    let custom = CustomRows::new(REFUNDS);
    let config = custom.directory.path().join("pipeline.toml");
    fs::copy(support::root().join("checks/pipeline.toml"), &config).unwrap();
    let explain =
        |config: &Path| doctor(["explain", "refund-waits", "--config", config.to_str().unwrap()]).finish();
    explain(&config).code(0);
    fs::remove_dir_all(custom.checks()).unwrap();
    explain(&config).code(2);
}

#[test]
fn the_documented_example_works() {
    let custom = CustomRows::new(&support::example_rows());
    let inactive_purchases = |inactive: u64| {
        move |evidence: &mut Value| {
            let answer = json!({ "url": "http://x", "status": 200, "body": { "/success": "true" } });
            evidence["custom"] = json!({
                "custom.inactive_purchases": { "known": { "count": inactive } },
                "custom.allocations_listed": { "known": { "answer": answer } },
            });
        }
    };
    let report = custom.report("healthy", inactive_purchases(1));
    assert_eq!(causes(&report), ["purchase-switched-off"]);
    assert!(report["actions"][0]["run"][0].as_str().unwrap().contains("psql"), "{report:#}");
    assert_eq!(instance(&report, "allocations-listed", "purchase")["verdict"], "pass");
    assert_eq!(report["switched_off"][0]["id"], "image-current");
    assert_eq!(custom.report("healthy", inactive_purchases(0))["exit_code"], 0);
    assert!(custom.explain("purchase-active").contains("custom.toml:"));
}

#[test]
fn rejects_mistakes_in_custom_rows() {
    let rejects = |rows: &str, message: &str| CustomRows::new(rows).assert_rejected(message);
    let fact = |source: &str| format!("[[fact]]\nname = 'custom.x'\ndoc = 'x'\nabout = 'event'\n{source}\n");
    rejects("[[override]]\nid = 'worker-runing'\nseverity = 'warn'\n", "did you mean `worker-running`?");
    rejects("[[override]]\nid = 'worker-running'\noff = 'x'\n", "switched off without an end date");
    rejects("[[override]]\nid = 'worker-running'\n", "changes nothing");
    rejects("[[override]]\nid = 'worker-stopped'\nseverity = 'warn'\n", "and has no severity");
    rejects("[[override]]\nid = 'worker-stopped'\noff = 'x'\nuntil = 'soon'\n", "not a date");
    rejects(&fact("kind = 'bool'\nsql = 'delete from t'"), "not a select");
    rejects(&fact("kind = 'bool'\nsql = 'select $2'"), "`$2` binds a value");
    rejects(&fact("sql = 'select 1'"), "does not specify what kind of value its SQL returns");
    rejects(&fact(""), "has no source");
    rejects(&fact("sql = 'select 1'\nlog = { part = 'kafka', pattern = 'x' }"), "several sources: sql, log");
    rejects(&fact("log = { part = 'kafak', pattern = 'x' }"), "did you mean `kafka`?");
    rejects(&fact("log = { part = 'kafka', pattern = '.*' }"), "matches every record");
    rejects(
        &fact("http = { service = 'admin-service', path = '/', harmless = false }"),
        "is not marked as harmless",
    );
    rejects(&fact("http = { service = 'admin-service', path = '/{x}', harmless = true }"), "unknown key `x`");
    rejects(
        &fact("kind = 'count'\nsql = 'select 1'").replace("custom.x", "x"),
        "is not the name of a custom fact",
    );
    rejects(
        &REFUNDS.replace("fact = \"custom.refunds_waiting\"", "fact = \"custom.refunds\""),
        "unknown fact",
    );
    rejects(&REFUNDS.replace("{ is = 0 }", "{ is = true }"), "is never `yes`");
    let twice = REFUNDS
        .replace("no-refund-waiting", "worker-running")
        .replace("\"worker-running\"]", "\"worker-created\"]");
    rejects(
        &format!(
            "{twice}{}",
            twice.replace("custom.refunds_waiting", "custom.y").replace("refund-waits", "z")
        ),
        "used twice",
    );
}

/// Rows as they were written before ids, facts and action kinds were renamed.
const OLD_NAMES: &str = r#"
[[fact]]
name = "own.refunds_waiting"
doc = "pending refunds for this payment"
about = "event"
kind = "count"
sql = "select count(*) from refunds where payment_id::text = $1"

[[check]]
id = "no-refund-waiting"
title = "no refund is pending"
step = 3
for_each = "event"
fact = "own.refunds_waiting"
expect = { is = 0 }
by_hand = "psql"

[[check]]
id = "workers-up"
title = "{subject} is running"
step = 1
for_each = "worker"
fact = "container.rung"
expect = { at_least = "running" }
by_hand = "docker ps"

[[cause]]
id = "refund-waits"
title = "Refund pending"
means = "A refund for the payment has not been decided."
confidence = 80
always = ["no-refund-waiting"]
actions = [{ kind = "mend", run = "echo" }, { kind = "prove", run = "{self}" }]

[[override]]
id = "admin-service-down"
off = "the API is being replaced"
until = "2999-12-31"
"#;

#[test]
fn old_names_of_ids_facts_and_kinds_still_work() {
    let custom = CustomRows::new(OLD_NAMES);
    let waiting = |evidence: &mut Value| {
        evidence["custom"] = json!({ "own.refunds_waiting": { "known": { "count": 2 } } });
    };
    let report = custom.report("healthy", waiting);
    assert_eq!(causes(&report), ["refund-waits"]);
    let kinds = |report: &Value| -> Vec<String> {
        let actions = report["causes"][0]["actions"].as_array().unwrap().iter();
        actions.map(|action| action["kind"].as_str().unwrap().to_string()).collect()
    };
    assert_eq!(kinds(&report), ["fix", "verify"]);
    assert_eq!(finding(&report, "workers-up")["verdict"], "pass");
    assert_eq!(report["switched_off"][0]["id"], "api-down");
    let explained = doctor(["explain", "payment-service-down"]).finish().code(0);
    assert!(explained.stdout.starts_with("cause emitter-down"), "{}", explained.stdout);
    assert!(
        explained.stderr.contains("`payment-service-down` was renamed to `emitter-down`"),
        "{}",
        explained.stderr
    );
}
