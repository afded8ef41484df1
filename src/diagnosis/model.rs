//! What the findings mean, as data.

use crate::base::name::Name;

/// What the findings mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosis {
    /// The listed causes, the likeliest first.
    pub causes: Vec<Diagnosed>,
    /// Causes that a passed check rules out, in declaration order.
    pub ruled_out: Vec<RuledOut>,
    /// Causes that nothing rules out and that could not be told, because what
    /// they always break was not seen; in declaration order.
    pub untellable: Vec<Untellable>,
    /// Failed checks that no listed cause explains.
    pub unexplained: Vec<String>,
    /// Failed noisy checks that no listed cause explains.
    pub risks: Vec<String>,
    /// The unseen check whose answer would move the first cause's confidence most.
    pub next: Option<String>,
}

/// A cause that explains what failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosed {
    /// Its id.
    pub cause: String,
    /// Where it stands for causes that cannot be told apart: those.
    pub one_of: Vec<String>,
    /// Its probability, given what was observed.
    pub posterior: f64,
    /// The lower one of posterior and ceiling.
    pub confidence: f64,
    /// Whether it is part of the likeliest explanation.
    pub best: bool,
    /// Whom it is about: the subjects about whom its `always` checks failed.
    pub subjects: Vec<Name>,
    /// Failed checks that speak for it.
    pub because: Vec<String>,
    /// Failed checks that it explains besides.
    pub also_explains: Vec<String>,
    /// Passed checks that it should have broken.
    pub weakened_by: Vec<String>,
    /// Unseen checks that it should have broken.
    pub could_not_check: Vec<String>,
}

/// A cause that is ruled out.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledOut {
    /// Its id.
    pub cause: String,
    /// The passed checks that rule it out.
    pub by: Vec<String>,
}

/// A cause that could not be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Untellable {
    /// Its id.
    pub cause: String,
    /// The unseen checks that it always breaks.
    pub unseen: Vec<String>,
}
