//! The README is compared with the program. `PIPELINE_DOCTOR_README=1` writes
//! what it should hold into it.

mod support;

use pipeline_doctor::base::error::exit;
use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use std::fmt::Write;
use support::{doctor, root};

fn catalog() -> Catalog {
    lint::read(None, registry(), &mut Vec::new()).unwrap()
}

fn exit_codes() -> String {
    let help = doctor(["--help"]).finish().code(0).stdout;
    let mut table = String::from("| exit | meaning |\n|---|---|\n");
    for code in [exit::HEALTHY, exit::INTERNAL, exit::USAGE, exit::PROBLEM, exit::WARNING, exit::INCONCLUSIVE]
    {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{code}  ")));
        let meaning = line.unwrap_or_else(|| panic!("--help does not tell of {code}")).trim_start();
        let _ = writeln!(table, "| {code} | {} |", meaning[1..].trim());
    }
    table
}

fn checks() -> String {
    let mut table = String::from("| step | check | true when healthy |\n|---|---|---|\n");
    for check in catalog().checks {
        let title = check.title.replace(['{', '}'], "*");
        let _ = writeln!(table, "| {} | `{}` | {title} |", check.step.get_ref(), check.id.get_ref());
    }
    table
}

fn causes() -> String {
    let mut table = String::from("| cause | at most | |\n|---|---|---|\n");
    for cause in catalog().causes {
        let name = cause.documented.map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(
            table,
            "| `{}` | {} % | {}{name} |",
            cause.id.get_ref(),
            cause.confidence.get_ref(),
            cause.title
        );
    }
    table
}

/// What the README shows, in its order, each with its exit code.
const SHOWN: [(i32, &[&str]); 4] = [
    (0, &["demo"]),
    (0, &["demo", "marked-unverified"]),
    (0, &["demo", "kafka-down"]),
    (3, &["trace", "--replay", "tests/scenarios/marked-by-cache-worker.json"]),
];

fn sample(code: i32, arguments: &[&str]) -> String {
    let report = doctor(arguments).finish().code(code).stdout;
    format!("```console\n$ pipeline-doctor {}\n{report}```\n", arguments.join(" "))
}

/// Replaces what stands between a mark and the next blank-line-and-heading.
fn with_section(readme: &str, mark: &str, body: &str) -> String {
    let start = readme.find(mark).unwrap_or_else(|| panic!("no {mark} in the README")) + mark.len();
    let rest = &readme[start..];
    let end = rest.find("\n## ").map_or(readme.len(), |end| start + end);
    format!("{}\n\n{body}{}", &readme[..start], &readme[end..])
}

fn with_samples(readme: &str) -> String {
    let mut rest = readme;
    let mut with = String::new();
    for (code, arguments) in SHOWN {
        let start = rest.find("```console").expect("four samples in the README");
        let end = start + rest[start..].find("\n```\n").expect("the end of the sample") + "\n```\n".len();
        with += &rest[..start];
        with += &sample(code, arguments);
        rest = &rest[end..];
    }
    with + rest
}

#[test]
fn the_readme_says_what_the_program_does() {
    let file = root().join("README.md");
    let readme = std::fs::read_to_string(&file).unwrap();
    let mut expected = with_samples(&readme);
    expected = with_section(&expected, "<!-- exit codes -->", &exit_codes());
    expected = with_section(&expected, "<!-- checks -->", &checks());
    expected = with_section(&expected, "<!-- causes -->", &causes());
    if std::env::var_os("PIPELINE_DOCTOR_README").is_some() {
        std::fs::write(&file, &expected).unwrap();
    }
    let readme = std::fs::read_to_string(&file).unwrap();
    let differs = readme.lines().zip(expected.lines()).find(|(is, should)| is != should);
    let help = "PIPELINE_DOCTOR_README=1 cargo test --test readme writes it";
    assert!(readme == expected, "the README differs at {differs:#?}\n{help}");
}

#[test]
fn the_readme_names_every_address_flag() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for flag in [
        "--docker",
        "--kafka",
        "--kafka-address",
        "--postgres",
        "--http",
        "--project",
        "--without",
        "--record",
        "--replay",
        "--wait",
        "--window",
        "--deadline",
        "--settle",
        "--config",
        "--checks",
    ] {
        assert!(readme.contains(flag), "{flag}");
        assert!(doctor(["--help"]).finish().stdout.contains(flag), "{flag}");
    }
}
