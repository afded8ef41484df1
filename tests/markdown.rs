//! Tests of the runbook printed by `explain --markdown`, parsed as GitHub parses it.

mod support;

use pipeline_doctor::fact::registry;
use pipeline_doctor::input::Source;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::report::explain;
use pipeline_doctor::report::format::markdown;
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use support::{doctor, root};

fn catalog() -> Catalog {
    lint::read(None, registry(), &mut Vec::new()).unwrap()
}

fn pipeline() -> Pipeline {
    let text = std::fs::read_to_string(root().join("checks/pipeline.toml")).unwrap();
    Pipeline::read(&Source { name: "pipeline.toml".into(), text }, &mut Vec::new()).unwrap()
}

fn runbook() -> String {
    doctor(["explain", "--markdown"]).finish().code(0).stdout
}

fn parsed(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// Returns the rows of all tables, including header rows. Each cell holds the text that a reader
/// sees, with a line break for each `<br>`.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut in_cell = false;
    for event in parsed(text) {
        let cell = rows.last_mut().and_then(|row| row.last_mut()).filter(|_| in_cell);
        match (event, cell) {
            (Event::Start(Tag::TableRow | Tag::TableHead), _) => rows.push(Vec::new()),
            (Event::Start(Tag::TableCell), _) => {
                in_cell = true;
                rows.last_mut().unwrap().push(String::new());
            }
            (Event::End(TagEnd::TableCell), _) => in_cell = false,
            (Event::Text(text) | Event::Code(text), Some(cell)) => *cell += &text,
            (Event::InlineHtml(html), Some(cell)) => match html.as_ref() {
                "<br>" => *cell += "\n",
                "<code>" | "</code>" => {}
                other => panic!("unexpected {other} in a cell"),
            },
            _ => {}
        }
    }
    rows
}

/// Returns the commands for a check as `explain` prints them.
fn by_hand(id: &str, catalog: &Catalog, pipeline: &Pipeline) -> String {
    let mut explained = Vec::new();
    explain::check(catalog.check(id).unwrap(), catalog, pipeline, &mut explained).unwrap();
    let explained = String::from_utf8(explained).unwrap();
    let (_, commands) = explained.split_once("  by hand\n").unwrap();
    let commands = commands.split("\n\n").next().unwrap().lines().map(str::trim);
    commands.collect::<Vec<&str>>().join("\n")
}

/// Returns the runbook's section on a cause.
fn section<'a>(runbook: &'a str, cause: &str) -> &'a str {
    let (_, rest) = runbook.split_once(&format!("\n### `{cause}`")).unwrap_or_else(|| panic!("no {cause}"));
    rest.split("\n### ").next().unwrap()
}

#[test]
fn lists_every_check_with_the_commands_that_explain_prints() {
    let (catalog, pipeline) = (catalog(), pipeline());
    let rows = rows(&runbook());
    for check in &catalog.checks {
        let id = check.id.get_ref();
        let row = rows.iter().find(|row| row[0] == *id).unwrap_or_else(|| panic!("no row for {id}"));
        match id.strip_prefix("log-") {
            Some(signature) => {
                let signature = catalog.signatures.iter().find(|row| row.id.get_ref() == signature).unwrap();
                for (kind, names) in signature.matchers(1) {
                    let first = names.split(" and ").next().unwrap_or_default();
                    assert!(row[2].contains(kind) && row[2].contains(first), "{id}: {}", row[2]);
                }
            }
            None => assert_eq!(row[2], by_hand(id, &catalog, &pipeline), "{id}"),
        }
    }
}

#[test]
fn contains_every_step_and_cause() {
    let (catalog, runbook) = (catalog(), runbook());
    for step in &catalog.steps {
        assert!(runbook.contains(&format!("\n## Step {}: ", step.step)), "{}", step.title);
    }
    for cause in &catalog.causes {
        let id = cause.id.get_ref();
        assert!(
            section(&runbook, id).contains(&format!("at most {} % (", cause.confidence.get_ref())),
            "{id}"
        );
        assert!(section(&runbook, id).contains("1. **"), "{id}");
    }
}

#[test]
fn documented_causes_come_first_with_their_numbers() {
    let runbook = runbook();
    let documented = [
        ("workers-not-deployed", 95, 1),
        ("topics-missing", 80, 2),
        ("marked-unverified", 70, 3),
        ("api-silent", 60, 4),
        ("api-never-called", 60, 4),
    ];
    for (cause, confidence, number) in documented {
        let at_most = format!("at most {confidence} % (root cause {number})");
        assert!(section(&runbook, cause).contains(&at_most), "{cause}");
    }
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("### `"));
    let order: Vec<&str> = headings.map(|line| line.split('`').next().unwrap()).collect();
    assert_eq!(order[..5], documented.map(|(cause, ..)| cause));
}

#[test]
fn each_step_names_its_documented_cause() {
    let runbook = runbook();
    let steps: Vec<&str> = runbook.split("\n## Step ").skip(1).collect();
    for (step, cause) in steps.iter().zip(["root cause 1", "root cause 2", "root cause 3", "root cause 4"]) {
        let before_checks = step.split("\n| check").next().unwrap();
        assert!(before_checks.contains(cause), "{cause} in\n{before_checks}");
    }
}

#[test]
fn contains_the_manual_commands_of_the_original_runbook() {
    let runbook = runbook();
    for command in [
        "docker ps -a --format",
        "docker exec kodingcaravan-kafka kafka-topics --bootstrap-server localhost:9092 --list",
        "select event_type, correlation_id, processed_at, source from processed_events where \
         correlation_id::text like '%ID%' order by processed_at desc",
        "docker logs kodingcaravan-admin-service 2>&1 | grep auto-assign | tail -20",
        "pipeline-doctor explain workers-not-deployed ID --yaml > workers.yml",
        "kafka-topics --bootstrap-server \"$KAFKA_BROKERS\" --create --if-not-exists",
        "change the worker to verify that the row exists before it marks the event",
        "docker logs --tail 50 CONTAINER",
    ] {
        assert!(runbook.contains(command), "{command}");
    }
    let rows = rows(&runbook);
    let pipeline = pipeline();
    for line in &pipeline.line {
        let row = [line.component.get_ref(), line.stage.get_ref(), &line.name, line.pattern.0.as_str()];
        assert!(rows.iter().any(|cells| cells[..] == row), "{row:?}");
    }
    for worker in &pipeline.worker {
        assert!(
            rows.iter().any(|cells| cells[0] == worker.name && cells[2] == worker.group_name()),
            "{}",
            worker.name
        );
    }
}

#[test]
fn escapes_pipes_in_tables() {
    let (mut catalog, pipeline) = (catalog(), pipeline());
    let id = "worker-declared";
    let check = catalog.checks.iter_mut().find(|check| check.id.get_ref() == id).unwrap();
    check.title = "a | `b` | *c* of {subject}".into();
    check.by_hand = r"grep '{subject}\|x' | `y`".into();
    let mut text = Vec::new();
    markdown::runbook(&catalog, &pipeline, "", &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let row = rows(&text).into_iter().find(|row| row[0] == id).unwrap();
    assert!(row[1].starts_with("a | `b` | *c* of purchase-worker\na | "), "{}", row[1]);
    assert!(row[2].starts_with("grep 'purchase-worker\\|x' | `y`\ngrep "), "{}", row[2]);
    assert_eq!(row[3], "a problem (exit code 3)");
}

#[test]
fn headings_are_nested_and_there_is_no_accidental_markup() {
    for text in [runbook(), shop_runbook()] {
        let mut previous = 0;
        for event in parsed(&text) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    assert!(level as usize <= previous + 1, "level {level} after {previous}");
                    previous = level as usize;
                }
                Event::Start(
                    Tag::Emphasis
                    | Tag::Link { .. }
                    | Tag::Image { .. }
                    | Tag::Strikethrough
                    | Tag::HtmlBlock,
                ) => panic!("{event:?}"),
                _ => {}
            }
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("# ")).count(), 1);
        assert!(text.ends_with('\n') && !text.ends_with("\n\n") && !text.contains("\n\n\n"));
    }
}

fn shop_runbook() -> String {
    doctor(["explain", "--markdown", "--config", "tests/support/shop.toml"]).finish().code(0).stdout
}

#[test]
fn another_pipeline_has_another_runbook() {
    let text = shop_runbook();
    assert!(text.starts_with("# Runbook: shop\n"), "{text}");
    assert!(text.contains("pipeline-doctor ID --config tests/support/shop.toml "), "{text}");
    assert!(text.contains("| order | `ORDERED` | `orders` | `shop` | `order-worker` | `orders` | 5 s |"));
    assert!(!text.contains("purchase-worker"));
}

#[test]
fn custom_rows_change_the_runbook() {
    let directory = tempfile::tempdir().unwrap();
    let rows = std::fs::read_to_string(root().join("checks/1-workers.toml")).unwrap();
    std::fs::write(directory.path().join("1.toml"), rows.replace("title = \"workers\"", "title = \"crew\""))
        .unwrap();
    let run = doctor(["explain", "--markdown", "--checks", directory.path().to_str().unwrap()]);
    let text = run.finish().code(0).stdout;
    assert!(text.contains("\n## Step 1: crew\n") && text.contains("\n## Step 2: "), "{text}");
}

#[test]
fn a_single_cause_equals_its_section_in_the_runbook() {
    let runbook = runbook();
    for cause in ["workers-not-deployed", "connections-exhausted", "every-try-fails"] {
        let alone = doctor(["explain", "--markdown", cause]).finish().code(0).stdout;
        assert_eq!(alone.trim_end(), format!("# `{cause}`{}", section(&runbook, cause).trim_end()));
        assert!(!alone.contains('{'), "{alone}");
    }
    let check = doctor(["explain", "worker-running", "--markdown"]).finish().code(0).stdout;
    assert!(check.starts_with("# `worker-running`\n") && check.contains("| `worker-stopped` |"), "{check}");
}

#[test]
fn json_holds_the_same_text() {
    let document = doctor(["explain", "--markdown", "--json"]).finish().code(0).json();
    assert_eq!(document["id"], "purchase");
    assert_eq!(document["text"], runbook());
}
