//! Private keys, with their lines or as one line.

use super::found::Found;
use super::lines::lines;

/// Fewest characters of a line that may belong to a key whose first line stands elsewhere.
const MIN_LINE: usize = 60;

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let mut at = 0;
    while let Some(begin) = text[at..].find("-----BEGIN ").map(|found| at + found) {
        let label = begin + "-----BEGIN ".len();
        let Some(start) = text[label..].find("-----").map(|end| label + end + 5) else { break };
        at = start;
        if !text[label..start].contains("PRIVATE KEY") {
            continue;
        }
        let end = text[start..].find("-----END ").map_or(text.len(), |end| start + end);
        // The line feeds around the key stay: real ones, or escaped.
        let key = &text[start..end];
        let is_edge = |c: char| c.is_whitespace() || c == '\\';
        let inner = key.trim_start_matches(is_edge);
        let inner = inner.strip_prefix(['n', 'r']).filter(|_| key.starts_with('\\')).unwrap_or(inner);
        let from = start + key.len() - inner.len();
        let escaped = inner.trim_end().strip_suffix("\\n").map_or(inner.trim_end(), |inner| inner);
        let mut until = from + escaped.len();
        if end == text.len() {
            // A key that was cut off ends with the quote around it.
            until = text[from..until].find(['"', '\'']).map_or(until, |quote| from + quote);
        }
        if from < until {
            found.push(Found::new(from..until));
        }
        at = end;
    }
    lines_of_keys(text, found);
}

/// Masks lines that consist of base64, as those of a key.
fn lines_of_keys(text: &str, found: &mut Vec<Found>) {
    for range in lines(text) {
        let line = &text[range.clone()];
        let key = line.trim();
        let is_base64 = key.len() >= MIN_LINE
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        let has = |is: fn(&u8) -> bool| key.as_bytes().iter().any(is);
        let is_mixed = is_base64
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_digit);
        if is_mixed {
            let from = range.start + line.len() - line.trim_start().len();
            found.push(Found::new(from..from + key.len()));
        }
    }
}
