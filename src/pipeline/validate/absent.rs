//! What a file surely does not say: not where something that could not be read may be what
//! was meant for it.

use crate::base::error::Mistake;
use crate::input::document::{Document, Row};
use crate::text::suggestion::nearest;

/// Whether a row says nothing of a key.
pub fn is_without(row: &Row, key: &str, unread: &[Mistake]) -> bool {
    // A line that is no TOML by itself is wrong, or in the middle of something.
    let may_be = |mistake: &Mistake| word(mistake).is_none_or(|word| is_near(&word, key));
    !row.has(key) && !unread.iter().any(|mistake| row.holds(mistake) && may_be(mistake))
}

/// Whether a file has no such section.
pub fn has_no(document: &Document, section: &str, unread: &[Mistake]) -> bool {
    let may_be = |mistake: &Mistake| word(mistake).is_some_and(|word| is_near(&word, section));
    document.rows(section).is_empty() && !document.has_lost_rows() && !unread.iter().any(may_be)
}

fn is_near(word: &str, name: &str) -> bool {
    nearest(word, [name]).is_some()
}

/// The key, or the section, that begins in the line of a mistake.
fn word(mistake: &Mistake) -> Option<String> {
    let line = &mistake.excerpt.as_ref()?.text;
    toml::from_str::<toml::Table>(line).ok()?.keys().next().cloned()
}
