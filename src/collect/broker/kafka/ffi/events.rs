//! Converts librdkafka events to plain values. Everything is copied, so that nothing
//! refers to an event after it is freed.

use crate::evidence::{Committed, Member, TopicPartition};
use rdkafka::types::{
    RDKafkaErrorCode, RDKafkaEvent, RDKafkaRespErr, RDKafkaTopicPartition, RDKafkaTopicPartitionList,
};
use rdkafka_sys as rd;
use std::ffi::{CStr, c_char};
use std::ptr;

/// The broker's response to a [`Request`](super::Request).
#[derive(Debug)]
pub enum Response {
    /// The offset or error for each partition.
    Offsets(Vec<(TopicPartition, Result<i64, NativeError>)>),
    /// A described group.
    Group(GroupDescription),
    /// The names of all groups that the brokers list.
    GroupList(Vec<String>),
    /// The committed offsets of a group.
    Committed(Vec<Committed>),
    /// The settings or the error for each topic.
    TopicSettings(Vec<(String, Result<TopicSettings, NativeError>)>),
}

/// The settings of a topic.
#[derive(Debug)]
pub struct TopicSettings {
    /// `min.insync.replicas`.
    pub min_in_sync: u64,
    /// Whether `cleanup.policy` contains `compact`.
    pub compacted: bool,
}

/// A group as librdkafka describes it.
#[derive(Debug, Clone)]
pub struct GroupDescription {
    /// State as librdkafka writes it: `PreparingRebalance`.
    pub state: String,
    /// `Classic` or `Consumer`.
    pub protocol: String,
    /// Members.
    pub members: Vec<Member>,
}

/// An error from the broker or librdkafka.
#[derive(Debug)]
pub struct NativeError {
    /// Error code.
    pub code: RDKafkaErrorCode,
    /// Error message.
    pub text: String,
}

impl NativeError {
    /// Returns the error for a code; `None` for "no error".
    pub fn from_code(error: RDKafkaRespErr) -> Option<NativeError> {
        match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::NoError => None,
            code => Some(NativeError {
                code,
                // SAFETY: returns a static string for every code.
                text: unsafe { text(rd::rd_kafka_err2str(error)) },
            }),
        }
    }
}

/// An event from the queue.
pub enum Event {
    /// The response to the request with this tag.
    Response(usize, Result<Response, NativeError>),
    /// A failed connection: `kafka:9092/1: Connect to … failed: …`.
    Failure(String),
    /// Any other event.
    Other,
}

/// # Safety
/// `event` must be a live event.
pub(crate) unsafe fn read_event(event: *mut RDKafkaEvent) -> Event {
    // SAFETY: each accessor is called only for its kind of event.
    unsafe {
        let read_result = match rd::rd_kafka_event_type(event) {
            rd::RD_KAFKA_EVENT_LOG => return read_log(event),
            rd::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => read_offsets,
            rd::RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT => read_group,
            rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT => read_list,
            rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT => read_committed,
            rd::RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT => read_topic_settings,
            _ => return Event::Other,
        };
        let tag = rd::rd_kafka_event_opaque(event).addr();
        let code = RDKafkaErrorCode::from(rd::rd_kafka_event_error(event));
        let response = match code {
            RDKafkaErrorCode::NoError => read_result(event),
            _ => Err(NativeError { code, text: text(rd::rd_kafka_event_error_string(event)) }),
        };
        Event::Response(tag, response)
    }
}

/// # Safety
/// `event` must be a live log event.
unsafe fn read_log(event: *mut RDKafkaEvent) -> Event {
    let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the strings belong to the event and are copied.
    unsafe {
        let missing = rd::rd_kafka_event_log(event, &mut facility, &mut line, &mut level);
        match missing == 0 && text(facility) == "FAIL" {
            true => Event::Failure(text(line)),
            false => Event::Other,
        }
    }
}

/// # Safety
/// `event` must be a live result of ListOffsets.
unsafe fn read_offsets(event: *mut RDKafkaEvent) -> Result<Response, NativeError> {
    // SAFETY: the array has `count` entries, which belong to the event.
    unsafe {
        let result = rd::rd_kafka_event_ListOffsets_result(event);
        let mut count = 0;
        let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
        let infos = entries(infos, count).iter();
        let offsets = infos.filter_map(|info| {
            let entry = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*info).as_ref()?;
            let offset = entry_result(entry).map(|()| entry.offset);
            Some((topic_partition(entry), offset))
        });
        Ok(Response::Offsets(offsets.collect()))
    }
}

/// # Safety
/// `event` must be a live result of DescribeConsumerGroups.
unsafe fn read_group(event: *mut RDKafkaEvent) -> Result<Response, NativeError> {
    // SAFETY: as in read_offsets; member indexes are below the member count.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConsumerGroups_result(event);
        let mut count = 0;
        let groups = rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count);
        let group = *entries(groups, count).first().ok_or_else(incomplete_response)?;
        error_result(rd::rd_kafka_ConsumerGroupDescription_error(group))?;
        let state = rd::rd_kafka_ConsumerGroupDescription_state(group);
        let protocol = rd::rd_kafka_ConsumerGroupDescription_type(group);
        let members = 0..rd::rd_kafka_ConsumerGroupDescription_member_count(group);
        let members = members.map(|i| {
            let member = rd::rd_kafka_ConsumerGroupDescription_member(group, i);
            read_member(member)
        });
        Ok(Response::Group(GroupDescription {
            state: text(rd::rd_kafka_consumer_group_state_name(state)),
            protocol: text(rd::rd_kafka_consumer_group_type_name(protocol)),
            members: members.collect(),
        }))
    }
}

/// Returns the groups that at least one broker lists. Returns an error only if no broker
/// lists any group.
///
/// # Safety
/// `event` must be a live result of ListConsumerGroups.
unsafe fn read_list(event: *mut RDKafkaEvent) -> Result<Response, NativeError> {
    // SAFETY: as in read_offsets.
    unsafe {
        let result = rd::rd_kafka_event_ListConsumerGroups_result(event);
        let (mut count, mut failed) = (0, 0);
        let groups = rd::rd_kafka_ListConsumerGroups_result_valid(result, &mut count);
        let errors = rd::rd_kafka_ListConsumerGroups_result_errors(result, &mut failed);
        let names = entries(groups, count).iter();
        let names: Vec<String> =
            names.map(|group| text(rd::rd_kafka_ConsumerGroupListing_group_id(*group))).collect();
        match entries(errors, failed).first().filter(|_| names.is_empty()) {
            Some(error) => error_result(*error).map(|()| Response::GroupList(names)),
            None => Ok(Response::GroupList(names)),
        }
    }
}

/// # Safety
/// `member` must be a live member of a group.
unsafe fn read_member(member: *const rd::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: the returned values belong to the member and are copied.
    unsafe {
        let assignment = rd::rd_kafka_MemberDescription_assignment(member);
        let partitions = match assignment.is_null() {
            true => ptr::null(),
            false => rd::rd_kafka_MemberAssignment_partitions(assignment),
        };
        let instance = text(rd::rd_kafka_MemberDescription_group_instance_id(member));
        Member {
            client_id: text(rd::rd_kafka_MemberDescription_client_id(member)),
            host: text(rd::rd_kafka_MemberDescription_host(member)),
            instance_id: Some(instance).filter(|instance| !instance.is_empty()),
            partitions: partition_entries(partitions).iter().map(topic_partition).collect(),
        }
    }
}

/// # Safety
/// `event` must be a live result of ListConsumerGroupOffsets.
unsafe fn read_committed(event: *mut RDKafkaEvent) -> Result<Response, NativeError> {
    // SAFETY: as in read_offsets.
    unsafe {
        let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(event);
        let mut count = 0;
        let groups = rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count);
        let group = *entries(groups, count).first().ok_or_else(incomplete_response)?;
        error_result(rd::rd_kafka_group_result_error(group))?;
        let mut committed = Vec::new();
        for entry in partition_entries(rd::rd_kafka_group_result_partitions(group)) {
            entry_result(entry)?;
            // A negative offset means that nothing is committed.
            if entry.offset >= 0 {
                let TopicPartition { topic, partition } = topic_partition(entry);
                let offset = entry.offset;
                committed.push(Committed { topic, partition, offset });
            }
        }
        Ok(Response::Committed(committed))
    }
}

/// Topic settings for how many replicas must be in sync for a write, and for what is deleted.
const MIN_IN_SYNC: &str = "min.insync.replicas";
const CLEANUP_POLICY: &str = "cleanup.policy";

/// # Safety
/// `event` must be a live result of DescribeConfigs.
unsafe fn read_topic_settings(event: *mut RDKafkaEvent) -> Result<Response, NativeError> {
    // SAFETY: as in read_offsets.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConfigs_result(event);
        let mut count = 0;
        let resources = rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count);
        let topics = entries(resources, count).iter().map(|resource| {
            let name = text(rd::rd_kafka_ConfigResource_name(*resource));
            let error = NativeError::from_code(rd::rd_kafka_ConfigResource_error(*resource));
            let settings = error.map_or_else(|| settings(*resource).ok_or_else(incomplete_response), Err);
            (name, settings)
        });
        Ok(Response::TopicSettings(topics.collect()))
    }
}

/// # Safety
/// `resource` must be a live resource of DescribeConfigs.
unsafe fn settings(resource: *const rd::rd_kafka_ConfigResource_t) -> Option<TopicSettings> {
    // SAFETY: as in read_offsets.
    unsafe {
        let min_in_sync = setting_value(resource, MIN_IN_SYNC)?.parse().ok()?;
        let policy = setting_value(resource, CLEANUP_POLICY)?;
        Some(TopicSettings { min_in_sync, compacted: policy.contains("compact") })
    }
}

/// # Safety
/// `resource` must be a live resource of DescribeConfigs.
unsafe fn setting_value(resource: *const rd::rd_kafka_ConfigResource_t, setting: &str) -> Option<String> {
    // SAFETY: as in read_offsets.
    unsafe {
        let mut count = 0;
        let settings = rd::rd_kafka_ConfigResource_configs(resource, &mut count);
        let mut settings = entries(settings, count).iter();
        let entry = settings.find(|entry| text(rd::rd_kafka_ConfigEntry_name(**entry)) == setting)?;
        Some(text(rd::rd_kafka_ConfigEntry_value(*entry)))
    }
}

fn incomplete_response() -> NativeError {
    NativeError { code: RDKafkaErrorCode::Unknown, text: "incomplete response".into() }
}

fn topic_partition(entry: &RDKafkaTopicPartition) -> TopicPartition {
    TopicPartition {
        // SAFETY: every entry has a topic name.
        topic: unsafe { text(entry.topic) },
        partition: entry.partition,
    }
}

fn entry_result(entry: &RDKafkaTopicPartition) -> Result<(), NativeError> {
    NativeError::from_code(entry.err).map_or(Ok(()), Err)
}

/// # Safety
/// `error` must be null or a live error.
unsafe fn error_result(error: *const rd::rd_kafka_error_t) -> Result<(), NativeError> {
    // SAFETY: the message belongs to the error and is copied. Null means no error.
    let (code, text) = unsafe {
        let code = RDKafkaErrorCode::from(rd::rd_kafka_error_code(error));
        match code {
            RDKafkaErrorCode::NoError => return Ok(()),
            _ => (code, text(rd::rd_kafka_error_string(error))),
        }
    };
    Err(NativeError { code, text })
}

/// # Safety
/// `list` must be null or live for as long as the slice is used.
unsafe fn partition_entries<'a>(list: *const RDKafkaTopicPartitionList) -> &'a [RDKafkaTopicPartition] {
    // SAFETY: the list has `cnt` entries.
    unsafe {
        match list.as_ref() {
            Some(list) => entries(list.elems, usize::try_from(list.cnt).unwrap_or_default()),
            None => &[],
        }
    }
}

/// # Safety
/// `first` must be null or point to `count` entries that live as long as the slice is used.
pub(crate) unsafe fn entries<'a, T>(first: *const T, count: usize) -> &'a [T] {
    match first.is_null() || count == 0 {
        true => &[],
        // SAFETY: see above.
        false => unsafe { std::slice::from_raw_parts(first, count) },
    }
}

/// # Safety
/// `text` must be null or a NUL-terminated string.
pub(crate) unsafe fn text(text: *const c_char) -> String {
    match text.is_null() {
        true => String::new(),
        // SAFETY: see above.
        false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
    }
}
