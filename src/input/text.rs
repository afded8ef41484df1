//! Places in the text of a file: lines, words, what stands inside of quotes.

use crate::base::error::Excerpt;
use std::ops::Range;

/// The line at a byte offset, without its end.
pub fn line_around(text: &str, offset: usize) -> Range<usize> {
    let offset = boundary(text, offset);
    let (before, after) = text.split_at(offset);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = after.find('\n').map_or(text.len(), |at| offset + at);
    let line = text.get(start..end).unwrap_or_default();
    start..start + line.trim_end_matches('\r').len()
}

/// The nearest offset at or before this one at which a character begins.
fn boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// Where the row, whose header stands at an offset, ends: at the next header.
pub fn end_of_row(text: &str, header: usize) -> usize {
    let first = line_around(text, header).end;
    let rest = text.get(first..).unwrap_or_default();
    rest.find("\n[").map_or(text.len(), |at| first + at)
}

/// The row that an offset is in, with its header: from there, or from the beginning of the
/// file, to the next header.
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

/// The line of a range of bytes. What goes on in the next line ends with this one.
pub fn excerpt(file: &str, text: &str, at: Range<usize>) -> Excerpt {
    let start = boundary(text, at.start);
    let line = line_around(text, start);
    let start = start.min(line.end);
    let end = boundary(text, at.end).clamp(start, line.end);
    let characters = |range: Range<usize>| text.get(range).unwrap_or_default().chars().count();
    Excerpt {
        file: file.to_string(),
        line: text.get(..line.start).unwrap_or_default().matches('\n').count() + 1,
        column: characters(line.start..start) + 1,
        width: characters(start..end).max(1),
        text: text.get(line).unwrap_or_default().to_string(),
    }
}

/// Where the word, the quoted text or the header that begins at an offset ends.
pub fn end_of_token(text: &str, offset: usize) -> usize {
    let offset = boundary(text, offset);
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

/// The offset in a value as it is written, quotes included, of an offset in the
/// text that it is read as.
pub fn raw_offset(raw: &str, offset: usize) -> usize {
    let quote = raw.get(..1).unwrap_or_default();
    let long = raw.starts_with(r#"""""#) || raw.starts_with("'''");
    let mut at = if long { 3 } else { 1 };
    if long {
        let rest = raw.get(at..).unwrap_or_default();
        // A line's end right behind the quotes is not part of the text.
        at += ["\r\n", "\n"].iter().find(|end| rest.starts_with(**end)).map_or(0, |end| end.len());
    }
    let mut read = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) {
        let (written, means) = match rest.strip_prefix('\\').filter(|_| quote == "\"") {
            Some(escaped) => escape(escaped),
            None if rest.starts_with("\r\n") => (2, 1),
            None => rest.chars().next().map_or((1, 1), |c| (c.len_utf8(), c.len_utf8())),
        };
        if means > 0 && read + means > offset {
            break;
        }
        read += means;
        at += written;
    }
    at
}

/// How many bytes an escape takes, its backslash included, and how many it means.
fn escape(rest: &str) -> (usize, usize) {
    let by_code = |digits: usize| {
        let code = rest.get(1..=digits).and_then(|code| u32::from_str_radix(code, 16).ok());
        (digits + 2, code.and_then(char::from_u32).map_or(1, char::len_utf8))
    };
    match rest.chars().next() {
        Some('x') => by_code(2),
        Some('u') => by_code(4),
        Some('U') => by_code(8),
        // The end of the line and what the next one begins with is not there.
        Some(c) if c.is_whitespace() => (1 + rest.len() - rest.trim_start().len(), 0),
        _ => (2, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn leads_to(raw: &str, word: &str) {
        let read = toml::from_str::<toml::Table>(&format!("a = {raw}")).unwrap();
        let text = read["a"].as_str().unwrap();
        let offset = raw_offset(raw, text.find(word).unwrap());
        assert!(raw[offset..].starts_with(word), "{} in {raw}", &raw[offset..]);
    }

    #[test]
    fn offsets_lead_through_quotes_and_escapes() {
        leads_to("'a\\b x'", "x");
        leads_to(r#""a\\b\t\u00e9\U0001F600 \x41 x""#, " x");
        leads_to("\"\"\"\nselect a,\n  b \\\n   c x\"\"\"", "x");
        leads_to("'''\nselect \\\n x'''", "x");
        leads_to("\"x\"", "x");
    }

    #[test]
    fn a_place_is_a_line_and_a_column_of_characters() {
        let text = "é = 1\r\nnäme = \"x\"\n";
        let at = text.find("\"x\"").unwrap();
        let excerpt = excerpt("f", text, at..at + 3);
        assert_eq!((excerpt.line, excerpt.column, excerpt.width), (2, 8, 3));
        assert_eq!(excerpt.text, "näme = \"x\"");
    }

    #[test]
    fn what_begins_somewhere_has_an_end() {
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
