//! A file as far as it is TOML: what is none is told and taken out, row by row, so that
//! the rest can be read.

use crate::base::error::Mistake;
use crate::input::{Source, text};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, Error};

/// After so many syntax errors the rest of them tells nothing new.
pub const SYNTAX_ERRORS: usize = 5;

/// So many lines of a row may be wrong, each by itself; else it is the row.
const LINES: usize = 4;

/// A file, as far as it is TOML.
pub struct Readable<'a> {
    /// Its text, with blanks in the place of what is none: all offsets stay.
    pub text: Cow<'a, str>,
    /// What stands in it, where the whole file was read.
    pub table: Option<Spanned<DeTable<'a>>>,
    /// Where the lines and rows began that are gone, in bytes.
    pub gone: Vec<usize>,
    /// Whole rows are gone: what nothing has the name of may be one of theirs.
    pub lost: bool,
}

impl<'a> Readable<'a> {
    /// What can be read of a file; what is wrong with the rest is put into `mistakes`.
    /// `None` where too much is wrong.
    pub fn of(source: &'a Source, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        let (text, gone) = (Cow::Borrowed(source.text.as_str()), Vec::new());
        let Some(first) = errors.iter().filter_map(offset).min() else {
            return Some(Readable { text, table: Some(table), gone, lost: false });
        };
        let mut readable = Readable { text, table: None, gone, lost: false };
        let mut found = readable.rows(source, first);
        // Among rows that are good by themselves: one of them stands twice.
        for _ in 0..SYNTAX_ERRORS {
            let text = readable.text.clone();
            let Some(twice) = DeTable::parse_recoverable(&text).1.into_iter().next() else { break };
            let row = text::row_around(&text, offset(&twice)?);
            readable.take_out(row, true);
            found.push(source.explain(&twice));
        }
        let more = found.len().saturating_sub(SYNTAX_ERRORS);
        mistakes.extend(found.into_iter().take(SYNTAX_ERRORS));
        if more > 0 {
            let what = format!("{more} more rows are not TOML");
            mistakes.push(Mistake::new(&source.name, what).help("is it the file that was meant?"));
            return None;
        }
        DeTable::parse_recoverable(&readable.text).1.is_empty().then_some(readable)
    }

    /// Looks at each row by itself, from the one with the first error on: what has no end
    /// would swallow the rows behind it.
    fn rows(&mut self, source: &Source, first: usize) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut at = text::row_around(&self.text, first).start;
        while at < self.text.len() {
            let row = at..text::end_of_row(&self.text, at);
            found.extend(self.row(source, row.clone()));
            at = self
                .text
                .get(row.end..)
                .and_then(|rest| rest.find('['))
                .map_or(self.text.len(), |next| row.end + next);
        }
        found
    }

    /// The mistakes of one row; its wrong lines are taken out, or all of it.
    fn row(&mut self, source: &Source, row: Range<usize>) -> Vec<Mistake> {
        let mut found: Vec<(usize, Mistake)> = Vec::new();
        for _ in 0..=LINES {
            let alone = alone(&self.text, &row);
            let Some(error) = DeTable::parse_recoverable(&alone).1.into_iter().next() else { break };
            let at = offset(&error).unwrap_or(row.start);
            let line = text::line_around(&self.text, at);
            let text = self.text.get(line.clone()).unwrap_or_default().trim_start();
            let (is_header, is_end) = (text.starts_with('['), text.is_empty() || at >= row.end);
            // What did not end is the cause of what stands behind it.
            if found.last().is_some_and(|(last, _)| *last > at) {
                found.pop();
            }
            if !is_end || found.is_empty() {
                let open = is_end.then(|| unclosed(source, &row)).flatten();
                found.push((at, open.unwrap_or_else(|| source.explain(&error))));
            }
            // Without its header a row's entries would be those of another.
            if is_header || is_end {
                self.take_out(row, true);
                break;
            }
            self.take_out(line, false);
        }
        found.into_iter().map(|(_, mistake)| mistake).collect()
    }

    fn take_out(&mut self, range: Range<usize>, whole: bool) {
        let blanks = blank(self.text.get(range.clone()).unwrap_or_default());
        self.gone.push(range.start);
        self.lost |= whole;
        self.text.to_mut().replace_range(range, &blanks);
    }
}

/// The long text that begins in a row and does not end there.
fn unclosed(source: &Source, row: &Range<usize>) -> Option<Mistake> {
    let text = source.text.get(row.clone())?;
    let opening = ["\"\"\"", "'''"].iter().filter_map(|quotes| Some((text.rfind(quotes)?, *quotes))).max()?;
    let at = row.start + opening.0;
    let mistake = source.mistake_in(at..at + opening.1.len(), "the text that begins here has no end");
    Some(mistake.help(format!("close it with {}", opening.1)))
}

fn offset(error: &Error) -> Option<usize> {
    Some(error.span()?.start)
}

/// The text with nothing in it but one row.
fn alone(text: &str, row: &Range<usize>) -> String {
    let part = |range: Range<usize>| text.get(range).unwrap_or_default();
    blank(part(0..row.start)) + part(row.clone()) + &blank(part(row.end..text.len()))
}

/// As many blanks as there are bytes; lines stay.
fn blank(text: &str) -> String {
    let one = |c: char| if c == '\n' { c.to_string() } else { " ".repeat(c.len_utf8()) };
    text.chars().map(one).collect()
}
