//! The brokers and topics of a cluster. rdkafka's API asks for topics one by one; this asks for all of
//! them in one request.

use crate::collect::broker::kafka::ffi::events::{NativeError, entries, text};
use crate::collect::broker::kafka::ffi::{NativeClient, Owned, milliseconds};
use crate::evidence::Node;
use rdkafka::types::{
    RDKafkaErrorCode, RDKafkaMetadata, RDKafkaMetadataPartition, RDKafkaMetadataTopic, RDKafkaRespErr,
};
use rdkafka_sys as rd;
use std::ffi::{CString, c_int};
use std::ptr;
use std::time::Duration;

/// A broker's response to Metadata.
#[derive(Debug, Default)]
pub struct Metadata {
    /// The broker that answered, as configured or advertised: `kafka:9092/1`.
    pub answered_by: String,
    /// The brokers, by id.
    pub nodes: Vec<Node>,
    /// The requested topics, and possibly others that were requested before.
    pub topics: Vec<TopicMetadata>,
}

/// A topic, or why the broker does not describe it.
#[derive(Debug)]
pub struct TopicMetadata {
    /// Name.
    pub name: String,
    /// The broker's error, such as "unknown topic".
    pub error: Option<NativeError>,
    /// Partitions, by id.
    pub partitions: Vec<PartitionMetadata>,
}

/// A partition and the ids of its brokers.
#[derive(Debug)]
pub struct PartitionMetadata {
    /// Partition number.
    pub id: i32,
    /// The leader; negative if there is none.
    pub leader: i32,
    /// All replicas.
    pub replicas: Vec<i32>,
    /// The replicas that are in sync.
    pub in_sync: Vec<i32>,
}

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

    /// Fetches metadata for these topics, or for all that are visible, and for all brokers, without creating topics.
    /// Blocks for up to `timeout`.
    pub fn metadata(&self, topics: Option<&[&str]>, timeout: Duration) -> Result<Metadata, RDKafkaErrorCode> {
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
        // SAFETY: we own the response, which lives until everything is copied.
        unsafe {
            let copied = metadata.as_ref().map(|metadata| read_metadata(metadata)).unwrap_or_default();
            rd::rd_kafka_metadata_destroy(metadata);
            Ok(copied)
        }
    }
}

/// # Safety
/// `metadata` must be a live response.
unsafe fn read_metadata(metadata: &RDKafkaMetadata) -> Metadata {
    // SAFETY: each array has the number of entries beside it.
    unsafe {
        let nodes = entries(metadata.brokers, count(metadata.broker_cnt)).iter();
        let nodes =
            nodes.map(|node| Node { id: node.id, address: format!("{}:{}", text(node.host), node.port) });
        let mut nodes: Vec<Node> = nodes.collect();
        nodes.sort_by_key(|node| node.id);
        let topics = entries(metadata.topics, count(metadata.topic_cnt)).iter();
        Metadata {
            answered_by: text(metadata.orig_broker_name),
            nodes,
            topics: topics.map(|topic| read_topic(topic)).collect(),
        }
    }
}

/// # Safety
/// `topic` must be part of a live response.
unsafe fn read_topic(topic: &RDKafkaMetadataTopic) -> TopicMetadata {
    // SAFETY: as in read_metadata.
    unsafe {
        let partitions = entries(topic.partitions, count(topic.partition_cnt)).iter();
        let mut partitions: Vec<PartitionMetadata> = partitions.map(|p| read_partition(p)).collect();
        partitions.sort_by_key(|partition| partition.id);
        TopicMetadata { name: text(topic.topic), error: NativeError::from_code(topic.err), partitions }
    }
}

/// # Safety
/// `partition` must be part of a live response.
unsafe fn read_partition(partition: &RDKafkaMetadataPartition) -> PartitionMetadata {
    // SAFETY: as in read_metadata.
    unsafe {
        PartitionMetadata {
            id: partition.id,
            leader: partition.leader,
            replicas: entries(partition.replicas, count(partition.replica_cnt)).to_vec(),
            in_sync: entries(partition.isrs, count(partition.isr_cnt)).to_vec(),
        }
    }
}

fn count(entries: c_int) -> usize {
    usize::try_from(entries).unwrap_or_default()
}
