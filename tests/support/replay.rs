//! Judges and renders recordings in this process, as `--replay` does.

use super::root;
use pipeline_doctor::cli::{SETTLE, TargetOptions, WINDOW};
use pipeline_doctor::config::{Config, Environment, pipeline_source};
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::evidence::recording;
use pipeline_doctor::fact::{facts, registry};
use pipeline_doctor::judge::judge;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::report::format::{json, table};
use pipeline_doctor::report::terminal::Screen;
use pipeline_doctor::report::{Report, ReportInput, report};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::situation::Situation;
use pipeline_doctor::situation::command_target::target;
use pipeline_doctor::situation::inspected_database::without_rows_of_other_database;
use serde_json::Value;
use std::path::Path;

/// A recording's report, also rendered in two formats.
pub struct Replay {
    /// The report.
    pub report: Report,
    /// The table that is printed when stdout is not a terminal.
    pub table: String,
    /// The document that `--json` prints.
    pub json: String,
}

impl Replay {
    /// Returns the document that `--json` prints, parsed.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.json).unwrap()
    }

    /// Returns the report's conclusions on one line: outcome, exit code, causes with their
    /// confidence and subjects, failed checks and unknown checks.
    pub fn verdict(&self) -> String {
        let document = self.document();
        let causes = document["causes"].as_array().unwrap().iter().map(|cause| {
            let subjects = cause["subjects"].as_array().unwrap().iter().map(|s| s.as_str().unwrap());
            let subjects = subjects.collect::<Vec<_>>().join(" ");
            let best = if cause["best"] == true { "*" } else { "" };
            format!("{}{best} {} % [{subjects}]", cause["id"].as_str().unwrap(), cause["confidence"])
        });
        let causes = causes.collect::<Vec<_>>().join(", ");
        let with = |verdicts: &[&str]| {
            let steps = document["steps"].as_array().unwrap().iter();
            let findings = steps.flat_map(|step| step["findings"].as_array().unwrap());
            let findings =
                findings.filter(|finding| verdicts.contains(&finding["verdict"].as_str().unwrap()));
            findings.map(|finding| finding["check"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        let (outcome, code) = (document["outcome"].as_str().unwrap(), &document["exit_code"]);
        format!(
            "{outcome} {code} | {causes} | failed: {} | unknown: {}",
            with(&["fail"]),
            with(&["unknown", "blocked"])
        )
    }
}

/// A pipeline and the built-in rows.
pub struct Runbook {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The built-in rows.
    pub catalog: Catalog,
}

impl Runbook {
    /// Returns the runbook for the pipeline in a file, or for the built-in pipeline.
    pub fn of(pipeline: Option<&Path>) -> Runbook {
        let options = TargetOptions {
            window: WINDOW.into(),
            deadline: "10s".into(),
            settle: SETTLE.into(),
            ..Default::default()
        };
        let source = pipeline_source(pipeline).unwrap_or_else(|error| panic!("{error:?}"));
        let mut mistakes = Vec::new();
        let config = Config::new(&source, None, &options, &Environment::new(), &mut mistakes);
        let config = config.unwrap_or_else(|| panic!("{mistakes:?}"));
        let catalog = lint::read(None, registry(), &mut mistakes);
        let catalog = catalog.unwrap_or_else(|error| panic!("{error:?}"));
        Runbook { pipeline: config.pipeline, catalog }
    }

    /// Judges the recording in a file, whose path is relative to the project directory.
    pub fn replay(&self, file: &Path) -> Replay {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        self.judge(&text)
    }

    /// Judges a recording.
    pub fn judge(&self, text: &str) -> Replay {
        let evidence = recording::read(text).unwrap_or_else(|error| panic!("{error:?}"));
        let catalog = self.catalog.as_of(evidence.observed_at);
        let evidence = &*without_rows_of_other_database(&evidence, &self.pipeline);
        let situation = Situation::build(evidence, &self.pipeline, &catalog.signatures, &catalog.facts);
        let facts = facts(&situation, &catalog.signatures, &catalog.facts);
        let findings = judge(&catalog, &facts, &self.pipeline);
        let report = report(&ReportInput {
            situation: &situation,
            pipeline: &self.pipeline,
            catalog: &catalog,
            target: &target(&situation),
            facts: &facts,
            findings: &findings,
            diagnosis: &diagnose(&catalog, &findings),
            fail_on_warnings: false,
        });
        Replay { table: rendered(&report), json: document(&report), report }
    }
}

/// Renders a report as the table that is printed when stdout is not a terminal.
pub fn rendered(report: &Report) -> String {
    colored::control::set_override(false);
    let screen = Screen { width: 80, unicode: false, verbose: false };
    let mut out = Vec::new();
    table::render(report, screen, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn document(report: &Report) -> String {
    let mut out = Vec::new();
    json::write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
