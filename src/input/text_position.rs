//! Positions in the text of a TOML file: lines, rows, tokens and offsets inside strings.

use crate::base::error::Excerpt;
use std::ops::Range;

/// Returns the byte range of the line at an offset, without its line ending.
pub fn line_around(text: &str, offset: usize) -> Range<usize> {
    let offset = char_boundary(text, offset);
    let (before, after) = text.split_at(offset);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    let line = text.get(start..end).unwrap_or_default();
    start..start + line.trim_end_matches('\r').len()
}

/// Returns the nearest character boundary at or before an offset.
fn char_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Returns the end of the row whose header is at an offset, that is, the start of the next header.
pub fn end_of_row(text: &str, header: usize) -> usize {
    let first = line_around(text, header).end;
    let rest = text.get(first..).unwrap_or_default();
    rest.find("\n[").map_or(text.len(), |at| first + at)
}

/// Returns the byte range of the row at an offset: from its header, or the start of the file,
/// to the next header.
pub fn row_around(text: &str, offset: usize) -> Range<usize> {
    let line = line_around(text, offset);
    let is_header = |line: &Range<usize>| {
        text.get(line.clone()).is_some_and(|line| line.starts_with('[') && !line.starts_with("[ "))
    };
    let before = || text.get(..line.start).and_then(|before| before.rfind("\n[")).map(|at| at + 1);
    let start = if is_header(&line) { Some(line.start) } else { before() };
    let first_is_header = text.starts_with('[');
    match start.or(first_is_header.then_some(0)) {
        Some(header) => header..end_of_row(text, header),
        None => 0..end_of_row(text, 0),
    }
}

/// Returns the excerpt for a byte range, cut off at the end of its first line.
pub fn excerpt(file: &str, text: &str, at: Range<usize>) -> Excerpt {
    let start = char_boundary(text, at.start);
    let line = line_around(text, start);
    let start = start.min(line.end);
    let end = char_boundary(text, at.end).clamp(start, line.end);
    let char_count = |range: Range<usize>| text.get(range).unwrap_or_default().chars().count();
    Excerpt {
        file: file.to_string(),
        line: text.get(..line.start).unwrap_or_default().matches('\n').count() + 1,
        column: char_count(line.start..start) + 1,
        width: char_count(start..end).max(1),
        text: text.get(line).unwrap_or_default().to_string(),
    }
}

/// Returns the end of the word, quoted string or header that starts at an offset.
pub fn end_of_token(text: &str, offset: usize) -> usize {
    let offset = char_boundary(text, offset);
    let rest = text.get(offset..line_around(text, offset).end).unwrap_or_default();
    let closed_by = |end: &str, skip: usize| {
        let inner = rest.get(skip..).unwrap_or_default();
        inner.find(end).map_or(rest.len(), |at| skip + at + end.len())
    };
    offset
        + match rest.as_bytes() {
            [quote @ (b'"' | b'\''), ..] if !rest.starts_with(r#"""""#) && !rest.starts_with("'''") => {
                closed_by(if *quote == b'"' { "\"" } else { "'" }, 1)
            }
            [b'"' | b'\'', ..] => rest.len(),
            [b'[', b'[', ..] => closed_by("]]", 2),
            [b'[', ..] => closed_by("]", 1),
            [b'{', ..] => closed_by("}", 1),
            _ => rest.find(|c: char| c.is_whitespace() || "=,]}#".contains(c)).unwrap_or(rest.len()),
        }
}

/// Converts an offset in a parsed string to the offset in its TOML source, quotes included.
pub fn raw_offset(raw: &str, offset: usize) -> usize {
    let quote = raw.get(..1).unwrap_or_default();
    let is_multiline = raw.starts_with(r#"""""#) || raw.starts_with("'''");
    let mut at = if is_multiline { 3 } else { 1 };
    if is_multiline {
        let rest = raw.get(at..).unwrap_or_default();
        // A line break right after the opening quotes is not part of the string.
        at += ["\r\n", "\n"].iter().find(|end| rest.starts_with(**end)).map_or(0, |end| end.len());
    }
    let mut parsed = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let (raw_len, parsed_len) = match rest.strip_prefix('\\').filter(|_| quote == "\"") {
            Some(escaped) => escape_lengths(escaped),
            None if rest.starts_with("\r\n") => (2, 1),
            None => rest.chars().next().map_or((1, 1), |c| (c.len_utf8(), c.len_utf8())),
        };
        if parsed_len > 0 && parsed + parsed_len > offset {
            break;
        }
        parsed += parsed_len;
        at += raw_len;
    }
    at
}

/// Returns the byte lengths of an escape, including its backslash, and of the character that it represents.
fn escape_lengths(rest: &str) -> (usize, usize) {
    let by_code = |digits: usize| {
        let code = rest.get(1..=digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        (digits + 2, code.and_then(char::from_u32).map_or(1, char::len_utf8))
    };
    match rest.chars().next() {
        Some('x') => by_code(2),
        Some('u') => by_code(4),
        Some('U') => by_code(8),
        // A line continuation: the line break and the following whitespace are dropped.
        Some(c) if c.is_whitespace() => (1 + rest.len() - rest.trim_start().len(), 0),
        _ => (2, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn maps_offset_of(raw: &str, word: &str) {
        let table = toml::from_str::<toml::Table>(&format!("a = {raw}")).unwrap();
        let text = table["a"].as_str().unwrap();
        let offset = raw_offset(raw, text.find(word).unwrap());
        assert!(raw[offset..].starts_with(word), "{} in {raw}", &raw[offset..]);
    }

    #[test]
    fn maps_offsets_through_quotes_and_escapes() {
        maps_offset_of("'a\\b x'", "x");
        maps_offset_of(r#""a\\b\t\u00e9\U0001F600 \x41 x""#, " x");
        maps_offset_of("\"\"\"\nselect a,\n  b \\\n   c x\"\"\"", "x");
        maps_offset_of("'''\nselect \\\n x'''", "x");
        maps_offset_of("\"x\"", "x");
    }

    #[test]
    fn excerpt_counts_columns_in_characters() {
        let text = "é = 1\r\nnäme = \"x\"\n";
        let at = text.find("\"x\"").unwrap();
        let excerpt = excerpt("f", text, at..at + 3);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (2, 8, 3));
        assert_eq!(excerpt.text, "näme = \"x\"");
    }

    #[test]
    fn finds_the_end_of_each_kind_of_token() {
        for (text, token) in [
            ("\"a b\", c", "\"a b\""),
            ("'a' c", "'a'"),
            ("[[row]] # x", "[[row]]"),
            ("{ is = 0 } x", "{ is = 0 }"),
            ("95, x", "95"),
            ("\"\"\"\nx", "\"\"\""),
        ] {
            assert_eq!(end_of_token(text, 0), token.len(), "{text}");
        }
    }
}
