//! Diagnoses the findings: lists the likely causes with the evidence for and against each.

use crate::base::name::Name;
use crate::diagnosis::candidates::{Candidate, TIE, list_candidates};
use crate::diagnosis::rank::{ALWAYS, Model, Ranking, SOMETIMES, USUALLY, fails};
use crate::diagnosis::result::{Diagnosis, RankedCause, RuledOutCause, UndeterminedCause};
use crate::judge::{Finding, Verdict};
use crate::runbook::catalog::Catalog;
use crate::runbook::severity::Severity;

/// The log-likelihood gain (nats) above which a failed check supports a cause.
const MIN_GAIN: f64 = 0.5;
/// The log-likelihood (nats) at or below which a passed check rules a cause out.
const RULED_OUT_BELOW: f64 = -2.0;

/// Ranks the causes that explain the failed checks.
pub fn diagnose(catalog: &Catalog, findings: &[Finding]) -> Diagnosis {
    let model = Model::new(catalog, findings);
    let ranking = model.rank();
    let candidates = list_candidates(catalog, &model, &ranking, findings);
    let listed: Vec<usize> = candidates.iter().flat_map(|candidate| &candidate.members).copied().collect();
    let explained = |j: usize| listed.iter().any(|&k| model.link(k, j) >= SOMETIMES);
    let unexplained = |noisy: bool| {
        let failed = (0..findings.len()).filter(move |&j| {
            fails(&findings[j]) && findings[j].noisy == noisy && findings[j].severity != Severity::Note
        });
        failed.filter(|&j| !explained(j)).map(|j| findings[j].check.clone()).collect()
    };
    let mut causes: Vec<RankedCause> =
        candidates.iter().map(|candidate| ranked_cause(&model, &ranking, findings, candidate)).collect();
    // A cause that explains only what most causes explain, such as that the event is missing, has nothing but
    // its prior: it stands behind those that have more, and is no part of the verdict.
    let is_telling = |check: &String| {
        let j = findings.iter().position(|finding| finding.check == *check);
        j.is_some_and(|j| !findings[j].of_event && !model.is_common_symptom(j))
    };
    let is_supported = |cause: &RankedCause| {
        let observed = cause.also_explains.iter().any(is_telling);
        observed || !cause.because.is_empty() || !cause.one_of.is_empty()
    };
    if causes.iter().any(is_supported) {
        causes.sort_by_key(|cause| !is_supported(cause));
        causes.iter_mut().filter(|cause| !is_supported(cause)).for_each(|cause| cause.best = false);
    }
    // If the best hypothesis contains no listed cause, the first listed cause counts as
    // the best, unless the second is equally likely.
    let tie = matches!(causes.as_slice(), [first, second, ..] if first.posterior - second.posterior < TIE);
    if causes.iter().all(|cause| !cause.best)
        && !tie
        && let Some(first) = causes.first_mut()
    {
        first.best = true;
    }
    let ruled_out = ruled_out(&model, findings, &listed);
    Diagnosis {
        causes,
        undetermined: undetermined(&model, findings, &listed, &ruled_out),
        ruled_out,
        unexplained: unexplained(false),
        risks: unexplained(true),
        next: candidates.first().and_then(|first| next(&model, &ranking, findings, first.leader(&ranking))),
    }
}

fn ranked_cause(
    model: &Model,
    ranking: &Ranking,
    findings: &[Finding],
    candidate: &Candidate,
) -> RankedCause {
    let k = candidate.leader(ranking);
    let rest: Vec<usize> = ranking.best.iter().copied().filter(|&other| other != k).collect();
    // How much better the best hypothesis explains j's failure with this cause than without it.
    let gain = |j: usize| {
        let without = model.pass(j, &rest);
        ((1.0 - without * (1.0 - model.link(k, j))) / (1.0 - without)).ln()
    };
    // Noisy checks and checks on the event alone fail for many reasons, so they support a cause
    // only if the cause always breaks them.
    let is_specific = |j: usize| {
        let certain = !findings[j].noisy && !findings[j].of_event;
        model.link(k, j) >= if certain { USUALLY } else { ALWAYS }
    };
    let is_named = |j: usize| candidate.row.seen.iter().any(|check| *check.get_ref() == findings[j].check);
    let supports = |j: &usize| is_named(*j) || (is_specific(*j) && gain(*j) > MIN_GAIN);
    let ids = |keep: &dyn Fn(&usize) -> bool| -> Vec<String> {
        (0..findings.len()).filter(|j| keep(j)).map(|j| findings[j].check.clone()).collect()
    };
    let linked_fail = |j: &usize| fails(&findings[*j]) && model.link(k, *j) >= SOMETIMES;
    let unavailable = |j: &usize| is_unavailable(&findings[*j]);
    RankedCause {
        cause: candidate.row.id.get_ref().clone(),
        one_of: one_of(model, ranking, candidate),
        posterior: candidate.posterior,
        confidence: candidate.confidence(),
        best: candidate.members.iter().any(|k| ranking.best.contains(k)),
        subjects: subjects(model, findings, k),
        because: strongest_first(model, findings, k, |j| linked_fail(&j) && supports(&j)),
        also_explains: ids(&|j| linked_fail(j) && !supports(j)),
        weakened_by: ids(&|j| model.observed(*j) == Some(true) && model.link(k, *j) >= USUALLY),
        could_not_check: ids(&|j| unavailable(j) && model.link(k, *j) >= USUALLY),
    }
}

/// Returns the members of a group that are at least a quarter as likely as the likeliest.
fn one_of(model: &Model, ranking: &Ranking, group: &Candidate) -> Vec<String> {
    if !group.is_group() {
        return Vec::new();
    }
    let least = ranking.posterior[group.leader(ranking)] / 4.0;
    let mut likely: Vec<usize> =
        group.members.iter().copied().filter(|&k| ranking.posterior[k] >= least).collect();
    likely.sort_by(|&a, &b| ranking.posterior[b].total_cmp(&ranking.posterior[a]));
    likely.into_iter().map(|k| model.causes[k].id.get_ref().clone()).collect()
}

/// Returns the matching checks, ordered by the strength of their link to the cause.
fn strongest_first(
    model: &Model,
    findings: &[Finding],
    k: usize,
    keep: impl Fn(usize) -> bool,
) -> Vec<String> {
    let mut kept: Vec<usize> = (0..findings.len()).filter(|&j| keep(j)).collect();
    kept.sort_by(|&a, &b| model.link(k, b).total_cmp(&model.link(k, a)));
    kept.into_iter().map(|j| findings[j].check.clone()).collect()
}

/// Returns the subjects that all failed `always` checks have in common, or the subjects of the
/// first check if the checks are about different kinds of subjects (a topic, a worker).
fn subjects(model: &Model, findings: &[Finding], k: usize) -> Vec<Name> {
    let linked = |least: f64| (0..findings.len()).filter(move |&j| model.link(k, j) >= least);
    let failed = |least: f64| linked(least).filter(|&j| fails(&findings[j])).collect::<Vec<usize>>();
    // If no `always` check failed, use the failed `usually` checks, but keep only subjects
    // of the kind that the cause is about, because a worker cannot replace a topic.
    let own = failed(ALWAYS);
    let own_subjects = linked(ALWAYS).flat_map(|j| &findings[j].instances).map(|i| i.subject.as_str());
    let allowed: Vec<&str> = own_subjects.collect();
    // A note is not a fault, so also use the subjects of the other failed checks.
    let note = |j: &usize| findings[*j].severity == Severity::Note;
    let relevant = match own.as_slice() {
        [] => failed(USUALLY),
        own if own.iter().all(note) => {
            let mut others = failed(SOMETIMES);
            others.sort_by_key(|&j| findings[j].of_event || findings[j].noisy);
            own.iter().copied().chain(others).collect()
        }
        own => own.to_vec(),
    };
    let mut sets = relevant.into_iter().map(|j| {
        let subjects = findings[j].failed_subjects().filter(|subject| allowed.contains(subject));
        subjects.map(str::to_string).collect::<Vec<Name>>()
    });
    let first = sets.next().unwrap_or_default();
    sets.fold(first, |common, set| {
        let both: Vec<Name> = common.iter().filter(|name| set.contains(name)).cloned().collect();
        if both.is_empty() { common } else { both }
    })
}

fn ruled_out(model: &Model, findings: &[Finding], listed: &[usize]) -> Vec<RuledOutCause> {
    let others = (0..model.causes.len()).filter(|k| !listed.contains(k));
    others
        .filter_map(|k| {
            let by: Vec<String> = (0..findings.len())
                .filter(|&j| model.observed(j) == Some(true))
                .filter(|&j| (1.0 - model.link(k, j)).ln() <= RULED_OUT_BELOW)
                .map(|j| findings[j].check.clone())
                .collect();
            (!by.is_empty()).then(|| RuledOutCause { cause: model.causes[k].id.get_ref().clone(), by })
        })
        .collect()
}

fn is_unavailable(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Unknown(_) | Verdict::Blocked(_))
}

fn undetermined(
    model: &Model,
    findings: &[Finding],
    listed: &[usize],
    ruled_out: &[RuledOutCause],
) -> Vec<UndeterminedCause> {
    let is_decided = |k: &usize| {
        listed.contains(k) || ruled_out.iter().any(|out| out.cause == *model.causes[*k].id.get_ref())
    };
    let open = (0..model.causes.len()).filter(|k| !is_decided(k)).map(|k| {
        let unknown =
            (0..findings.len()).filter(|&j| model.link(k, j) >= ALWAYS && is_unavailable(&findings[j]));
        let unavailable = unknown.map(|j| findings[j].check.clone()).collect();
        UndeterminedCause { cause: model.causes[k].id.get_ref().clone(), unavailable }
    });
    open.filter(|cause| !cause.unavailable.is_empty()).collect()
}

/// Returns the unknown check whose answer would change the leader's confidence the most.
fn next(model: &Model, ranking: &Ranking, findings: &[Finding], leader: usize) -> Option<String> {
    let unavailable = (0..findings.len())
        .filter(|&j| is_unavailable(&findings[j]))
        .filter(|&j| (0..model.causes.len()).any(|k| model.link(k, j) > 0.0));
    let ceiling = f64::from(*model.causes[leader].confidence.get_ref()) / 100.0;
    let moves = unavailable.map(|j| {
        let answer = |passes| model.posterior_if(ranking, (j, passes), leader).min(ceiling);
        (j, (answer(true) - answer(false)).abs())
    });
    let most = moves.fold(None, |most: Option<(usize, f64)>, (j, moved)| match most {
        Some((_, highest)) if highest >= moved => most,
        _ => Some((j, moved)),
    });
    most.filter(|(_, moved)| *moved > 0.01).map(|(j, _)| findings[j].check.clone())
}
