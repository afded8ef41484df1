//! Reads the records of one partition with librdkafka's simple consumer. It uses no group,
//! so nothing is joined or committed. A record's memory belongs to librdkafka until its
//! batch is freed.

use crate::collect::broker::kafka::ffi::events::{NativeError, text};
use crate::collect::broker::kafka::ffi::{NativeClient, Owned, milliseconds};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaHeaders, RDKafkaMessage, RDKafkaRespErr, RDKafkaTopic};
use rdkafka_sys as rd;
use std::ffi::{CString, c_void};
use std::ops::ControlFlow;
use std::ptr;
use std::time::{Duration, Instant};

/// Maximum wait for the next record.
const MAX_WAIT: Duration = Duration::from_millis(100);
/// Maximum number of records per batch.
const MAX_BATCH: usize = 1_000;

/// A record in librdkafka's memory.
pub struct RawRecord<'a> {
    /// Offset.
    pub offset: i64,
    /// Timestamp in milliseconds since 1970, set by the producer or the broker.
    pub at_ms: Option<i64>,
    /// Key.
    pub key: &'a [u8],
    /// Value.
    pub value: &'a [u8],
    headers: *const RDKafkaHeaders,
}

impl RawRecord<'_> {
    /// Returns the bytes of the key and the value.
    pub fn size(&self) -> u64 {
        (self.key.len() + self.value.len()) as u64
    }

    /// Returns the headers, in order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        if self.headers.is_null() {
            return headers;
        }
        loop {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers live as long as the record; an index past the end returns an error.
            unsafe {
                let index = headers.len();
                let error =
                    rd::rd_kafka_header_get_all(self.headers, index, &mut name, &mut value, &mut size);
                if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return headers;
                }
                headers.push((text(name), bytes(value.cast_mut(), size).to_vec()));
            }
        }
    }
}

/// A started consumer of one partition; dropping it stops consuming.
struct PartitionReader {
    topic: Owned<RDKafkaTopic>,
    partition: i32,
}

impl PartitionReader {
    /// Returns up to `max` records or partition events. Waits for the whole time unless
    /// `max` is reached.
    fn batch(&self, max: usize, wait: Duration) -> Vec<Owned<RDKafkaMessage>> {
        let mut batch: Vec<*mut RDKafkaMessage> = vec![ptr::null_mut(); max];
        // SAFETY: consuming has started, and the array has room for `max` messages.
        let count = unsafe {
            let (topic, first) = (self.topic.ptr(), batch.as_mut_ptr());
            rd::rd_kafka_consume_batch(topic, self.partition, milliseconds(wait), first, max)
        };
        batch.truncate(usize::try_from(count).unwrap_or_default());
        let messages = batch.into_iter();
        messages.filter_map(|message| Owned::new(message, rd::rd_kafka_message_destroy)).collect()
    }
}

impl Drop for PartitionReader {
    fn drop(&mut self) {
        // SAFETY: consuming was started and is stopped only here.
        unsafe {
            rd::rd_kafka_consume_stop(self.topic.ptr(), self.partition);
        }
    }
}

impl NativeClient {
    /// Passes the records of a partition to `visit`, starting at offset `from`, until
    /// `visit` breaks or the time is up. Returns `Ok(true)` if `visit` broke or the end
    /// of the partition was reached.
    pub fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        until: Instant,
        visit: &mut dyn FnMut(&RawRecord) -> ControlFlow<()>,
    ) -> Result<bool, NativeError> {
        let partition_reader = self.start(topic, partition, from)?;
        while Instant::now() < until {
            let wait = MAX_WAIT.min(until.saturating_duration_since(Instant::now()));
            let mut messages = partition_reader.batch(1, wait);
            messages.extend(partition_reader.batch(MAX_BATCH, Duration::ZERO));
            for message in &messages {
                // SAFETY: the message lives until the end of this iteration.
                match unsafe { read_record(message.ptr()) } {
                    Ok(record) if visit(&record).is_break() => return Ok(true),
                    Ok(_) => {}
                    Err(error) if error.code == RDKafkaErrorCode::PartitionEOF => return Ok(true),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(false)
    }

    fn start(&self, topic: &str, partition: i32, from: i64) -> Result<PartitionReader, NativeError> {
        let invalid_name =
            || NativeError { code: RDKafkaErrorCode::InvalidTopic, text: "invalid topic name".into() };
        let name = CString::new(topic).map_err(|_| invalid_name())?;
        // SAFETY: client and name are alive; a null configuration means the defaults.
        let topic =
            unsafe { rd::rd_kafka_topic_new(self.client.native_ptr(), name.as_ptr(), ptr::null_mut()) };
        let topic = Owned::new(topic, rd::rd_kafka_topic_destroy).ok_or_else(invalid_name)?;
        // SAFETY: the topic is alive.
        let started = unsafe { rd::rd_kafka_consume_start(topic.ptr(), partition, from) };
        if started != 0 {
            // SAFETY: the function takes no arguments.
            let error = unsafe { rd::rd_kafka_last_error() };
            return Err(NativeError::from_code(error).unwrap_or_else(invalid_name));
        }
        Ok(PartitionReader { topic, partition })
    }
}

/// # Safety
/// `message` must be live for as long as the record is used.
unsafe fn read_record<'a>(message: *mut RDKafkaMessage) -> Result<RawRecord<'a>, NativeError> {
    // SAFETY: see above; the message contains the lengths of the payload and the key.
    unsafe {
        let fields = &*message;
        if let Some(error) = NativeError::from_code(fields.err) {
            return Err(error);
        }
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let at = rd::rd_kafka_message_timestamp(message, &mut kind);
        let mut headers = ptr::null_mut();
        // If there are no headers, this returns an error and leaves the pointer null.
        let _ = rd::rd_kafka_message_headers(message, &mut headers);
        Ok(RawRecord {
            offset: fields.offset,
            at_ms: Some(at).filter(|at| *at >= 0),
            key: bytes(fields.key, fields.key_len),
            value: bytes(fields.payload, fields.len),
            headers,
        })
    }
}

/// # Safety
/// `first` must be null or point to `length` bytes that live as long as the slice is used.
unsafe fn bytes<'a>(first: *mut c_void, length: usize) -> &'a [u8] {
    match first.is_null() || length == 0 {
        true => &[],
        // SAFETY: see above.
        false => unsafe { std::slice::from_raw_parts(first.cast(), length) },
    }
}
