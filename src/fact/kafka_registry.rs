//! The facts about brokers, topics and consumer groups.

use crate::fact::spec::FactSpec;
use crate::fact::{consumer_groups, kafka_records, systems, topics};
use crate::runbook::fact_value::Kind;
use crate::runbook::scope::Scope;
use crate::situation::group_motion::Motion;

/// These facts, in display order.
pub(super) const KAFKA: &[FactSpec] = &[
    FactSpec {
        name: "kafka.reachable",
        doc: "whether the broker answers (Metadata request)",
        scopes: &[Scope::Broker],
        kind: Kind::Bool,
        derive: systems::kafka_reachable,
    },
    FactSpec {
        name: "kafka.advertised",
        doc: "whether the brokers' advertised addresses resolve from here or match containers of the project \
              (Metadata; Docker names)",
        scopes: &[Scope::Broker],
        kind: Kind::Bool,
        derive: systems::advertised,
    },
    FactSpec {
        name: "topic.exists",
        doc: "whether the broker knows the topic when asked by name (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::exists,
    },
    FactSpec {
        name: "topic.unblocked",
        doc: "whether no transaction has been open on the topic for longer than the grace period (ListOffsets with \
              read_committed, Fetch, DescribeProducers, ListTransactions)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::unblocked,
    },
    FactSpec {
        name: "topic.led",
        doc: "whether the topic has partitions, each with a leader (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::led,
    },
    FactSpec {
        name: "topic.takes_writes",
        doc: "whether enough replicas are in sync for a write with acks=all (Kafka: Metadata, DescribeConfigs)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::takes_writes,
    },
    FactSpec {
        name: "topic.under_replicated",
        doc: "partitions with fewer in-sync replicas than assigned replicas (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Count,
        derive: topics::under_replicated,
    },
    FactSpec {
        name: "group.members",
        doc: "members of the worker's consumer group (DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: consumer_groups::members,
    },
    FactSpec {
        name: "group.as_declared",
        doc: "whether the worker's container is a member of the declared group rather than of another one \
              (DescribeConsumerGroups: member hosts; Docker: addresses)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: consumer_groups::as_declared,
    },
    FactSpec {
        name: "group.partitions",
        doc: "partitions of the worker's topics that are assigned to members of its group (DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: consumer_groups::partitions,
    },
    FactSpec {
        name: "topic.other_readers",
        doc: "groups outside the pipeline that read the topic (ListGroups, DescribeConsumerGroups)",
        scopes: &[Scope::Topic],
        kind: Kind::Count,
        derive: topics::other_readers,
    },
    FactSpec {
        name: "group.skipped",
        doc: "records that the group never consumed although it has members and the records' events are stuck \
              (OffsetFetch: nothing committed; ListOffsets: end beyond earliest)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: consumer_groups::skipped,
    },
    FactSpec {
        name: "group.jumped_over",
        doc: "records of the event that the group has passed although the worker existed before them \
              and never received them (Fetch, OffsetFetch, container log; Docker: Created)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: consumer_groups::jumped_over,
    },
    FactSpec {
        name: "group.motion",
        doc: "whether the worker's group advances, judged from several samples of end and committed offsets \
              (ListOffsets, OffsetFetch; --settle)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(Motion::WORDS),
        derive: consumer_groups::motion,
    },
    FactSpec {
        name: "record.present",
        doc: "whether the event's record is on the stage's topic, if the event has reached the stage (Fetch)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: kafka_records::present,
    },
    FactSpec {
        name: "record.consumed",
        doc: "whether the group has committed past the event's record, if its effect is missing \
              (Fetch, OffsetFetch); does not prove that the worker received it",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: kafka_records::consumed,
    },
    FactSpec {
        name: "dead.topic_exists",
        doc: "whether the dead letter topic exists on its broker (Metadata request)",
        scopes: &[Scope::Broker],
        kind: Kind::Bool,
        derive: kafka_records::dead_letter_topic_exists,
    },
    FactSpec {
        name: "group.deleted",
        doc: "records that were deleted before the group took them: the earliest offset is past the committed one \
              (ListOffsets, OffsetFetch)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: consumer_groups::deleted,
    },
    FactSpec {
        name: "group.coordinator",
        doc: "whether the broker has the topic of committed offsets, without which no group has a coordinator, \
              unless the worker has just started (Metadata request)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: consumer_groups::coordinator,
    },
    FactSpec {
        name: "dead.of_event",
        doc: "dead letters that name the id, at stages without an effect (Fetch)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: kafka_records::dead_of_event,
    },
    FactSpec {
        name: "dead.of_window",
        doc: "dead letters since the event, or in the window (Fetch)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: kafka_records::dead_of_window,
    },
];
