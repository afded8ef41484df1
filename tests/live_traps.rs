//! States of the reference deployment that mislead a naive tool. `tests/sandbox/trap`
//! sets up each one in the real sandbox; the row of the same name in
//! `tests/scenarios/truth.toml` says what the report must name. There is only one test,
//! because all traps share one sandbox. `SANDBOX_RECORD=1` also records the evidence to
//! `tests/scenarios/`; `SANDBOX_TRAPS="NAME NAME"` runs only these traps.

mod support;

use support::{causes, doctor, shell, truths};

#[test]
#[ignore = "needs the sandbox"]
fn names_the_true_cause_of_each_trap() {
    let truths = truths();
    let mut wrong = Vec::new();
    let all = shell("tests/sandbox/trap --list");
    let selected = std::env::var("SANDBOX_TRAPS").unwrap_or(all);
    assert!(!selected.trim().is_empty(), "SANDBOX_TRAPS names no trap");
    for trap in selected.split_whitespace() {
        let truth = truths.get(trap).unwrap_or_else(|| panic!("no [{trap}] row in truth.toml"));
        let id = shell(&format!("tests/sandbox/trap {trap}"));
        let report = support::recorded(trap, doctor([id.as_str(), "--json"])).finish().json();
        let first = causes(&report).first().cloned();
        if !truth.matches(first.as_ref()) || report["exit_code"] != truth.exit_code() {
            wrong.push(format!("{trap}: {first:?}, {}", report["headline"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
