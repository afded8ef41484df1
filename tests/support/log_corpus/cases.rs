//! The cases of the corpus, and what the program says about each.

use pipeline_doctor::cli::{SETTLE, TargetOptions, WINDOW};
use pipeline_doctor::collect;
use pipeline_doctor::config::{Config, Environment};
use pipeline_doctor::evidence::System;
use pipeline_doctor::fact::{facts, registry};
use pipeline_doctor::input::Source;
use pipeline_doctor::judge::{Verdict, judge};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::log_kinds::LogKinds;
use pipeline_doctor::situation::Situation;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// What an expert says about a log (`case.toml`).
#[derive(Debug, Deserialize)]
pub struct Truth {
    pub runtime: String,
    /// The kinds of trouble, the most specific first. None if the log is harmless.
    pub expect: Vec<String>,
    /// Further kinds that can be defended.
    #[serde(default)]
    pub also: Vec<String>,
    /// The event that is asked for.
    pub event: Option<String>,
    /// A part of the record that must be shown.
    pub line: Option<String>,
}

#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub directory: PathBuf,
    pub truth: Truth,
}

/// The kinds that the program found, with what it quotes.
#[derive(Debug)]
pub struct Outcome {
    pub kinds: Vec<(String, String)>,
}

impl Outcome {
    fn has(&self, kind: &str) -> bool {
        self.kinds.iter().any(|(found, _)| found == kind)
    }

    /// Whether the first expected kind was found.
    pub fn is_found(&self, case: &Case) -> bool {
        case.truth.expect.first().is_none_or(|kind| self.has(kind))
    }

    /// The kinds that nobody would name.
    pub fn wrong<'a>(&'a self, case: &Case) -> Vec<&'a str> {
        let known = |kind: &str| case.truth.expect.iter().chain(&case.truth.also).any(|known| known == kind);
        self.kinds.iter().map(|(kind, _)| kind.as_str()).filter(|kind| !known(kind)).collect()
    }

    /// Whether the telling record is quoted.
    pub fn shows_line(&self, case: &Case) -> bool {
        let plain =
            |text: &str| text.replace(['"', '\\'], "").split_whitespace().collect::<Vec<_>>().join(" ");
        let Some(line) = case.truth.line.as_deref() else { return true };
        let line = plain(line.trim_end_matches("\\n"));
        self.kinds.iter().any(|(_, quote)| plain(quote).contains(&line))
    }

    pub fn is_right(&self, case: &Case) -> bool {
        self.is_found(case) && self.wrong(case).is_empty() && self.shows_line(case)
    }
}

/// Reads the cases below a directory, by name.
pub fn read_cases(directory: &Path) -> Result<Vec<Case>, String> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    paths.sort();
    paths.into_iter().map(read_case).collect()
}

fn read_case(directory: PathBuf) -> Result<Case, String> {
    let file = directory.join("case.toml");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let truth = toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = directory.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Ok(Case { name, directory, truth })
}

/// Judges logs with the built-in rows.
pub struct Judge {
    catalog: Catalog,
    source: Source,
    runtime: Runtime,
}

impl Judge {
    /// Judges with other signatures than the built-in ones.
    pub fn with(signatures: LogKinds) -> Judge {
        let mut judge = Judge::new();
        judge.catalog.signatures = signatures;
        judge
    }

    /// Returns the signatures that logs are judged with.
    pub fn signatures(&self) -> &LogKinds {
        &self.catalog.signatures
    }

    pub fn new() -> Judge {
        let source = Source { name: "pipeline.toml".into(), text: include_str!("pipeline.toml").into() };
        let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows are valid");
        Judge { catalog, source, runtime: Runtime::new().expect("a runtime") }
    }

    pub fn judged(&self, case: Case) -> (Case, Outcome) {
        let outcome = self.outcome(&case);
        (case, outcome)
    }

    fn outcome(&self, case: &Case) -> Outcome {
        let options = TargetOptions {
            window: WINDOW.into(),
            deadline: "10s".into(),
            settle: SETTLE.into(),
            logs: Some(case.directory.clone()),
            without: vec![System::Docker, System::Kafka, System::Postgres, System::Http],
            ..Default::default()
        };
        let mut mistakes = Vec::new();
        let event = case.truth.event.as_deref();
        let config = Config::new(&self.source, event, &options, &Environment::new(), &mut mistakes);
        let mut config = config.unwrap_or_else(|| panic!("{}: {mistakes:?}", case.name));
        config.log_kinds = self.catalog.signatures.clone();
        let evidence = collect::collector::gather_evidence(&config, self.runtime.handle());
        let situation =
            Situation::build(&evidence, &config.pipeline, &self.catalog.signatures, &self.catalog.facts);
        let derived = facts(&situation, &self.catalog.signatures, &self.catalog.facts);
        let findings = judge(&self.catalog, &derived, &config.pipeline);
        let kinds = findings.iter().filter_map(|finding| {
            let kind = finding.check.strip_prefix("log-")?;
            let failed = finding.instances.iter().find(|instance| instance.verdict == Verdict::Fail)?;
            Some((kind.to_string(), failed.observed.clone()))
        });
        Outcome { kinds: kinds.collect() }
    }
}
