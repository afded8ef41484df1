//! The values that facts have, and what values a kind of fact can have.

use crate::base::states::State;
use std::fmt;

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// How many.
    Count(u64),
    /// So many or more: not all of it was read.
    AtLeast(u64),
    /// One of the words of its kind.
    Word(&'static str),
}

impl<S: State> From<S> for Value {
    fn from(state: S) -> Value {
        Value::Word(state.as_str())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Value::Count(count) => write!(f, "{count}"),
            Value::AtLeast(count) => write!(f, "{count} or more"),
            Value::Word(word) => f.write_str(word),
        }
    }
}

/// What values a fact can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Count`].
    Count,
    /// [`Value::Word`], one of these; where an order makes sense, in that order.
    Words(&'static [&'static str]),
}
