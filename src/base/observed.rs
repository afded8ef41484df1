//! Something looked for: seen, or not and why.

use crate::base::reason::{Why, WhyKind};
use serde::{Deserialize, Serialize};

/// Something looked for: seen, not seen and why, or not asked for and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen<T> {
    /// It was seen.
    Known(T),
    /// It could not be looked at.
    Unknown(Why),
    /// Nobody asked: no id given, no address configured.
    NotAsked(Why),
}

impl<T> Default for Seen<T> {
    /// Not asked: recordings from before it was looked at lack it.
    fn default() -> Self {
        Seen::not_asked("not looked at when this was recorded")
    }
}

impl<T> Seen<T> {
    /// Not seen, and why.
    pub fn unknown(kind: WhyKind, say: impl Into<String>) -> Self {
        Seen::Unknown(Why::new(kind, say))
    }

    /// Not asked, and why.
    pub fn not_asked(say: impl Into<String>) -> Self {
        Seen::NotAsked(Why::new(WhyKind::NotConfigured, say))
    }

    /// Not asked, as the pipeline has no such thing.
    pub fn no_part(say: impl Into<String>) -> Self {
        Seen::NotAsked(Why::new(WhyKind::NoPart, say))
    }

    /// The value, if it was seen.
    pub fn known(&self) -> Option<&T> {
        match self {
            Seen::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The value to change, if it was seen.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Seen::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The reason, if it was not seen.
    pub fn why(&self) -> Option<&Why> {
        match self {
            Seen::Known(_) => None,
            Seen::Unknown(why) | Seen::NotAsked(why) => Some(why),
        }
    }

    /// The same with the value borrowed.
    pub fn as_ref(&self) -> Seen<&T> {
        match self {
            Seen::Known(value) => Seen::Known(value),
            Seen::Unknown(why) => Seen::Unknown(why.clone()),
            Seen::NotAsked(why) => Seen::NotAsked(why.clone()),
        }
    }

    /// Changes the value, keeps the reason.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Seen<U> {
        self.and_then(|value| Seen::Known(f(value)))
    }

    /// Looks further into what was seen, keeps the reason otherwise.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Seen<U>) -> Seen<U> {
        match self {
            Seen::Known(value) => f(value),
            Seen::Unknown(why) => Seen::Unknown(why),
            Seen::NotAsked(why) => Seen::NotAsked(why),
        }
    }
}

impl<T> From<Result<T, Why>> for Seen<T> {
    fn from(result: Result<T, Why>) -> Self {
        match result {
            Ok(value) => Seen::Known(value),
            Err(why) => Seen::Unknown(why),
        }
    }
}
