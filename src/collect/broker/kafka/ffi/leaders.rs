//! What a client must know before it sends requests: which broker leads each partition. rdkafka's API asks for topics
//! one by one; this asks for all of them in one request.

use crate::collect::broker::kafka::ffi::events::text;
use crate::collect::broker::kafka::ffi::{NativeClient, Owned, milliseconds};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaMetadata, RDKafkaRespErr};
use rdkafka_sys as rd;
use std::ffi::{CString, c_int};
use std::ptr;
use std::time::Duration;

impl NativeClient {
    /// Makes topics known to the client, so that it asks for them. Those that librdkafka rejects are left out.
    fn make_known(&self, names: &[&str]) {
        let mut known = self.known_topics.borrow_mut();
        for name in names {
            if let (false, Ok(c_name)) = (known.contains_key(*name), CString::new(*name)) {
                let client = self.client.native_ptr();
                // SAFETY: the client is alive, the name is copied, and null stands for default settings. We own
                // the returned reference.
                let topic = unsafe { rd::rd_kafka_topic_new(client, c_name.as_ptr(), ptr::null_mut()) };
                let topic = Owned::new(topic, rd::rd_kafka_topic_destroy);
                known.extend(topic.map(|topic| ((*name).to_string(), topic)));
            }
        }
    }

    /// Learns the leaders of these topics, or of all that are visible, without creating topics. Blocks for up to
    /// `timeout`. Returns the broker that answered, as configured or advertised: `kafka:9092/1`.
    pub fn learn_leaders(
        &self,
        topics: Option<&[&str]>,
        timeout: Duration,
    ) -> Result<String, RDKafkaErrorCode> {
        let client = self.client.native_ptr();
        if let Some(names) = topics {
            self.make_known(names);
        }
        let all = c_int::from(topics.is_none());
        let mut metadata: *const RDKafkaMetadata = ptr::null();
        // SAFETY: the client is alive. Without a single topic, all that the client knows are meant.
        let error = unsafe {
            rd::rd_kafka_metadata(client, all, ptr::null_mut(), &mut metadata, milliseconds(timeout))
        };
        if error != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(error.into());
        }
        // SAFETY: we own the response, which lives until the name is copied.
        unsafe {
            let broker = metadata.as_ref().map(|metadata| text(metadata.orig_broker_name));
            rd::rd_kafka_metadata_destroy(metadata);
            Ok(broker.unwrap_or_default())
        }
    }
}
