//! The result of a diagnosis, as data.

use crate::base::name::Name;

/// The causes that the findings support, rule out or leave open.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosis {
    /// The listed causes, likeliest first.
    pub causes: Vec<RankedCause>,
    /// Causes that a passed check rules out, in declaration order.
    pub ruled_out: Vec<RuledOutCause>,
    /// Causes that are neither listed nor ruled out because a check that they always
    /// break is unknown; in declaration order.
    pub undetermined: Vec<UndeterminedCause>,
    /// Failed checks that no listed cause explains.
    pub unexplained: Vec<String>,
    /// Failed noisy checks that no listed cause explains.
    pub risks: Vec<String>,
    /// The unknown check whose answer would change the first cause's confidence the most.
    pub next: Option<String>,
}

/// A cause that explains failed checks.
#[derive(Debug, Clone, PartialEq)]
pub struct RankedCause {
    /// The cause's id.
    pub cause: String,
    /// The members of a group of causes that cannot be distinguished; empty for a single cause.
    pub one_of: Vec<String>,
    /// The posterior probability, given the findings.
    pub posterior: f64,
    /// The posterior, capped at the ceiling of the cause's row.
    pub confidence: f64,
    /// Whether the cause is part of the likeliest explanation.
    pub best: bool,
    /// The affected subjects: those that failed the cause's `always` checks.
    pub subjects: Vec<Name>,
    /// Failed checks that support the cause.
    pub because: Vec<String>,
    /// Failed checks that the cause explains but that do not support it.
    pub also_explains: Vec<String>,
    /// Passed checks that the cause should have broken.
    pub weakened_by: Vec<String>,
    /// Unknown checks that the cause should have broken.
    pub could_not_check: Vec<String>,
}

/// A cause that is ruled out.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledOutCause {
    /// The cause's id.
    pub cause: String,
    /// The passed checks that rule the cause out.
    pub by: Vec<String>,
}

/// A cause that can be neither listed nor ruled out.
#[derive(Debug, Clone, PartialEq)]
pub struct UndeterminedCause {
    /// The cause's id.
    pub cause: String,
    /// The unknown checks that the cause always breaks.
    pub unavailable: Vec<String>,
}
