//! "Did you mean" suggestions: the valid name closest to an invalid one.

/// Returns the valid name closest to an invalid one, if any is close enough.
pub fn nearest<'a>(invalid: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    valid
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(invalid, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= name.len().max(invalid.len()).div_ceil(3))
        .map(|(_, name)| name)
}

/// Returns "did you mean X?", or the list of valid names.
pub fn suggestion<'a>(invalid: &str, valid: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(invalid, valid.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = valid.into_iter().collect();
            format!("valid: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_a_name_only_for_a_typo() {
        assert_eq!(nearest("worker-runing", ["worker-running", "topic-exists"]), Some("worker-running"));
        assert_eq!(nearest("xyz", ["worker-running", "topic-exists"]), None);
    }
}
