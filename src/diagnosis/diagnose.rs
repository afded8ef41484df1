//! Ranks the causes of what failed, and says what speaks for and against each.

use crate::base::name::Name;
use crate::diagnosis::model::{Diagnosed, Diagnosis, RuledOut, Untellable};
use crate::diagnosis::named::{Candidate, TIE, named};
use crate::diagnosis::rank::{ALWAYS, Model, Ranking, SOMETIMES, USUALLY, fails};
use crate::judge::{Finding, Verdict};
use crate::runbook::catalog::Catalog;
use crate::runbook::severity::Severity;

/// A failed check speaks for a cause if it is explained this much better with it (nats).
const BECAUSE: f64 = 0.5;
/// A passed check rules a cause out from here on (nats).
const RULED_OUT: f64 = -2.0;

/// Ranks the causes of what failed.
pub fn diagnose(catalog: &Catalog, findings: &[Finding]) -> Diagnosis {
    let model = Model::new(catalog, findings);
    let ranking = model.rank();
    let named = named(catalog, &model, &ranking, findings);
    let listed: Vec<usize> = named.iter().flat_map(|candidate| &candidate.members).copied().collect();
    let explained = |j: usize| listed.iter().any(|&k| model.link(k, j) >= SOMETIMES);
    let failed = |noisy: bool| {
        let failed = (0..findings.len()).filter(move |&j| {
            fails(&findings[j]) && findings[j].noisy == noisy && findings[j].severity != Severity::Note
        });
        failed.filter(|&j| !explained(j)).map(|j| findings[j].check.clone()).collect()
    };
    let mut causes: Vec<Diagnosed> =
        named.iter().map(|candidate| diagnosed(&model, &ranking, findings, candidate)).collect();
    // Where no explanation is likelier than none, the likeliest cause is the best
    // all the same, unless another is as likely.
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
        untellable: untellable(&model, findings, &listed, &ruled_out),
        ruled_out,
        unexplained: failed(false),
        risks: failed(true),
        next: named.first().and_then(|first| next(&model, &ranking, findings, first.leader(&ranking))),
    }
}

fn diagnosed(model: &Model, ranking: &Ranking, findings: &[Finding], named: &Candidate) -> Diagnosed {
    let k = named.leader(ranking);
    let rest: Vec<usize> = ranking.best.iter().copied().filter(|&other| other != k).collect();
    // How much better a failure of j is explained with the cause than by the
    // rest of the best explanation alone.
    let gain = |j: usize| {
        let without = model.pass(j, &rest);
        ((1.0 - without * (1.0 - model.link(k, j))) / (1.0 - without)).ln()
    };
    // What tells of the event alone, or can fail by itself, follows from much
    // else too: it speaks for a cause only where the cause always breaks it.
    let telling = |j: usize| {
        let certain = !findings[j].noisy && !findings[j].of_event;
        model.link(k, j) >= if certain { USUALLY } else { ALWAYS }
    };
    let said = |j: usize| named.row.seen.iter().any(|check| *check.get_ref() == findings[j].check);
    let speaks = |j: &usize| said(*j) || (telling(*j) && gain(*j) > BECAUSE);
    let ids = |keep: &dyn Fn(&usize) -> bool| -> Vec<String> {
        (0..findings.len()).filter(|j| keep(j)).map(|j| findings[j].check.clone()).collect()
    };
    let linked_fail = |j: &usize| fails(&findings[*j]) && model.link(k, *j) >= SOMETIMES;
    let unseen = |j: &usize| is_unseen(&findings[*j]);
    Diagnosed {
        cause: named.row.id.get_ref().clone(),
        one_of: one_of(model, ranking, named),
        posterior: named.posterior,
        confidence: named.confidence(),
        best: named.members.iter().any(|k| ranking.best.contains(k)),
        subjects: subjects(model, findings, k),
        because: strongest_first(model, findings, k, |j| linked_fail(&j) && speaks(&j)),
        also_explains: ids(&|j| linked_fail(j) && !speaks(j)),
        weakened_by: ids(&|j| model.observed(*j) == Some(true) && model.link(k, *j) >= USUALLY),
        could_not_check: ids(&|j| unseen(j) && model.link(k, *j) >= USUALLY),
    }
}

/// The members of a group that are nearly as likely as the likeliest one.
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

/// The checks that a cause breaks always come first: they are its own.
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

/// The subjects that every failed `always` check names; where the checks are
/// about different things (a topic, a worker), those of the first.
fn subjects(model: &Model, findings: &[Finding], k: usize) -> Vec<Name> {
    let linked = |least: f64| (0..findings.len()).filter(move |&j| model.link(k, j) >= least);
    let failed = |least: f64| linked(least).filter(|&j| fails(&findings[j])).collect::<Vec<usize>>();
    // Where none of them was seen, those of what it usually breaks, if they are of
    // the kind that it is about: no worker stands for a topic.
    let own = failed(ALWAYS);
    let asked = linked(ALWAYS).flat_map(|j| &findings[j].instances).map(|i| i.subject.as_str());
    let about: Vec<&str> = asked.collect();
    // What is no fault by itself is one where the trouble is.
    let note = |j: &usize| findings[*j].severity == Severity::Note;
    let telling = match own.as_slice() {
        [] => failed(USUALLY),
        own if own.iter().all(note) => {
            let mut others = failed(SOMETIMES);
            others.sort_by_key(|&j| findings[j].of_event || findings[j].noisy);
            own.iter().copied().chain(others).collect()
        }
        own => own.to_vec(),
    };
    let telling = telling.into_iter();
    let mut sets = telling.map(|j| {
        let subjects = findings[j].failed_subjects().filter(|subject| about.contains(subject));
        subjects.map(str::to_string).collect::<Vec<Name>>()
    });
    let first = sets.next().unwrap_or_default();
    sets.fold(first, |common, set| {
        let both: Vec<Name> = common.iter().filter(|name| set.contains(name)).cloned().collect();
        if both.is_empty() { common } else { both }
    })
}

fn ruled_out(model: &Model, findings: &[Finding], listed: &[usize]) -> Vec<RuledOut> {
    let others = (0..model.causes.len()).filter(|k| !listed.contains(k));
    others
        .filter_map(|k| {
            let by: Vec<String> = (0..findings.len())
                .filter(|&j| model.observed(j) == Some(true))
                .filter(|&j| (1.0 - model.link(k, j)).ln() <= RULED_OUT)
                .map(|j| findings[j].check.clone())
                .collect();
            (!by.is_empty()).then(|| RuledOut { cause: model.causes[k].id.get_ref().clone(), by })
        })
        .collect()
}

fn is_unseen(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Unknown(_) | Verdict::Blocked(_))
}

fn untellable(
    model: &Model,
    findings: &[Finding],
    listed: &[usize],
    ruled_out: &[RuledOut],
) -> Vec<Untellable> {
    let told = |k: &usize| {
        listed.contains(k) || ruled_out.iter().any(|out| out.cause == *model.causes[*k].id.get_ref())
    };
    let open = (0..model.causes.len()).filter(|k| !told(k)).map(|k| {
        let telling = (0..findings.len()).filter(|&j| model.link(k, j) >= ALWAYS && is_unseen(&findings[j]));
        let unseen = telling.map(|j| findings[j].check.clone()).collect();
        Untellable { cause: model.causes[k].id.get_ref().clone(), unseen }
    });
    open.filter(|cause| !cause.unseen.is_empty()).collect()
}

/// The unseen check whose answer would move this cause's probability most.
fn next(model: &Model, ranking: &Ranking, findings: &[Finding], leader: usize) -> Option<String> {
    let unseen = (0..findings.len())
        .filter(|&j| is_unseen(&findings[j]))
        .filter(|&j| (0..model.causes.len()).any(|k| model.link(k, j) > 0.0));
    let ceiling = f64::from(*model.causes[leader].confidence.get_ref()) / 100.0;
    let moves = unseen.map(|j| {
        let answer = |passes| model.posterior_if(ranking, (j, passes), leader).min(ceiling);
        (j, (answer(true) - answer(false)).abs())
    });
    let most = moves.fold(None, |most: Option<(usize, f64)>, (j, moved)| match most {
        Some((_, highest)) if highest >= moved => most,
        _ => Some((j, moved)),
    });
    most.filter(|(_, moved)| *moved > 0.01).map(|(j, _)| findings[j].check.clone())
}
