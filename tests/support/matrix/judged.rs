//! One recording, judged as the program does it.

use crate::corpus::Truth;
use pipeline_doctor::cli::{DEADLINE, Look, SETTLE, WINDOW};
use pipeline_doctor::config::{Config, Environment, pipeline_source};
use pipeline_doctor::diagnosis::diagnose;
use pipeline_doctor::evidence::{Evidence, System};
use pipeline_doctor::fact::{Facts, facts, registry};
use pipeline_doctor::judge::{Finding, Verdict, judge};
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::report::{Cause, Material, report};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::severity::Severity;
use pipeline_doctor::situation::Situation;
use pipeline_doctor::situation::target::target;

/// The built-in pipeline and rows.
pub struct Judge {
    pub pipeline: Pipeline,
    pub catalog: Catalog,
}

/// What the program says of a recording.
pub struct Judged {
    /// The listed causes, in order.
    pub causes: Vec<Cause>,
    /// The failed checks, without the noisy ones and the notes.
    pub failed: Vec<String>,
    /// Checks that fail and that no listed cause explains.
    pub unexplained: usize,
    /// How the program ends.
    pub exit_code: u8,
    /// The first guess of the naive ranking.
    pub naive: Vec<String>,
}

impl Judge {
    pub fn new() -> Judge {
        let look = Look {
            window: WINDOW.into(),
            deadline: DEADLINE.into(),
            settle: SETTLE.into(),
            ..Look::default()
        };
        let source = pipeline_source(None).expect("no file is read");
        let config = Config::of(&source, None, &look, &Environment::new(), &mut Vec::new());
        let pipeline = config.expect("the built-in pipeline").pipeline;
        let catalog = lint::read(None, registry(), &mut Vec::new()).expect("the built-in rows");
        Judge { pipeline, catalog }
    }

    /// The facts and findings of a recording: what the ranking is given.
    pub fn found(&self, evidence: &Evidence) -> (Facts, Vec<Finding>) {
        self.found_in(&self.situation(evidence))
    }

    fn situation<'a>(&'a self, evidence: &'a Evidence) -> Situation<'a> {
        Situation::of(evidence, &self.pipeline, &self.catalog.signatures, &self.catalog.facts)
    }

    fn found_in(&self, situation: &Situation) -> (Facts, Vec<Finding>) {
        let facts = facts(situation, &self.catalog.signatures, &self.catalog.facts);
        let findings = judge(&self.catalog, &facts, &self.pipeline);
        (facts, findings)
    }

    pub fn judge(&self, evidence: &Evidence) -> Judged {
        let situation = self.situation(evidence);
        let (facts, findings) = self.found_in(&situation);
        let diagnosis = diagnose(&self.catalog, &findings);
        let report = report(&Material {
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
        let certain = |finding: &&Finding| !finding.noisy && finding.severity != Severity::Note;
        let failed = findings.iter().filter(fails).filter(certain);
        Judged {
            causes: report.causes,
            failed: failed.map(|finding| finding.check.clone()).collect(),
            unexplained: report.unexplained.len(),
            exit_code: report.exit_code,
            naive: self.naive(&findings),
        }
    }

    /// The same as if these systems had not been looked at.
    pub fn judge_without(&self, evidence: &Evidence, systems: &[System]) -> Judged {
        let mut evidence = evidence.clone();
        systems.iter().for_each(|system| evidence.leave_out(*system));
        self.judge(&evidence)
    }

    /// Every cause of which a check that it always breaks has failed, by its
    /// number alone: what a runbook with confidences does by hand.
    fn naive(&self, findings: &[Finding]) -> Vec<String> {
        let failed = |check: &str| findings.iter().any(|f| f.check == check && f.verdict == Verdict::Fail);
        let raised =
            self.catalog.causes.iter().filter(|cause| cause.always.iter().any(|c| failed(c.get_ref())));
        let mut raised: Vec<_> = raised.collect();
        raised.sort_by_key(|cause| std::cmp::Reverse(*cause.confidence.get_ref()));
        raised.into_iter().map(|cause| cause.id.get_ref().clone()).collect()
    }

    /// How a named cause stands to the truth.
    pub fn standing(&self, cause: &Cause, truth: &Truth) -> Standing {
        if truth.names(&cause.id) {
            // Nobody named, because what tells was not seen, is nobody else.
            let open = truth.subjects.is_empty() || cause.subjects.is_empty();
            let same = open || truth.subjects == cause.subjects;
            return if same { Standing::Right } else { Standing::OtherSubject };
        }
        let any_of = self.catalog.cause(&cause.id).map(|row| row.any_of.as_slice()).unwrap_or_default();
        if any_of.iter().any(|id| truth.names(id.get_ref())) { Standing::LessExact } else { Standing::Wrong }
    }

    /// The rank, from 1, of the first listed cause that is right.
    pub fn rank(&self, judged: &Judged, truth: &Truth) -> Option<usize> {
        judged.causes.iter().position(|cause| self.standing(cause, truth) == Standing::Right).map(|i| i + 1)
    }
}

/// How a named cause stands to the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The cause, and whom it is about.
    Right,
    /// A group of causes that holds it, named because they cannot be told apart.
    LessExact,
    /// The cause, and somebody else.
    OtherSubject,
    /// Another cause.
    Wrong,
}

/// From this confidence on a guess is a sure one.
pub const SURE: u8 = 50;
