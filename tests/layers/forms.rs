//! Tests of the layer test itself: each form that a path can have turns it red.

use crate::graph::{self, Found};
use crate::known::Known;
use crate::rooms;
use std::collections::BTreeMap;

/// A small program without violations; `more` is appended to its files.
fn house(more: &[(&str, &str)]) -> BTreeMap<String, String> {
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
    let mut house: BTreeMap<String, String> =
        files.into_iter().map(|(file, text)| (file.to_string(), text.to_string())).collect();
    for (file, text) in more {
        let old = house.entry(file.to_string()).or_default();
        *old = format!("{old}\n{text}");
    }
    house
}

fn circles(more: &[(&str, &str)]) -> Vec<String> {
    graph::build(&house(more)).circles().into_keys().collect()
}

fn crossings(more: &[(&str, &str)]) -> Vec<String> {
    rooms::crossings(&graph::build(&house(more))).into_keys().collect()
}

/// The files that `report/table.rs` uses if its text is `text`.
fn used_by_table(text: &str) -> Vec<String> {
    used_by_table_of(&[], text)
}

fn used_by_table_of(more: &[(&str, &str)], text: &str) -> Vec<String> {
    let mut sources = house(more);
    sources.insert("report/table.rs".into(), text.into());
    let edges = graph::build(&sources).edges.into_keys();
    edges.filter(|(user, _)| user == "report/table.rs").map(|(_, used)| used).collect()
}

const LOG: &str = "evidence/log.rs";
const WORKLOAD: &str = "evidence/workload.rs";

#[test]
fn a_program_without_violations_is_green() {
    assert_eq!(circles(&[]), [""; 0]);
    assert_eq!(crossings(&[]), [""; 0]);
}

/// From `situation/progress.rs` to `situation/delivery.rs`, which uses it.
mod from_progress_to_delivery {
    use super::circles;

    const CIRCLE: [&str; 2] =
        ["situation/delivery.rs -> situation/progress.rs", "situation/progress.rs -> situation/delivery.rs"];
    const FROM: &str = "situation/progress.rs";

    #[test]
    fn by_use() {
        assert_eq!(circles(&[(FROM, "use crate::situation::delivery::Delivery;")]), CIRCLE);
    }

    #[test]
    fn inline() {
        assert_eq!(circles(&[(FROM, "fn f() { crate::situation::delivery::of(Progress) }")]), CIRCLE);
    }

    #[test]
    fn by_super() {
        assert_eq!(circles(&[(FROM, "fn f() { super::delivery::of(Progress) }")]), CIRCLE);
    }

    #[test]
    fn by_re_export() {
        let more = [("situation/mod.rs", "pub use delivery::Delivery;"), (FROM, "use super::Delivery;")];
        assert_eq!(circles(&more[..1]), [""; 0]);
        assert_eq!(circles(&more), CIRCLE);
    }
}

/// From `report/` to `evidence/`.
mod from_report_to_evidence {
    use super::crossings;

    const CROSSING: [&str; 1] = ["report/table.rs -> evidence/log.rs"];
    const FROM: &str = "report/table.rs";

    #[test]
    fn by_use() {
        assert_eq!(crossings(&[(FROM, "use crate::evidence::log::Log;")]), CROSSING);
    }

    #[test]
    fn inline() {
        assert_eq!(crossings(&[(FROM, "fn f() { g(crate::evidence::log::Log) }")]), CROSSING);
    }

    #[test]
    fn by_super() {
        assert_eq!(crossings(&[(FROM, "fn f() { g(super::super::evidence::log::Log) }")]), CROSSING);
    }

    #[test]
    fn by_re_export() {
        let more = [
            ("situation/mod.rs", "pub use crate::evidence::log::Log as Lines;"),
            (FROM, "use crate::situation::Lines;"),
        ];
        assert_eq!(crossings(&more[..1]), [""; 0]);
        assert_eq!(crossings(&more), CROSSING);
    }
}

/// From `collect/` to `situation/`.
mod from_collect_to_situation {
    use super::crossings;

    const CROSSING: [&str; 1] = ["collect/docker.rs -> situation/progress.rs"];
    const FROM: &str = "collect/docker.rs";

    #[test]
    fn by_use() {
        assert_eq!(crossings(&[(FROM, "use crate::situation::progress::Progress;")]), CROSSING);
    }

    #[test]
    fn inline() {
        assert_eq!(crossings(&[(FROM, "fn f(_: crate::situation::progress::Progress) {}")]), CROSSING);
    }

    #[test]
    fn by_super() {
        assert_eq!(crossings(&[(FROM, "use super::super::situation::progress::Progress;")]), CROSSING);
    }

    #[test]
    fn by_re_export() {
        let more =
            [("lib.rs", "pub use situation::progress::Progress;"), (FROM, "fn f(_: crate::Progress) {}")];
        assert_eq!(crossings(&more[..1]), [""; 0]);
        assert_eq!(crossings(&more), CROSSING);
    }
}

#[test]
fn a_use_tree_is_taken_apart() {
    assert_eq!(used_by_table("use crate::{evidence::{log::Log, workload::*}, report};").len(), 3);
    assert_eq!(used_by_table("use crate::evidence::log::{self, Log as Lines};"), [LOG]);
    assert_eq!(used_by_table("use {crate::evidence::log::Log as _, std::io};"), [LOG]);
}

#[test]
fn an_imported_module_or_type_leads_on() {
    let more = [("evidence/mod.rs", "pub use log::Log;")];
    let text = "use crate::evidence; fn f() { evidence::Log; }";
    assert_eq!(used_by_table_of(&more, text), [LOG, "evidence/mod.rs"]);
    let text = "fn f() { use crate::evidence as e; e::workload::Workload::new() }";
    assert_eq!(used_by_table(text), ["evidence/mod.rs", WORKLOAD]);
}

#[test]
fn a_path_counts_wherever_it_stands() {
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
fn what_is_no_path_of_the_program_does_not_count() {
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
    assert_eq!(crossings(&more), [""; 0]);
    assert_eq!(used_by_table("#[cfg(not(test))] use crate::evidence::log::Log;"), [LOG]);
}

#[test]
fn re_exports_are_followed_through_chains_and_globs() {
    let more = [
        ("evidence/mod.rs", "pub use self::log::*; pub use workload::Workload as Work;"),
        ("situation/mod.rs", "pub use crate::evidence::{Log as Lines, *};"),
        ("lib.rs", "pub use situation::*;"),
    ];
    assert_eq!(used_by_table_of(&more, "use crate::situation::Lines;"), [LOG]);
    assert_eq!(used_by_table_of(&more, "use crate::Log;"), [LOG]);
    assert_eq!(used_by_table_of(&more, "use crate::Work;"), [WORKLOAD]);
    // A glob brings in what the file says a name of.
    let room = "situation/mod.rs";
    assert_eq!(used_by_table_of(&more, "use crate::situation::*; fn f(_: Work) {}"), [WORKLOAD, room]);
    assert_eq!(used_by_table_of(&more, "use crate::situation::*; fn f(_: Lines) {}"), [LOG, room]);
}

#[test]
fn re_exports_that_go_round_end() {
    let more =
        [("evidence/mod.rs", "pub use crate::report::*;"), ("report/mod.rs", "pub use crate::evidence::*;")];
    assert_eq!(used_by_table_of(&more, "use crate::evidence::Nothing;"), ["evidence/mod.rs"]);
}

#[test]
fn folders_go_in_circles_too() {
    // No two files use each other here.
    let more = [
        ("evidence/log.rs", "use crate::report::words::Word;"),
        ("report/mod.rs", "mod words;"),
        ("report/words.rs", "pub struct Word;"),
        ("report/table.rs", "use crate::evidence::workload::Workload;"),
    ];
    let found = circles(&more);
    assert!(found.contains(&"evidence/ -> report/".to_string()), "{found:?}");
    assert!(found.contains(&"report/ -> evidence/".to_string()), "{found:?}");
    assert!(found.iter().all(|line| !line.contains(".rs")), "{found:?}");
}

#[test]
fn a_file_beside_its_folder_is_part_of_it() {
    let more = [
        ("error.rs", "mod excerpt; pub use excerpt::Excerpt; pub struct Error;"),
        ("error/excerpt.rs", "pub struct Excerpt;"),
    ];
    assert_eq!(circles(&more), [""; 0]);
    let back = [more[0], more[1], ("error/excerpt.rs", "use super::Error;")];
    assert_eq!(circles(&back), ["error.rs -> error/excerpt.rs", "error/excerpt.rs -> error.rs"]);
}

#[test]
fn a_way_up_and_a_room_without_a_place_are_found() {
    let up = [("evidence/log.rs", "use crate::report::table;")];
    assert_eq!(crossings(&up), ["evidence/log.rs -> report/table.rs"]);
    let graph = graph::build(&house(&[("attic.rs", "")]));
    assert_eq!(rooms::without_place(&graph).into_iter().collect::<Vec<_>>(), ["attic"]);
}

#[test]
fn doors_are_found_behind_imports() {
    let text =
        "use tokio::{net, time}; use std::process; fn f() { process::Command::new(); process::exit(1) }";
    let found = rooms::doors(&graph::build(&house(&[("report/mod.rs", text), ("collect/mod.rs", text)])));
    let found: Vec<_> = found.into_iter().collect();
    assert_eq!(found, ["src/report/mod.rs:2: std::process::Command::new", "src/report/mod.rs:2: tokio::net"]);
}

#[test]
fn a_list_may_only_shrink() {
    let known = Known { name: "circles.txt", what: "circles", advice: "open them" };
    let found = Found::from([("a -> b".to_string(), "      src/a.rs:1: crate::b\n".to_string())]);
    assert_eq!(known.judge("a -> b\n", &found), "");
    assert_eq!(known.judge("", &Found::new()), "");
    assert!(known.judge("", &found).contains("a -> b\n      src/a.rs:1: crate::b\nopen them"));
    assert!(known.judge("a -> b\nb -> a\n", &found).contains("remove these lines"));
}
