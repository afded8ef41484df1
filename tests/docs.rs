//! Compares README.md and docs/ with the program: the sample output, the exit codes, and the
//! checks and causes.

mod support;

use pipeline_doctor::base::error::exit;
use pipeline_doctor::base::interruption::Signal;
use pipeline_doctor::fact::registry;
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use std::fmt::Write;
use support::accept::assert_file;
use support::{doctor, root};

fn catalog() -> Catalog {
    lint::read(None, registry(), &mut Vec::new()).unwrap()
}

fn exit_codes() -> String {
    let help = doctor(["--help"]).finish().code(0).stdout;
    let mut table = String::from("| exit | meaning |\n|---|---|\n");
    let usual =
        [exit::HEALTHY, exit::INTERNAL, exit::USAGE, exit::PROBLEM, exit::WARNING, exit::INCONCLUSIVE];
    for code in usual.into_iter().chain(Signal::ALL.map(Signal::exit_code)) {
        let line = help.lines().find(|line| line.trim_start().starts_with(&format!("{code}  ")));
        let meaning = line.unwrap_or_else(|| panic!("no exit code {code} in --help")).trim_start();
        let _ = writeln!(table, "| {code} | {} |", meaning.trim_start_matches(char::is_numeric).trim());
    }
    table
}

fn checks() -> String {
    let mut table = String::from("| step | check | true when healthy |\n|---|---|---|\n");
    for check in catalog().checks {
        let title = check.title.as_str().replace(['{', '}'], "*");
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

/// The documents that contain generated text.
const DOCUMENTS: [&str; 5] =
    ["README.md", "docs/checks.md", "docs/causes.md", "docs/incidents.md", "docs/trace.md"];

/// Replaces the output of each sample with the current output of its command.
fn with_samples(document: &str) -> String {
    let mut pieces = document.split("```console\n$ pipeline-doctor ");
    let mut updated = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let (command, rest) = piece.split_once('\n').expect("a command");
        let end = if rest.starts_with("```\n") {
            0
        } else {
            rest.find("\n```\n").expect("the end of the sample") + 1
        };
        let output = doctor(command.split(' ')).finish();
        assert!(output.code == 0 || output.code == 3, "{command}: {}", output.stderr);
        updated += &format!("```console\n$ pipeline-doctor {command}\n{}{}", output.stdout, &rest[end..]);
    }
    updated
}

/// Replaces the text between `<!-- NAME -->` and the next `<!-- end -->`, if the document has
/// this section.
fn with_section(document: &str, name: &str, body: &str) -> String {
    let marker = format!("<!-- {name} -->");
    let Some((before, rest)) = document.split_once(&marker) else { return document.to_string() };
    let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("no end marker for {name}"));
    format!("{before}{marker}\n\n{body}\n<!-- end -->{after}")
}

#[test]
fn documents_match_the_program() {
    for file in DOCUMENTS {
        let document = std::fs::read_to_string(root().join(file)).unwrap();
        let mut expected = with_samples(&document);
        for (name, body) in [("exit codes", exit_codes()), ("checks", checks()), ("causes", causes())] {
            expected = with_section(&expected, name, &body);
        }
        assert_file(file, &expected);
    }
}

/// Takes the flags from `--help`, so that a new, undocumented flag fails the test.
#[test]
fn readme_names_every_target_option() {
    let help = doctor(["--help"]).finish().stdout;
    let section = help.split_once("Target options:").expect("a section of target options").1;
    // The next section begins with a heading that is not indented.
    let heading = regex::Regex::new(r"\n\S").unwrap();
    let section = heading.split(section).next().unwrap_or_default();
    let flag = regex::Regex::new(r"(?m)^\s+(?:-\w, )?(--[a-z-]+)").unwrap();
    let flags: Vec<&str> = flag.captures_iter(section).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(flags.contains(&"--broker") && flags.contains(&"--database"), "{flags:?}");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let missing: Vec<&&str> = flags.iter().filter(|flag| !readme.contains(**flag)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
