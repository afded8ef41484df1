//! Assembles log lines from the engine's stream. Each line has a time, a stream, and text without colours.

use crate::text::log::strip_escapes;
use bollard::container::LogOutput;
use jiff::Timestamp;

/// Approximate maximum length of a line; the rest is dropped.
pub(crate) const MAX_LINE_LENGTH: usize = 20_000;

/// One log line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// When the engine received the line, or what the line says, if it says anything.
    pub(crate) at: Option<Timestamp>,
    pub(crate) stderr: bool,
    /// Text without the line ending, colours or control characters.
    pub(crate) text: String,
}

/// Assembles lines. Without a TTY, the engine sends one frame per line, or per fragment of a
/// long line, each with its time. With a TTY, it sends raw bytes.
#[derive(Debug, Default)]
pub(crate) struct LineAssembler {
    /// Incomplete lines of stdout and stderr.
    partial: [Option<Line>; 2],
    /// Bytes from a TTY that do not yet form a complete line.
    bytes: Vec<u8>,
}

impl LineAssembler {
    /// Adds output and passes complete lines to `take`. Returns an error if the engine sent an
    /// error message instead of a log.
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
                // A frame on stream 3 has an 8-byte header followed by an error message.
                let text = message.get(8..).unwrap_or_default();
                return Err(String::from_utf8_lossy(text).trim().to_string());
            }
            LogOutput::Console { message } => self.terminal(message, take),
        }
        Ok(())
    }

    /// Passes on the last lines, which may lack a line ending.
    pub(crate) fn end(&mut self, take: &mut impl FnMut(Line)) {
        let rest = std::mem::take(&mut self.bytes);
        self.frame(false, &rest, take);
        for line in self.partial.iter_mut().filter_map(Option::take) {
            take(cleaned(line));
        }
    }

    fn terminal(&mut self, message: &[u8], take: &mut impl FnMut(Line)) {
        for piece in message.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE_LENGTH.saturating_sub(self.bytes.len());
            self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                let mut line = std::mem::take(&mut self.bytes);
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                self.frame(false, &line, take);
            }
        }
    }

    fn frame(&mut self, stderr: bool, message: &[u8], take: &mut impl FnMut(Line)) {
        let text = String::from_utf8_lossy(message);
        let Some((at, text)) = split_time(&text) else {
            return;
        };
        let partial = &mut self.partial[usize::from(stderr)];
        let line = partial.get_or_insert_with(|| Line { at: Some(at), stderr, text: String::new() });
        let room = MAX_LINE_LENGTH.saturating_sub(line.text.len());
        line.text.extend(text.chars().take(room));
        if text.ends_with('\n')
            && let Some(line) = partial.take()
        {
            take(cleaned(line));
        }
    }
}

/// Splits off the time that the engine puts before the text.
fn split_time(text: &str) -> Option<(Timestamp, &str)> {
    let (time, rest) = text.split_once(' ')?;
    Some((time.parse().ok()?, rest))
}

fn cleaned(line: Line) -> Line {
    let text = strip_escapes(line.text.trim_end_matches(['\r', '\n'])).into_owned();
    Line { text, ..line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(outputs: &[LogOutput], tty: bool) -> Vec<(bool, String)> {
        let mut lines = LineAssembler::default();
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
    fn converts_frames_to_lines_without_colours() {
        let error = LogOutput::StdErr { message: "2026-01-07T16:55:09.2Z b\n".into() };
        let found = lines(&[out("2026-01-07T16:55:09.1Z \x1b[32minfo\x1b[39m: a\x07\n"), error], false);
        assert_eq!(found, [(false, "info: a".into()), (true, "b".into())]);
    }

    #[test]
    fn joins_fragments_and_keeps_unterminated_last_line() {
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
    fn splits_tty_bytes_into_lines_across_chunks() {
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
    fn returns_engine_error_from_stream() {
        let error = terminal("\x03\0\0\0\0\0\0\x05Error grabbing logs: invalid character");
        let mut lines = LineAssembler::default();
        let message = lines.add(&error, false, &mut |_| {}).unwrap_err();
        assert_eq!(message, "Error grabbing logs: invalid character");
    }
}
