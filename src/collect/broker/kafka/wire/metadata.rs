//! The brokers and topics of a cluster.

use crate::collect::broker::kafka::wire::connection::{Connection, Fault};
use crate::collect::broker::kafka::wire::protocol::{METADATA, Reader, write_string};
use crate::evidence::Node;
use std::collections::BTreeMap;

/// The version of Metadata that can tell the broker not to create topics. Brokers since 1.0 support it.
const VERSION: i16 = 4;

/// A response to Metadata that has not been read yet, because it may describe more than fits into memory.
#[derive(Debug)]
pub struct MetadataResponse(Vec<u8>);

/// The size of a cluster.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ClusterSize {
    /// The number of brokers.
    pub brokers: usize,
    /// The number of partitions of each topic.
    pub partitions: BTreeMap<String, usize>,
}

/// The brokers of a cluster, and the requested topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The cluster's id, if it has one.
    pub cluster_id: Option<String>,
    /// The brokers at their advertised addresses, by id.
    pub nodes: Vec<Node>,
    /// The topics, in the broker's order.
    pub topics: Vec<TopicMetadata>,
}

/// A topic, or why the broker does not describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMetadata {
    /// Name.
    pub name: String,
    /// The broker's error code; 0 if there is no error.
    pub error: i16,
    /// Partitions, by number.
    pub partitions: Vec<PartitionMetadata>,
}

/// A partition and the ids of its brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Connection {
    /// Requests these topics, or all that are visible, and all brokers. Creates no topics. Returns `None` if the
    /// broker is too old or too new for this request.
    pub fn metadata(&mut self, topics: Option<&[&str]>) -> Result<Option<MetadataResponse>, Fault> {
        if !self.supports(METADATA, VERSION) {
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
        self.exchange(METADATA, VERSION, &body).map(|response| Some(MetadataResponse(response)))
    }
}

impl MetadataResponse {
    /// Counts the brokers and partitions without storing them.
    pub fn size(&self) -> Result<ClusterSize, Fault> {
        let count = |partition: &mut Reader| partition.skip(4).map(|_| ());
        let (brokers, partitions) = (|| {
            let mut reader = Reader(&self.0);
            reader.skip(4)?;
            let brokers = reader.list(|broker| read_node(broker).map(|_| ()))?.len();
            skip_cluster(&mut reader)?;
            let topics = reader.list(|topic| {
                let (name, _) = read_topic_head(topic)?;
                let partitions = topic.list(|partition| {
                    partition.skip(2 + 4 + 4)?;
                    partition.list(count)?;
                    partition.list(count).map(|_| ())
                })?;
                Some((name, partitions.len()))
            })?;
            Some((brokers, topics))
        })()
        .ok_or(Fault::NotKafka)?;
        Ok(ClusterSize { brokers, partitions: partitions.into_iter().collect() })
    }

    /// Reads everything.
    pub fn read(&self) -> Result<Metadata, Fault> {
        read_metadata(&self.0).ok_or(Fault::NotKafka)
    }
}

fn read_metadata(response: &[u8]) -> Option<Metadata> {
    let mut reader = Reader(response);
    reader.skip(4)?;
    let mut nodes = reader.list(read_node)?;
    nodes.sort_by_key(|node| node.id);
    let cluster_id = skip_cluster(&mut reader)?;
    let topics = reader.list(|topic| {
        let (name, error) = read_topic_head(topic)?;
        let mut partitions = topic.list(read_partition)?;
        partitions.sort_by_key(|partition| partition.id);
        Some(TopicMetadata { name, error, partitions })
    })?;
    Some(Metadata { cluster_id: Some(cluster_id).filter(|id| !id.is_empty()), nodes, topics })
}

fn read_node(reader: &mut Reader) -> Option<Node> {
    let id = reader.int32()?;
    let host = reader.string()?;
    let port = reader.int32()?;
    // The rack.
    reader.string()?;
    Some(Node { id, address: format!("{host}:{port}") })
}

/// Reads the cluster's id, and skips the id of its controller.
fn skip_cluster(reader: &mut Reader) -> Option<String> {
    let id = reader.string()?;
    reader.skip(4)?;
    Some(id)
}

/// Reads a topic's name and error, and skips whether it is internal.
fn read_topic_head(reader: &mut Reader) -> Option<(String, i16)> {
    let error = reader.int16()?;
    let name = reader.string()?;
    reader.skip(1)?;
    Some((name, error))
}

fn read_partition(reader: &mut Reader) -> Option<PartitionMetadata> {
    // Its error only says that it has no leader.
    reader.skip(2)?;
    let (id, leader) = (reader.int32()?, reader.int32()?);
    let replicas = reader.list(Reader::int32)?;
    let in_sync = reader.list(Reader::int32)?;
    Some(PartitionMetadata { id, leader, replicas, in_sync })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_brokers_and_partitions_and_counts_them() {
        let partition = |id: u8| {
            let head = [0, 0, 0, 0, 0, id, 0, 0, 0, 1];
            let replicas = [0, 0, 0, 1, 0, 0, 0, 1];
            [&head[..], &replicas, &[0, 0, 0, 0]].concat()
        };
        let metadata = [
            &[0, 0, 0, 0, 0, 0, 0, 1][..],
            &[0, 0, 0, 7, 0, 1, b'h', 0, 0, 0, 1, 0xff, 0xff, 0, 1, b'c', 0, 0, 0, 7],
            &[0, 0, 0, 1, 0, 29, 0, 1, b't', 0, 0, 0, 0, 2],
            &partition(1),
            &partition(0),
        ]
        .concat();
        let response = MetadataResponse(metadata.clone());
        let size = ClusterSize { brokers: 1, partitions: [("t".to_string(), 2)].into() };
        assert_eq!(response.size().ok(), Some(size));
        let partition = |id| PartitionMetadata { id, leader: 1, replicas: vec![1], in_sync: Vec::new() };
        let expected = Metadata {
            cluster_id: Some("c".into()),
            nodes: vec![Node { id: 7, address: "h:1".into() }],
            topics: vec![TopicMetadata {
                name: "t".into(),
                error: 29,
                partitions: vec![partition(0), partition(1)],
            }],
        };
        assert_eq!(response.read().ok(), Some(expected));
        for end in 0..metadata.len() {
            let cut = MetadataResponse(metadata[..end].to_vec());
            assert!(cut.size().is_err() && cut.read().is_err(), "{end}");
        }
    }
}
