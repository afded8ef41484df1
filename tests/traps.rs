//! The traps that the reference deployment has for a naive tool: each brought
//! about in the real sandbox by `tests/sandbox/trap`, and judged as the row of
//! its name in `tests/scenarios/truth.toml` says. One test, because the sandbox
//! is one. With `PIPELINE_DOCTOR_RECORD=1` the evidence is written there too;
//! with `PIPELINE_DOCTOR_TRAPS="NAME NAME"` these alone are brought about.

mod support;

use support::{causes, doctor, shell, truths};

#[test]
#[ignore = "needs the sandbox"]
fn each_trap_is_told_from_what_it_looks_like() {
    let truths = truths();
    let mut wrong = Vec::new();
    let all = shell("tests/sandbox/trap --list");
    let asked = std::env::var("PIPELINE_DOCTOR_TRAPS").unwrap_or(all);
    for trap in asked.split_whitespace() {
        let truth = truths.get(trap).unwrap_or_else(|| panic!("no row [{trap}] in truth.toml"));
        let id = shell(&format!("tests/sandbox/trap {trap}"));
        let report = support::recorded(trap, doctor([id.as_str(), "--json"])).finish().json();
        let first = causes(&report).first().cloned();
        if !truth.is(first.as_ref()) || report["exit_code"] != truth.exit_code() {
            wrong.push(format!("{trap}: {first:?}, {}", report["headline"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
