//! Exact inference in a small leaky noisy-OR network. It determines which causes explain the
//! findings and how likely each cause is. The README describes the model.

use crate::base::unavailable_reason::ReasonKind;
use crate::judge::{Finding, Verdict};
use crate::runbook::catalog::{Catalog, Cause};
use crate::runbook::severity::Severity;

/// The probability that a cause breaks a check listed under `always`.
pub const ALWAYS: f64 = 0.98;
/// The probability that a cause breaks a check listed under `usually`.
pub const USUALLY: f64 = 0.90;
/// The probability that a cause breaks a check listed under `sometimes`.
pub const SOMETIMES: f64 = 0.50;
/// The probability that a check fails on a healthy pipeline.
const LEAK: f64 = 0.01;
/// The probability that a noisy check fails on a healthy pipeline.
const NOISY_LEAK: f64 = 0.05;
/// The prior probability of each cause.
const PRIOR: f64 = 0.05;

/// The model of one run: the findings, and the checks that each cause breaks.
pub struct Model<'a> {
    findings: &'a [Finding],
    /// The causes that have links, in declaration order.
    pub causes: Vec<&'a Cause>,
    /// The probability that a cause breaks a finding's check, by cause and finding.
    links: Vec<Vec<f64>>,
    /// Whether no check on the requested event failed. If so, the event may have passed before the
    /// trouble began, so its passed checks weaken no cause and are left out of the product.
    event_is_fine: bool,
    /// All hypotheses of at most two causes, each with the logarithm of its weight.
    hypotheses: Vec<(Vec<usize>, f64)>,
}

/// The result of the inference.
pub struct Ranking {
    /// The probability that each cause is true, in declaration order.
    pub posterior: Vec<f64>,
    /// The probability of each hypothesis.
    weights: Vec<f64>,
    /// The causes of the likeliest hypothesis, as indices in declaration order.
    pub best: Vec<usize>,
}

impl<'a> Model<'a> {
    /// Builds the model for these findings.
    pub fn new(catalog: &'a Catalog, findings: &'a [Finding]) -> Self {
        let link = |cause: &Cause, check: &str| {
            let has = |links: &[toml::Spanned<String>]| links.iter().any(|link| link.get_ref() == check);
            match () {
                () if has(&cause.always) => ALWAYS,
                () if has(&cause.usually) => USUALLY,
                () if has(&cause.sometimes) => SOMETIMES,
                () => 0.0,
            }
        };
        let row = |cause: &&Cause| findings.iter().map(|finding| link(cause, &finding.check)).collect();
        // A cause that concerns something missing from the pipeline is impossible.
        let not_in_pipeline = |check: &str| {
            let mut of_check = findings.iter().filter(|finding| finding.check == check);
            of_check.any(
                |f| matches!(&f.verdict, Verdict::NotAsked(why) if why.kind == ReasonKind::NotInPipeline),
            )
        };
        let seen = |check: &str| findings.iter().any(|finding| finding.check == check && fails(finding));
        let possible = |cause: &&Cause| {
            let mut always = cause.always.iter().map(|check| check.get_ref().as_str());
            // The first one tells of the cause; others only follow from it.
            !always.clone().take(1).any(not_in_pipeline)
                && (!cause.only_if_seen || always.any(seen))
                && !is_told_more_exactly(cause, findings)
        };
        let causes = catalog.ranked().filter(|cause| cause.any_of.is_empty()).filter(possible);
        let causes: Vec<&Cause> = causes.collect();
        let links = causes.iter().map(row).collect();
        let of_event = |f: &&Finding| f.of_event && f.severity != Severity::Note;
        let event_is_fine = !findings.iter().filter(of_event).any(|f| f.verdict == Verdict::Fail);
        let mut model = Model { findings, causes, links, event_is_fine, hypotheses: Vec::new() };
        model.hypotheses = model.hypotheses();
        model
    }

    /// Weighs all hypotheses, ordered by their number of causes, then by declaration order.
    fn hypotheses(&self) -> Vec<(Vec<usize>, f64)> {
        let odds = (PRIOR / (1.0 - PRIOR)).ln();
        let count = self.causes.len();
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| vec![a, b]));
        let all = [vec![]].into_iter().chain((0..count).map(|a| vec![a])).chain(pairs);
        // Causes contribute to passed checks independently, so compute each contribution once.
        let observed = |passed: bool| {
            (0..self.findings.len())
                .filter(move |&j| self.observed(j) == Some(passed))
                .collect::<Vec<usize>>()
        };
        let (passed, failed) = (observed(true), observed(false));
        let without: f64 = passed.iter().map(|&j| self.pass(j, &[]).ln()).sum();
        let evidence_against = |k: usize| {
            let direct = self.is_read_directly(k);
            let counts = |j: &&usize| !direct || self.link(k, **j) > SOMETIMES;
            passed.iter().filter(counts).map(|&j| (1.0 - self.link(k, j)).ln()).sum()
        };
        let against: Vec<f64> = (0..count).map(evidence_against).collect();
        let hypotheses = all.map(|causes: Vec<usize>| {
            let passes = without + causes.iter().map(|&k| against[k]).sum::<f64>();
            let fails: f64 = failed.iter().map(|&j| (1.0 - self.pass(j, &causes)).ln()).sum();
            let weight = causes.len() as f64 * odds + passes + fails;
            (causes, weight)
        });
        hypotheses.collect()
    }

    /// Reports whether a check that only says that this cause is true has failed, and is not noisy. Then it
    /// does not matter which of the checks that the cause sometimes breaks have passed.
    fn is_read_directly(&self, k: usize) -> bool {
        let tells = |j: &usize| self.link(k, *j) == ALWAYS && !self.findings[*j].noisy;
        let mut telling = (0..self.findings.len()).filter(tells);
        self.causes[k].only_if_seen && telling.any(|j| fails(&self.findings[j]))
    }

    /// Returns the probability that cause `k` breaks finding `j`.
    pub fn link(&self, k: usize, j: usize) -> f64 {
        self.links[k][j]
    }

    /// Reports whether more than a quarter of all causes usually break the check, so that its failure tells
    /// little about any of them.
    pub fn is_common_symptom(&self, j: usize) -> bool {
        let breaking = self.links.iter().filter(|links| links[j] >= USUALLY).count();
        breaking * 4 > self.causes.len()
    }

    /// Returns the probability that finding `j` passes even though these causes are true.
    pub fn pass(&self, j: usize, causes: &[usize]) -> f64 {
        let leak = if self.findings[j].noisy { NOISY_LEAK } else { LEAK };
        causes.iter().fold(1.0 - leak, |pass, &k| pass * (1.0 - self.link(k, j)))
    }

    /// Normalises the weights of all hypotheses and sums them for each cause.
    pub fn rank(&self) -> Ranking {
        let mut weights: Vec<f64> = self.hypotheses.iter().map(|(_, weight)| *weight).collect();
        // The first hypothesis wins a tie.
        let best = (0..weights.len()).fold(0, |best, i| if weights[i] > weights[best] { i } else { best });
        let highest = weights[best];
        weights.iter_mut().for_each(|weight| *weight = (*weight - highest).exp());
        let all: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= all);
        let mut posterior = vec![0.0; self.causes.len()];
        for ((causes, _), weight) in self.hypotheses.iter().zip(&weights) {
            causes.iter().for_each(|&k| posterior[k] += weight);
        }
        Ranking { posterior, weights, best: self.hypotheses[best].0.clone() }
    }

    /// Returns the probability of cause `k`, given that the unknown finding `j` passes or fails.
    pub fn posterior_if(&self, ranking: &Ranking, (j, passes): (usize, bool), k: usize) -> f64 {
        let (mut with, mut all) = (0.0, 0.0);
        for ((causes, _), weight) in self.hypotheses.iter().zip(&ranking.weights) {
            let pass = self.pass(j, causes);
            let weight = weight * if passes { pass } else { 1.0 - pass };
            all += weight;
            with += if causes.contains(&k) { weight } else { 0.0 };
        }
        with / all
    }

    /// Returns the probability that at least one of these causes is true.
    pub fn any_of(&self, ranking: &Ranking, members: &[usize]) -> f64 {
        let hypotheses = self.hypotheses.iter().zip(&ranking.weights);
        let holds = hypotheses.filter(|((causes, _), _)| causes.iter().any(|k| members.contains(k)));
        holds.map(|(_, weight)| weight).sum()
    }

    /// Reports whether a finding passed; `None` if it is left out of the product.
    pub fn observed(&self, j: usize) -> Option<bool> {
        match self.findings[j].verdict {
            Verdict::Pass if self.event_is_fine && self.findings[j].of_event => None,
            Verdict::Pass => Some(true),
            Verdict::Fail => Some(false),
            _ => None,
        }
    }
}

/// Reports whether all failures of a cause's first check have a more exact reason: one of the same subject, a
/// record of any service that names the event, or any failure of a check that has none of its subjects.
fn is_told_more_exactly(cause: &Cause, findings: &[Finding]) -> bool {
    let finding = |check: &str| findings.iter().find(|finding| finding.check == check);
    let Some(first) = cause.always.first().and_then(|check| finding(check.get_ref())) else { return false };
    let more_exact: Vec<&Finding> =
        cause.unless_seen.iter().filter_map(|check| finding(check.get_ref())).collect();
    let is_of = |subject: &str| first.instances.iter().any(|instance| instance.subject == subject);
    let is_about_others =
        |finding: &&Finding| !finding.instances.iter().any(|instance| is_of(&instance.subject));
    let exact: Vec<&str> = more_exact.iter().flat_map(|finding| finding.failed_subjects()).collect();
    let own: Vec<&str> = first.failed_subjects().collect();
    !own.is_empty()
        && (more_exact.iter().any(|finding| finding.names_event)
            || more_exact.iter().copied().filter(is_about_others).any(fails)
            || own.iter().all(|subject| exact.contains(subject)))
}

/// Reports whether a check has failed.
pub(super) fn fails(finding: &Finding) -> bool {
    finding.verdict == Verdict::Fail
}
