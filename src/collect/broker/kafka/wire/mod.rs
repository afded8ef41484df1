//! The first requests to a broker, sent before librdkafka connects. They limit how much memory
//! librdkafka allocates, and show how an address answers if it is not a broker.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Maximum size of a response, in MB; librdkafka gets the same limit.
pub const MAX_FRAME_MB: u32 = 16;

const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const DESCRIBE_PRODUCERS: i16 = 61;
const LIST_TRANSACTIONS: i16 = 66;
/// The version of Metadata that can tell the broker not to create topics. Brokers since 1.0 support it.
const METADATA_VERSION: i16 = 4;
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

/// The size of a cluster.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ClusterSize {
    /// The number of brokers.
    pub brokers: usize,
    /// The number of partitions of each topic.
    pub partitions: BTreeMap<String, usize>,
}

/// A connection to an address that answered as a broker.
pub struct Connection {
    stream: TcpStream,
    until: Instant,
    /// The versions that the broker supports, by the kind of request.
    versions: BTreeMap<i16, RangeInclusive<i16>>,
}

/// A producer that has written to a partition recently.
#[derive(Debug, PartialEq, Eq)]
pub struct ActiveProducer {
    /// Its id.
    pub id: i64,
    /// The offset of the first record of its open transaction; negative if it has none.
    pub transaction_start: i64,
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

    fn supports(&self, key: i16, version: i16) -> bool {
        self.versions.get(&key).is_some_and(|range| range.contains(&version))
    }

    /// Requests the producers that have written to a partition recently. The broker must lead the
    /// partition. Returns `None` if the broker is too old (before 3.0) or refuses.
    pub fn active_producers(
        &mut self,
        topic: &str,
        partition: i32,
    ) -> Result<Option<Vec<ActiveProducer>>, Fault> {
        if !self.supports(DESCRIBE_PRODUCERS, 0) {
            return Ok(None);
        }
        let mut body = vec![2];
        write_compact_string(&mut body, topic);
        body.push(2);
        body.extend(partition.to_be_bytes());
        // No tagged fields, neither of the topic nor of the request.
        body.extend([0, 0]);
        let response = self.exchange_flexible(DESCRIBE_PRODUCERS, 0, &body)?;
        read_producers(&response).map(Some).ok_or(Fault::NotKafka)
    }

    /// Requests the transactional id of a producer. Returns `None` if the broker is too old (before
    /// 3.0), refuses, or does not coordinate the producer's transactions.
    pub fn transactional_id(&mut self, producer: i64) -> Result<Option<String>, Fault> {
        if !self.supports(LIST_TRANSACTIONS, 0) {
            return Ok(None);
        }
        // All states, one producer.
        let mut body = vec![1, 2];
        body.extend(producer.to_be_bytes());
        body.push(0);
        let response = self.exchange_flexible(LIST_TRANSACTIONS, 0, &body)?;
        read_transactional_id(&response, producer).ok_or(Fault::NotKafka)
    }

    /// Requests the number of brokers, and the number of partitions of these topics or of all
    /// topics. Creates no topics. Returns `None` if the broker is too old or too new for this
    /// request.
    pub fn size(&mut self, topics: Option<&[String]>) -> Result<Option<ClusterSize>, Fault> {
        if !self.supports(METADATA, METADATA_VERSION) {
            return Ok(None);
        }
        let mut body = Vec::new();
        match topics {
            None => body.extend((-1_i32).to_be_bytes()),
            Some(topics) => {
                body.extend(i32::try_from(topics.len()).unwrap_or_default().to_be_bytes());
                topics.iter().for_each(|topic| write_string(&mut body, topic));
            }
        }
        // Do not create topics.
        body.push(0);
        let response = self.exchange(METADATA, METADATA_VERSION, &body)?;
        read_size(&response).map(Some).ok_or(Fault::NotKafka)
    }

    /// Reports whether the broker expects a login.
    pub fn expects_login(&mut self) -> bool {
        let mut body = Vec::new();
        write_string(&mut body, "NONE");
        let response = self.exchange(SASL_HANDSHAKE, 1, &body);
        response.is_ok_and(|response| Reader(&response).int16() == Some(UNSUPPORTED_MECHANISM))
    }

    /// Like [`Connection::exchange`], for versions whose headers have tagged fields.
    fn exchange_flexible(&mut self, key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let response = self.exchange(key, version, &[&[0], body].concat())?;
        let mut reader = Reader(&response);
        reader.tags().ok_or(Fault::NotKafka)?;
        Ok(reader.0.to_vec())
    }

    /// Sends a request and returns the response without its header.
    fn exchange(&mut self, key: i16, version: i16, body: &[u8]) -> Result<Vec<u8>, Fault> {
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

fn write_string(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend(i16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    buffer.extend(text.bytes().take(usize::from(i16::MAX as u16)));
}

fn write_compact_string(buffer: &mut Vec<u8>, text: &str) {
    write_unsigned(buffer, text.len() + 1);
    buffer.extend(text.bytes());
}

/// Writes an unsigned number, seven bits in each byte, the lowest first.
fn write_unsigned(buffer: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        buffer.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    buffer.push(number as u8);
}

fn read_producers(response: &[u8]) -> Option<Vec<ActiveProducer>> {
    let mut reader = Reader(response);
    reader.skip(4)?;
    let topics = reader.compact_list(|topic| {
        topic.compact_string()?;
        let partitions = topic.compact_list(|partition| {
            // The number and the error of the partition.
            partition.skip(4 + 2)?;
            partition.compact_string()?;
            let producers = partition.compact_list(|producer| {
                let id = producer.int64()?;
                // Epoch, last sequence and time, and epoch of the coordinator.
                producer.skip(4 + 4 + 8 + 4)?;
                let transaction_start = producer.int64()?;
                producer.tags()?;
                Some(ActiveProducer { id, transaction_start })
            });
            partition.tags()?;
            producers
        })?;
        topic.tags()?;
        Some(partitions.into_iter().flatten().collect::<Vec<_>>())
    })?;
    Some(topics.into_iter().flatten().collect())
}

fn read_transactional_id(response: &[u8], producer: i64) -> Option<Option<String>> {
    let mut reader = Reader(response);
    // Throttle time and error.
    reader.skip(4 + 2)?;
    reader.compact_list(|state| state.compact_string())?;
    let transactions = reader.compact_list(|transaction| {
        let name = transaction.compact_string()?;
        let id = transaction.int64()?;
        transaction.compact_string()?;
        transaction.tags()?;
        Some((id, name))
    })?;
    Some(transactions.into_iter().find(|(id, _)| *id == producer).map(|(_, name)| name))
}

fn read_size(response: &[u8]) -> Option<ClusterSize> {
    let mut reader = Reader(response);
    reader.skip(4)?;
    let brokers = reader.list(|broker| {
        broker.skip(4)?;
        broker.string()?;
        broker.skip(4)?;
        broker.string()
    })?;
    reader.string()?;
    reader.skip(4)?;
    let partitions = reader.list(|topic| {
        topic.skip(2)?;
        let name = topic.string()?;
        topic.skip(1)?;
        let partitions = topic.list(|partition| {
            partition.skip(2 + 4 + 4)?;
            partition.list(|replica| replica.skip(4))?;
            partition.list(|replica| replica.skip(4))
        })?;
        Some((name, partitions.len()))
    })?;
    Some(ClusterSize { brokers: brokers.len(), partitions: partitions.into_iter().collect() })
}

/// Reads the protocol's types. Returns `None` if the bytes end too early.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn int16(&mut self) -> Option<i16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i16::from_be_bytes(*bytes))
    }

    fn int32(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*bytes))
    }

    fn int64(&mut self) -> Option<i64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_be_bytes(*bytes))
    }

    /// Reads an unsigned number, seven bits in each byte, the lowest first.
    fn unsigned(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..32).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// Skips tagged fields.
    fn tags(&mut self) -> Option<()> {
        for _ in 0..self.unsigned()? {
            self.unsigned()?;
            let size = self.unsigned()?;
            self.skip(size)?;
        }
        Some(())
    }

    /// Reads a compact string. A null string is read as empty.
    fn compact_string(&mut self) -> Option<String> {
        let length = self.unsigned()?.saturating_sub(1);
        let text = String::from_utf8_lossy(self.0.get(..length)?).into_owned();
        self.skip(length)?;
        Some(text)
    }

    /// Reads a compact list. A null list is read as empty. Every entry takes at least one byte, so
    /// a false count ends early.
    fn compact_list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.unsigned()?.saturating_sub(1);
        (0..count).map(|_| entry(self)).collect()
    }

    /// Reads a string. A null string is read as empty.
    fn string(&mut self) -> Option<String> {
        let length = usize::try_from(self.int16()?).unwrap_or_default();
        let text = String::from_utf8_lossy(self.0.get(..length)?).into_owned();
        self.skip(length)?;
        Some(text)
    }

    /// Reads a list. A null list is read as empty. Every entry takes at least one byte, so a false
    /// count ends early.
    fn list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.int32()?;
        (0..count.max(0)).map(|_| entry(self)).collect()
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

    #[test]
    fn counts_brokers_and_partitions() {
        let partition = [0_u8; 2 + 4 + 4 + 4 + 4];
        let metadata = [
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &[0, 0, 0, 7, 0, 1, b'h', 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 7],
            &[0, 0, 0, 1, 0, 0, 0, 1, b't', 0, 0, 0, 0, 2],
            &partition,
            &partition,
        ]
        .concat();
        let mut connection = open(vec![versions(), frame(&metadata)], true).ok().unwrap();
        let size = connection.size(Some(&["t".to_string()])).ok().flatten().unwrap();
        assert_eq!(size, ClusterSize { brokers: 1, partitions: [("t".to_string(), 2)].into() });
        let cut = frame(&metadata[..40]);
        let mut connection = open(vec![versions(), cut], true).ok().unwrap();
        assert!(matches!(connection.size(None), Err(Fault::NotKafka)));
    }

    #[test]
    fn reads_producers_and_transactional_ids() {
        let [id, start] = [7_i64, 12].map(i64::to_be_bytes);
        let producer = [&id[..], &[0; 4 + 4 + 8 + 4], &start, &[0]].concat();
        let partition = [&[0; 4 + 2 + 1][..], &[2], &producer, &[0]].concat();
        let producers = [&[0; 4][..], &[2, 2, b't', 2], &partition, &[0, 0]].concat();
        let expected = vec![ActiveProducer { id: 7, transaction_start: 12 }];
        assert_eq!(read_producers(&producers), Some(expected));
        let transaction = [&[2, b'a'][..], &id, &[8], b"Ongoing", &[0]].concat();
        let transactions = [&[0; 4 + 2][..], &[1, 2], &transaction, &[0]].concat();
        assert_eq!(read_transactional_id(&transactions, 7), Some(Some("a".into())));
        assert_eq!(read_transactional_id(&transactions, 8), Some(None));
        for response in [&producers, &transactions] {
            for end in 0..response.len() - 1 {
                assert_eq!(read_producers(&response[..end]).filter(|found| !found.is_empty()), None);
            }
        }
    }

    #[test]
    fn writes_lengths_in_groups_of_seven_bits() {
        for (number, bytes) in [(0, &[0][..]), (127, &[127]), (300, &[0xac, 2])] {
            let mut written = Vec::new();
            write_unsigned(&mut written, number);
            assert_eq!(written, bytes);
            assert_eq!(Reader(&written).unsigned(), Some(number));
        }
    }
}
