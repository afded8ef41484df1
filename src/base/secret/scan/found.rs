//! What the scanner finds.

use std::ops::Range;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::base::secret) struct Found {
    /// Its bytes in the text.
    pub(in crate::base::secret) range: Range<usize>,
    /// Quote to write around what replaces it, with its backslashes: numbers in JSON have none.
    pub(in crate::base::secret) quote: String,
}

impl Found {
    pub(super) fn new(range: Range<usize>) -> Self {
        Found { range, quote: String::new() }
    }
}
