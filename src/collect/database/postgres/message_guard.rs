//! Limits how much a server may send. The driver allocates as many bytes as a message announces, so
//! the headers are checked before the driver sees them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// Maximum size of a message, and of all messages that answer one statement, in MB.
pub const MAX_ANSWER_MB: u64 = 16;
/// Maximum number of messages that answer one statement. The largest query returns 10,001 rows.
pub const MAX_MESSAGES: u32 = 50_000;
/// Message types that a server sends.
const TYPES: &[u8] = b"123ACDEGHIKNRSTVWZcdnstv";
/// Message types that can begin a server's answer: authentication, error, notice and protocol version.
const FIRST_TYPES: &[u8] = b"RENv";
/// Maximum size of the first message, as in libpq.
const MAX_FIRST: u64 = 30_000;
/// The first byte of a TLS record: alert or handshake.
const TLS_RECORDS: [u8; 2] = [0x15, 0x16];

/// A problem with the bytes from a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes do not follow the PostgreSQL protocol.
    NotPostgres,
    /// The bytes are TLS, which was not negotiated.
    Tls,
    /// A message announces this many bytes.
    TooLong(u64),
    /// The answer to one statement has too many messages or bytes.
    TooMuch,
    /// The bytes end in the middle of a message or an answer.
    Cut,
}

/// The traffic that has arrived on a connection.
#[derive(Debug, Default)]
pub struct Traffic {
    received: AtomicU64,
    fault: OnceLock<Fault>,
}

impl Traffic {
    /// Returns the first fault.
    pub fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// Reports whether any bytes have arrived.
    pub fn has_received(&self) -> bool {
        self.received() > 0
    }

    /// Returns how many bytes have arrived.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

/// The content of a stream.
pub enum Content {
    /// The protocol's messages.
    Messages(Messages),
    /// TLS, after a one-byte answer that says whether the server supports it.
    NegotiatedTls,
    /// TLS from the first byte.
    DirectTls,
}

/// A stream whose bytes are checked before they are passed on.
pub struct Guarded<S> {
    stream: S,
    content: Content,
    traffic: Arc<Traffic>,
}

impl<S> Guarded<S> {
    /// Guards a stream and records what arrives in `traffic`.
    pub fn new(stream: S, content: Content, traffic: Arc<Traffic>) -> Self {
        Guarded { stream, content, traffic }
    }

    fn check(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let is_first = self.traffic.received.fetch_add(bytes.len() as u64, Ordering::Relaxed) == 0;
        match &mut self.content {
            Content::Messages(messages) => messages.check(bytes),
            Content::NegotiatedTls if is_first => match bytes.first() {
                Some(b'S' | b'N' | b'E' | b'R' | b'v') => Ok(()),
                Some(first) if TLS_RECORDS.contains(first) => Err(Fault::Tls),
                _ => Err(Fault::NotPostgres),
            },
            Content::NegotiatedTls | Content::DirectTls => Ok(()),
        }
    }

    fn record_end(&self) {
        if let Content::Messages(messages) = &self.content
            && messages.is_within_answer()
        {
            let _ = self.traffic.fault.set(Fault::Cut);
        }
    }
}

/// The parsing position in the server's messages.
#[derive(Default)]
pub struct Messages {
    header: [u8; 5],
    header_length: usize,
    body_left: u64,
    /// Whether a message has begun.
    begun: bool,
    /// Messages and bytes since the server was last ready for a statement.
    messages: u32,
    bytes: u64,
}

impl Messages {
    fn check(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some(&next) = bytes.first() {
            if self.body_left > 0 {
                let skipped = bytes.len().min(usize::try_from(self.body_left).unwrap_or(usize::MAX));
                self.body_left -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            if self.header_length == 0 {
                self.check_type(next)?;
            }
            self.header[self.header_length] = next;
            self.header_length += 1;
            bytes = &bytes[1..];
            if self.header_length == self.header.len() {
                self.begin_body()?;
            }
        }
        Ok(())
    }

    fn check_type(&self, first: u8) -> Result<(), Fault> {
        let expected = if self.begun { TYPES } else { FIRST_TYPES };
        match expected.contains(&first) {
            true => Ok(()),
            false if !self.begun && TLS_RECORDS.contains(&first) => Err(Fault::Tls),
            false => Err(Fault::NotPostgres),
        }
    }

    fn begin_body(&mut self) -> Result<(), Fault> {
        let [kind, length @ ..] = self.header;
        let size = u64::from(u32::from_be_bytes(length));
        let is_text = length.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        let max = MAX_ANSWER_MB << 20;
        let is_first = !std::mem::replace(&mut self.begun, true);
        match size {
            0..4 => return Err(Fault::NotPostgres),
            size if size > max && is_text => return Err(Fault::NotPostgres),
            size if size > max => return Err(Fault::TooLong(size)),
            size if is_first && size > MAX_FIRST => return Err(Fault::NotPostgres),
            size => self.body_left = size - 4,
        }
        self.header_length = 0;
        self.messages += 1;
        self.bytes += size;
        if self.messages > MAX_MESSAGES || self.bytes > max {
            return Err(Fault::TooMuch);
        }
        if kind == b'Z' {
            (self.messages, self.bytes) = (0, 0);
        }
        Ok(())
    }

    /// Reports whether the server has started an answer but not completed it. After an error
    /// message (`E`), the server may close the connection.
    fn is_within_answer(&self) -> bool {
        let has_failed = self.header[0] == b'E' && self.header_length == 0 && self.body_left == 0;
        (self.header_length > 0 || self.body_left > 0 || self.messages > 0) && !has_failed
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let room = buffer.remaining();
        if let Err(error) = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer)) {
            self.record_end();
            return Poll::Ready(Err(error));
        }
        let new = &buffer.filled()[before..];
        if new.is_empty() {
            if room > 0 {
                self.record_end();
            }
            return Poll::Ready(Ok(()));
        }
        let checked = self.check(new);
        Poll::Ready(checked.map_err(|fault| {
            buffer.set_filled(before);
            let _ = self.traffic.fault.set(fault);
            io::Error::new(io::ErrorKind::InvalidData, "unexpected bytes from the server")
        }))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Guarded<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn message(kind: u8, size: u32) -> Vec<u8> {
        let body = vec![0; size as usize - 4];
        [vec![kind], size.to_be_bytes().to_vec(), body].concat()
    }

    /// Returns the fault, and how many bytes reached the reader.
    async fn read(sent: &[u8], content: Content) -> (Option<Fault>, usize) {
        let traffic = Arc::new(Traffic::default());
        let mut guarded = Guarded::new(sent, content, traffic.clone());
        let mut passed = Vec::new();
        let _ = guarded.read_to_end(&mut passed).await;
        (traffic.fault(), passed.len())
    }

    async fn fault(sent: &[u8]) -> Option<Fault> {
        read(sent, Content::Messages(Messages::default())).await.0
    }

    #[tokio::test]
    async fn passes_a_login_and_an_answer() {
        let parts = [(b'R', 8), (b'S', 30), (b'K', 12), (b'Z', 5), (b'T', 50), (b'D', 70_000), (b'Z', 5)];
        let sent: Vec<u8> = parts.into_iter().flat_map(|(kind, size)| message(kind, size)).collect();
        let seen = read(&sent, Content::Messages(Messages::default())).await;
        assert_eq!(seen, (None, sent.len()));
        let error = message(b'E', 100);
        assert_eq!(fault(&error).await, None);
    }

    #[tokio::test]
    async fn tells_other_protocols() {
        for sent in ["HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-x", "220 smtp", "-ERR", "ERROR\r\n", "\0"] {
            assert_eq!(fault(sent.as_bytes()).await, Some(Fault::NotPostgres), "{sent}");
        }
        assert_eq!(fault(&[0x15, 3, 3, 0, 2, 2, 70]).await, Some(Fault::Tls));
        assert_eq!(read(b"HTTP/1.1", Content::NegotiatedTls).await.0, Some(Fault::NotPostgres));
        assert_eq!(read(b"S\x16\x03", Content::NegotiatedTls).await, (None, 3));
    }

    #[tokio::test]
    async fn bounds_messages_and_answers() {
        let sent = [b'R', 0x7f, 0xff, 0xff, 0xff];
        assert_eq!(fault(&sent).await, Some(Fault::TooLong(0x7fff_ffff)));
        let login = [message(b'R', 8), message(b'Z', 5)].concat();
        let row = [b'D', 0xff, 0xff, 0xff, 0xff];
        assert_eq!(fault(&[&login[..], &row].concat()).await, Some(Fault::TooLong(0xffff_ffff)));
        let rows = message(b'D', 1 << 20).repeat(17);
        assert_eq!(fault(&[&login[..], &rows].concat()).await, Some(Fault::TooMuch));
        let notices = message(b'N', 5).repeat(MAX_MESSAGES as usize + 1);
        assert_eq!(fault(&[&login[..], &notices].concat()).await, Some(Fault::TooMuch));
    }

    #[tokio::test]
    async fn tells_a_cut_answer_from_a_closed_connection() {
        let login = [message(b'R', 8), message(b'Z', 5)].concat();
        assert_eq!(fault(&login).await, None);
        assert_eq!(fault(&login[..3]).await, Some(Fault::Cut));
        assert_eq!(fault(&[&login[..], b"D\0\0\x01\0half"].concat()).await, Some(Fault::Cut));
        assert_eq!(fault(&[&login[..], &message(b'T', 9)].concat()).await, Some(Fault::Cut));
    }
}
