//! Words of records that tell of a success.

use crate::text::ascii_regex::ascii_regex;
use regex::Regex;
use std::sync::LazyLock;

/// Past participles and states with which services report what they have done.
pub const SUCCESS_WORDS: &str = "stored|saved|sent|delivered|published|produced|consumed|processed|handled|\
    completed|finished|done|succeeded|success|successful|successfully|confirmed|committed|acknowledged|acked|\
    inserted|updated|written|allocated|assigned|created|indexed|synced|posted|shipped|booked|priced|paid|\
    accepted|passed|applied|recovered|restored|resumed|connected|reconnected|joined|rejoined|subscribed|\
    re-established|reestablished|established|authenticated|stabilized|elected|ready|started|listening|in sync";

static SUCCESS: LazyLock<Regex> = LazyLock::new(|| ascii_regex(&format!(r"(?i)\b(?:{SUCCESS_WORDS})\b")));

/// Words that turn a success into its opposite or into a plan, and those of signs of life.
static NOT_YET: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(?:heartbeat|ping|health\w*|liveness|readiness|probes?|not|no|never|cannot|can't|couldn't|failed|failing|fails|failure|error|unable|retry|retrying|waiting|trying|attempt|attempting|refused|rejected|denied|lost|disconnected|un\w+ed)\b";
    ascii_regex(pattern)
});

/// Reports whether a message tells of a success.
pub(super) fn is_success(message: &str) -> bool {
    SUCCESS.is_match(message) && !NOT_YET.is_match(message)
}
