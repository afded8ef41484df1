//! Renamed public ids. Files, `explain` and overrides still accept the old ids.

use std::borrow::Cow;
use std::sync::LazyLock;

/// The old and the new prefix of custom facts.
const CUSTOM: (&str, &str) = ("own.", "custom.");

/// Old and new names of causes and facts, one pair per line.
const TABLE: &str = include_str!("../../checks/renamed-ids.txt");

static RENAMED: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| TABLE.lines().filter_map(|line| line.split_once(' ')).collect());

/// Returns the current name of an id: the id itself, unless it was renamed.
pub fn current(id: &str) -> Cow<'_, str> {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == id) {
        return Cow::Borrowed(new);
    }
    match id.strip_prefix(CUSTOM.0) {
        Some(rest) => Cow::Owned(format!("{}{rest}", CUSTOM.1)),
        None => Cow::Borrowed(id),
    }
}

/// Returns the old names of an id.
pub fn old_names(id: &str) -> impl Iterator<Item = &'static str> {
    RENAMED.iter().filter(move |(_, new)| *new == id).map(|(old, _)| *old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_old_names_to_current_ones() {
        assert_eq!(current("container.rung"), "container.state");
        assert_eq!(current("own.refunds_waiting"), "custom.refunds_waiting");
        assert_eq!(current("topics-missing"), "topics-missing");
        assert_eq!(old_names("worker.state").collect::<Vec<_>>(), ["worker.rung"]);
    }
}
