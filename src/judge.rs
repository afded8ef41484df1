//! Checks: facts against expectations. Pure.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::base::reason::{Why, WhyKind};
use crate::fact::{Fact, Facts};
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Check};
use crate::runbook::severity::Severity;
use crate::runbook::value::{Kind, Value};
use std::collections::BTreeMap;

/// What was found out about one subject, or about a whole check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Fail,
    /// Could not look, and why.
    Unknown(Why),
    /// A pass would be empty, because this check did not pass.
    Blocked(String),
    /// Nobody asked, and why.
    NotAsked(Why),
}

impl Verdict {
    /// Why it is neither pass nor fail.
    pub fn why(&self) -> Option<String> {
        match self {
            Verdict::Pass | Verdict::Fail => None,
            Verdict::Unknown(why) | Verdict::NotAsked(why) => Some(why.words()),
            Verdict::Blocked(check) => Some(format!("{check} did not pass")),
        }
    }

    /// One check is one observation: the worst of its instances.
    fn badness(&self) -> u8 {
        match self {
            Verdict::NotAsked(_) => 0,
            Verdict::Pass => 1,
            Verdict::Blocked(_) => 2,
            Verdict::Unknown(_) => 3,
            Verdict::Fail => 4,
        }
    }
}

/// A check judged about one subject.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Whom it is about.
    pub subject: Name,
    /// What was found.
    pub verdict: Verdict,
    /// The fact's value, where it was seen.
    pub value: Option<Value>,
    /// What was observed, in words.
    pub observed: String,
}

impl Instance {
    /// What was observed, or why nothing was.
    pub fn said(&self) -> String {
        self.verdict.why().unwrap_or_else(|| self.observed.clone())
    }
}

/// A check judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    /// The runbook's step.
    pub step: u8,
    /// What a failure means.
    pub severity: Severity,
    /// Whether it can fail on a healthy pipeline.
    pub noisy: bool,
    /// Whether it tells of the asked event alone.
    pub of_event: bool,
    /// Fail if any instance fails; else unknown if any is; else blocked; else pass.
    pub verdict: Verdict,
    /// Its instances, in the pipeline's order.
    pub instances: Vec<Instance>,
}

impl Finding {
    /// The subjects about whom it failed.
    pub fn failed_subjects(&self) -> impl Iterator<Item = &str> {
        let failed = self.instances.iter().filter(|instance| instance.verdict == Verdict::Fail);
        failed.map(|instance| instance.subject.as_str())
    }
}

/// Judges every check; the findings come in the order of the checks.
pub fn judge(catalog: &Catalog, facts: &Facts, pipeline: &Pipeline) -> Vec<Finding> {
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    // A check comes after those that its pass needs, whatever their order in the files.
    let mut waiting: Vec<&Check> = catalog.checks.iter().collect();
    while !waiting.is_empty() {
        let (ready, rest): (Vec<&Check>, Vec<&Check>) = waiting.iter().partition(|check| {
            check.pass_needs.iter().all(|need| findings.contains_key(need.get_ref().as_str()))
        });
        // A circle of needs: judge what is left without the needs that cannot come.
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
    done: &BTreeMap<&str, Finding>,
) -> Finding {
    let off = catalog.switched_off(check.id.get_ref());
    let subjects = if off.is_some() { Vec::new() } else { check.for_each.get_ref().subjects(pipeline) };
    let kind = catalog.fact(check.fact.get_ref()).map_or(Kind::Bool, |fact| fact.kind);
    let instances: Vec<Instance> = subjects
        .iter()
        .filter_map(|subject| facts.get(check.fact.get_ref(), subject))
        .map(|fact| Instance {
            subject: fact.subject.clone(),
            verdict: verdict(check, fact, kind, done),
            value: fact.value.known().cloned(),
            observed: fact.say.clone(),
        })
        .collect();
    let worst = instances.iter().map(|instance| &instance.verdict).max_by_key(|verdict| verdict.badness());
    let nothing = || match off {
        Some(off) => Verdict::NotAsked(Why::new(WhyKind::NotConfigured, off.words())),
        None => {
            // Where there is somebody to ask of, it is the other thing that it is about that is not there.
            let kind = if subjects.is_empty() { WhyKind::NoPart } else { WhyKind::NotConfigured };
            Verdict::NotAsked(Why::new(kind, "the pipeline has none"))
        }
    };
    Finding {
        check: check.id.get_ref().clone(),
        step: *check.step.get_ref(),
        severity: check.severity,
        noisy: check.noisy,
        of_event: check.of_event,
        verdict: worst.cloned().unwrap_or_else(nothing),
        instances,
    }
}

fn verdict(check: &Check, fact: &Fact, kind: Kind, done: &BTreeMap<&str, Finding>) -> Verdict {
    match &fact.value {
        Seen::Unknown(why) => Verdict::Unknown(why.clone()),
        Seen::NotAsked(why) => Verdict::NotAsked(why.clone()),
        Seen::Known(Value::AtLeast(least)) => match check.expect.get_ref().holds_from(*least) {
            Some(true) => withheld(check, &fact.subject, done).unwrap_or(Verdict::Pass),
            Some(false) => Verdict::Fail,
            None => Verdict::Unknown(Why::new(WhyKind::Limit, format!("{}: not all was read", fact.say))),
        },
        Seen::Known(value) if !check.expect.get_ref().holds(value, kind) => Verdict::Fail,
        Seen::Known(_) => withheld(check, &fact.subject, done).unwrap_or(Verdict::Pass),
    }
}

/// A pass is withheld where something it needs did not pass: for the same
/// subject where the other check has it, else as a whole.
fn withheld(check: &Check, subject: &str, done: &BTreeMap<&str, Finding>) -> Option<Verdict> {
    check.pass_needs.iter().find_map(|need| {
        let need = need.get_ref();
        let finding = done.get(need.as_str())?;
        let same = finding.instances.iter().find(|instance| instance.subject == subject);
        match same.map_or(&finding.verdict, |instance| &instance.verdict) {
            Verdict::Pass => None,
            Verdict::NotAsked(why) => Some(Verdict::NotAsked(why.clone())),
            _ => Some(Verdict::Blocked(need.clone())),
        }
    })
}
