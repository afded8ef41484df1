//! Exact inference in a small leaky noisy-OR network: which causes explain the
//! findings, and how sure that is. The model stands in the README.

use crate::check::catalog::{Catalog, Cause, Severity};
use crate::check::{Finding, Verdict};

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
        let causes: Vec<&Cause> = catalog.causes.iter().filter(|cause| cause.any_of.is_empty()).collect();
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
        let weighed = all.map(|causes: Vec<usize>| {
            let observed = (0..self.findings.len()).filter_map(|j| Some((j, self.observed(j)?)));
            let likelihood: f64 = observed.map(|(j, passes)| self.log_probability(j, passes, &causes)).sum();
            let weight = causes.len() as f64 * odds + likelihood;
            (causes, weight)
        });
        weighed.collect()
    }

    /// The logarithm of the probability that finding `j` passes, or fails, where
    /// these causes are true.
    fn log_probability(&self, j: usize, passes: bool, causes: &[usize]) -> f64 {
        let pass = self.pass(j, causes);
        if passes { pass.ln() } else { (1.0 - pass).ln() }
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

    /// Compares all hypotheses. `assume` is the answer to a finding that was not
    /// observed, to see what it would change.
    pub fn rank(&self, assume: Option<(usize, bool)>) -> Ranking {
        let weight = |(causes, weight): &(Vec<usize>, f64)| {
            weight + assume.map_or(0.0, |(j, passes)| self.log_probability(j, passes, causes))
        };
        let mut weights: Vec<f64> = self.hypotheses.iter().map(weight).collect();
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
