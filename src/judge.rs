//! Judges facts against the expectations of checks. Pure.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::base::unavailable_reason::{Reason, ReasonKind};
use crate::fact::{Fact, Facts};
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Check};
use crate::runbook::fact_value::{Kind, Value};
use crate::runbook::overrides::Override;
use crate::runbook::severity::Severity;
use std::collections::BTreeMap;

/// The verdict on one subject, or on a whole check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The fact meets the expectation.
    Pass,
    /// The fact does not meet the expectation.
    Fail,
    /// The fact is unavailable, for the given reason.
    Unknown(Reason),
    /// A pass would prove nothing because the check named here did not pass.
    Blocked(String),
    /// The check does not apply to this run, for the given reason.
    NotAsked(Reason),
}

impl Verdict {
    /// Returns why the verdict is neither pass nor fail.
    pub fn reason(&self) -> Option<String> {
        match self {
            Verdict::Pass | Verdict::Fail => None,
            Verdict::Unknown(why) | Verdict::NotAsked(why) => Some(why.describe()),
            Verdict::Blocked(check) => Some(format!("{check} did not pass")),
        }
    }

    /// Orders verdicts from best to worst, because a check takes the worst verdict of its
    /// instances.
    fn rank(&self) -> u8 {
        match self {
            Verdict::NotAsked(_) => 0,
            Verdict::Pass => 1,
            Verdict::Blocked(_) => 2,
            Verdict::Unknown(_) => 3,
            Verdict::Fail => 4,
        }
    }
}

/// The result of a check for one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The subject's name.
    pub subject: Name,
    /// The verdict on this subject.
    pub verdict: Verdict,
    /// The fact's value, if it is known.
    pub value: Option<Value>,
    /// The observation as a sentence.
    pub observed: String,
}

impl Instance {
    /// Returns the observation, or the reason if there is none.
    pub fn describe(&self) -> String {
        self.verdict.reason().unwrap_or_else(|| self.observed.clone())
    }
}

/// The result of a check for all its subjects.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// The step of the runbook.
    pub step: u8,
    /// How serious a failure is: a warning about a record that names the requested event is an error.
    pub severity: Severity,
    /// Whether the check can fail on a healthy pipeline.
    pub noisy: bool,
    /// Whether the check concerns only the requested event.
    pub of_event: bool,
    /// Whether it fails because of a record that names the requested event.
    pub names_event: bool,
    /// The worst verdict of the instances: fail, then unknown, blocked, pass, not asked.
    pub verdict: Verdict,
    /// One instance per subject, in the pipeline's order.
    pub instances: Vec<Instance>,
}

impl Finding {
    /// Returns the subjects that failed the check.
    pub fn failed_subjects(&self) -> impl Iterator<Item = &str> {
        let failed = self.instances.iter().filter(|instance| instance.verdict == Verdict::Fail);
        failed.map(|instance| instance.subject.as_str())
    }
}

/// Judges every check and returns the findings in the order of the checks.
pub fn judge(catalog: &Catalog, facts: &Facts, pipeline: &Pipeline) -> Vec<Finding> {
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    // Judge a check after the checks that it needs, regardless of their order in the files.
    let mut waiting: Vec<&Check> = catalog.checks.iter().collect();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&Check>, Vec<&Check>) = waiting.iter().partition(|check| {
            check.pass_needs.iter().all(|need| findings.contains_key(need.get_ref().as_str()))
        });
        // The remaining checks depend on each other, so judge them as if they did not.
        let now = if ready.is_empty() { rest.clone() } else { ready };
        waiting.retain(|check| !now.iter().any(|other| std::ptr::eq(*check, *other)));
        for check in now {
            let finding = judge_one(check, catalog, facts, pipeline, &findings);
            findings.insert(check.id.get_ref(), finding);
        }
    }
    catalog.checks.iter().filter_map(|check| findings.remove(check.id.get_ref().as_str())).collect()
}

fn judge_one(
    check: &Check,
    catalog: &Catalog,
    facts: &Facts,
    pipeline: &Pipeline,
    judged: &BTreeMap<&str, Finding>,
) -> Finding {
    let switched_off = catalog.switched_off(check.id.get_ref());
    let subjects =
        if switched_off.is_some() { Vec::new() } else { check.for_each.get_ref().subjects(pipeline) };
    let kind = catalog.fact(check.fact.get_ref()).map_or(Kind::Bool, |fact| fact.kind);
    let facts: Vec<&Fact> =
        subjects.iter().filter_map(|subject| facts.get(check.fact.get_ref(), subject)).collect();
    let instances: Vec<Instance> = facts
        .iter()
        .map(|fact| Instance {
            subject: fact.subject.clone(),
            verdict: verdict(check, fact, kind, judged),
            value: fact.value.known().cloned(),
            observed: fact.message.clone(),
        })
        .collect();
    // What names the requested event, and fails, is read directly: no healthy pipeline has it.
    let mut judged_facts = instances.iter().zip(&facts);
    let is_direct =
        judged_facts.any(|(instance, fact)| instance.verdict == Verdict::Fail && fact.names_event);
    let worst = instances.iter().map(|instance| &instance.verdict).max_by_key(|verdict| verdict.rank());
    let no_instances = || match switched_off {
        Some(switched_off) => {
            Verdict::NotAsked(Reason::new(ReasonKind::NotConfigured, switched_off.describe()))
        }
        None => {
            // If there are subjects, another prerequisite of the check is not configured.
            let kind =
                if subjects.is_empty() { ReasonKind::NotInPipeline } else { ReasonKind::NotConfigured };
            Verdict::NotAsked(Reason::new(kind, "the pipeline declares none"))
        }
    };
    Finding {
        check: check.id.get_ref().clone(),
        step: *check.step.get_ref(),
        severity: severity(check, catalog, is_direct),
        noisy: check.noisy && !is_direct,
        of_event: check.of_event,
        names_event: is_direct,
        verdict: worst.cloned().unwrap_or_else(no_instances),
        instances,
    }
}

/// Returns the severity of a finding. A direct read is an error, unless an override says otherwise.
fn severity(check: &Check, catalog: &Catalog, is_direct: bool) -> Severity {
    let of_check = |row: &Override| row.id.get_ref() == check.id.get_ref() && row.severity.is_some();
    match check.severity {
        Severity::Warn if is_direct && !catalog.overrides.iter().any(of_check) => Severity::Error,
        severity => severity,
    }
}

fn verdict(check: &Check, fact: &Fact, kind: Kind, judged: &BTreeMap<&str, Finding>) -> Verdict {
    match &fact.value {
        Observed::Unknown(why) => Verdict::Unknown(why.clone()),
        Observed::NotAsked(why) => Verdict::NotAsked(why.clone()),
        Observed::Known(Value::AtLeast(least)) => match check.expect.get_ref().holds_for_at_least(*least) {
            Some(true) => pass_withheld(check, &fact.subject, judged).unwrap_or(Verdict::Pass),
            Some(false) => Verdict::Fail,
            None => Verdict::Unknown(Reason::new(
                ReasonKind::Limit,
                format!("{}, but only part of the log was read", fact.message),
            )),
        },
        Observed::Known(value) if !check.expect.get_ref().holds(value, kind) => Verdict::Fail,
        Observed::Known(_) => pass_withheld(check, &fact.subject, judged).unwrap_or(Verdict::Pass),
    }
}

/// Returns the verdict that replaces a pass if a needed check did not pass for the same
/// subject. If the needed check does not cover that subject, its overall verdict counts.
fn pass_withheld(check: &Check, subject: &str, judged: &BTreeMap<&str, Finding>) -> Option<Verdict> {
    check.pass_needs.iter().find_map(|need| {
        let need = need.get_ref();
        let finding = judged.get(need.as_str())?;
        let same = finding.instances.iter().find(|instance| instance.subject == subject);
        match same.map_or(&finding.verdict, |instance| &instance.verdict) {
            Verdict::Pass => None,
            Verdict::NotAsked(why) => Some(Verdict::NotAsked(why.clone())),
            _ => Some(Verdict::Blocked(need.clone())),
        }
    })
}
