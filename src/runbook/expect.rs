//! What a check expects of its fact.

use crate::runbook::value::{Kind, Value};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{self, Visitor};
use std::fmt;

/// One expectation: `{ is = 0 }`, `{ at_least = "running" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// Exactly this.
    Is(Scalar),
    /// Anything but this.
    IsNot(Scalar),
    /// This or more; for words: this or later in the fact's order.
    AtLeast(Scalar),
    /// This or less; for words: this or earlier in the fact's order.
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
                count.map(Scalar::Count).map_err(|_| E::custom("a count is not negative"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Word(value.to_string()))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

impl Expect {
    /// Whether the value is as expected. The expectation fits the fact's kind:
    /// [`Expect::fits`] has been asked when the check was read.
    pub fn holds(&self, value: &Value, kind: Kind) -> bool {
        match self {
            Expect::Is(scalar) => equal(scalar, value),
            Expect::IsNot(scalar) => !equal(scalar, value),
            Expect::AtLeast(scalar) => rank(scalar, kind) <= rank_of(value, kind),
            Expect::AtMost(scalar) => rank(scalar, kind) >= rank_of(value, kind),
            Expect::OneOf(words) => matches!(value, Value::Word(word) if words.iter().any(|w| w == word)),
            Expect::NoneOf(words) => matches!(value, Value::Word(word) if words.iter().all(|w| w != word)),
        }
    }

    /// Whether a count of so many or more is as expected, where that can be told.
    pub fn holds_from(&self, least: u64) -> Option<bool> {
        match self {
            Expect::Is(Scalar::Count(count)) | Expect::AtMost(Scalar::Count(count)) if *count < least => {
                Some(false)
            }
            Expect::IsNot(Scalar::Count(count)) if *count < least => Some(true),
            Expect::AtLeast(Scalar::Count(count)) if *count <= least => Some(true),
            _ => None,
        }
    }

    /// How it comes out of whatever value, where it is always the same.
    pub fn is_idle(&self) -> Option<&'static str> {
        match self {
            Expect::AtLeast(Scalar::Count(0)) => Some("everything meets"),
            Expect::NoneOf(words) if words.is_empty() => Some("everything meets"),
            Expect::OneOf(words) if words.is_empty() => Some("nothing meets"),
            _ => None,
        }
    }

    /// What is wrong with the expectation for a fact of this kind, if anything:
    /// the wrong value, and the valid words where there are any.
    pub fn fits(&self, kind: Kind) -> Result<(), Unfit> {
        match self {
            Expect::Is(scalar) | Expect::IsNot(scalar) => scalar_fits(scalar, kind),
            Expect::AtLeast(Scalar::Bool(yes)) | Expect::AtMost(Scalar::Bool(yes)) => {
                Err(Unfit::new(yes.to_string(), kind))
            }
            Expect::AtLeast(scalar) | Expect::AtMost(scalar) => scalar_fits(scalar, kind),
            Expect::OneOf(words) | Expect::NoneOf(words) => {
                words.iter().try_for_each(|word| scalar_fits(&Scalar::Word(word.clone()), kind))
            }
        }
    }
}

/// Why an expectation does not fit its fact.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The value that the fact never has.
    pub value: String,
    /// What it can have: the words of its kind, or "a count", "true or false".
    pub valid: Vec<&'static str>,
}

impl Unfit {
    fn new(value: String, kind: Kind) -> Self {
        let valid = match kind {
            Kind::Bool => vec!["true", "false"],
            Kind::Count => vec!["a count"],
            Kind::Words(words) => words.to_vec(),
        };
        Unfit { value, valid }
    }
}

fn scalar_fits(scalar: &Scalar, kind: Kind) -> Result<(), Unfit> {
    let fits = match (scalar, kind) {
        (Scalar::Bool(_), Kind::Bool) | (Scalar::Count(_), Kind::Count) => true,
        (Scalar::Word(word), Kind::Words(words)) => words.contains(&word.as_str()),
        _ => false,
    };
    if fits { Ok(()) } else { Err(Unfit::new(scalar.to_string(), kind)) }
}

fn equal(scalar: &Scalar, value: &Value) -> bool {
    match (scalar, value) {
        (Scalar::Bool(a), Value::Bool(b)) => a == b,
        (Scalar::Count(a), Value::Count(b)) => a == b,
        (Scalar::Word(a), Value::Word(b)) => a == b,
        _ => false,
    }
}

/// The place of a value in the order of its kind.
fn rank(scalar: &Scalar, kind: Kind) -> Option<u64> {
    match scalar {
        Scalar::Bool(yes) => Some(u64::from(*yes)),
        Scalar::Count(count) => Some(*count),
        Scalar::Word(word) => place(word, kind),
    }
}

fn rank_of(value: &Value, kind: Kind) -> Option<u64> {
    match value {
        Value::Bool(yes) => Some(u64::from(*yes)),
        Value::Count(count) | Value::AtLeast(count) => Some(*count),
        Value::Word(word) => place(word, kind),
    }
}

fn place(word: &str, kind: Kind) -> Option<u64> {
    match kind {
        Kind::Words(words) => words.iter().position(|known| *known == word).map(|place| place as u64),
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

    const LADDER: Kind = Kind::Words(&["absent", "exited", "running"]);

    #[test]
    fn words_have_an_order_where_the_fact_has_one() {
        let at_least = Expect::AtLeast(Scalar::Word("exited".into()));
        assert!(!at_least.holds(&Value::Word("absent"), LADDER));
        assert!(at_least.holds(&Value::Word("exited"), LADDER));
        assert!(at_least.holds(&Value::Word("running"), LADDER));
    }

    #[test]
    fn an_expectation_that_can_never_hold_is_found() {
        assert!(Expect::Is(Scalar::Word("runing".into())).fits(LADDER).is_err());
        assert!(Expect::Is(Scalar::Count(0)).fits(LADDER).is_err());
        assert!(Expect::OneOf(vec!["exited".into()]).fits(Kind::Count).is_err());
        assert!(Expect::AtLeast(Scalar::Count(1)).fits(Kind::Count).is_ok());
    }

    #[test]
    fn of_a_count_that_may_be_higher_only_what_is_sure_is_told() {
        let count = Scalar::Count(3);
        for (expect, of_2, of_3, of_4) in [
            (Expect::Is(count.clone()), None, None, Some(false)),
            (Expect::IsNot(count.clone()), None, None, Some(true)),
            (Expect::AtLeast(count.clone()), None, Some(true), Some(true)),
            (Expect::AtMost(count.clone()), None, None, Some(false)),
        ] {
            assert_eq!([2, 3, 4].map(|least| expect.holds_from(least)), [of_2, of_3, of_4], "{expect}");
        }
    }

    #[test]
    fn each_operator_can_fail() {
        let word = |text: &str| Scalar::Word(text.into());
        for (expect, good, bad) in [
            (Expect::Is(word("running")), "running", "exited"),
            (Expect::IsNot(word("exited")), "running", "exited"),
            (Expect::AtMost(word("exited")), "exited", "running"),
            (Expect::OneOf(vec!["running".into()]), "running", "absent"),
            (Expect::NoneOf(vec!["absent".into()]), "running", "absent"),
        ] {
            assert!(expect.holds(&Value::Word(good), LADDER), "{expect}");
            assert!(!expect.holds(&Value::Word(bad), LADDER), "{expect}");
        }
    }
}
