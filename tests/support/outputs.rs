//! Everything that the program prints about some evidence, rendered in this process.

use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::evidence::Evidence;
use pipeline_doctor::fact::facts;
use pipeline_doctor::judge::judge;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::remedy::Remedy;
use pipeline_doctor::report::format::{json, markdown, registry};
use pipeline_doctor::report::terminal::Screen;
use pipeline_doctor::report::{self, ReportInput, explain};
use pipeline_doctor::runbook::catalog::{Catalog, Generator};
use pipeline_doctor::situation::Situation;
use pipeline_doctor::situation::command_target::target;
use pipeline_doctor::situation::shared::Shared;
use pipeline_doctor::trace;
use pipeline_doctor::trace::model::Trace;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;

/// What a text is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A terminal.
    Terminal,
    /// A JSON parser.
    Json,
    /// A shell.
    Shell,
    /// `psql`.
    Sql,
    /// Docker Compose.
    Yaml,
    /// GitHub.
    Markdown,
}

/// A printed text.
#[derive(Debug, Clone)]
pub struct Output {
    /// Where it is printed.
    pub name: String,
    /// What it is meant for.
    pub kind: Kind,
    /// The text itself.
    pub text: String,
}

/// The screens that the tables are rendered for.
pub const SCREENS: [Screen; 5] = [
    Screen { width: 80, unicode: false, verbose: false },
    Screen { width: 80, unicode: true, verbose: true },
    Screen { width: 40, unicode: false, verbose: false },
    Screen { width: 200, unicode: true, verbose: false },
    Screen { width: 200, unicode: false, verbose: true },
];

/// The scripts that `explain` prints.
const GENERATORS: [(Generator, &str, Kind); 6] = [
    (Generator::ComposeFragment, "--yaml", Kind::Yaml),
    (Generator::GroupOffsets, "--offsets", Kind::Shell),
    (Generator::RemoveMarks, "--sql", Kind::Sql),
    (Generator::SendRecords, "--records", Kind::Shell),
    (Generator::CreateTopics, "topics", Kind::Shell),
    (Generator::StartBrokers, "brokers", Kind::Shell),
];

/// Calls a renderer and returns what it wrote.
pub fn written(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    render(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Renders the report, the traces and the scripts for some evidence.
pub fn of_evidence(
    evidence: &Evidence,
    pipeline: &Pipeline,
    catalog: &Catalog,
    screens: &[Screen],
) -> Vec<Output> {
    colored::control::set_override(false);
    let shared = Arc::new(Shared::build(evidence, pipeline, &catalog.signatures, &catalog.facts));
    let mut outputs = Vec::new();
    let mut add = |name: String, kind, text| outputs.push(Output { name, kind, text });
    let mut traces = Vec::new();
    let events = evidence.events.iter().map(Some).chain(evidence.events.is_empty().then_some(None));
    for (i, event) in events.enumerate() {
        let situation = Situation::for_event(&shared, event);
        let facts = facts(&situation, &catalog.signatures, &catalog.facts);
        let findings = judge(catalog, &facts, pipeline);
        let diagnosis = diagnose(catalog, &findings);
        let target = target(&situation);
        let input = ReportInput {
            situation: &situation,
            pipeline,
            catalog,
            target: &target,
            facts: &facts,
            findings: &findings,
            diagnosis: &diagnosis,
            fail_on_warnings: false,
        };
        if event.is_some() {
            traces.push(trace::trace(&situation, report::conclusions(&input)));
        }
        if i > 0 {
            continue;
        }
        let report = report::report(&input);
        for format in registry::FORMATS {
            let kind = if format.name == "json" { Kind::Json } else { Kind::Terminal };
            for screen in if kind == Kind::Json { &screens[..1] } else { screens } {
                let name =
                    format!("{} {}{}", format.name, screen.width, if screen.verbose { " -v" } else { "" });
                add(name, kind, written(|out| (format.render)(&report, *screen, out)));
            }
        }
        // Without subjects, a remedy covers all stages.
        let diagnosed = diagnosis.causes.iter().map(|cause| (cause.cause.as_str(), cause.subjects.clone()));
        let any = catalog.causes.iter().take(1).map(|cause| (cause.id.get_ref().as_str(), Vec::new()));
        let workers = || pipeline.worker.iter().map(|worker| worker.name.clone()).collect();
        let all = catalog.causes.iter().take(1).map(|cause| (cause.id.get_ref().as_str(), workers()));
        let mut printed = BTreeSet::new();
        for (cause, subjects) in diagnosed.chain(any).chain(all) {
            let Some(row) = catalog.cause(cause) else { continue };
            let remedy = Remedy::new(&situation, &target, row, subjects);
            for (generator, flag, kind) in GENERATORS {
                let script = remedy.script(generator).filter(|script| printed.insert(script.clone()));
                if let Some(script) = script {
                    add(format!("explain {cause} {flag}"), kind, script);
                }
            }
        }
    }
    outputs.extend(of_traces(pipeline, &traces, screens));
    outputs
}

/// Renders each trace, and all together if there are several.
fn of_traces(pipeline: &Pipeline, traces: &[Trace], screens: &[Screen]) -> Vec<Output> {
    let mut outputs = Vec::new();
    let mut add = |name: String, kind, text| outputs.push(Output { name, kind, text });
    let all = (traces.len() > 1).then(|| trace::traces(pipeline, traces.to_vec()));
    for format in trace::registry::FORMATS {
        let kind = if format.name == "json" { Kind::Json } else { Kind::Terminal };
        for screen in if kind == Kind::Json { &screens[..1] } else { screens } {
            for trace in traces {
                let name = format!("trace {} {}", format.name, screen.width);
                add(name, kind, written(|out| (format.render)(trace, *screen, out)));
            }
            if let Some(all) = &all {
                let name = format!("traces {} {}", format.name, screen.width);
                add(name, kind, written(|out| (format.render_all)(all, *screen, out)));
            }
        }
    }
    outputs
}

/// Renders what `explain` prints about a pipeline without evidence.
pub fn of_pipeline(pipeline: &Pipeline, catalog: &Catalog, flags: &str) -> Vec<Output> {
    colored::control::set_override(false);
    let mut outputs = Vec::new();
    let mut add = |name: String, kind, text| outputs.push(Output { name, kind, text });
    let runbook = written(|out| markdown::runbook(catalog, pipeline, flags, out));
    add("explain --markdown".to_string(), Kind::Markdown, runbook);
    let explained = |render: &dyn Fn(&mut dyn Write) -> io::Result<()>| written(render);
    let checks =
        catalog.checks.iter().map(|check| explained(&|out| explain::check(check, catalog, pipeline, out)));
    add("explain CHECK".to_string(), Kind::Terminal, checks.collect::<String>());
    let causes =
        catalog.causes.iter().map(|cause| explained(&|out| explain::cause(cause, catalog, pipeline, out)));
    add("explain CAUSE".to_string(), Kind::Terminal, causes.collect::<String>());
    if let (Some(check), Some(cause)) = (catalog.checks.last(), catalog.causes.last()) {
        let check = written(|out| markdown::check(check, catalog, pipeline, out));
        add("explain CHECK --markdown".to_string(), Kind::Markdown, check);
        let cause = written(|out| markdown::cause(cause, catalog, pipeline, out));
        add("explain CAUSE --markdown".to_string(), Kind::Markdown, cause);
    }
    let text = outputs.last().map(|output| output.text.clone()).unwrap_or_default();
    let document = written(|mut out| json::render_text("x", &text, &mut out));
    outputs.push(Output { name: "explain --json".to_string(), kind: Kind::Json, text: document });
    outputs
}

/// Returns the commands in printed texts: scripts as a whole, and each command of a report and of
/// an explanation.
pub fn commands(outputs: &[Output]) -> BTreeSet<String> {
    let mut commands = BTreeSet::new();
    for output in outputs {
        match output.kind {
            Kind::Shell => commands.extend([output.text.clone()]),
            Kind::Json => in_document(&serde_json::from_str(&output.text).unwrap(), None, &mut commands),
            Kind::Markdown => in_markdown(&output.text, &mut commands),
            Kind::Terminal if output.name.starts_with("explain CHECK") => {
                in_explanation(&output.text, &mut commands);
            }
            Kind::Terminal | Kind::Sql | Kind::Yaml => {}
        }
    }
    commands
}

/// Adds the texts in `run` and `by_hand`.
fn in_document(document: &Value, field: Option<&str>, commands: &mut BTreeSet<String>) {
    match document {
        Value::String(text) if matches!(field, Some("run" | "by_hand")) => commands.extend([text.clone()]),
        Value::Array(items) => items.iter().for_each(|item| in_document(item, field, commands)),
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| in_document(value, Some(field), commands));
        }
        _ => {}
    }
}

/// Adds each fenced block, as a reader copies it.
fn in_markdown(text: &str, commands: &mut BTreeSet<String>) {
    use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
    let mut block: Option<String> = None;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match (event, &mut block) {
            (Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))), _) => block = Some(String::new()),
            (Event::Text(text), Some(block)) => *block += &text,
            (Event::End(TagEnd::CodeBlock), _) => commands.extend(block.take()),
            _ => {}
        }
    }
}

/// Adds the indented lines under `by hand`.
fn in_explanation(text: &str, commands: &mut BTreeSet<String>) {
    let mut by_hand = false;
    for line in text.lines() {
        match line.strip_prefix("    ").filter(|_| by_hand) {
            Some(command) => commands.extend([command.to_string()]),
            None => by_hand = line == "  by hand",
        }
    }
}
