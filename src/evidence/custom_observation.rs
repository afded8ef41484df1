//! Observations for custom facts.

use crate::base::system_kinds::System;
use crate::evidence::http::Answer;
use serde::{Deserialize, Serialize};

/// The observation for a custom fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomObservation {
    /// The SQL statement returned no row.
    NoRow,
    /// The first column of the first row.
    Bool(bool),
    /// The first column of the first row.
    Count(u64),
    /// The answer to the HTTP request.
    Answer(Answer),
    /// The pattern that was searched for in the log; the evidence's logs contain any matching records.
    LookedFor(String),
}

impl CustomObservation {
    /// Returns the system that the observation comes from.
    pub(in crate::evidence) fn system(&self) -> System {
        match self {
            CustomObservation::NoRow | CustomObservation::Bool(_) | CustomObservation::Count(_) => {
                System::Postgres
            }
            CustomObservation::Answer(_) => System::Http,
            CustomObservation::LookedFor(_) => System::Logs,
        }
    }
}
