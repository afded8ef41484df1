//! From what the engine sends to lines: time, stream, text without colours.

use bollard::container::LogOutput;
use jiff::Timestamp;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// More of one line is of no use to anyone.
const LONGEST: usize = 20_000;

/// One line of a log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// When the engine received it.
    pub(crate) at: Timestamp,
    pub(crate) stderr: bool,
    /// Without its end, colours and control characters.
    pub(crate) text: String,
}

/// Puts lines together. Without a terminal the engine sends a frame a line (or
/// a part of a long one), each with its time; with a terminal it sends bytes.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// What is begun and not ended, of stdout and of stderr.
    begun: [Option<Line>; 2],
    /// Bytes of a terminal that have no line end yet.
    bytes: Vec<u8>,
}

impl Lines {
    /// Takes what has come and passes on the lines that are whole. The error
    /// is the engine's own, sent in the place of a log.
    pub(crate) fn add(
        &mut self,
        output: &LogOutput,
        tty: bool,
        take: &mut impl FnMut(Line),
    ) -> Result<(), String> {
        match output {
            LogOutput::StdErr { message } => self.frame(true, message, take),
            LogOutput::StdOut { message } | LogOutput::StdIn { message } => {
                self.frame(false, message, take);
            }
            LogOutput::Console { message } if !tty => {
                // A frame of stream 3: eight bytes of header, then an error in words.
                let words = message.get(8..).unwrap_or_default();
                return Err(String::from_utf8_lossy(words).trim().to_string());
            }
            LogOutput::Console { message } => self.terminal(message, take),
        }
        Ok(())
    }

    /// Passes on what has no line end because the log ends there.
    pub(crate) fn end(&mut self, take: &mut impl FnMut(Line)) {
        let rest = std::mem::take(&mut self.bytes);
        self.frame(false, &rest, take);
        for begun in self.begun.iter_mut().filter_map(Option::take) {
            take(cleaned(begun));
        }
    }

    fn terminal(&mut self, message: &[u8], take: &mut impl FnMut(Line)) {
        self.bytes.extend_from_slice(message);
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let rest = self.bytes.split_off(end + 1);
            let line = std::mem::replace(&mut self.bytes, rest);
            self.frame(false, &line, take);
        }
    }

    fn frame(&mut self, stderr: bool, message: &[u8], take: &mut impl FnMut(Line)) {
        let text = String::from_utf8_lossy(message);
        let Some((at, text)) = timed(&text) else {
            return;
        };
        let begun = &mut self.begun[usize::from(stderr)];
        let line = begun.get_or_insert_with(|| Line { at, stderr, text: String::new() });
        let room = LONGEST.saturating_sub(line.text.len());
        line.text.extend(text.chars().take(room));
        if text.ends_with('\n')
            && let Some(line) = begun.take()
        {
            take(cleaned(line));
        }
    }
}

/// Splits the engine's time off.
fn timed(text: &str) -> Option<(Timestamp, &str)> {
    let (time, rest) = text.split_once(' ')?;
    Some((time.parse().ok()?, rest))
}

fn cleaned(line: Line) -> Line {
    let text = clean(line.text.trim_end_matches(['\r', '\n'])).into_owned();
    Line { text, ..line }
}

/// The text without colours, other terminal commands and control characters.
fn clean(text: &str) -> Cow<'_, str> {
    static COMMANDS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0a-\x1f\x7f]")
            .expect("a constant pattern")
    });
    COMMANDS.replace_all(text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(outputs: &[LogOutput], tty: bool) -> Vec<(bool, String)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut take = |line: Line| found.push((line.stderr, line.text));
        for output in outputs {
            lines.add(output, tty, &mut take).unwrap();
        }
        lines.end(&mut take);
        found
    }

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_string().into() }
    }

    fn terminal(text: &str) -> LogOutput {
        LogOutput::Console { message: text.to_string().into() }
    }

    #[test]
    fn frames_become_lines_without_colours() {
        let error = LogOutput::StdErr { message: "2026-01-07T16:55:09.2Z b\n".into() };
        let found = lines(&[out("2026-01-07T16:55:09.1Z \x1b[32minfo\x1b[39m: a\x07\n"), error], false);
        assert_eq!(found, [(false, "info: a".into()), (true, "b".into())]);
    }

    #[test]
    fn a_long_line_in_parts_is_one_line_and_the_last_may_lack_its_end() {
        let found = lines(
            &[
                out("2026-01-07T16:55:09.1Z long "),
                out("2026-01-07T16:55:09.1Z line\n"),
                out("2026-01-07T16:55:10Z end"),
            ],
            false,
        );
        assert_eq!(found, [(false, "long line".into()), (false, "end".into())]);
    }

    #[test]
    fn bytes_of_a_terminal_are_split_wherever_they_were_cut() {
        let found = lines(
            &[
                terminal("2026-01-07T16:55:09Z one\r\n2026-01-07T16:5"),
                terminal("5:10Z two\r\n2026-01-07T16:55:11Z three"),
            ],
            true,
        );
        let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["one", "two", "three"]);
    }

    #[test]
    fn an_error_of_the_engine_in_the_stream_is_no_log() {
        let error = terminal("\x03\0\0\0\0\0\0\x05Error grabbing logs: invalid character");
        let mut lines = Lines::default();
        let said = lines.add(&error, false, &mut |_| {}).unwrap_err();
        assert_eq!(said, "Error grabbing logs: invalid character");
    }
}
