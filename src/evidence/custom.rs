//! What was seen for facts of the user's own.

use crate::base::system::System;
use crate::evidence::http::Answer;
use serde::{Deserialize, Serialize};

/// What was seen for a fact of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Custom {
    /// The statement gave no row.
    NoRow,
    /// The first column of the first row.
    Bool(bool),
    /// The first column of the first row.
    Count(u64),
    /// The answer to the request.
    Answer(Answer),
    /// The log has such records, if there were any: this pattern was looked for.
    LookedFor(String),
}

impl Custom {
    /// The system that told it.
    pub(in crate::evidence) fn system(&self) -> System {
        match self {
            Custom::NoRow | Custom::Bool(_) | Custom::Count(_) => System::Postgres,
            Custom::Answer(_) => System::Http,
            Custom::LookedFor(_) => System::Logs,
        }
    }
}
