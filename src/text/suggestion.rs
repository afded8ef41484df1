//! Did you mean? The valid name that a wrong one is nearest to.

/// The valid name nearest to a wrong one, if any is near enough to help.
pub fn nearest<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    valid
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= name.len().max(wrong.len()).div_ceil(3))
        .map(|(_, name)| name)
}

/// "did you mean X?", or the list of what is valid.
pub fn way_out<'a>(wrong: &str, valid: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, valid.clone()) {
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
    fn nearest_helps_with_a_typo_and_is_silent_otherwise() {
        assert_eq!(nearest("worker-runing", ["worker-running", "topic-exists"]), Some("worker-running"));
        assert_eq!(nearest("xyz", ["worker-running", "topic-exists"]), None);
    }
}
