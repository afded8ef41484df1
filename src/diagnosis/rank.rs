//! Exact inference in a small leaky noisy-OR network: which causes explain the
//! findings, and how sure that is. The model stands in the README.

use crate::base::reason::WhyKind;
use crate::judge::{Finding, Verdict};
use crate::runbook::catalog::{Catalog, Cause};
use crate::runbook::severity::Severity;

/// `always` breaks its check with this probability.
pub const ALWAYS: f64 = 0.98;
/// `usually` breaks its check with this probability.
pub const USUALLY: f64 = 0.90;
/// `sometimes` breaks its check with this probability.
pub const SOMETIMES: f64 = 0.50;
/// A check fails on a healthy pipeline with this probability,
const LEAK: f64 = 0.01;
/// and a noisy one with this.
const NOISY_LEAK: f64 = 0.05;
/// Each cause is true with this probability before anything is seen.
const PRIOR: f64 = 0.05;

/// The model of one run: what was observed, and what each cause would break.
pub struct Model<'a> {
    findings: &'a [Finding],
    /// The causes that have links, in declaration order.
    pub causes: Vec<&'a Cause>,
    /// Per cause and finding: the probability that the cause breaks it.
    links: Vec<Vec<f64>>,
    /// The asked event shows no sign of trouble. Then it may have passed before
    /// the trouble began, and what passed with it speaks against no cause: its
    /// checks drop out of the product, together, as they hang together.
    event_is_fine: bool,
    /// All hypotheses of at most two causes, and the logarithm of each one's weight.
    hypotheses: Vec<(Vec<usize>, f64)>,
}

/// What the inference says.
pub struct Ranking {
    /// Per cause, in declaration order: the probability that it is true.
    pub posterior: Vec<f64>,
    /// Per hypothesis: the probability that it is the true one.
    weights: Vec<f64>,
    /// The causes of the likeliest hypothesis, as indices in declaration order.
    pub best: Vec<usize>,
}

impl<'a> Model<'a> {
    /// A model of these findings.
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
        // What is about something that the pipeline does not have cannot be true in it.
        let no_part = |check: &str| {
            let mut found = findings.iter().filter(|finding| finding.check == check);
            found.any(|f| matches!(&f.verdict, Verdict::NotAsked(why) if why.kind == WhyKind::NoPart))
        };
        let possible = |cause: &&Cause| !cause.always.iter().any(|check| no_part(check.get_ref()));
        let causes = catalog.ranked().filter(|cause| cause.any_of.is_empty()).filter(possible);
        let causes: Vec<&Cause> = causes.collect();
        let links = causes.iter().map(row).collect();
        let tells = |f: &&Finding| f.of_event && f.severity != Severity::Note;
        let event_is_fine = !findings.iter().filter(tells).any(|f| f.verdict == Verdict::Fail);
        let mut model = Model { findings, causes, links, event_is_fine, hypotheses: Vec::new() };
        model.hypotheses = model.weighed();
        model
    }

    /// Fewer causes and earlier declaration come first.
    fn weighed(&self) -> Vec<(Vec<usize>, f64)> {
        let odds = (PRIOR / (1.0 - PRIOR)).ln();
        let count = self.causes.len();
        let pairs = (0..count).flat_map(|a| (a + 1..count).map(move |b| vec![a, b]));
        let all = [vec![]].into_iter().chain((0..count).map(|a| vec![a])).chain(pairs);
        // What passed is a product over the causes, each by itself: once for all.
        let observed = |as_what: bool| {
            (0..self.findings.len())
                .filter(move |&j| self.observed(j) == Some(as_what))
                .collect::<Vec<usize>>()
        };
        let (passed, failed) = (observed(true), observed(false));
        let without: f64 = passed.iter().map(|&j| self.pass(j, &[]).ln()).sum();
        let speaks_against = |k: usize| passed.iter().map(|&j| (1.0 - self.link(k, j)).ln()).sum();
        let against: Vec<f64> = (0..count).map(speaks_against).collect();
        let weighed = all.map(|causes: Vec<usize>| {
            let passes = without + causes.iter().map(|&k| against[k]).sum::<f64>();
            let fails: f64 = failed.iter().map(|&j| (1.0 - self.pass(j, &causes)).ln()).sum();
            let weight = causes.len() as f64 * odds + passes + fails;
            (causes, weight)
        });
        weighed.collect()
    }

    /// The probability that cause `k` breaks finding `j`.
    pub fn link(&self, k: usize, j: usize) -> f64 {
        self.links[k][j]
    }

    /// The probability that finding `j` passes although these causes are true.
    pub fn pass(&self, j: usize, causes: &[usize]) -> f64 {
        let leak = if self.findings[j].noisy { NOISY_LEAK } else { LEAK };
        causes.iter().fold(1.0 - leak, |pass, &k| pass * (1.0 - self.link(k, j)))
    }

    /// Compares all hypotheses.
    pub fn rank(&self) -> Ranking {
        let mut weights: Vec<f64> = self.hypotheses.iter().map(|(_, weight)| *weight).collect();
        // The first of equals is the best.
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

    /// The probability of cause `k` if a finding that was not observed had passed,
    /// or failed.
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

    /// The probability that at least one of these causes is true.
    pub fn any_of(&self, ranking: &Ranking, members: &[usize]) -> f64 {
        let hypotheses = self.hypotheses.iter().zip(&ranking.weights);
        let holds = hypotheses.filter(|((causes, _), _)| causes.iter().any(|k| members.contains(k)));
        holds.map(|(_, weight)| weight).sum()
    }

    /// Whether a finding passed; `None`: not observed, it drops out of the product.
    pub fn observed(&self, j: usize) -> Option<bool> {
        match self.findings[j].verdict {
            Verdict::Pass if self.event_is_fine && self.findings[j].of_event => None,
            Verdict::Pass => Some(true),
            Verdict::Fail => Some(false),
            _ => None,
        }
    }
}

/// Whether a check has failed.
pub(super) fn fails(finding: &Finding) -> bool {
    finding.verdict == Verdict::Fail
}
