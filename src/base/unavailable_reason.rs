//! Why a value is unavailable.

use serde::{Deserialize, Serialize};

/// Why a value is unavailable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The kind of failure.
    pub kind: ReasonKind,
    /// A one-clause description without secrets, such as "no answer from kafka:9092 in 10 s".
    #[serde(rename = "say")]
    pub message: String,
    /// The system's error code, such as an SQLSTATE or an HTTP status, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// The kinds of failure that facts distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    /// No answer before the timeout.
    NoAnswer,
    /// The connection was refused or dropped.
    Refused,
    /// A host name did not resolve.
    Unresolved,
    /// Authentication failed (wrong password, missing certificate).
    Auth,
    /// Access was denied (missing privilege, row security, unreadable socket).
    Permission,
    /// The name matches more than one object.
    Ambiguous,
    /// The object (a container, file or row) does not exist.
    Missing,
    /// A table or column does not exist (SQLSTATE 42P01, 42703).
    Schema,
    /// No address or no id was given.
    NotConfigured,
    /// The pipeline declares no such component.
    #[serde(rename = "no-part")]
    NotInPipeline,
    /// Too recent to judge, because the grace period has not passed yet.
    Young,
    /// A limit on time, bytes or records was reached.
    Limit,
    /// Too little time was left to ask, or to expect an answer. This says nothing about the system.
    TooLittleTime,
    /// It was read from a database that the services do not use.
    OtherDatabase,
    /// A limit of this process or machine was reached, such as the number of open files. This says
    /// nothing about the system.
    OwnLimit,
    /// Any other failure; see the message.
    Failed,
}

impl Reason {
    /// Creates a reason without a code.
    pub fn new(kind: ReasonKind, message: impl Into<String>) -> Self {
        Reason { kind, message: message.into(), code: None }
    }

    /// Returns the message, with the system's error code unless the message contains it.
    pub fn describe(&self) -> String {
        match &self.code {
            Some(code) if !self.message.contains(code.as_str()) => format!("{} ({code})", self.message),
            _ => self.message.clone(),
        }
    }

    /// Reports whether the system could not be reached at all.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind, ReasonKind::NoAnswer | ReasonKind::Refused | ReasonKind::Unresolved)
    }

    /// Reports whether the value may exist but could not be read.
    pub fn is_failed_read(&self) -> bool {
        match self.kind {
            ReasonKind::NoAnswer
            | ReasonKind::Refused
            | ReasonKind::Auth
            | ReasonKind::Permission
            | ReasonKind::TooLittleTime
            | ReasonKind::OwnLimit
            | ReasonKind::OtherDatabase
            | ReasonKind::Failed => true,
            ReasonKind::Unresolved
            | ReasonKind::Ambiguous
            | ReasonKind::Missing
            | ReasonKind::Schema
            | ReasonKind::NotConfigured
            | ReasonKind::NotInPipeline
            | ReasonKind::Young
            | ReasonKind::Limit => false,
        }
    }

    /// Adds the system's error code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }
}
