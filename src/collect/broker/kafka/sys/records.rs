//! Records of one partition, read without a group: nothing joins, nothing is
//! committed. All memory stays librdkafka's until its batch is given back.

use crate::collect::broker::kafka::sys::read::{Fault, text};
use crate::collect::broker::kafka::sys::{Native, Owned, milliseconds};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaHeaders, RDKafkaMessage, RDKafkaRespErr, RDKafkaTopic};
use rdkafka_sys as rd;
use std::ffi::{CString, c_void};
use std::ops::ControlFlow;
use std::ptr;
use std::time::{Duration, Instant};

/// How long one wait for a record may last.
const WAIT: Duration = Duration::from_millis(100);
/// Records taken over at once.
const BATCH: usize = 1_000;

/// A record, as it lies in librdkafka's memory.
pub struct RawRecord<'a> {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, in milliseconds since 1970 (by its producer, or by the broker).
    pub at_ms: Option<i64>,
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    headers: *const RDKafkaHeaders,
}

impl RawRecord<'_> {
    /// Its headers, in order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        if self.headers.is_null() {
            return headers;
        }
        loop {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the headers live as long as their record; the index ends the loop.
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

/// The reading of a partition; it stops when this goes.
struct Reading {
    topic: Owned<RDKafkaTopic>,
    partition: i32,
}

impl Reading {
    /// The next records, or events of the partition: at most so many. It takes the whole
    /// time unless there are as many.
    fn batch(&self, at_most: usize, wait: Duration) -> Vec<Owned<RDKafkaMessage>> {
        let mut batch: Vec<*mut RDKafkaMessage> = vec![ptr::null_mut(); at_most];
        // SAFETY: reading has begun, and the array has room for as many as announced.
        let count = unsafe {
            let (topic, first) = (self.topic.ptr(), batch.as_mut_ptr());
            rd::rd_kafka_consume_batch(topic, self.partition, milliseconds(wait), first, at_most)
        };
        batch.truncate(usize::try_from(count).unwrap_or_default());
        let messages = batch.into_iter();
        messages.filter_map(|message| Owned::new(message, rd::rd_kafka_message_destroy)).collect()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // SAFETY: reading was begun, and this is its only end.
        unsafe {
            rd::rd_kafka_consume_stop(self.topic.ptr(), self.partition);
        }
    }
}

impl Native {
    /// Hands the records of a partition over, from the offset `from` on, until
    /// `take` breaks or the time is up. `Ok(true)`: `take` broke, or the
    /// partition's end was reached.
    pub fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        until: Instant,
        take: &mut dyn FnMut(&RawRecord) -> ControlFlow<()>,
    ) -> Result<bool, Fault> {
        let reading = self.begin(topic, partition, from)?;
        while Instant::now() < until {
            let wait = WAIT.min(until.saturating_duration_since(Instant::now()));
            let mut messages = reading.batch(1, wait);
            messages.extend(reading.batch(BATCH, Duration::ZERO));
            for message in &messages {
                // SAFETY: the message lives until the end of this round.
                match unsafe { record(message.ptr()) } {
                    Ok(record) if take(&record).is_break() => return Ok(true),
                    Ok(_) => {}
                    Err(fault) if fault.code == RDKafkaErrorCode::PartitionEOF => return Ok(true),
                    Err(fault) => return Err(fault),
                }
            }
        }
        Ok(false)
    }

    fn begin(&self, topic: &str, partition: i32, from: i64) -> Result<Reading, Fault> {
        let impossible = || Fault { code: RDKafkaErrorCode::InvalidTopic, text: "not a topic's name".into() };
        let name = CString::new(topic).map_err(|_| impossible())?;
        // SAFETY: client and name live; without a configuration the defaults hold.
        let topic =
            unsafe { rd::rd_kafka_topic_new(self.client.native_ptr(), name.as_ptr(), ptr::null_mut()) };
        let topic = Owned::new(topic, rd::rd_kafka_topic_destroy).ok_or_else(impossible)?;
        // SAFETY: the topic lives.
        let begun = unsafe { rd::rd_kafka_consume_start(topic.ptr(), partition, from) };
        if begun != 0 {
            // SAFETY: no arguments.
            let error = unsafe { rd::rd_kafka_last_error() };
            return Err(Fault::of(error).unwrap_or_else(impossible));
        }
        Ok(Reading { topic, partition })
    }
}

/// # Safety
/// `message` must be live for as long as the record is used.
unsafe fn record<'a>(message: *mut RDKafkaMessage) -> Result<RawRecord<'a>, Fault> {
    // SAFETY: see above; payload and key are as long as the message says.
    unsafe {
        let read = &*message;
        if let Some(fault) = Fault::of(read.err) {
            return Err(fault);
        }
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        let at = rd::rd_kafka_message_timestamp(message, &mut kind);
        let mut headers = ptr::null_mut();
        // No headers is an error here, and leaves the pointer null.
        let _ = rd::rd_kafka_message_headers(message, &mut headers);
        Ok(RawRecord {
            offset: read.offset,
            at_ms: Some(at).filter(|at| *at >= 0),
            key: bytes(read.key, read.key_len),
            value: bytes(read.payload, read.len),
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
