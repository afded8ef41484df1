//! What a report says of causes, and of the checks that speak for and against them.

use crate::diagnosis::{Diagnosed, RuledOut, Untellable};
use crate::judge::{Finding, Instance, Verdict};
use crate::remedy;
use crate::report::material::Material;
use crate::report::model::{Cause, Next, Told};
use crate::report::words;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;

impl Material<'_> {
    /// A sentence about each of these checks; of these subjects, where it has some of them.
    pub(super) fn told(&self, checks: &[String], about: &[String]) -> Vec<Told> {
        let told = |check: &String| {
            let (row, finding) = self.finding(check)?;
            Some(Told { id: check.clone(), say: words::sentence(self, row, finding, about) })
        };
        checks.iter().filter_map(told).collect()
    }

    /// A listed cause, with all that is said of it.
    pub(super) fn cause(&self, diagnosed: &Diagnosed) -> Option<Cause> {
        let row = self.catalog.cause(&diagnosed.cause)?;
        let whom = row.whom(self.pipeline, &diagnosed.subjects);
        Some(Cause {
            id: diagnosed.cause.clone(),
            title: words::cause_title(self, row, &whom),
            confidence: words::per_cent(diagnosed.confidence),
            documented: row.documented.clone(),
            posterior: (diagnosed.posterior * 1e6).round() / 1e6,
            best: diagnosed.best,
            context: self.context(diagnosed, &whom),
            subjects: whom,
            one_of: diagnosed.one_of.iter().filter_map(|id| self.titled(id)).collect(),
            because: self.told(&diagnosed.because, &diagnosed.subjects),
            also_explains: self.told(&diagnosed.also_explains, &diagnosed.subjects),
            also_explains_by_step: words::by_step(self, &diagnosed.also_explains),
            weakened_by: self.told(&diagnosed.weakened_by, &[]),
            could_not_check: self.told(&diagnosed.could_not_check, &[]),
            actions: remedy::plan(self.situation, self.target, row, diagnosed),
        })
    }

    /// Failed notes about the containers and logs of a cause's subjects, without
    /// those that speak for it already.
    fn context(&self, diagnosed: &Diagnosed, whom: &[String]) -> Vec<Told> {
        let notes = self.findings.iter().filter(|finding| finding.severity == Severity::Note);
        let of_part = |note: &&Finding| {
            self.catalog.check(&note.check).is_some_and(|check| *check.for_each.get_ref() == Scope::Part)
        };
        let notes = notes.filter(of_part).filter(|note| !diagnosed.because.contains(&note.check));
        let told = |note: &Finding| {
            let about = |i: &&Instance| i.verdict == Verdict::Fail && whom.contains(&i.subject);
            let says = note.instances.iter().filter(about).map(|i| format!("{}: {}", i.subject, i.observed));
            let told = says.map(|say| Told { id: note.check.clone(), say });
            told.collect::<Vec<Told>>()
        };
        notes.flat_map(told).collect()
    }

    /// A cause by what it is called.
    fn titled(&self, cause: &str) -> Option<Told> {
        let title = words::lower_first(&self.catalog.cause(cause)?.title);
        Some(Told { id: cause.to_string(), say: title })
    }

    /// A cause that is ruled out, and by what.
    pub(super) fn ruled_out(&self, ruled_out: &RuledOut) -> Option<Told> {
        let row = self.catalog.cause(&ruled_out.cause)?;
        let title = words::lower_first(&row.title);
        let by = ruled_out.by.first().map(String::as_str).unwrap_or_default();
        Some(Told { id: ruled_out.cause.clone(), say: format!("{title} ({by} passed)") })
    }

    /// A cause that could not be told, and what was not seen.
    pub(super) fn untellable(&self, cause: &Untellable) -> Option<Told> {
        let title = words::lower_first(&self.catalog.cause(&cause.cause)?.title);
        let say = format!("{title} (not seen: {})", cause.unseen.join(", "));
        Some(Told { id: cause.cause.clone(), say })
    }

    /// What to look at next, where that can be looked at by hand.
    pub(super) fn next(&self, check: &str) -> Option<Next> {
        let (row, finding) = self.finding(check)?;
        // By hand the same system is as unseen.
        let systems = &self.situation.systems;
        if matches!(&finding.verdict, Verdict::Unknown(why) if systems.are_unseen_for(why)) {
            return None;
        }
        let unseen = |i: &&Instance| matches!(i.verdict, Verdict::Unknown(_) | Verdict::Blocked(_));
        let subject = finding.instances.iter().find(unseen).map(|i| i.subject.as_str()).unwrap_or_default();
        Some(Next { check: check.to_string(), by_hand: words::command(self, &row.by_hand, subject) })
    }
}
