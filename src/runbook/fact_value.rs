//! Values of facts, and the kinds of values that a fact can have.

use crate::base::state_enum::State;
use std::fmt;

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// An exact count.
    Count(u64),
    /// A lower bound, because not everything was read.
    AtLeast(u64),
    /// One of the words of the fact's kind.
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

/// The kind of values that a fact can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Count`].
    Count,
    /// [`Value::Word`] with one of these words, in ascending order where an order makes sense.
    Words(&'static [&'static str]),
}
