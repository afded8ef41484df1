//! What is named: causes, and groups of causes in the place of those that cannot
//! be told apart.

use crate::diagnosis::rank::{ALWAYS, Model, Ranking, SOMETIMES, fails};
use crate::judge::Finding;
use crate::runbook::catalog::{Catalog, Cause};
use crate::runbook::severity::Severity;

/// A cause is listed from this confidence on.
const LISTED: f64 = 0.10;
/// From this probability on a cause is told from others.
const TOLD: f64 = 0.60;
/// From this probability on one of a group of causes is taken to be true.
const GROUP: f64 = 0.80;

/// Two causes whose probabilities differ by less cannot be told apart.
pub(super) const TIE: f64 = 0.02;

/// A row that can be named: a cause, or several that cannot be told apart.
pub(super) struct Candidate<'a> {
    pub(super) row: &'a Cause,
    /// Indices into the model; of a cause with links, its own.
    pub(super) members: Vec<usize>,
    /// The probability that one of the members is true.
    pub(super) posterior: f64,
}

impl<'a> Candidate<'a> {
    fn new(row: &'a Cause, model: &Model, ranking: &Ranking) -> Self {
        let index = |id: &str| model.causes.iter().position(|cause| cause.id.get_ref() == id);
        let members: Vec<usize> = match row.any_of.as_slice() {
            [] => index(row.id.get_ref()).into_iter().collect(),
            any_of => any_of.iter().filter_map(|member| index(member.get_ref())).collect(),
        };
        Candidate { row, posterior: model.any_of(ranking, &members), members }
    }

    pub(super) fn confidence(&self) -> f64 {
        self.posterior.min(f64::from(*self.row.confidence.get_ref()) / 100.0)
    }

    pub(super) fn is_group(&self) -> bool {
        !self.row.any_of.is_empty()
    }

    /// The likeliest of the members; the first of equals.
    pub(super) fn leader(&self, ranking: &Ranking) -> usize {
        let likelier = |a: usize, b: usize| if ranking.posterior[b] > ranking.posterior[a] { b } else { a };
        self.members.iter().copied().reduce(likelier).unwrap_or_default()
    }

    /// Whether a group may stand for its members: one of them is true, nothing
    /// tells which, and what its words say was seen.
    fn may_stand(&self, model: &Model, ranking: &Ranking, findings: &[Finding]) -> bool {
        self.is_undecided(ranking)
            && self.has_been_seen(findings)
            && !self.gives_itself_away(model, findings)
            && !self.is_outdone(ranking)
    }

    /// One of the members is true, and none of them is likelier than not, or than
    /// another.
    fn is_undecided(&self, ranking: &Ranking) -> bool {
        let mut members: Vec<f64> = self.members.iter().map(|&k| ranking.posterior[k]).collect();
        members.sort_by(|a, b| b.total_cmp(a));
        let told =
            matches!(members.as_slice(), [first, second, ..] if *first >= TOLD && first - second >= TIE);
        self.posterior >= GROUP && !told
    }

    /// Whether one of the checks failed that the row speaks of.
    fn has_been_seen(&self, findings: &[Finding]) -> bool {
        let failed = |check: &str| findings.iter().any(|finding| finding.check == check && fails(finding));
        self.row.seen.is_empty() || self.row.seen.iter().any(|check| failed(check.get_ref()))
    }

    /// Whether a check has failed that one of the members always breaks, and no other.
    fn gives_itself_away(&self, model: &Model, findings: &[Finding]) -> bool {
        let mut failed = (0..findings.len()).filter(|&j| fails(&findings[j]));
        failed.any(|j| {
            let links = self.members.iter().map(|&k| model.link(k, j));
            let linked: Vec<f64> = links.filter(|&link| link >= SOMETIMES).collect();
            linked.len() == 1 && linked[0] >= ALWAYS
        })
    }

    /// Whether a cause outside of the group is much likelier than any in it: many
    /// members add up to much, and none of them is what happened.
    fn is_outdone(&self, ranking: &Ranking) -> bool {
        let most = 2.0 * ranking.posterior[self.leader(ranking)];
        let mut outside = ranking.posterior.iter().enumerate().filter(|(k, _)| !self.members.contains(k));
        outside.any(|(_, posterior)| *posterior > most)
    }
}

/// What is listed, the likeliest first; equals stay in declaration order.
pub(super) fn named<'a>(
    catalog: &'a Catalog,
    model: &Model,
    ranking: &Ranking,
    findings: &[Finding],
) -> Vec<Candidate<'a>> {
    let candidates = catalog.ranked().map(|row| Candidate::new(row, model, ranking));
    let mut named: Vec<Candidate> = candidates
        .filter(|candidate| candidate.confidence() >= LISTED)
        .filter(|candidate| candidate.members.iter().any(|&k| explains_something(model, findings, k)))
        .filter(|candidate| !candidate.is_group() || candidate.may_stand(model, ranking, findings))
        .collect();
    let group = closest_group(&named).map(|group| (group.row.id.get_ref().clone(), group.members.clone()));
    named.retain(|candidate| match &group {
        Some((id, _)) if candidate.is_group() => candidate.row.id.get_ref() == id,
        // It stands for its members.
        Some((_, members)) => !members.contains(&candidate.members[0]),
        None => true,
    });
    named.sort_by(|a, b| {
        let key = |candidate: &Candidate| (candidate.confidence(), candidate.posterior);
        key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    named
}

/// The smallest of the groups that hold what any of them holds, nearly.
fn closest_group<'a, 'b>(named: &'b [Candidate<'a>]) -> Option<&'b Candidate<'a>> {
    let groups = || named.iter().filter(|candidate| candidate.is_group());
    let most = groups().map(|group| group.posterior).fold(0.0, f64::max);
    groups().filter(|group| group.posterior >= 0.9 * most).min_by_key(|group| group.members.len())
}

/// Noisy failures alone list nothing.
fn explains_something(model: &Model, findings: &[Finding], k: usize) -> bool {
    let telling = |j: usize| !findings[j].noisy && findings[j].severity != Severity::Note;
    (0..findings.len()).any(|j| fails(&findings[j]) && telling(j) && model.link(k, j) >= SOMETIMES)
}
