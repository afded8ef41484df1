//! "Did you mean" suggestions: the valid name closest to an invalid one.

/// The maximum length, in characters, of names that are compared. Comparing two names takes time
/// proportional to the product of their lengths.
const MAX_NAME: usize = 100;

/// Returns the valid name closest to an invalid one, if any is close enough.
pub fn nearest<'a>(invalid: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = length(invalid)?;
    let candidates = valid.into_iter().filter_map(|name| {
        let other = self::length(name)?;
        let allowed = length.max(other).div_ceil(3);
        // The distance is at least the difference in length.
        (length.abs_diff(other) <= allowed).then_some((name, allowed))
    });
    candidates
        .map(|(name, allowed)| (strsim::osa_distance(invalid, name), allowed, name))
        .min_by_key(|(distance, ..)| *distance)
        .filter(|(distance, allowed, _)| distance <= allowed)
        .map(|(.., name)| name)
}

/// Returns the edit distance between two names, unless one of them is too long to be compared.
pub fn distance(one: &str, other: &str) -> Option<usize> {
    length(one).and(length(other)).map(|_| strsim::osa_distance(one, other))
}

/// Returns the number of characters, unless the name is too long to be compared.
fn length(name: &str) -> Option<usize> {
    let length = name.chars().take(MAX_NAME + 1).count();
    (length <= MAX_NAME).then_some(length)
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
        assert_eq!(nearest("tpoic-exists", ["worker-running", "topic-exists"]), Some("topic-exists"));
    }

    #[test]
    fn a_long_name_costs_no_time() {
        let long = "x".repeat(1_000_000);
        let started = std::time::Instant::now();
        let valid = vec!["worker-running"; 1_000];
        assert_eq!(nearest(&long, valid.iter().copied().chain([long.as_str()])), None);
        assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    }
}
