//! A connection to a broker, and why it gives no response.

use crate::collect::broker::kafka::wire::protocol::{
    API_VERSIONS, Reader, SASL_HANDSHAKE, name_of, write_string,
};
use crate::collect::cost::Sent;
use crate::evidence::System;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Maximum size of a response, in MB; librdkafka gets the same limit.
pub const MAX_FRAME_MB: u32 = 16;

/// The broker expects a login, but not with the mechanism named in the handshake.
const UNSUPPORTED_MECHANISM: i16 = 33;

/// Why there is no response.
#[derive(Debug)]
pub enum Fault {
    /// No response before the deadline.
    Silent,
    /// The connection was closed after this many bytes of a response.
    Closed(usize),
    /// The response announces this many bytes.
    TooLong(u32),
    /// The response does not follow the Kafka protocol.
    NotKafka,
    /// The socket failed.
    Socket(io::Error),
}

/// A connection to an address that answered as a broker.
pub struct Connection {
    stream: TcpStream,
    until: Instant,
    /// The versions that the broker supports, by the kind of request.
    versions: BTreeMap<i16, RangeInclusive<i16>>,
}

impl Connection {
    /// Asks which requests the broker supports.
    pub fn open(stream: TcpStream, until: Instant) -> Result<Connection, Fault> {
        let mut connection = Connection { stream, until, versions: BTreeMap::new() };
        let response = connection.exchange(API_VERSIONS, 0, &[])?;
        let mut reader = Reader(&response);
        let ranges = reader
            .int16()
            .and_then(|_| reader.list(|entry| Some((entry.int16()?, entry.int16()?..=entry.int16()?))));
        connection.versions = ranges.ok_or(Fault::NotKafka)?.into_iter().collect();
        Ok(connection)
    }

    pub(super) fn supports(&self, key: i16, version: i16) -> bool {
        self.versions.get(&key).is_some_and(|range| range.contains(&version))
    }

    /// Reports whether the broker expects a login.
    pub fn expects_login(&mut self) -> bool {
        let mut body = Vec::new();
        write_string(&mut body, "NONE");
        let response = self.exchange(SASL_HANDSHAKE, 1, &body);
        response.is_ok_and(|response| Reader(&response).int16() == Some(UNSUPPORTED_MECHANISM))
    }

    /// Like [`Connection::exchange`], for versions whose headers have tagged fields.
    pub(super) fn exchange_flexible(
        &mut self,
        key: i16,
        version: i16,
        body: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let response = self.exchange(key, version, &[&[0], body].concat())?;
        let mut reader = Reader(&response);
        reader.tags().ok_or(Fault::NotKafka)?;
        Ok(reader.0.to_vec())
    }

    /// Sends a request and returns the response without its header.
    pub(super) fn exchange(&mut self, key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let sent = Sent::now(System::Kafka);
        let response = self.exchange_uncounted(key, version, body)?;
        sent.answered((response.len() as u64, 0), || format!("{} by the first connection", name_of(key)));
        Ok(response)
    }

    fn exchange_uncounted(&mut self, key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, Fault> {
        const CORRELATION: i32 = 0x7064;
        let mut request = Vec::new();
        request.extend(key.to_be_bytes());
        request.extend(version.to_be_bytes());
        request.extend(CORRELATION.to_be_bytes());
        write_string(&mut request, "pipeline-doctor");
        request.extend(body);
        let length = u32::try_from(request.len()).unwrap_or_default().to_be_bytes();
        self.stream.set_write_timeout(Some(self.left()?)).map_err(Fault::Socket)?;
        self.stream.write_all(&[&length[..], &request].concat()).map_err(|error| fault_of(error, 0))?;
        let mut length = [0; 4];
        self.read(&mut length, 0)?;
        let size = u32::from_be_bytes(length);
        let is_text = length.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
        match size {
            0..4 => return Err(Fault::NotKafka),
            size if size > MAX_FRAME_MB << 20 && is_text => return Err(Fault::NotKafka),
            size if size > MAX_FRAME_MB << 20 => return Err(Fault::TooLong(size)),
            _ => {}
        }
        let mut correlation = [0; 4];
        self.read(&mut correlation, length.len())?;
        if correlation != CORRELATION.to_be_bytes() {
            return Err(Fault::NotKafka);
        }
        self.read_body(size as usize - correlation.len())
    }

    /// Reads the body in pieces, so that an announced length alone allocates nothing.
    fn read_body(&mut self, size: usize) -> Result<Vec<u8>, Fault> {
        const PIECE: usize = 64 << 10;
        let mut body = Vec::new();
        while body.len() < size {
            let start = body.len();
            body.resize(size.min(start + PIECE), 0);
            self.read(&mut body[start..], 8 + start)?;
        }
        Ok(body)
    }

    /// Fills the buffer. `before` is the number of bytes of this response that have already been read.
    fn read(&mut self, buffer: &mut [u8], before: usize) -> Result<(), Fault> {
        let mut filled = 0;
        while filled < buffer.len() {
            self.stream.set_read_timeout(Some(self.left()?)).map_err(Fault::Socket)?;
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => return Err(Fault::Closed(before + filled)),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fault_of(error, before + filled)),
            }
        }
        Ok(())
    }

    fn left(&self) -> Result<Duration, Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        Some(left).filter(|left| !left.is_zero()).ok_or(Fault::Silent)
    }
}

fn fault_of(error: io::Error, received: usize) -> Fault {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::WouldBlock | Kind::TimedOut => Fault::Silent,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
            Fault::Closed(received)
        }
        _ => Fault::Socket(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Opens a connection to a server that answers each request with the next bytes in `answers`.
    fn open(answers: Vec<Vec<u8>>, keep_open: bool) -> Result<Connection, Fault> {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut request = [0; 4096];
            for answer in answers {
                let _ = stream.read(&mut request);
                let _ = stream.write_all(&answer);
            }
            if keep_open {
                let _ = stream.read(&mut request);
            }
        });
        let until = Instant::now() + Duration::from_millis(300);
        Connection::open(TcpStream::connect(address).unwrap(), until)
    }

    fn frame(body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&size[..], &0x7064_i32.to_be_bytes(), body].concat()
    }

    /// A response that lists versions 0 to 12 of Metadata.
    fn versions() -> Vec<u8> {
        frame(&[0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 12])
    }

    fn fault(answer: &[u8], keep_open: bool) -> String {
        open(vec![answer.to_vec()], keep_open).err().map_or("none".into(), |fault| format!("{fault:?}"))
    }

    #[test]
    fn tells_what_is_not_a_broker() {
        assert_eq!(fault(&versions(), false), "none");
        assert_eq!(fault(b"HTTP/1.1 400 Bad Request\r\n", true), "NotKafka");
        assert_eq!(fault(b"\0\0\0\x08garbage!", true), "NotKafka");
        assert_eq!(fault(&99_000_000_u32.to_be_bytes(), true), "TooLong(99000000)");
        assert_eq!(fault(&versions()[..11], false), "Closed(11)");
        assert_eq!(fault(b"", false), "Closed(0)");
        assert_eq!(fault(&versions()[..11], true), "Silent");
    }
}
