//! Expectations that checks have of their facts.

use crate::runbook::fact_value::{Kind, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Visitor};
use std::fmt;

/// An expectation, such as `{ is = 0 }` or `{ at_least = "running" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// Exactly this value.
    Is(Scalar),
    /// Any value but this.
    IsNot(Scalar),
    /// This count or more; for words, this one or a later one in the fact's order.
    AtLeast(Scalar),
    /// This count or less; for words, this one or an earlier one in the fact's order.
    AtMost(Scalar),
    /// One of these words.
    OneOf(Vec<String>),
    /// None of these words.
    NoneOf(Vec<String>),
}

/// A value in an expectation.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Scalar {
    /// `true`, `false`.
    Bool(bool),
    /// `0`, `3`.
    Count(u64),
    /// `"running"`.
    Word(String),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(true) => f.write_str("yes"),
            Scalar::Bool(false) => f.write_str("no"),
            Scalar::Count(count) => write!(f, "{count}"),
            Scalar::Word(word) => f.write_str(word),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, a count or a word")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                let count = u64::try_from(value);
                count.map(Scalar::Count).map_err(|_| E::custom("a count cannot be negative"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Word(value.to_string()))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl Expect {
    /// Reports whether a value meets the expectation. When the catalog is read,
    /// [`Expect::validate`] checks that the expectation is valid for the fact's kind.
    pub fn holds(&self, value: &Value, kind: Kind) -> bool {
        match self {
            Expect::Is(scalar) => equal(scalar, value),
            Expect::IsNot(scalar) => !equal(scalar, value),
            Expect::AtLeast(scalar) => scalar_rank(scalar, kind) <= value_rank(value, kind),
            Expect::AtMost(scalar) => scalar_rank(scalar, kind) >= value_rank(value, kind),
            Expect::OneOf(words) => matches!(value, Value::Word(word) if words.iter().any(|w| w == word)),
            Expect::NoneOf(words) => matches!(value, Value::Word(word) if words.iter().all(|w| w != word)),
        }
    }

    /// Returns `true` if every count of `least` or more meets the expectation, `false` if no such
    /// count does, and `None` if it depends on the count.
    pub fn holds_for_at_least(&self, least: u64) -> Option<bool> {
        match self {
            Expect::Is(Scalar::Count(count)) | Expect::AtMost(Scalar::Count(count)) if *count < least => {
                Some(false)
            }
            Expect::IsNot(Scalar::Count(count)) if *count < least => Some(true),
            Expect::AtLeast(Scalar::Count(count)) if *count <= least => Some(true),
            _ => None,
        }
    }

    /// Describes the outcome if it is the same for every value; otherwise returns `None`.
    pub fn constant_outcome(&self) -> Option<&'static str> {
        match self {
            Expect::AtLeast(Scalar::Count(0)) => Some("every value meets"),
            Expect::NoneOf(words) if words.is_empty() => Some("every value meets"),
            Expect::OneOf(words) if words.is_empty() => Some("no value meets"),
            _ => None,
        }
    }

    /// Checks that the expectation is valid for facts of a kind. The error contains the value that
    /// such facts never have, and the valid values.
    pub fn validate(&self, kind: Kind) -> Result<(), InvalidValue> {
        match self {
            Expect::Is(scalar) | Expect::IsNot(scalar) => validate_scalar(scalar, kind),
            Expect::AtLeast(Scalar::Bool(yes)) | Expect::AtMost(Scalar::Bool(yes)) => {
                Err(InvalidValue::new(yes.to_string(), kind))
            }
            Expect::AtLeast(scalar) | Expect::AtMost(scalar) => validate_scalar(scalar, kind),
            Expect::OneOf(words) | Expect::NoneOf(words) => {
                words.iter().try_for_each(|word| validate_scalar(&Scalar::Word(word.clone()), kind))
            }
        }
    }
}

/// A value in an expectation that the fact never has.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidValue {
    /// The invalid value.
    pub value: String,
    /// The valid values: the words of the fact's kind, `true` and `false`, or "a count".
    pub valid: Vec<&'static str>,
}

impl InvalidValue {
    fn new(value: String, kind: Kind) -> Self {
        let valid = match kind {
            Kind::Bool => vec!["true", "false"],
            Kind::Count => vec!["a count"],
            Kind::Words(words) => words.to_vec(),
        };
        InvalidValue { value, valid }
    }
}

fn validate_scalar(scalar: &Scalar, kind: Kind) -> Result<(), InvalidValue> {
    let is_valid = match (scalar, kind) {
        (Scalar::Bool(_), Kind::Bool) | (Scalar::Count(_), Kind::Count) => true,
        (Scalar::Word(word), Kind::Words(words)) => words.contains(&word.as_str()),
        _ => false,
    };
    if is_valid { Ok(()) } else { Err(InvalidValue::new(scalar.to_string(), kind)) }
}

fn equal(scalar: &Scalar, value: &Value) -> bool {
    match (scalar, value) {
        (Scalar::Bool(a), Value::Bool(b)) => a == b,
        (Scalar::Count(a), Value::Count(b)) => a == b,
        (Scalar::Word(a), Value::Word(b)) => a == b,
        _ => false,
    }
}

/// Returns the position of an expected value in its kind's order.
fn scalar_rank(scalar: &Scalar, kind: Kind) -> Option<u64> {
    match scalar {
        Scalar::Bool(yes) => Some(u64::from(*yes)),
        Scalar::Count(count) => Some(*count),
        Scalar::Word(word) => word_rank(word, kind),
    }
}

fn value_rank(value: &Value, kind: Kind) -> Option<u64> {
    match value {
        Value::Bool(yes) => Some(u64::from(*yes)),
        Value::Count(count) | Value::AtLeast(count) => Some(*count),
        Value::Word(word) => word_rank(word, kind),
    }
}

fn word_rank(word: &str, kind: Kind) -> Option<u64> {
    match kind {
        Kind::Words(words) => words.iter().position(|known| *known == word).map(|position| position as u64),
        _ => None,
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expect::Is(value) => write!(f, "{value}"),
            Expect::IsNot(value) => write!(f, "not {value}"),
            Expect::AtLeast(value) => write!(f, "at least {value}"),
            Expect::AtMost(value) => write!(f, "at most {value}"),
            Expect::OneOf(words) => f.write_str(&words.join(" or ")),
            Expect::NoneOf(words) => write!(f, "not {}", words.join(", not ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: Kind = Kind::Words(&["absent", "exited", "running"]);

    #[test]
    fn compares_words_in_the_order_of_their_kind() {
        let at_least = Expect::AtLeast(Scalar::Word("exited".into()));
        assert!(!at_least.holds(&Value::Word("absent"), STATES));
        assert!(at_least.holds(&Value::Word("exited"), STATES));
        assert!(at_least.holds(&Value::Word("running"), STATES));
    }

    #[test]
    fn rejects_values_that_the_fact_never_has() {
        assert!(Expect::Is(Scalar::Word("runing".into())).validate(STATES).is_err());
        assert!(Expect::Is(Scalar::Count(0)).validate(STATES).is_err());
        assert!(Expect::OneOf(vec!["exited".into()]).validate(Kind::Count).is_err());
        assert!(Expect::AtLeast(Scalar::Count(1)).validate(Kind::Count).is_ok());
    }

    #[test]
    fn judges_a_lower_bound_only_where_the_outcome_is_certain() {
        let count = Scalar::Count(3);
        for (expect, from_2, from_3, from_4) in [
            (Expect::Is(count.clone()), None, None, Some(false)),
            (Expect::IsNot(count.clone()), None, None, Some(true)),
            (Expect::AtLeast(count.clone()), None, Some(true), Some(true)),
            (Expect::AtMost(count.clone()), None, None, Some(false)),
        ] {
            assert_eq!(
                [2, 3, 4].map(|least| expect.holds_for_at_least(least)),
                [from_2, from_3, from_4],
                "{expect}"
            );
        }
    }

    #[test]
    fn every_operator_can_pass_and_fail() {
        let word = |text: &str| Scalar::Word(text.into());
        for (expect, good, bad) in [
            (Expect::Is(word("running")), "running", "exited"),
            (Expect::IsNot(word("exited")), "running", "exited"),
            (Expect::AtMost(word("exited")), "exited", "running"),
            (Expect::OneOf(vec!["running".into()]), "running", "absent"),
            (Expect::NoneOf(vec!["absent".into()]), "running", "absent"),
        ] {
            assert!(expect.holds(&Value::Word(good), STATES), "{expect}");
            assert!(!expect.holds(&Value::Word(bad), STATES), "{expect}");
        }
    }
}
