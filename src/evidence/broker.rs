//! What brokers show.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::evidence::command::BrokerCommands;
use crate::evidence::route::Mapped;
use crate::evidence::states::{GroupProtocol, GroupState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a broker shows: one cluster (Metadata, ListOffsets, DescribeConsumerGroups,
/// OffsetFetch).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// The bootstrap address that answered.
    pub bootstrap: String,
    /// Addresses that were mapped to reach the brokers.
    pub mapped: Vec<Mapped>,
    /// The cluster's id, where the broker tells it.
    pub cluster_id: Option<String>,
    /// The nodes of the cluster as advertised.
    pub nodes: Vec<Node>,
    /// Each topic of the pipeline, asked by name.
    pub topics: BTreeMap<Name, Seen<Topic>>,
    /// Each group of the pipeline, described by name.
    pub groups: BTreeMap<Name, Seen<Group>>,
    /// Other groups with members that read a topic of the pipeline
    /// (ListGroups, DescribeConsumerGroups).
    #[serde(default)]
    pub other_groups: Seen<BTreeMap<Name, Group>>,
    /// How the topics of the stages were read for the records of the events that
    /// were asked about (Fetch). The records found stand with their events
    /// ([`crate::evidence::AskedEvent::records`]).
    #[serde(default)]
    pub searches: BTreeMap<Name, Seen<Search>>,
    /// The records of the dead letter topic (Fetch).
    #[serde(default)]
    pub dead_letters: Seen<DeadLetters>,
    /// Ends and commits again, some time later (ListOffsets, OffsetFetch).
    #[serde(default)]
    pub again: Vec<Sample>,
    /// How commands reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<BrokerCommands>,
}

impl Broker {
    /// The addresses of all nodes, as advertised.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }
}

/// Ends of the topics and commits of the groups, looked at once more.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Milliseconds after the first look.
    pub after_ms: u64,
    /// The ends of the partitions.
    pub ends: Vec<Committed>,
    /// What each group has committed; groups that did not answer are missing.
    pub committed: BTreeMap<Name, Vec<Committed>>,
}

/// What a reading of a topic has come to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// From when on it was read; none: from the oldest record that is there.
    pub from: Option<Timestamp>,
    /// Records read.
    pub read: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Everything from then on was read.
    pub complete: bool,
    /// Reading began at the oldest record that is still there, and older ones
    /// have been deleted.
    #[serde(default)]
    pub truncated: bool,
    /// The bound that ended the reading before that.
    pub bound: Option<String>,
    /// Records that matched.
    pub matched: u64,
}

/// The records of the dead letter topic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// How the topic was read.
    pub search: Search,
    /// Some of the records, oldest first: those that name an event that was asked
    /// about, and the newest of the others.
    pub found: Vec<FoundRecord>,
}

/// A record on a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoundRecord {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, by its producer or by the broker.
    pub at: Option<Timestamp>,
    /// What of it names the id: key, header or value.
    pub by: Option<String>,
    /// The id that a dead letter names, if it is one that was asked about. A
    /// record that stands with its event does not repeat the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
    /// Bytes of key and value.
    pub size: u64,
    /// Those of its headers that the pipeline declares, as text, without secrets, cut.
    pub headers: BTreeMap<String, String>,
    /// Its value, if that was asked for and is JSON: compact, without secrets, cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A node of the cluster as it advertises itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Node id.
    pub id: i32,
    /// Advertised `host:port`.
    pub address: String,
}

/// A topic that was asked for by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// False: the broker answers "unknown topic".
    pub exists: bool,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// How many replicas must be in sync for a write (DescribeConfigs,
    /// `min.insync.replicas`).
    #[serde(default)]
    pub min_in_sync: Seen<u64>,
}

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// The leader's node id; none: nobody leads it.
    pub leader: Option<i32>,
    /// Node ids that should hold it.
    pub replicas: Vec<i32>,
    /// Node ids that are in sync.
    pub in_sync: Vec<i32>,
    /// The offset of the oldest record that is still there.
    pub earliest: Seen<i64>,
    /// The offset that the next record will get.
    pub end: Seen<i64>,
}

/// A consumer group that was described by name. An absent one is state `dead`
/// without members or offsets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its state.
    pub state: GroupState,
    /// How its members agree on the partitions.
    pub protocol: GroupProtocol,
    /// Its members.
    pub members: Vec<Member>,
    /// What it has committed (OffsetFetch); empty: nothing.
    pub committed: Seen<Vec<Committed>>,
}

impl Group {
    /// The partitions of its members.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.members.iter().flat_map(|member| &member.partitions)
    }

    /// Whether a member has a partition of the topic.
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
    /// Host as the broker saw it.
    pub host: String,
    /// `group.instance.id` of a static member.
    pub instance_id: Option<String>,
    /// Partitions assigned to it.
    pub partitions: Vec<TopicPartition>,
}

/// A partition by topic and number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicPartition {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
}

/// An offset that a group has committed: the next one it wants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// Topic.
    pub topic: Name,
    /// Partition.
    pub partition: i32,
    /// The next offset it wants.
    pub offset: i64,
}
