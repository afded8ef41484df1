//! The kinds of requests and the types of the Kafka protocol, as they are written and read.

pub(super) const METADATA: i16 = 3;
pub(super) const SASL_HANDSHAKE: i16 = 17;
pub(super) const API_VERSIONS: i16 = 18;
pub(super) const DESCRIBE_PRODUCERS: i16 = 61;
pub(super) const LIST_TRANSACTIONS: i16 = 66;

/// Returns what the protocol calls a kind of request.
pub(super) fn name_of(key: i16) -> &'static str {
    match key {
        METADATA => "Metadata",
        SASL_HANDSHAKE => "SaslHandshake",
        API_VERSIONS => "ApiVersions",
        DESCRIBE_PRODUCERS => "DescribeProducers",
        LIST_TRANSACTIONS => "ListTransactions",
        _ => "request",
    }
}

pub(super) fn write_string(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend(i16::try_from(text.len()).unwrap_or_default().to_be_bytes());
    buffer.extend(text.bytes().take(usize::from(i16::MAX as u16)));
}

pub(super) fn write_compact_string(buffer: &mut Vec<u8>, text: &str) {
    write_unsigned(buffer, text.len() + 1);
    buffer.extend(text.bytes());
}

/// Writes an unsigned number, seven bits in each byte, the lowest first.
pub(super) fn write_unsigned(buffer: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        buffer.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    buffer.push(number as u8);
}

/// Reads the protocol's types. Returns `None` if the bytes end too early.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    pub(super) fn int16(&mut self) -> Option<i16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i16::from_be_bytes(*bytes))
    }

    pub(super) fn int32(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*bytes))
    }

    pub(super) fn int64(&mut self) -> Option<i64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_be_bytes(*bytes))
    }

    /// Reads an unsigned number, seven bits in each byte, the lowest first.
    pub(super) fn unsigned(&mut self) -> Option<usize> {
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
    pub(super) fn tags(&mut self) -> Option<()> {
        for _ in 0..self.unsigned()? {
            self.unsigned()?;
            let size = self.unsigned()?;
            self.skip(size)?;
        }
        Some(())
    }

    /// Reads a compact string. A null string is read as empty.
    pub(super) fn compact_string(&mut self) -> Option<String> {
        let length = self.unsigned()?.saturating_sub(1);
        let text = String::from_utf8_lossy(self.0.get(..length)?).into_owned();
        self.skip(length)?;
        Some(text)
    }

    /// Reads a compact list. A null list is read as empty. Every entry takes at least one byte, so
    /// a false count ends early.
    pub(super) fn compact_list<T>(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let count = self.unsigned()?.saturating_sub(1);
        (0..count).map(|_| entry(self)).collect()
    }

    /// Reads a string. A null string is read as empty.
    pub(super) fn string(&mut self) -> Option<String> {
        let length = usize::try_from(self.int16()?).unwrap_or_default();
        let text = String::from_utf8_lossy(self.0.get(..length)?).into_owned();
        self.skip(length)?;
        Some(text)
    }

    /// Reads a list. A null list is read as empty. Every entry takes at least one byte, so a false
    /// count ends early.
    pub(super) fn list<T>(&mut self, mut entry: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.int32()?;
        (0..count.max(0)).map(|_| entry(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
