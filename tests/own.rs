//! A team's own checks, causes and facts, beside the built-in ones.

mod support;

use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use support::{Finished, causes, doctor, instance, scenario};
use tempfile::TempDir;

const REFUNDS: &str = r#"
[[fact]]
name = "own.refunds_waiting"
doc = "refunds of this payment that wait"
about = "event"
kind = "count"
sql = "select count(*) from refunds where payment_id = $1::uuid and done_at is null"

[[check]]
id = "no-refund-waiting"
title = "no refund of the payment waits"
step = 3
for_each = "event"
fact = "own.refunds_waiting"
expect = { is = 0 }
by_hand = "psql -c 'select * from refunds'"

[[cause]]
id = "refund-waits"
title = "A refund keeps the payment back"
means = "Nobody has decided about a refund."
confidence = 85
always = ["no-refund-waiting"]
actions = [
  { kind = "mend", say = "ask the refund desk", run = "refunds decide {id}" },
  { kind = "prove", run = "{self} --wait 60s" },
]
"#;

/// A directory with rows of one's own, and what a replay of a recording with it shows.
struct Own {
    directory: TempDir,
}

impl Own {
    fn new(rows: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("checks")).unwrap();
        fs::write(directory.path().join("checks/own.toml"), rows).unwrap();
        Own { directory }
    }

    fn checks(&self) -> String {
        self.directory.path().join("checks").display().to_string()
    }

    /// What is shown of a recording to which something was added.
    fn shown(&self, recording: &str, add: impl FnOnce(&mut Value), more: &[&str]) -> Finished {
        let mut evidence = serde_json::from_str(&fs::read_to_string(scenario(recording)).unwrap()).unwrap();
        add(&mut evidence);
        let file = self.directory.path().join("evidence.json");
        fs::write(&file, evidence.to_string()).unwrap();
        let checks = self.checks();
        let arguments = ["--replay", file.to_str().unwrap(), "--checks", &checks];
        doctor(arguments.iter().chain(more)).finish()
    }

    fn report(&self, recording: &str, add: impl FnOnce(&mut Value)) -> Value {
        self.shown(recording, add, &["--json"]).json()
    }

    fn explained(&self, name: &str) -> String {
        let explained = doctor(["explain", name, "--checks", &self.checks()]).finish().code(0).stdout;
        explained.split_whitespace().collect::<Vec<&str>>().join(" ")
    }

    /// Refused with exactly one mistake, which says this.
    #[track_caller]
    fn refused(&self, says: &str) {
        let run = doctor(["--checks", &self.checks(), "--replay", scenario("healthy").to_str().unwrap()]);
        let run = run.finish().code(2);
        assert!(run.stderr.contains(says) && run.stderr.matches("error: ").count() == 1, "{}", run.stderr);
    }
}

fn nothing(_: &mut Value) {}

fn waiting(count: u64) -> impl FnOnce(&mut Value) {
    move |evidence| evidence["custom"] = json!({ "own.refunds_waiting": { "known": { "count": count } } })
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let steps = report["steps"].as_array().unwrap().iter();
    let mut findings = steps.flat_map(|step| step["findings"].as_array().unwrap());
    findings.find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no {check}"))
}

#[test]
fn an_own_fact_fails_its_check_and_raises_its_cause_with_its_actions() {
    let own = Own::new(REFUNDS);
    let report = own.report("healthy", waiting(2));
    assert_eq!(report["exit_code"], 3);
    assert_eq!(causes(&report), ["refund-waits"]);
    assert_eq!(report["causes"][0]["best"], true);
    let id = report["id"].as_str().unwrap();
    assert_eq!(report["actions"][0]["run"], json!([format!("refunds decide {id}")]));
    assert!(report["actions"][1]["run"][0].as_str().unwrap().starts_with("pipeline-doctor"));
    let found = instance(&report, "no-refund-waiting", "purchase");
    assert_eq!(found["observed"], "refunds of this payment that wait: 2");
    for healthy in [own.report("healthy", waiting(0)), own.report("healthy", nothing)] {
        assert_eq!((&healthy["exit_code"], &healthy["causes"]), (&json!(0), &json!([])));
    }
    // Built-in causes are still there.
    assert_eq!(own.report("workers-not-deployed", waiting(0))["causes"][0]["id"], "workers-not-deployed");
}

#[test]
fn what_a_recording_does_not_hold_was_not_asked() {
    let own = Own::new(REFUNDS);
    let report = own.report("healthy", nothing);
    let found = finding(&report, "no-refund-waiting");
    assert_eq!((&found["verdict"], &found["why"]), (&json!("not-asked"), &json!("not in this recording")));
    let unseen = own.report("healthy", |evidence| {
        let why = json!({ "kind": "schema", "say": "relation \"refunds\" does not exist", "code": "42P01" });
        evidence["custom"] = json!({ "own.refunds_waiting": { "unknown": why } });
    });
    assert_eq!(unseen["exit_code"], 5);
    assert!(unseen["unseen"].to_string().contains("does not exist (42P01)"), "{unseen:#}");
    // It was the database that told it.
    let left_out = own.shown("healthy", waiting(2), &["--json", "--without", "postgres"]).json();
    assert_eq!(finding(&left_out, "no-refund-waiting")["verdict"], "unknown");
}

#[test]
fn an_answer_is_judged_by_its_status_and_its_body() {
    let own = Own::new(
        r#"
[[fact]]
name = "own.allocation_enabled"
doc = "the flag of allocation"
about = "event"
http = { service = "admin-service", path = "/flags?s={studentId}", harmless = true, expect = { "/on" = "true" } }
[[check]]
id = "allocation-enabled"
title = "allocation is switched on"
step = 4
for_each = "event"
fact = "own.allocation_enabled"
expect = { is = true }
by_hand = "curl /flags"
"#,
    );
    let verdict = |status: u16, on: &str| {
        let answer = json!({ "url": "http://x/flags", "status": status, "body": { "/on": on } });
        let report = own.report("healthy", |evidence| {
            evidence["custom"] = json!({ "own.allocation_enabled": { "known": { "answer": answer } } });
        });
        instance(&report, "allocation-enabled", "purchase").clone()
    };
    assert_eq!(verdict(200, "true")["verdict"], "pass");
    assert_eq!(verdict(500, "true")["verdict"], "fail");
    let off = verdict(200, "false");
    assert_eq!(
        (&off["verdict"], &off["observed"]),
        (&json!("fail"), &json!("the flag of allocation: 200, on false"))
    );
}

#[test]
fn records_of_a_log_are_counted_and_what_was_not_read_proves_nothing() {
    let rows = |of_id: bool, expect: &str| {
        format!(
            r#"
[[fact]]
name = "own.answers"
doc = "answers of the API"
about = "event"
log = {{ part = "admin-service", pattern = 'auto-assign answered', of_id = {of_id} }}
[[check]]
id = "answered-once"
title = "answered"
step = 4
for_each = "event"
fact = "own.answers"
expect = {{ {expect} }}
by_hand = "docker logs"
"#
        )
    };
    let kept = |evidence: &mut Value| {
        evidence["custom"] = json!({ "own.answers": { "known": { "looked-for": "auto-assign answered" } } });
    };
    let cut = |evidence: &mut Value| evidence["logs"]["admin-service"]["known"]["cut"] = json!(true);
    let judged = |of_id, expect: &str, add: &dyn Fn(&mut Value)| {
        let report = Own::new(&rows(of_id, expect)).report("healthy", add);
        let found = instance(&report, "answered-once", "purchase").clone();
        (found["verdict"].as_str().unwrap().to_string(), found["value"].as_str().map(String::from))
    };
    let told = |verdict: &str, value: &str| (verdict.to_string(), Some(value.to_string()));
    assert_eq!(judged(true, "is = 1", &nothing), told("pass", "1"));
    assert_eq!(judged(false, "is = 1", &kept), told("fail", "6"));
    // The pattern was not looked for when it was recorded: there may have been more.
    assert_eq!(judged(false, "at_most = 5", &nothing), told("fail", "6 or more"));
    assert_eq!(judged(false, "at_most = 6", &nothing), told("unknown", "6 or more"));
    assert_eq!(judged(false, "at_most = 6", &kept), told("pass", "6"));
    let both = |evidence: &mut Value| (kept(evidence), cut(evidence)).0;
    assert_eq!(judged(false, "at_least = 2", &both), told("pass", "6 or more"));
    assert_eq!(judged(false, "at_most = 6", &both), told("unknown", "6 or more"));
}

#[test]
fn another_severity_changes_the_exit_code() {
    let own = Own::new(&format!("{REFUNDS}{WARNS}"));
    own.shown("healthy", waiting(2), &[]).code(0);
    own.shown("healthy", waiting(2), &["--fail-on", "warn"]).code(4);
    doctor(["--replay", scenario("advertised-elsewhere").to_str().unwrap()]).finish().code(3);
    own.shown("advertised-elsewhere", nothing, &[]).code(5);
    let explained = own.explained("kafka-advertised");
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
fn what_is_switched_off_is_not_judged_and_is_shown() {
    let own = Own::new(OFF);
    doctor(["--replay", scenario("group-name-typo").to_str().unwrap()]).finish().code(3);
    let run = own.shown("group-name-typo", nothing, &["--json"]);
    assert_ne!(run.code, 3, "{}", run.stdout);
    let report = run.json();
    let off = json!({ "id": "group-has-members", "kind": "check", "why": "renamed on Monday", "until": "2999-12-31" });
    assert_eq!(report["switched_off"][0], off);
    assert_eq!(report["switched_off"][2]["kind"], "cause");
    assert!(!causes(&report).contains(&"group-name-differs".to_string()));
    let found = finding(&report, "group-has-members");
    assert_eq!((&found["verdict"], &found["instances"]), (&json!("not-asked"), &json!([])));
    // What needs its pass is not asked either, unless it fails.
    let needs = finding(&report, "group-took-up");
    assert_eq!(needs["verdict"], "not-asked", "{needs:#}");
    let shown = own.shown("group-name-typo", nothing, &[]).stdout;
    let line = "2 checks and 1 cause are switched off: group-has-members (until 2999-12-31:";
    assert!(shown.contains(line) && shown.contains("and 1 more"), "{shown}");
    assert!(shown.is_ascii() && shown.lines().all(|line| line.len() <= 80), "{shown}");
    let all = own.shown("group-name-typo", nothing, &["--verbose"]).stdout.replace("\n ", " ");
    assert!(all.contains("group-name-differs (until 2999-12-31: we know)"), "{all}");
    assert!(own.explained("group-name-differs").contains("switched off until 2999-12-31: we know"));
}

#[test]
fn what_was_switched_off_until_a_day_is_judged_from_the_next_one_on() {
    let rows = |until: &str| Own::new(&OFF.replace("2999-12-31", until));
    // The day on which it was recorded.
    assert_eq!(
        rows("2026-11-25").report("group-name-typo", nothing)["switched_off"].as_array().unwrap().len(),
        3
    );
    let report = rows("2026-11-24").report("group-name-typo", nothing);
    assert_eq!((&report["exit_code"], report.get("switched_off")), (&json!(3), None));
    let shown = rows("2026-11-24").shown("group-name-typo", nothing, &[]).code(3).stdout;
    let line = "override of group-has-members ended 2026-11-24: it is judged again";
    assert!(shown.contains(line), "{shown}");
    assert!(report["overrides_ended"].to_string().contains(line), "{report:#}");
}

#[test]
fn an_own_row_stands_in_the_place_of_the_built_in_one() {
    let own = Own::new(
        r#"
[[step]]
step = 2
title = "our topics"
about = "topics"
by_hand = "kafka-topics"
[[check]]
id = "worker-running"
title = "{subject} is not away"
step = 1
severity = "note"
for_each = "worker"
fact = "container.rung"
expect = { at_least = "created" }
by_hand = "docker ps"
"#,
    );
    let (with, without) =
        (own.report("worker-stopped", nothing), own_nothing().report("worker-stopped", nothing));
    let ids = |report: &Value| {
        let steps = report["steps"].as_array().unwrap().iter();
        let findings = steps.flat_map(|step| step["findings"].as_array().unwrap());
        findings.map(|finding| finding["check"].as_str().unwrap().to_string()).collect::<Vec<String>>()
    };
    assert_eq!(ids(&with), ids(&without));
    assert_eq!(with["steps"][1]["title"], "our topics");
    assert_eq!(finding(&with, "worker-running")["verdict"], "pass");
    assert_eq!(finding(&without, "worker-running")["verdict"], "fail");
    let explained = own.explained("worker-running");
    assert!(explained.contains("own.toml:8, in the place of the built-in one"), "{explained}");
}

/// Rows that change nothing.
fn own_nothing() -> Own {
    Own::new("# nothing yet\n")
}

#[test]
fn rows_beside_the_pipelines_file_are_read_by_themselves() {
    let own = Own::new(REFUNDS);
    let config = own.directory.path().join("pipeline.toml");
    fs::copy(support::root().join("checks/pipeline.toml"), &config).unwrap();
    let explained =
        |config: &Path| doctor(["explain", "refund-waits", "--config", config.to_str().unwrap()]).finish();
    explained(&config).code(0);
    fs::remove_dir_all(own.checks()).unwrap();
    explained(&config).code(2);
}

#[test]
fn the_readmes_example_does_what_it_says() {
    let own = Own::new(&support::example_rows());
    let seen = |inactive: u64| {
        move |evidence: &mut Value| {
            let answer = json!({ "url": "http://x", "status": 200, "body": { "/success": "true" } });
            evidence["custom"] = json!({
                "own.inactive_purchases": { "known": { "count": inactive } },
                "own.allocations_listed": { "known": { "answer": answer } },
            });
        }
    };
    let report = own.report("healthy", seen(1));
    assert_eq!(causes(&report), ["purchase-switched-off"]);
    assert!(report["actions"][0]["run"][0].as_str().unwrap().contains("psql"), "{report:#}");
    assert_eq!(instance(&report, "allocations-listed", "purchase")["verdict"], "pass");
    assert_eq!(report["switched_off"][0]["id"], "image-current");
    assert_eq!(own.report("healthy", seen(0))["exit_code"], 0);
    assert!(own.explained("purchase-active").contains("own.toml:"));
}

#[test]
fn mistakes_in_own_rows_are_told_with_the_way_out() {
    let refused = |rows: &str, says: &str| Own::new(rows).refused(says);
    let fact = |source: &str| format!("[[fact]]\nname = 'own.x'\ndoc = 'x'\nabout = 'event'\n{source}\n");
    refused("[[override]]\nid = 'worker-runing'\nseverity = 'warn'\n", "did you mean `worker-running`?");
    refused("[[override]]\nid = 'worker-running'\noff = 'x'\n", "switched off for ever");
    refused("[[override]]\nid = 'worker-running'\n", "says nothing");
    refused("[[override]]\nid = 'worker-stopped'\nseverity = 'warn'\n", "it has no severity");
    refused("[[override]]\nid = 'worker-stopped'\noff = 'x'\nuntil = 'soon'\n", "not a day");
    refused(&fact("kind = 'bool'\nsql = 'delete from t'"), "not a select");
    refused(&fact("kind = 'bool'\nsql = 'select $2'"), "`$2` binds a value");
    refused(&fact("sql = 'select 1'"), "does not say what its SQL gives");
    refused(&fact(""), "is seen nowhere");
    refused(&fact("sql = 'select 1'\nlog = { part = 'kafka', pattern = 'x' }"), "several places: sql, log");
    refused(&fact("log = { part = 'kafak', pattern = 'x' }"), "did you mean `kafka`?");
    refused(&fact("log = { part = 'kafka', pattern = '.*' }"), "every record matches");
    refused(&fact("http = { service = 'admin-service', path = '/', harmless = false }"), "is not harmless");
    refused(&fact("http = { service = 'admin-service', path = '/{x}', harmless = true }"), "unknown key `x`");
    refused(
        &fact("kind = 'count'\nsql = 'select 1'").replace("own.x", "x"),
        "is not the name of an own fact",
    );
    refused(&REFUNDS.replace("fact = \"own.refunds_waiting\"", "fact = \"own.refunds\""), "unknown fact");
    refused(&REFUNDS.replace("{ is = 0 }", "{ is = true }"), "is never `yes`");
    let twice = REFUNDS
        .replace("no-refund-waiting", "worker-running")
        .replace("\"worker-running\"]", "\"worker-created\"]");
    refused(
        &format!("{twice}{}", twice.replace("own.refunds_waiting", "own.y").replace("refund-waits", "z")),
        "used twice",
    );
}
