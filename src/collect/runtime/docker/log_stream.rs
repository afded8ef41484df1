//! Reads a container's log from the engine, frame by frame, without buffering long frames in full.

use crate::collect::runtime::docker::Engine;
use crate::collect::runtime::docker::log_lines::MAX_LINE_LENGTH;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::collections::VecDeque;

/// The length of the header that precedes the text of each frame.
const HEADER: usize = 8;

/// The log of a container as a stream of frames, or of bytes if the container has a TTY.
pub(crate) struct LogStream {
    body: Incoming,
    frames: Option<Frames>,
    ready: VecDeque<LogOutput>,
}

impl LogStream {
    /// Requests the last `tail` lines of the log.
    pub(crate) async fn open(engine: &Engine, id: &str, tail: u64, tty: bool) -> Result<LogStream, Error> {
        let path = format!("/containers/{id}/logs?stdout=true&stderr=true&timestamps=true&tail={tail}");
        let body = engine.get(&path).await?;
        Ok(LogStream { body, frames: (!tty).then(Frames::default), ready: VecDeque::new() })
    }

    /// Returns the next piece of output, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<LogOutput, Error>> {
        loop {
            if let Some(output) = self.ready.pop_front() {
                return Some(Ok(output));
            }
            let data = match self.body.frame().await? {
                Ok(frame) => frame.into_data().unwrap_or_default(),
                Err(error) => return Some(Err(error.into())),
            };
            match &mut self.frames {
                None => return Some(Ok(LogOutput::Console { message: data })),
                Some(frames) => frames.add(data, &mut self.ready),
            }
        }
    }
}

/// Splits a stream into frames.
#[derive(Default)]
struct Frames {
    header: BytesMut,
    text: BytesMut,
    /// Number of bytes of the current frame that have not arrived yet.
    left: usize,
}

impl Frames {
    fn add(&mut self, mut data: Bytes, found: &mut VecDeque<LogOutput>) {
        while !data.is_empty() {
            if self.header.len() < HEADER {
                let missing = data.len().min(HEADER - self.header.len());
                self.header.extend_from_slice(&data.split_to(missing));
                if self.header.len() < HEADER {
                    return;
                }
                let length = (&self.header[4..]).get_u32();
                self.left = usize::try_from(length).unwrap_or(usize::MAX);
            }
            let part = data.split_to(data.len().min(self.left));
            self.left -= part.len();
            // The rest of an overlong frame is skipped, except a line ending at its end.
            let room = MAX_LINE_LENGTH.saturating_sub(self.text.len());
            self.text.extend_from_slice(&part[..part.len().min(room)]);
            if self.left == 0 {
                let cut = part.len() > room && part.ends_with(b"\n");
                if cut {
                    self.text.extend_from_slice(b"\n");
                }
                found.push_back(self.take());
            }
        }
    }

    fn take(&mut self) -> LogOutput {
        let header = self.header.split();
        let message = self.text.split().freeze();
        match header[0] {
            0 | 1 => LogOutput::StdOut { message },
            2 => LogOutput::StdErr { message },
            // An error message from the engine, or data that is not a log. The reader recognizes the header.
            _ => LogOutput::Console { message: [header.as_ref(), message.as_ref()].concat().into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(stream: u8, text: &[u8]) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        [&[stream, 0, 0, 0][..], &length, text].concat()
    }

    fn frames(pieces: &[&[u8]]) -> Vec<LogOutput> {
        let (mut frames, mut found) = (Frames::default(), VecDeque::new());
        for piece in pieces {
            frames.add(Bytes::copy_from_slice(piece), &mut found);
        }
        found.into()
    }

    #[test]
    fn splits_frames_wherever_the_pieces_end() {
        let all = [frame(1, b"one\n"), frame(2, b""), frame(2, b"two\n")].concat();
        for at in 0..all.len() {
            let found = frames(&[&all[..at], &all[at..]]);
            let texts: Vec<&[u8]> = found.iter().map(|output| output.as_ref()).collect();
            assert_eq!(texts, [b"one\n".as_slice(), b"", b"two\n"], "split at {at}");
        }
    }

    #[test]
    fn keeps_only_the_start_of_an_endless_frame() {
        let mut frames = Frames::default();
        let mut found = VecDeque::new();
        let header = [[1, 0, 0, 0], u32::MAX.to_be_bytes()].concat();
        frames.add(header.into(), &mut found);
        for _ in 0..100 {
            frames.add(vec![b'x'; 100_000].into(), &mut found);
        }
        assert_eq!((frames.text.len(), found.len()), (MAX_LINE_LENGTH, 0));
    }
}
