//! Feeds generated and mutated input to the parsers of text from outside. No input may make them
//! panic, take long or need much memory, and what they accept must be safe to print.
//!
//! By default, each target gets one in [`SHARE`] of its cases, which takes about a minute. The
//! variable `FUZZ_SHARE=1` runs all of them.

#[path = "../support/mod.rs"]
mod support;

mod files;
mod input;
mod recordings;
mod texts;
mod watch;

/// By which number the cases are divided unless `FUZZ_SHARE` says otherwise.
const SHARE: u32 = 400;

/// Returns how many of these cases are run.
fn cases(all: u32) -> u32 {
    let share = std::env::var("FUZZ_SHARE").ok().and_then(|share| share.parse().ok());
    (all / share.unwrap_or(SHARE).max(1)).max(1)
}
