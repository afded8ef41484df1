//! Judges a recording as the program does.

use crate::corpus::Truth;
use pipeline_doctor::cli::{DEADLINE, SETTLE, TargetOptions, WINDOW};
use pipeline_doctor::config::{Config, Environment, pipeline_source};
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::evidence::{Evidence, System};
use pipeline_doctor::fact::{Facts, facts, registry};
use pipeline_doctor::judge::{Finding, Verdict, judge};
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::report::{Cause, ReportInput, report};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::severity::Severity;
use pipeline_doctor::situation::Situation;
use pipeline_doctor::situation::command_target::target;
use pipeline_doctor::situation::inspected_database::without_rows_of_other_database;

/// The built-in pipeline and rows.
pub struct Judge {
    pub pipeline: Pipeline,
    pub catalog: Catalog,
}

/// The program's result for a recording.
pub struct Judged {
    /// The listed causes, in order.
    pub causes: Vec<Cause>,
    /// The failed checks, except noisy ones and notes.
    pub failed: Vec<String>,
    /// The number of failed checks that no listed cause explains.
    pub unexplained: usize,
    /// The program's exit code.
    pub exit_code: u8,
    /// The causes in the order of the naive ranking.
    pub naive: Vec<String>,
}

impl Judge {
    pub fn new() -> Judge {
        let options = TargetOptions {
            window: WINDOW.into(),
            deadline: DEADLINE.into(),
            settle: SETTLE.into(),
            ..TargetOptions::default()
        };
        let source = pipeline_source(None).expect("the built-in pipeline needs no file");
        let config = Config::new(&source, None, &options, &Environment::new(), &mut Vec::new());
        let pipeline = config.expect("the built-in pipeline is valid").pipeline;
        let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows are valid");
        Judge { pipeline, catalog }
    }

    /// Returns a recording's facts and findings, the input to the ranking.
    pub fn facts_and_findings(&self, evidence: &Evidence) -> (Facts, Vec<Finding>) {
        self.facts_and_findings_in(&self.situation(evidence))
    }

    fn situation<'a>(&'a self, evidence: &'a Evidence) -> Situation<'a> {
        Situation::build(evidence, &self.pipeline, &self.catalog.signatures, &self.catalog.facts)
    }

    fn facts_and_findings_in(&self, situation: &Situation) -> (Facts, Vec<Finding>) {
        let facts = facts(situation, &self.catalog.signatures, &self.catalog.facts);
        let findings = judge(&self.catalog, &facts, &self.pipeline);
        (facts, findings)
    }

    pub fn judge(&self, evidence: &Evidence) -> Judged {
        let evidence = &*without_rows_of_other_database(evidence, &self.pipeline);
        let situation = self.situation(evidence);
        let (facts, findings) = self.facts_and_findings_in(&situation);
        let diagnosis = diagnose(&self.catalog, &findings);
        let report = report(&ReportInput {
            situation: &situation,
            pipeline: &self.pipeline,
            catalog: &self.catalog,
            target: &target(&situation),
            facts: &facts,
            findings: &findings,
            diagnosis: &diagnosis,
            fail_on_warnings: false,
        });
        let fails = |finding: &&Finding| finding.verdict == Verdict::Fail;
        let is_significant = |finding: &&Finding| !finding.noisy && finding.severity != Severity::Note;
        let failed = findings.iter().filter(fails).filter(is_significant);
        Judged {
            causes: report.causes,
            failed: failed.map(|finding| finding.check.clone()).collect(),
            unexplained: report.unexplained.len(),
            exit_code: report.exit_code,
            naive: self.naive(&findings),
        }
    }

    /// Judges a recording as if these systems had not been observed.
    pub fn judge_without(&self, evidence: &Evidence, systems: &[System]) -> Judged {
        let mut evidence = evidence.clone();
        systems.iter().for_each(|system| evidence.leave_out(*system));
        self.judge(&evidence)
    }

    /// Ranks the causes by confidence alone, as a person with the runbook would. Includes
    /// each cause that always breaks one of the failed checks.
    fn naive(&self, findings: &[Finding]) -> Vec<String> {
        let failed = |check: &str| findings.iter().any(|f| f.check == check && f.verdict == Verdict::Fail);
        let possible =
            self.catalog.causes.iter().filter(|cause| cause.always.iter().any(|c| failed(c.get_ref())));
        let mut possible: Vec<_> = possible.collect();
        possible.sort_by_key(|cause| std::cmp::Reverse(*cause.confidence.get_ref()));
        possible.into_iter().map(|cause| cause.id.get_ref().clone()).collect()
    }

    /// Compares a named cause with the ground truth.
    pub fn grade(&self, cause: &Cause, truth: &Truth) -> Grade {
        if truth.names(&cause.id) {
            // If the evidence does not identify a subject, naming none is not wrong.
            let unspecified = truth.subjects.is_empty() || cause.subjects.is_empty();
            let same = unspecified || truth.subjects == cause.subjects;
            return if same { Grade::Right } else { Grade::OtherSubject };
        }
        let any_of = self.catalog.cause(&cause.id).map(|row| row.any_of.as_slice()).unwrap_or_default();
        if any_of.iter().any(|id| truth.names(id.get_ref())) { Grade::LessExact } else { Grade::Wrong }
    }

    /// Returns the rank of the first correct cause in the list, counting from 1.
    pub fn rank(&self, judged: &Judged, truth: &Truth) -> Option<usize> {
        judged.causes.iter().position(|cause| self.grade(cause, truth) == Grade::Right).map(|i| i + 1)
    }
}

/// How well a named cause matches the ground truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// The right cause and subjects.
    Right,
    /// A group of indistinguishable causes that includes the right one.
    LessExact,
    /// The right cause with the wrong subjects.
    OtherSubject,
    /// A wrong cause.
    Wrong,
}

/// The lowest confidence, as a percentage, at which a wrong guess counts as confidently wrong.
pub const SURE: u8 = 50;
