//! The errors in the lines of a record: messages and their causes, without stack frames.

use crate::text::ascii_regex::ascii_regex;
use regex::Regex;
use std::sync::LazyLock;

/// A stack frame, or a line that belongs to one.
static FRAME: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r#"^(?:\s*at \S|\s*File "|\s*\.\.\. \d+ |\s+from \S+:\d+|\s+\d+: +0x|\s+at [/\w]|\t\S+:\d+|goroutine \d|\s*#\d+ |\s*\(?\S+\.(?:rb|exs?|erl|php|py|go|kt|java|js|ts|mjs|cjs|rs|scala):\d+|\s*[\w.$*()/@-]+\(0x|\s*--- End of |\s*\^+|\s*~+|stack backtrace|note: |created by |Stack trace:|\[signal )"#,
    )
});

/// The beginning of a cause, deeper than what stands before it.
static CAUSE: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^\s*(?:Caused by:?|---> |\(?[Cc]ause:|\[cause\]:|cause:|Root cause:|Inner Exception:?|Wrapped by:|Original error:|originalError:)\s*(?:\d+: )?",
    )
});

/// The first line of an exception, with the package of its class.
static EXCEPTION: LazyLock<Regex> =
    LazyLock::new(|| ascii_regex(r"^(?:[A-Za-z_][\w$]*\.)+[\w$]*(?:Exception|Error|Throwable)\b"));

/// What stands between an error and the one that was raised while it was handled.
static OUTER: LazyLock<Regex> = LazyLock::new(|| {
    ascii_regex(
        r"^(?:During handling of the above exception|The above exception was the direct cause|Next \S)",
    )
});

/// Adds the errors in the lines after a message, the root last. The first lines belong to the message.
pub(super) fn add(lines: &str, errors: &mut Vec<String>) {
    let own = errors.len();
    let mut is_numbered = false;
    let mut is_reversed = false;
    let mut after_frames = false;
    for line in lines.lines() {
        let text = line.trim();
        if !text.contains(|c: char| c.is_alphanumeric()) {
            continue;
        }
        if OUTER.is_match(text) {
            is_reversed = true;
            if let Some(next) = text.strip_prefix("Next ") {
                errors.push(next.to_string());
            }
            after_frames = false;
        } else if let Some(cause) = CAUSE.find(line) {
            let rest = line[cause.end()..].trim();
            is_numbered = rest.is_empty();
            if !rest.is_empty() {
                errors.push(rest.to_string());
            }
            after_frames = false;
        } else if text.starts_with("Traceback (most recent call last)") || FRAME.is_match(line) {
            after_frames = true;
        } else if is_numbered {
            // Each line below `Caused by:` is a cause of the one above.
            errors.push(
                text.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(": ").to_string(),
            );
        } else if after_frames && line.starts_with(char::is_whitespace) {
            // The code of a frame.
        } else if after_frames || errors.is_empty() || EXCEPTION.is_match(text) {
            errors.push(text.to_string());
            after_frames = false;
        } else if let Some(last) = errors.last_mut() {
            last.push('\n');
            last.push_str(text);
        }
    }
    if is_reversed {
        errors[own..].reverse();
    }
}

/// Shortens a long record to about `max` bytes: its beginning, the lines of its causes and its end stay.
/// No `<word>` is cut.
pub fn shortened(text: String, max: usize) -> String {
    if text.len() <= max {
        return text;
    }
    let head = before_word(&text, text.floor_char_boundary(max / 2));
    let tail = after_word(&text, text.ceil_char_boundary(text.len() - max / 4));
    let mut short = text[..head].to_string();
    let (mut room, mut omitted) = (max / 4, false);
    for line in text[head..tail].split('\n').skip(1) {
        if CAUSE.is_match(line) && line.len() < room {
            room -= line.len();
            short.push('\n');
            short.push_str(line);
        } else {
            omitted = true;
        }
    }
    short.push_str(if omitted { "\n..." } else { "..." });
    short.push_str(&text[tail..]);
    short
}

/// Longest `<word>` that is looked for, in bytes.
const MAX_WORD: usize = 20;

/// Returns where the `<word>` around `at` begins, or `at` if there is none.
fn before_word(text: &str, at: usize) -> usize {
    let from = text.ceil_char_boundary(at.saturating_sub(MAX_WORD));
    let open = text[from..at].rfind('<').filter(|open| !text[from + open..at].contains('>'));
    open.map_or(at, |open| from + open)
}

/// Returns where the `<word>` around `at` ends, or `at` if there is none.
fn after_word(text: &str, at: usize) -> usize {
    match before_word(text, at) {
        open if open < at => text[at..].find('>').map_or(at, |end| at + end + 1),
        _ => at,
    }
}
