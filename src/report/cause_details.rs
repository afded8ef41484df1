//! Describes causes for the report, with the checks that support or weaken them.

use crate::diagnosis::{RankedCause, RuledOutCause, UndeterminedCause};
use crate::judge::{Finding, Instance, Verdict};
use crate::remedy;
use crate::report::finding_sentence::finding_sentence;
use crate::report::input::ReportInput;
use crate::report::model::{Cause, Next, Statement};
use crate::report::sentences;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;

impl ReportInput<'_> {
    /// Describes each check in one sentence, limited to the `preferred` subjects if it covers any of them.
    pub(super) fn statements(&self, checks: &[String], preferred: &[String]) -> Vec<Statement> {
        let statement = |check: &String| {
            let (row, finding) = self.finding(check)?;
            let message = finding_sentence(*row.for_each.get_ref(), finding, preferred);
            Some(Statement { id: check.clone(), message })
        };
        checks.iter().filter_map(statement).collect()
    }

    /// Describes a listed cause.
    pub(super) fn cause(&self, ranked: &RankedCause) -> Option<Cause> {
        let row = self.catalog.cause(&ranked.cause)?;
        let targets = row.targets(self.pipeline, &ranked.subjects);
        Some(Cause {
            id: ranked.cause.clone(),
            title: sentences::cause_title(self, row, &targets),
            confidence: sentences::per_cent(ranked.confidence),
            documented: row.documented.clone(),
            posterior: (ranked.posterior * 1e6).round() / 1e6,
            best: ranked.best,
            context: self.context(ranked, &targets),
            subjects: targets,
            one_of: ranked.one_of.iter().filter_map(|id| self.cause_statement(id)).collect(),
            because: self.statements(&ranked.because, &ranked.subjects),
            also_explains: self.statements(&ranked.also_explains, &ranked.subjects),
            also_explains_by_step: sentences::checks_by_step(self, &ranked.also_explains),
            weakened_by: self.statements(&ranked.weakened_by, &[]),
            could_not_check: self.statements(&ranked.could_not_check, &[]),
            actions: remedy::plan(self.situation, self.target, row, ranked),
        })
    }

    /// Returns the failed checks of severity `note` on the containers and logs of a cause's
    /// targets, except those that already support the cause.
    fn context(&self, ranked: &RankedCause, targets: &[String]) -> Vec<Statement> {
        let notes = self.findings.iter().filter(|finding| finding.severity == Severity::Note);
        let of_component = |note: &&Finding| {
            self.catalog.check(&note.check).is_some_and(|check| *check.for_each.get_ref() == Scope::Component)
        };
        let notes = notes.filter(of_component).filter(|note| !ranked.because.contains(&note.check));
        let statements = |note: &Finding| {
            let of_target = |i: &&Instance| i.verdict == Verdict::Fail && targets.contains(&i.subject);
            let messages =
                note.instances.iter().filter(of_target).map(|i| format!("{}: {}", i.subject, i.observed));
            let statements = messages.map(|message| Statement { id: note.check.clone(), message });
            statements.collect::<Vec<Statement>>()
        };
        notes.flat_map(statements).collect()
    }

    /// Names a cause by its title.
    fn cause_statement(&self, cause: &str) -> Option<Statement> {
        let title = sentences::lower_first(&self.catalog.cause(cause)?.title);
        Some(Statement { id: cause.to_string(), message: title })
    }

    /// Describes a ruled-out cause with the first check that rules it out.
    pub(super) fn ruled_out(&self, ruled_out: &RuledOutCause) -> Option<Statement> {
        let row = self.catalog.cause(&ruled_out.cause)?;
        let title = sentences::lower_first(&row.title);
        let by = ruled_out.by.first().map(String::as_str).unwrap_or_default();
        Some(Statement { id: ruled_out.cause.clone(), message: format!("{title} ({by} passed)") })
    }

    /// Describes an undetermined cause with the unknown checks that would decide it.
    pub(super) fn undetermined(&self, cause: &UndeterminedCause) -> Option<Statement> {
        let title = sentences::lower_first(&self.catalog.cause(&cause.cause)?.title);
        let message = format!("{title} (not seen: {})", cause.unavailable.join(", "));
        Some(Statement { id: cause.cause.clone(), message })
    }

    /// Returns the check to run by hand next, unless its whole system is unavailable.
    pub(super) fn next(&self, check: &str) -> Option<Next> {
        let (row, finding) = self.finding(check)?;
        // The manual command would not reach the system either.
        let systems = &self.situation.systems;
        if matches!(&finding.verdict, Verdict::Unknown(why) if systems.unavailable_because(why)) {
            return None;
        }
        let unavailable = |i: &&Instance| matches!(i.verdict, Verdict::Unknown(_) | Verdict::Blocked(_));
        let subject =
            finding.instances.iter().find(unavailable).map(|i| i.subject.as_str()).unwrap_or_default();
        let by_hand = sentences::manual_command(self, &row.by_hand, subject);
        Some(Next { check: check.to_string(), by_hand })
    }
}
