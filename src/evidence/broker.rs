//! Observations of brokers.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::evidence::address_mapping::AddressMapping;
use crate::evidence::command_options::BrokerCommandOptions;
use crate::evidence::container_and_group_states::{GroupProtocol, GroupState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Observations of a broker's cluster (Metadata, ListOffsets, DescribeConsumerGroups, OffsetFetch).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// The bootstrap address that answered.
    pub bootstrap: String,
    /// Address mappings that were used to reach the brokers.
    pub mapped: Vec<AddressMapping>,
    /// The cluster id, if the broker reports it.
    pub cluster_id: Option<String>,
    /// The cluster's nodes, as advertised.
    pub nodes: Vec<Node>,
    /// The pipeline's topics, each requested by name.
    pub topics: BTreeMap<Name, Observed<Topic>>,
    /// The pipeline's consumer groups, each described by name.
    pub groups: BTreeMap<Name, Observed<Group>>,
    /// Other groups with members that read one of the pipeline's topics (ListGroups,
    /// DescribeConsumerGroups).
    #[serde(default)]
    pub other_groups: Observed<BTreeMap<Name, Group>>,
    /// How each topic was searched for records of the requested events (Fetch). The records
    /// themselves are stored with their events ([`crate::evidence::AskedEvent::records`]).
    #[serde(default)]
    pub searches: BTreeMap<Name, Observed<Search>>,
    /// The records in the dead letter topic (Fetch).
    #[serde(default)]
    pub dead_letters: Observed<DeadLetters>,
    /// Later samples of end offsets and committed offsets (ListOffsets, OffsetFetch).
    #[serde(default)]
    pub again: Vec<Sample>,
    /// Whether the broker has created the topic that holds committed offsets (`__consumer_offsets`).
    /// Without it, no group has a coordinator.
    #[serde(default, skip_serializing_if = "Observed::is_default")]
    pub offsets_topic: Observed<bool>,
    /// Options that commands need to reach the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<BrokerCommandOptions>,
}

impl Broker {
    /// Returns the advertised addresses of all nodes.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }
}

/// A later sample of end offsets and committed offsets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Milliseconds since the first sample.
    pub after_ms: u64,
    /// End offsets of the partitions.
    pub ends: Vec<Committed>,
    /// Committed offsets by group; groups without a response are missing.
    pub committed: BTreeMap<Name, Vec<Committed>>,
}

/// The extent of a search through a topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// Time from which the topic was read; `None` means from the oldest available record.
    pub from: Option<Timestamp>,
    /// Records read.
    pub read: u64,
    /// Total size of the keys and values read, in bytes.
    pub bytes: u64,
    /// Whether everything from that time on was read.
    pub complete: bool,
    /// Whether reading began at the oldest available record and older records have been deleted.
    #[serde(default)]
    pub truncated: bool,
    /// The limit that stopped the search early, if any.
    pub bound: Option<String>,
    /// Number of matching records.
    pub matched: u64,
}

/// The records in the dead letter topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// How the topic was read.
    pub search: Search,
    /// The records that contain a requested id, and the newest of the other records; oldest first.
    pub found: Vec<FoundRecord>,
}

/// A record in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundRecord {
    /// The record's partition.
    pub partition: i32,
    /// The record's offset.
    pub offset: i64,
    /// The record's timestamp, set by the producer or the broker.
    pub at: Option<Timestamp>,
    /// Where the id was found in the record: key, header or value.
    pub by: Option<String>,
    /// The requested id that a dead letter contains, if any. Records stored with their event do not
    /// repeat the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// Whether the record belongs to a transaction that is still open, or follows one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstable: bool,
    /// Size of the key and the value in bytes.
    pub size: u64,
    /// The headers that the pipeline declares, as truncated text without secrets.
    pub headers: BTreeMap<String, String>,
    /// The value as truncated compact JSON without secrets, if it was requested and is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A cluster node, as advertised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Node id.
    pub id: i32,
    /// Advertised `host:port`.
    pub address: String,
}

/// A topic that was requested by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// Whether the topic exists; false if the broker answers "unknown topic".
    pub exists: bool,
    /// The topic's partitions, sorted by number.
    pub partitions: Vec<Partition>,
    /// Number of replicas that must be in sync for a write (`min.insync.replicas`, from
    /// DescribeConfigs).
    #[serde(default)]
    pub min_in_sync: Observed<u64>,
    /// Whether a newer record with the same key replaces a record (`cleanup.policy`, from
    /// DescribeConfigs).
    #[serde(default, skip_serializing_if = "Observed::is_default")]
    pub compacted: Observed<bool>,
    /// If the topic does not exist, other topics whose names differ only in case, dots, dashes or
    /// underscores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub similar: Vec<Name>,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Partition number.
    pub id: i32,
    /// The leader's node id; `None` if the partition has no leader.
    pub leader: Option<i32>,
    /// Node ids of the assigned replicas.
    pub replicas: Vec<i32>,
    /// Node ids of the in-sync replicas.
    pub in_sync: Vec<i32>,
    /// The offset of the oldest available record.
    pub earliest: Observed<i64>,
    /// The offset that the next record will get.
    pub end: Observed<i64>,
    /// The offset before which no transaction is open (ListOffsets with `read_committed`). Consumers
    /// with `isolation.level=read_committed` read no further.
    #[serde(default, skip_serializing_if = "Observed::is_default")]
    pub last_stable: Observed<i64>,
    /// The oldest open transaction, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_transaction: Option<OpenTransaction>,
}

/// A transaction that was begun on a partition and has neither been committed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenTransaction {
    /// The offset of its first record.
    pub offset: i64,
    /// The time of its first record (Fetch), if it could be read.
    pub since: Option<Timestamp>,
    /// The producer's id (DescribeProducers), if the broker reports it.
    pub producer: Option<i64>,
    /// The producer's `transactional.id` (ListTransactions), if the broker reports it.
    pub transactional_id: Option<String>,
}

/// A consumer group that was described by name. A group that does not exist has state `dead` and no
/// members or offsets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's state.
    pub state: GroupState,
    /// The protocol that assigns the group's partitions.
    pub protocol: GroupProtocol,
    /// The group's members.
    pub members: Vec<Member>,
    /// The group's committed offsets (OffsetFetch); empty if it has committed nothing.
    pub committed: Observed<Vec<Committed>>,
    /// For each partition on which the group lags, the first record that it has not taken yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<FirstWaiting>,
}

/// The first record on a partition that a group has not taken yet (Fetch).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstWaiting {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
    /// Whether there is one. If not, only aborted or control records follow the committed offset.
    pub exists: bool,
    /// Its timestamp, set by the producer or the broker.
    pub at: Option<Timestamp>,
}

impl Group {
    /// Returns the partitions assigned to the group's members.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.members.iter().flat_map(|member| &member.partitions)
    }

    /// Returns the time of the oldest record that the group has not taken yet, as far as records were read.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting.iter().filter(|first| first.exists).filter_map(|first| first.at).min()
    }

    /// Reports whether a member is assigned a partition of a topic.
    pub fn reads(&self, topic: &str) -> bool {
        self.partitions().any(|partition| partition.topic == topic)
    }
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// `client.id`.
    pub client_id: String,
    /// The member's host, as seen by the broker.
    pub host: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// The member's assigned partitions.
    pub partitions: Vec<TopicPartition>,
}

/// A partition, identified by topic and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
}

/// An offset that a group has committed, or a partition's end offset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
    /// The offset of the next record.
    pub offset: i64,
}
