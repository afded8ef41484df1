//! Why something is not known.

use serde::{Deserialize, Serialize};

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// What kind of trouble it was.
    pub kind: WhyKind,
    /// One clause in words, without secrets: "no answer from kafka:9092 in 10 s".
    pub say: String,
    /// The system's own code, where it has one: an SQLSTATE, an HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The kinds of trouble that facts tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyKind {
    /// Nothing came back in time.
    NoAnswer,
    /// The connection was refused or cut.
    Refused,
    /// A host name does not resolve.
    Unresolved,
    /// The system does not know us: wrong password, no certificate.
    Auth,
    /// The system knows us and does not let us: missing privilege, row security, socket not readable.
    Permission,
    /// More than one thing answers to the name.
    Ambiguous,
    /// The thing to look at is not there: no container, no file, no row.
    Missing,
    /// A table or column is not there (SQLSTATE 42P01, 42703).
    Schema,
    /// No address, no id: there was nothing to ask, or nobody to ask about.
    NotConfigured,
    /// The pipeline has no such thing.
    NoPart,
    /// Too young to judge: its grace period is not over.
    Young,
    /// A bound on time, bytes or records was reached first.
    Limit,
    /// Anything else; the words say what.
    Failed,
}

impl Why {
    /// A reason in words.
    pub fn new(kind: WhyKind, say: impl Into<String>) -> Self {
        Why { kind, say: say.into(), code: None }
    }

    /// The reason in words, with the system's own code where it has one.
    pub fn words(&self) -> String {
        match &self.code {
            Some(code) if !self.say.contains(code.as_str()) => format!("{} ({code})", self.say),
            _ => self.say.clone(),
        }
    }

    /// Whether it means that nobody answers there.
    pub fn is_silence(&self) -> bool {
        matches!(self.kind, WhyKind::NoAnswer | WhyKind::Refused | WhyKind::Unresolved)
    }

    /// Adds the system's own code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
