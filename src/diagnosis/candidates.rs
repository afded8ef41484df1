//! Selects the causes to list, and replaces indistinguishable causes with their group.

use crate::diagnosis::rank::{ALWAYS, Model, Ranking, SOMETIMES, fails};
use crate::judge::Finding;
use crate::runbook::catalog::{Catalog, Cause};
use crate::runbook::severity::Severity;

/// The lowest confidence at which a cause is listed.
const MIN_CONFIDENCE: f64 = 0.10;
/// The lowest posterior at which a cause is distinguished from the rest of its group.
const DISTINCT: f64 = 0.60;
/// The lowest posterior at which a group is assumed to contain the true cause.
const MIN_GROUP_POSTERIOR: f64 = 0.80;

/// Two causes whose posteriors differ by less than this cannot be distinguished.
pub(super) const TIE: f64 = 0.02;

/// A row that can be listed: a cause, or a group of causes that cannot be distinguished.
pub(super) struct Candidate<'a> {
    pub(super) row: &'a Cause,
    /// Indices into the model's causes. A single cause has only its own index.
    pub(super) members: Vec<usize>,
    /// The probability that at least one member is true.
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

    /// Returns the likeliest member, or the first one if several are equally likely.
    pub(super) fn leader(&self, ranking: &Ranking) -> usize {
        let likelier = |a: usize, b: usize| if ranking.posterior[b] > ranking.posterior[a] { b } else { a };
        self.members.iter().copied().reduce(likelier).unwrap_or_default()
    }

    /// Reports whether a group replaces its members. It does if one of them is true,
    /// nothing shows which one, and a check named in the group's row has failed.
    fn represents_members(&self, model: &Model, ranking: &Ranking, findings: &[Finding]) -> bool {
        self.is_undecided(ranking)
            && self.has_supporting_failure(findings)
            && !self.has_telltale_failure(model, findings)
            && !self.is_outweighed(ranking)
    }

    /// Reports whether one member is true but none is distinguished from the others.
    fn is_undecided(&self, ranking: &Ranking) -> bool {
        let mut members: Vec<f64> = self.members.iter().map(|&k| ranking.posterior[k]).collect();
        members.sort_by(|a, b| b.total_cmp(a));
        let distinct =
            matches!(members.as_slice(), [first, second, ..] if *first >= DISTINCT && first - second >= TIE);
        self.posterior >= MIN_GROUP_POSTERIOR && !distinct
    }

    /// Reports whether any check named in the row has failed.
    fn has_supporting_failure(&self, findings: &[Finding]) -> bool {
        let failed = |check: &str| findings.iter().any(|finding| finding.check == check && fails(finding));
        self.row.seen.is_empty() || self.row.seen.iter().any(|check| failed(check.get_ref()))
    }

    /// Reports whether a failed check points to a single member: only that member can break it, and
    /// always does.
    fn has_telltale_failure(&self, model: &Model, findings: &[Finding]) -> bool {
        let mut failed = (0..findings.len()).filter(|&j| fails(&findings[j]));
        failed.any(|j| {
            let links = self.members.iter().map(|&k| model.link(k, j));
            let linked: Vec<f64> = links.filter(|&link| link >= SOMETIMES).collect();
            linked.len() == 1 && linked[0] >= ALWAYS
        })
    }

    /// Reports whether a cause outside the group is much likelier than any member. If so,
    /// the group's posterior is high only because it has many members.
    fn is_outweighed(&self, ranking: &Ranking) -> bool {
        let limit = 2.0 * ranking.posterior[self.leader(ranking)];
        let mut outside = ranking.posterior.iter().enumerate().filter(|(k, _)| !self.members.contains(k));
        outside.any(|(_, posterior)| *posterior > limit)
    }
}

/// Returns the candidates to list, likeliest first; ties keep their declaration order.
pub(super) fn list_candidates<'a>(
    catalog: &'a Catalog,
    model: &Model,
    ranking: &Ranking,
    findings: &[Finding],
) -> Vec<Candidate<'a>> {
    let candidates = catalog.ranked().map(|row| Candidate::new(row, model, ranking));
    let mut listed: Vec<Candidate> = candidates
        .filter(|candidate| candidate.confidence() >= MIN_CONFIDENCE)
        .filter(|candidate| candidate.members.iter().any(|&k| explains_something(model, findings, k)))
        .filter(|candidate| !candidate.is_group() || candidate.represents_members(model, ranking, findings))
        .collect();
    let group = closest_group(&listed).map(|group| (group.row.id.get_ref().clone(), group.members.clone()));
    listed.retain(|candidate| match &group {
        Some((id, _)) if candidate.is_group() => candidate.row.id.get_ref() == id,
        // The group replaces its members.
        Some((_, members)) => !members.contains(&candidate.members[0]),
        None => true,
    });
    listed.sort_by(|a, b| {
        let key = |candidate: &Candidate| (candidate.confidence(), candidate.posterior);
        key(b).partial_cmp(&key(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    listed
}

/// Returns the smallest group whose posterior is within 10 % of the highest.
fn closest_group<'a, 'b>(listed: &'b [Candidate<'a>]) -> Option<&'b Candidate<'a>> {
    let groups = || listed.iter().filter(|candidate| candidate.is_group());
    let max_posterior = groups().map(|group| group.posterior).fold(0.0, f64::max);
    groups().filter(|group| group.posterior >= 0.9 * max_posterior).min_by_key(|group| group.members.len())
}

/// Reports whether a cause explains a failure that is neither noisy nor a note.
fn explains_something(model: &Model, findings: &[Finding], k: usize) -> bool {
    let is_relevant = |j: usize| !findings[j].noisy && findings[j].severity != Severity::Note;
    (0..findings.len()).any(|j| fails(&findings[j]) && is_relevant(j) && model.link(k, j) >= SOMETIMES)
}
