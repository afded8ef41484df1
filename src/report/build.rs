//! Puts a report together.

use crate::command::{doctor, shell};
use crate::judge::{Finding, Verdict};
use crate::remedy::Planned;
use crate::report::extent::extent;
use crate::report::material::Material;
use crate::report::model::{Cause, Conclusions, Outcome, Report, SCHEMA_VERSION, Told};
use crate::report::summary;
use crate::report::unseen::unseen;
use crate::runbook::catalog::ActionKind;
use crate::runbook::overrides::{RowKind, SwitchedOff};
use crate::runbook::severity::Severity;

/// Concludes what is wrong and what to do.
pub fn conclusions(material: &Material) -> Conclusions {
    let Material { situation, diagnosis, .. } = material;
    let causes: Vec<Cause> = diagnosis.causes.iter().filter_map(|cause| material.cause(cause)).collect();
    Conclusions {
        tool: format!("pipeline-doctor {}", situation.tool),
        pipeline: situation.pipeline.name.clone(),
        taken: situation.clocks.taken,
        actions: actions(material, &causes),
        causes,
        unseen: unseen(material),
    }
}

/// Puts the report together.
pub fn report(material: &Material) -> Report {
    let diagnosis = material.diagnosis;
    let outcome = outcome(material);
    let Conclusions { tool, pipeline, taken, causes, actions, unseen } = conclusions(material);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool,
        pipeline,
        id: material.situation.asked.id.map(String::from),
        taken,
        outcome,
        exit_code: outcome.exit_code(material.fail_on_warnings),
        headline: String::new(),
        actions,
        extent: extent(material),
        steps: material.catalog.steps.iter().map(|step| summary::step(material, step)).collect(),
        causes,
        ruled_out: diagnosis.ruled_out.iter().filter_map(|cause| material.ruled_out(cause)).collect(),
        untellable: diagnosis.untellable.iter().filter_map(|cause| material.untellable(cause)).collect(),
        risks: material.told(&diagnosis.risks, &[]),
        unexplained: material.told(&diagnosis.unexplained, &[]),
        unseen,
        next: diagnosis.next.as_deref().and_then(|check| material.next(check)),
        switched_off: material.catalog.switched.off.clone(),
        overrides_ended: material.catalog.switched.ended.iter().map(ended).collect(),
    };
    report.headline = summary::headline(material, &report);
    report
}

fn ended(row: &SwitchedOff) -> Told {
    let again = match row.kind {
        RowKind::Check => "judged",
        RowKind::Cause => "ranked",
    };
    let say = format!("override of {} ended {}: it is {again} again", row.id, row.until);
    Told { id: row.id.clone(), say }
}

/// A problem wins over what was not seen, and that over warnings.
fn outcome(material: &Material) -> Outcome {
    let findings = material.findings;
    let failed = |severity| findings.iter().any(|f| f.verdict == Verdict::Fail && f.severity == severity);
    let unseen = |f: &Finding| {
        f.instances.iter().any(|i| matches!(i.verdict, Verdict::Unknown(_) | Verdict::Blocked(_)))
    };
    match () {
        () if failed(Severity::Error) => Outcome::Problem,
        () if findings.iter().filter(|f| f.severity != Severity::Note).any(unseen)
            || material.situation.systems.without_address().next().is_some() =>
        {
            Outcome::Inconclusive
        }
        () if failed(Severity::Warn) => Outcome::Warning,
        () => Outcome::Healthy,
    }
}

/// What to do: each thing once, and what sends the stuck events once more when
/// all is mended.
fn actions(material: &Material, causes: &[Cause]) -> Vec<Planned> {
    let best = causes.iter().filter(|cause| cause.best);
    let of_best: Vec<&Planned> = best.flat_map(|cause| &cause.actions).collect();
    let is_proof = |action: &Planned| action.kind == ActionKind::Prove;
    let comes_later = |i: usize| {
        let script = &of_best[i].script;
        script.is_some() && of_best[i + 1..].iter().any(|later| later.script == *script)
    };
    let came_before = |i: usize| {
        let same = |before: &&Planned| before.run == of_best[i].run && before.say == of_best[i].say;
        of_best[i].script.is_none() && of_best[..i].iter().any(same)
    };
    let others = of_best.iter().enumerate().filter(|(i, action)| !is_proof(action) && !comes_later(*i));
    let others = others.filter(|(i, _)| !came_before(*i)).map(|(_, action)| *action);
    let proof = of_best.iter().copied().find(|action| is_proof(action));
    look_at_one(material, causes).into_iter().chain(others.chain(proof).cloned()).collect()
}

/// Where causes are as likely as each other, one of the stuck events tells more.
fn look_at_one(material: &Material, causes: &[Cause]) -> Option<Planned> {
    if material.situation.asked.id.is_some() || causes.iter().any(|cause| cause.best) {
        return None;
    }
    let id = material.situation.backlog.newest.first()?;
    Some(Planned {
        kind: ActionKind::Prove,
        say: Some("the newest of the stuck ones: what is seen of it tells the causes apart".into()),
        run: vec![shell::process(&doctor::ask(id))],
        script: None,
    })
}
