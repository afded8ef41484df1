//! Makes plain values of what arrives on the queue. Everything is copied:
//! nothing outlives its event.

use crate::evidence::{Committed, Member, TopicPartition};
use rdkafka::types::{
    RDKafkaErrorCode, RDKafkaEvent, RDKafkaRespErr, RDKafkaTopicPartition, RDKafkaTopicPartitionList,
};
use rdkafka_sys as rd;
use std::ffi::{CStr, c_char};
use std::ptr;

/// What the broker answers to a [`Question`].
#[derive(Debug)]
pub enum Answer {
    /// Offsets, each by itself.
    Offsets(Vec<(TopicPartition, Result<i64, Fault>)>),
    /// A group.
    Described(Described),
    /// The names of all groups that the brokers told of.
    Listed(Vec<String>),
    /// A group's offsets.
    Committed(Vec<Committed>),
    /// By topic: how many replicas must be in sync for a write.
    MinInSync(Vec<(String, Result<u64, Fault>)>),
}

/// A group as librdkafka describes it.
#[derive(Debug, Clone)]
pub struct Described {
    /// As librdkafka writes it: `PreparingRebalance`.
    pub state: String,
    /// `Classic` or `Consumer`.
    pub protocol: String,
    /// Its members.
    pub members: Vec<Member>,
}

/// An error of the broker or of librdkafka.
#[derive(Debug)]
pub struct Fault {
    /// Its code.
    pub code: RDKafkaErrorCode,
    /// Its words.
    pub text: String,
}

impl Fault {
    /// The fault behind a bare code, if it is one.
    pub fn of(error: RDKafkaRespErr) -> Option<Fault> {
        match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::NoError => None,
            code => Some(Fault {
                code,
                // SAFETY: a constant text, for every code.
                text: unsafe { text(rd::rd_kafka_err2str(error)) },
            }),
        }
    }
}

/// Something that has arrived on the queue.
pub enum Event {
    /// An answer to the question with this tag.
    Answer(usize, Result<Answer, Fault>),
    /// A connection failed: `kafka:9092/1: Connect to … failed: …`.
    Failure(String),
    /// Nothing that matters here.
    Other,
}

/// # Safety
/// `event` must be a live event.
pub(crate) unsafe fn event(event: *mut RDKafkaEvent) -> Event {
    // SAFETY: each accessor is called for the kind of event that it is for.
    unsafe {
        let answer = match rd::rd_kafka_event_type(event) {
            rd::RD_KAFKA_EVENT_LOG => return read_log(event),
            rd::RD_KAFKA_EVENT_LISTOFFSETS_RESULT => read_offsets,
            rd::RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT => read_group,
            rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPS_RESULT => read_list,
            rd::RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT => read_committed,
            rd::RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT => read_min_in_sync,
            _ => return Event::Other,
        };
        let tag = rd::rd_kafka_event_opaque(event).addr();
        let code = RDKafkaErrorCode::from(rd::rd_kafka_event_error(event));
        let answer = match code {
            RDKafkaErrorCode::NoError => answer(event),
            _ => Err(Fault { code, text: text(rd::rd_kafka_event_error_string(event)) }),
        };
        Event::Answer(tag, answer)
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
unsafe fn read_offsets(event: *mut RDKafkaEvent) -> Result<Answer, Fault> {
    // SAFETY: the array has as many entries as announced; each belongs to the event.
    unsafe {
        let result = rd::rd_kafka_event_ListOffsets_result(event);
        let mut count = 0;
        let infos = rd::rd_kafka_ListOffsets_result_infos(result, &mut count);
        let infos = entries(infos, count).iter();
        let offsets = infos.filter_map(|info| {
            let entry = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*info).as_ref()?;
            let offset = check(entry).map(|()| entry.offset);
            Some((topic_partition(entry), offset))
        });
        Ok(Answer::Offsets(offsets.collect()))
    }
}

/// # Safety
/// `event` must be a live result of DescribeConsumerGroups.
unsafe fn read_group(event: *mut RDKafkaEvent) -> Result<Answer, Fault> {
    // SAFETY: as in read_offsets; members are asked for below their count.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConsumerGroups_result(event);
        let mut count = 0;
        let groups = rd::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count);
        let group = *entries(groups, count).first().ok_or_else(nothing)?;
        fault(rd::rd_kafka_ConsumerGroupDescription_error(group))?;
        let state = rd::rd_kafka_ConsumerGroupDescription_state(group);
        let protocol = rd::rd_kafka_ConsumerGroupDescription_type(group);
        let members = 0..rd::rd_kafka_ConsumerGroupDescription_member_count(group);
        let members = members.map(|i| {
            let member = rd::rd_kafka_ConsumerGroupDescription_member(group, i);
            read_member(member)
        });
        Ok(Answer::Described(Described {
            state: text(rd::rd_kafka_consumer_group_state_name(state)),
            protocol: text(rd::rd_kafka_consumer_group_type_name(protocol)),
            members: members.collect(),
        }))
    }
}

/// What one broker could not tell is left out, if any other could.
///
/// # Safety
/// `event` must be a live result of ListConsumerGroups.
unsafe fn read_list(event: *mut RDKafkaEvent) -> Result<Answer, Fault> {
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
            Some(error) => fault(*error).map(|()| Answer::Listed(names)),
            None => Ok(Answer::Listed(names)),
        }
    }
}

/// # Safety
/// `member` must be a live member of a group.
unsafe fn read_member(member: *const rd::rd_kafka_MemberDescription_t) -> Member {
    // SAFETY: what the accessors return belongs to the member and is copied.
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
            partitions: partitions_of(partitions).iter().map(topic_partition).collect(),
        }
    }
}

/// # Safety
/// `event` must be a live result of ListConsumerGroupOffsets.
unsafe fn read_committed(event: *mut RDKafkaEvent) -> Result<Answer, Fault> {
    // SAFETY: as in read_offsets.
    unsafe {
        let result = rd::rd_kafka_event_ListConsumerGroupOffsets_result(event);
        let mut count = 0;
        let groups = rd::rd_kafka_ListConsumerGroupOffsets_result_groups(result, &mut count);
        let group = *entries(groups, count).first().ok_or_else(nothing)?;
        fault(rd::rd_kafka_group_result_error(group))?;
        let mut committed = Vec::new();
        for entry in partitions_of(rd::rd_kafka_group_result_partitions(group)) {
            check(entry)?;
            // Negative: asked for, but nothing committed.
            if entry.offset >= 0 {
                let TopicPartition { topic, partition } = topic_partition(entry);
                let offset = entry.offset;
                committed.push(Committed { topic, partition, offset });
            }
        }
        Ok(Answer::Committed(committed))
    }
}

/// The setting of topics that says how many replicas must be in sync.
const MIN_IN_SYNC: &str = "min.insync.replicas";

/// # Safety
/// `event` must be a live result of DescribeConfigs.
unsafe fn read_min_in_sync(event: *mut RDKafkaEvent) -> Result<Answer, Fault> {
    // SAFETY: as in read_offsets.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConfigs_result(event);
        let mut count = 0;
        let resources = rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count);
        let topics = entries(resources, count).iter().map(|resource| {
            let name = text(rd::rd_kafka_ConfigResource_name(*resource));
            let fault = Fault::of(rd::rd_kafka_ConfigResource_error(*resource));
            let value = fault.map_or_else(|| value_of(*resource, MIN_IN_SYNC).ok_or_else(nothing), Err);
            (name, value)
        });
        Ok(Answer::MinInSync(topics.collect()))
    }
}

/// # Safety
/// `resource` must be a live resource of DescribeConfigs.
unsafe fn value_of(resource: *const rd::rd_kafka_ConfigResource_t, setting: &str) -> Option<u64> {
    // SAFETY: as in read_offsets.
    unsafe {
        let mut count = 0;
        let settings = rd::rd_kafka_ConfigResource_configs(resource, &mut count);
        let mut settings = entries(settings, count).iter();
        let entry = settings.find(|entry| text(rd::rd_kafka_ConfigEntry_name(**entry)) == setting)?;
        text(rd::rd_kafka_ConfigEntry_value(*entry)).parse().ok()
    }
}

fn nothing() -> Fault {
    Fault { code: RDKafkaErrorCode::Unknown, text: "an answer without what was asked for".into() }
}

fn topic_partition(entry: &RDKafkaTopicPartition) -> TopicPartition {
    TopicPartition {
        // SAFETY: every entry of librdkafka has a topic's name.
        topic: unsafe { text(entry.topic) },
        partition: entry.partition,
    }
}

fn check(entry: &RDKafkaTopicPartition) -> Result<(), Fault> {
    Fault::of(entry.err).map_or(Ok(()), Err)
}

/// # Safety
/// `error` must be null or a live error.
unsafe fn fault(error: *const rd::rd_kafka_error_t) -> Result<(), Fault> {
    // SAFETY: the words belong to the error and are copied. No error is no fault.
    let (code, text) = unsafe {
        let code = RDKafkaErrorCode::from(rd::rd_kafka_error_code(error));
        match code {
            RDKafkaErrorCode::NoError => return Ok(()),
            _ => (code, text(rd::rd_kafka_error_string(error))),
        }
    };
    Err(Fault { code, text })
}

/// # Safety
/// `list` must be null or live for as long as the slice is used.
unsafe fn partitions_of<'a>(list: *const RDKafkaTopicPartitionList) -> &'a [RDKafkaTopicPartition] {
    // SAFETY: the list holds `cnt` entries.
    unsafe {
        match list.as_ref() {
            Some(list) => entries(list.elems, usize::try_from(list.cnt).unwrap_or_default()),
            None => &[],
        }
    }
}

/// # Safety
/// `first` must be null or point to `count` entries that live as long as the slice is used.
unsafe fn entries<'a, T>(first: *const T, count: usize) -> &'a [T] {
    match first.is_null() || count == 0 {
        true => &[],
        // SAFETY: see above.
        false => unsafe { std::slice::from_raw_parts(first, count) },
    }
}

/// # Safety
/// `text` must be null or a string that ends in NUL.
pub(crate) unsafe fn text(text: *const c_char) -> String {
    match text.is_null() {
        true => String::new(),
        // SAFETY: see above.
        false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned(),
    }
}
