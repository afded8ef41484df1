//! Parses compose files.

use serde::de::DeserializeOwned;
use serde_saphyr::Error;

/// Parses a YAML document. Errors contain no excerpt of it, which could contain secrets.
///
/// The number of events to which aliases expand is limited, but not how often an anchor is used: in many compose
/// files, each service merges the same few anchors.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let budget = serde_saphyr::budget! { enforce_alias_anchor_ratio: false };
    let options = serde_saphyr::options! { with_snippet: false, budget: budget };
    serde_saphyr::from_str_with_options(text, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::fmt::Write;

    #[test]
    fn reads_many_aliases_of_few_anchors_but_no_exponential_ones() {
        let mut text = String::from("x-common: &common {restart: always}\nservices:\n");
        for number in 0..500 {
            let _ = writeln!(text, "  s{number}: {{<<: *common, image: a}}");
        }
        let document: Value = parse(&text).unwrap();
        assert_eq!(document["services"]["s499"]["restart"], "always");
        let mut bomb = String::from("a0: &a0 [x, x]\n");
        for number in 1..40 {
            let before = number - 1;
            let _ = writeln!(bomb, "a{number}: &a{number} [*a{before}, *a{before}]");
        }
        assert!(parse::<Value>(&bomb).is_err());
    }
}
