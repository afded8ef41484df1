//! Parses as much of an invalid TOML file as possible. Invalid lines and rows are reported and
//! blanked out, so that the rest can be read.

use crate::base::error::Mistake;
use crate::input::{Source, text_position};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, Error};

/// The maximum number of syntax errors reported per file.
pub const MAX_SYNTAX_ERRORS: usize = 5;

/// The maximum number of invalid lines removed from a row before the whole row is dropped.
const MAX_INVALID_LINES: usize = 4;

/// The valid part of a TOML file.
pub struct RecoveredToml<'a> {
    /// The text with invalid parts replaced by blanks, so that offsets stay the same.
    pub text: Cow<'a, str>,
    /// The parsed file, if all of it is valid.
    pub table: Option<Spanned<DeTable<'a>>>,
    /// Byte offsets of the removed lines and rows.
    pub removed: Vec<usize>,
    /// Whether whole rows were removed, in which case an unknown name may refer to one of them.
    pub is_partially_parsed: bool,
}

impl<'a> RecoveredToml<'a> {
    /// Parses the valid part of a file and adds the syntax errors to `mistakes`. Returns `None`
    /// if too little of the file is valid.
    pub fn parse(source: &'a Source, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        let (text, removed) = (Cow::Borrowed(source.text.as_str()), Vec::new());
        let Some(first) = errors.iter().filter_map(offset).min() else {
            return Some(RecoveredToml { text, table: Some(table), removed, is_partially_parsed: false });
        };
        let mut recovered = RecoveredToml { text, table: None, removed, is_partially_parsed: false };
        let mut found = recovered.remove_invalid_rows(source, first);
        // Each remaining row is valid on its own, so any error left is a duplicate table.
        for _ in 0..MAX_SYNTAX_ERRORS {
            let text = recovered.text.clone();
            let Some(duplicate) = DeTable::parse_recoverable(&text).1.into_iter().next() else { break };
            let row = text_position::row_around(&text, offset(&duplicate)?);
            recovered.remove(row, true);
            found.push(source.explain(&duplicate));
        }
        let more = found.len().saturating_sub(MAX_SYNTAX_ERRORS);
        mistakes.extend(found.into_iter().take(MAX_SYNTAX_ERRORS));
        if more > 0 {
            let what = format!("{more} more rows are not valid TOML");
            mistakes.push(Mistake::new(&source.name, what).help("is this the right file?"));
            return None;
        }
        DeTable::parse_recoverable(&recovered.text).1.is_empty().then_some(recovered)
    }

    /// Parses each row separately, starting at the row with the first error. Otherwise an
    /// unclosed string or list would swallow the rows after it.
    fn remove_invalid_rows(&mut self, source: &Source, first: usize) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut at = text_position::row_around(&self.text, first).start;
        while at < self.text.len() {
            let row = at..text_position::end_of_row(&self.text, at);
            found.extend(self.remove_invalid_lines(source, row.clone()));
            at = self
                .text
                .get(row.end..)
                .and_then(|rest| rest.find('['))
                .map_or(self.text.len(), |next| row.end + next);
        }
        found
    }

    /// Returns the mistakes in a row, and removes its invalid lines or the whole row.
    fn remove_invalid_lines(&mut self, source: &Source, row: Range<usize>) -> Vec<Mistake> {
        let mut found: Vec<(usize, Mistake)> = Vec::new();
        for _ in 0..=MAX_INVALID_LINES {
            let isolated = isolate(&self.text, &row);
            let Some(error) = DeTable::parse_recoverable(&isolated).1.into_iter().next() else { break };
            let at = offset(&error).unwrap_or(row.start);
            let line = text_position::line_around(&self.text, at);
            let text = self.text.get(line.clone()).unwrap_or_default().trim_start();
            let (is_header, is_end) = (text.starts_with('['), text.is_empty() || at >= row.end);
            // An error located before the previous one must have caused it (an unclosed string or
            // list).
            if found.last().is_some_and(|(last, _)| *last > at) {
                found.pop();
            }
            if !is_end || found.is_empty() {
                let unclosed = is_end.then(|| unclosed_string(source, &row)).flatten();
                found.push((at, unclosed.unwrap_or_else(|| source.explain(&error))));
            }
            // If its header were removed, a row's keys would belong to the row before it.
            if is_header || is_end {
                self.remove(row, true);
                break;
            }
            self.remove(line, false);
        }
        found.into_iter().map(|(_, mistake)| mistake).collect()
    }

    fn remove(&mut self, range: Range<usize>, is_row: bool) {
        let blanks = blank(self.text.get(range.clone()).unwrap_or_default());
        self.removed.push(range.start);
        self.is_partially_parsed |= is_row;
        self.text.to_mut().replace_range(range, &blanks);
    }
}

/// Reports a mistake for a multi-line string that starts in a row but does not end there.
fn unclosed_string(source: &Source, row: &Range<usize>) -> Option<Mistake> {
    let text = source.text.get(row.clone())?;
    let opening = ["\"\"\"", "'''"].iter().filter_map(|quotes| Some((text.rfind(quotes)?, *quotes))).max()?;
    let at = row.start + opening.0;
    let mistake = source.mistake_in(at..at + opening.1.len(), "unclosed string");
    Some(mistake.help(format!("close it with {}", opening.1)))
}

fn offset(error: &Error) -> Option<usize> {
    Some(error.span()?.start)
}

/// Blanks out everything except one row.
fn isolate(text: &str, row: &Range<usize>) -> String {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    blank(part(0..row.start)) + part(row.clone()) + &blank(part(row.end..text.len()))
}

/// Replaces each byte with a blank and keeps line breaks.
fn blank(text: &str) -> String {
    let blank_char = |c: char| if c == '\n' { c.to_string() } else { " ".repeat(c.len_utf8()) };
    text.chars().map(blank_char).collect()
}
