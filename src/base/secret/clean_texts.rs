//! Long texts that the scanner has already read. A log record is scanned when it is read, within the
//! deadline, so that it need not be scanned again when the evidence is complete.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Fewest bytes of a text that is remembered. Shorter ones are scanned again.
const MIN_LENGTH: usize = 100;

/// Most texts that are remembered.
const MAX_TEXTS: usize = 100_000;

/// Only hashes are kept, with a key of this process.
static CLEAN: LazyLock<Mutex<(RandomState, HashSet<u64>)>> = LazyLock::new(Mutex::default);

/// Reports whether this very text was added.
pub(super) fn contains(text: &str) -> bool {
    text.len() >= MIN_LENGTH && {
        let clean = CLEAN.lock().unwrap_or_else(PoisonError::into_inner);
        clean.1.contains(&clean.0.hash_one(text))
    }
}

/// Adds a text in which the scanner finds no secret.
pub(super) fn add(text: &str) {
    if text.len() >= MIN_LENGTH {
        let mut clean = CLEAN.lock().unwrap_or_else(PoisonError::into_inner);
        let hash = clean.0.hash_one(text);
        if clean.1.len() < MAX_TEXTS {
            clean.1.insert(hash);
        }
    }
}
