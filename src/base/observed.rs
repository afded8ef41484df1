//! An observed value, or the reason it is unavailable.

use crate::base::unavailable_reason::{Reason, ReasonKind};
use serde::{Deserialize, Serialize};

/// An observed value, or the reason it is unavailable or was not requested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observed<T> {
    /// The observed value.
    Known(T),
    /// The value could not be observed.
    Unknown(Reason),
    /// The value was not requested, for example because no id was given or no address is
    /// configured.
    NotAsked(Reason),
}

/// The reason for fields that an older recording lacks.
const NOT_RECORDED: &str = "not looked at when this was recorded";

impl<T> Default for Observed<T> {
    /// Returns "not asked", because older recordings lack fields that were added later.
    fn default() -> Self {
        Observed::not_asked(NOT_RECORDED)
    }
}

impl<T> Observed<T> {
    /// Reports whether the value is missing because a recording is older than its field.
    pub fn is_default(&self) -> bool {
        matches!(self, Observed::NotAsked(why) if why.message == NOT_RECORDED)
    }

    /// Creates an unavailable value with its reason.
    pub fn unknown(kind: ReasonKind, message: impl Into<String>) -> Self {
        Observed::Unknown(Reason::new(kind, message))
    }

    /// Creates a value that was not requested, with the reason.
    pub fn not_asked(message: impl Into<String>) -> Self {
        Observed::NotAsked(Reason::new(ReasonKind::NotConfigured, message))
    }

    /// Creates a value that was not requested because the pipeline declares no such component.
    pub fn not_in_pipeline(message: impl Into<String>) -> Self {
        Observed::NotAsked(Reason::new(ReasonKind::NotInPipeline, message))
    }

    /// Returns the value if it was observed.
    pub fn known(&self) -> Option<&T> {
        match self {
            Observed::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Returns a mutable reference to the value if it was observed.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Observed::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the reason if there is no value.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Observed::Known(_) => None,
            Observed::Unknown(why) | Observed::NotAsked(why) => Some(why),
        }
    }

    /// Borrows the value, or clones the reason.
    pub fn as_ref(&self) -> Observed<&T> {
        match self {
            Observed::Known(value) => Observed::Known(value),
            Observed::Unknown(why) => Observed::Unknown(why.clone()),
            Observed::NotAsked(why) => Observed::NotAsked(why.clone()),
        }
    }

    /// Maps the value, or keeps the reason.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Observed<U> {
        self.and_then(|value| Observed::Known(f(value)))
    }

    /// Maps the reason of a value that could not be observed.
    #[must_use]
    pub fn map_reason(self, f: impl FnOnce(Reason) -> Reason) -> Self {
        match self {
            Observed::Unknown(why) => Observed::Unknown(f(why)),
            other => other,
        }
    }

    /// Maps the value to another observation, or keeps the reason.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Observed<U>) -> Observed<U> {
        match self {
            Observed::Known(value) => f(value),
            Observed::Unknown(why) => Observed::Unknown(why),
            Observed::NotAsked(why) => Observed::NotAsked(why),
        }
    }
}

impl<T> From<Result<T, Reason>> for Observed<T> {
    fn from(result: Result<T, Reason>) -> Self {
        match result {
            Ok(value) => Observed::Known(value),
            Err(why) => Observed::Unknown(why),
        }
    }
}
