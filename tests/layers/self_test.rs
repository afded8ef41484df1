//! Tests that the layer test itself finds violations in every form of path.

use crate::graph;
use crate::rules;
use std::collections::BTreeMap;

/// Returns a small program without violations, with `more` appended to its files.
fn sample_program(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let files = [
        ("lib.rs", "mod collect; mod evidence; mod report; mod situation;"),
        ("evidence/mod.rs", "pub mod log; pub mod workload;"),
        ("evidence/log.rs", "pub struct Log;"),
        ("evidence/workload.rs", "pub struct Workload; impl Workload { pub fn new() {} }"),
        ("collect/mod.rs", "mod docker; pub const DEADLINE: u8 = 5;"),
        ("collect/docker.rs", "use crate::evidence::workload::Workload; fn ask() -> Workload { Workload }"),
        ("situation/mod.rs", "pub mod delivery; pub mod progress;"),
        ("situation/progress.rs", "use crate::evidence::log::Log; pub struct Progress; fn of(_: Log) {}"),
        (
            "situation/delivery.rs",
            "use super::progress::Progress; pub fn of(_: Progress) {} pub struct Delivery;",
        ),
        ("report/mod.rs", "mod table;"),
        ("report/table.rs", "use crate::situation::delivery::Delivery; fn row(_: Delivery) {}"),
    ];
    let mut program: BTreeMap<String, String> =
        files.into_iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
    for (file, text) in more {
        let old = program.entry(file.to_string()).or_default();
        *old = format!("{old}\n{text}");
    }
    program
}

fn cycles(more: &[(&str, &str)]) -> Vec<String> {
    graph::build(&sample_program(more)).cycles().into_keys().collect()
}

fn forbidden_uses(more: &[(&str, &str)]) -> Vec<String> {
    rules::forbidden_uses(&graph::build(&sample_program(more))).into_keys().collect()
}

/// Returns the files that `report/table.rs` uses if its content is `text`.
fn used_by_table(text: &str) -> Vec<String> {
    used_by_table_with(&[], text)
}

fn used_by_table_with(more: &[(&str, &str)], text: &str) -> Vec<String> {
    let mut sources = sample_program(more);
    sources.insert("report/table.rs".into(), text.into());
    let edges = graph::build(&sources).edges.into_keys();
    edges.filter(|(user, _)| user == "report/table.rs").map(|(_, used)| used).collect()
}

const LOG: &str = "evidence/log.rs";
const WORKLOAD: &str = "evidence/workload.rs";

#[test]
fn accepts_a_program_without_violations() {
    assert_eq!(cycles(&[]), [""; 0]);
    assert_eq!(forbidden_uses(&[]), [""; 0]);
}

/// Uses of `situation/delivery.rs` in `situation/progress.rs`, which form a cycle.
mod finds_cycle_of_progress_and_delivery {
    use super::cycles;

    const CYCLE: [&str; 2] =
        ["situation/delivery.rs -> situation/progress.rs", "situation/progress.rs -> situation/delivery.rs"];
    const FROM: &str = "situation/progress.rs";

    #[test]
    fn by_use() {
        assert_eq!(cycles(&[(FROM, "use crate::situation::delivery::Delivery;")]), CYCLE);
    }

    #[test]
    fn inline() {
        assert_eq!(cycles(&[(FROM, "fn f() { crate::situation::delivery::of(Progress) }")]), CYCLE);
    }

    #[test]
    fn by_super() {
        assert_eq!(cycles(&[(FROM, "fn f() { super::delivery::of(Progress) }")]), CYCLE);
    }

    #[test]
    fn by_re_export() {
        let more = [("situation/mod.rs", "pub use delivery::Delivery;"), (FROM, "use super::Delivery;")];
        assert_eq!(cycles(&more[..1]), [""; 0]);
        assert_eq!(cycles(&more), CYCLE);
    }
}

/// Uses of `evidence/` in `report/`, which are forbidden.
mod finds_use_of_evidence_in_report {
    use super::forbidden_uses;

    const FORBIDDEN: [&str; 1] = ["report/table.rs -> evidence/log.rs"];
    const FROM: &str = "report/table.rs";

    #[test]
    fn by_use() {
        assert_eq!(forbidden_uses(&[(FROM, "use crate::evidence::log::Log;")]), FORBIDDEN);
    }

    #[test]
    fn inline() {
        assert_eq!(forbidden_uses(&[(FROM, "fn f() { g(crate::evidence::log::Log) }")]), FORBIDDEN);
    }

    #[test]
    fn by_super() {
        assert_eq!(forbidden_uses(&[(FROM, "fn f() { g(super::super::evidence::log::Log) }")]), FORBIDDEN);
    }

    #[test]
    fn by_re_export() {
        let more = [
            ("situation/mod.rs", "pub use crate::evidence::log::Log as Lines;"),
            (FROM, "use crate::situation::Lines;"),
        ];
        assert_eq!(forbidden_uses(&more[..1]), [""; 0]);
        assert_eq!(forbidden_uses(&more), FORBIDDEN);
    }
}

/// Uses of `situation/` in `collect/`, which are forbidden.
mod finds_use_of_situation_in_collect {
    use super::forbidden_uses;

    const FORBIDDEN: [&str; 1] = ["collect/docker.rs -> situation/progress.rs"];
    const FROM: &str = "collect/docker.rs";

    #[test]
    fn by_use() {
        assert_eq!(forbidden_uses(&[(FROM, "use crate::situation::progress::Progress;")]), FORBIDDEN);
    }

    #[test]
    fn inline() {
        assert_eq!(forbidden_uses(&[(FROM, "fn f(_: crate::situation::progress::Progress) {}")]), FORBIDDEN);
    }

    #[test]
    fn by_super() {
        assert_eq!(forbidden_uses(&[(FROM, "use super::super::situation::progress::Progress;")]), FORBIDDEN);
    }

    #[test]
    fn by_re_export() {
        let more =
            [("lib.rs", "pub use situation::progress::Progress;"), (FROM, "fn f(_: crate::Progress) {}")];
        assert_eq!(forbidden_uses(&more[..1]), [""; 0]);
        assert_eq!(forbidden_uses(&more), FORBIDDEN);
    }
}

#[test]
fn expands_use_trees() {
    assert_eq!(used_by_table("use crate::{evidence::{log::Log, workload::*}, report};").len(), 3);
    assert_eq!(used_by_table("use crate::evidence::log::{self, Log as Lines};"), [LOG]);
    assert_eq!(used_by_table("use {crate::evidence::log::Log as _, std::io};"), [LOG]);
}

#[test]
fn follows_imported_modules_and_types() {
    let more = [("evidence/mod.rs", "pub use log::Log;")];
    let text = "use crate::evidence; fn f() { evidence::Log; }";
    assert_eq!(used_by_table_with(&more, text), [LOG, "evidence/mod.rs"]);
    let text = "fn f() { use crate::evidence as e; e::workload::Workload::new() }";
    assert_eq!(used_by_table(text), ["evidence/mod.rs", WORKLOAD]);
}

#[test]
fn finds_paths_in_any_position() {
    for text in [
        "fn f() { match x { crate::evidence::log::Log => {} } }",
        "fn f() -> Vec<Option<crate::evidence::log::Log>> {}",
        "impl From<u8> for crate::evidence::log::Log {}",
        "fn f() { println!(\"{}\", g(&[crate::evidence::log::Log])) }",
        "fn f() { matches!(x, Some(self::super::super::evidence::log::Log)) }",
        "fn f() { json!({ \"log\": Vec::<crate::evidence::log::Log>::new() }) }",
        "macro_rules! m { () => { use $crate::evidence::{log::Log}; } }",
        "#[schemars(with = \"Option<crate::evidence::log::Log>\")] struct S;",
        "struct S { #[serde(with = \"crate::evidence::log\")] log: u8 }",
        "#[derive(crate::evidence::log::Log)] struct S;",
        "mod inner { mod deeper { use super::super::super::super::evidence::log::Log; } }",
        "mod inner { pub use crate::evidence::log; } fn f() { inner::log::Log; }",
        "fn f() { crate::evidence::log::made_by_a_macro() }",
    ] {
        assert_eq!(used_by_table(text), [LOG], "{text}");
    }
}

#[test]
fn ignores_comments_strings_tests_and_other_crates() {
    for text in [
        "// use crate::evidence::log::Log;\n/// See [`crate::evidence::log`].\nstruct S;",
        "const S: &str = \"crate::evidence::log::Log\";",
        "#[arg(help = \"crate::evidence::log\")] struct S;",
        "#[cfg(test)] mod tests { use crate::evidence::log::Log; }",
        "#[cfg(all(test, unix))] use crate::evidence::log::Log;",
        "#[test] fn f() { crate::evidence::log::Log; }",
        "pub(in crate::report) struct S; mod inner { use super::S; }",
        "use ::evidence::log::Log; fn f() { ::evidence::log::Log; evidence::Log; }",
        "mod evidence { pub mod log { pub struct Log; } } fn f() { evidence::log::Log; }",
    ] {
        assert_eq!(used_by_table(text), [""; 0], "{text}");
    }
    let more =
        [("report/mod.rs", "#[cfg(test)] mod tests;"), ("report/tests.rs", "use crate::evidence::log;")];
    assert_eq!(forbidden_uses(&more), [""; 0]);
    assert_eq!(used_by_table("#[cfg(not(test))] use crate::evidence::log::Log;"), [LOG]);
}

#[test]
fn follows_re_exports_through_chains_and_globs() {
    let more = [
        ("evidence/mod.rs", "pub use self::log::*; pub use workload::Workload as Work;"),
        ("situation/mod.rs", "pub use crate::evidence::{Log as Lines, *};"),
        ("lib.rs", "pub use situation::*;"),
    ];
    assert_eq!(used_by_table_with(&more, "use crate::situation::Lines;"), [LOG]);
    assert_eq!(used_by_table_with(&more, "use crate::Log;"), [LOG]);
    assert_eq!(used_by_table_with(&more, "use crate::Work;"), [WORKLOAD]);
    // A glob counts only for the names that the file uses.
    let module = "situation/mod.rs";
    assert_eq!(used_by_table_with(&more, "use crate::situation::*; fn f(_: Work) {}"), [WORKLOAD, module]);
    assert_eq!(used_by_table_with(&more, "use crate::situation::*; fn f(_: Lines) {}"), [LOG, module]);
}

#[test]
fn cyclic_re_exports_terminate() {
    let more =
        [("evidence/mod.rs", "pub use crate::report::*;"), ("report/mod.rs", "pub use crate::evidence::*;")];
    assert_eq!(used_by_table_with(&more, "use crate::evidence::Nothing;"), ["evidence/mod.rs"]);
}

#[test]
fn finds_cycles_between_folders() {
    // Only the folders form a cycle. No two files use each other.
    let more = [
        ("evidence/log.rs", "use crate::report::words::Word;"),
        ("report/mod.rs", "mod words;"),
        ("report/words.rs", "pub struct Word;"),
        ("report/table.rs", "use crate::evidence::workload::Workload;"),
    ];
    let found = cycles(&more);
    assert!(found.contains(&"evidence/ -> report/".to_string()), "{found:?}");
    assert!(found.contains(&"report/ -> evidence/".to_string()), "{found:?}");
    assert!(found.iter().all(|line| !line.contains(".rs")), "{found:?}");
}

#[test]
fn a_file_beside_a_folder_of_the_same_name_belongs_to_the_folder() {
    let more = [
        ("error.rs", "mod excerpt; pub use excerpt::Excerpt; pub struct Error;"),
        ("error/excerpt.rs", "pub struct Excerpt;"),
    ];
    assert_eq!(cycles(&more), [""; 0]);
    let back = [more[0], more[1], ("error/excerpt.rs", "use super::Error;")];
    assert_eq!(cycles(&back), ["error.rs -> error/excerpt.rs", "error/excerpt.rs -> error.rs"]);
}

#[test]
fn finds_use_of_a_later_layer_and_unordered_modules() {
    let up = [("evidence/log.rs", "use crate::report::table;")];
    assert_eq!(forbidden_uses(&up), ["evidence/log.rs -> report/table.rs"]);
    let graph = graph::build(&sample_program(&[("attic.rs", "")]));
    assert_eq!(rules::unordered(&graph).into_iter().collect::<Vec<_>>(), ["attic"]);
}

#[test]
fn finds_io_behind_imports() {
    let text =
        "use tokio::{net, time}; use std::process; fn f() { process::Command::new(); process::exit(1) }";
    let program = sample_program(&[("report/mod.rs", text), ("collect/mod.rs", text)]);
    let found: Vec<_> = rules::io_outside_collect(&graph::build(&program)).into_iter().collect();
    assert_eq!(found, ["src/report/mod.rs:2: std::process::Command::new", "src/report/mod.rs:2: tokio::net"]);
}
