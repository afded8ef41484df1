//! The lines of a text as byte ranges.

use std::ops::Range;

/// Returns where each line of a text is.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let range = start..start + line.len();
        start += line.len() + 1;
        range
    })
}
