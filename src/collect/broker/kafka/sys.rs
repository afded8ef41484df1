//! What rdkafka's safe interface lacks: rewriting addresses, the event queue,
//! offsets of many partitions, groups. All unsafe code of the probe is here and
//! in `read`, which makes plain values of the answers.

pub mod read;
pub mod records;

pub use read::{Answer, Described, Event, Fault};

use crate::collect::broker::kafka::addresses::{self, Ways};
use crate::evidence::TopicPartition;
use rdkafka::client::Client;
use rdkafka::config::{ClientConfig, NativeClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::metadata::Metadata;
use rdkafka::types::{
    RDKafka, RDKafkaAdminOp, RDKafkaAdminOptions, RDKafkaConf, RDKafkaQueue, RDKafkaTopicPartitionList,
    RDKafkaType,
};
use rdkafka_sys as rd;
use read::text;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// A native object that is freed when it goes.
struct Owned<T> {
    native: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what librdkafka has just made; `None` if it made nothing.
    fn new(native: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        let native = NonNull::new(native)?;
        Some(Owned { native, free })
    }

    fn ptr(&self) -> *mut T {
        self.native.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the object is ours, `free` is its destructor, and this is its only call.
        unsafe { (self.free)(self.native.as_ptr()) }
    }
}

/// A question to the broker that is answered on the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// ListOffsets of these partitions.
    Offsets(Bound, Vec<TopicPartition>),
    /// DescribeConsumerGroups of this group.
    Describe(String),
    /// ListGroups of every broker.
    List,
    /// OffsetFetch of everything that this group has committed.
    Committed(String),
    /// DescribeConfigs of these topics.
    MinInSync(Vec<String>),
}

/// Which end of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The oldest record that is still there.
    Earliest,
    /// Behind the newest record.
    End,
    /// The first record of this time or later (milliseconds since 1970).
    At(i64),
}

/// A client together with its queue of events. Every call may block for its
/// timeout, and the end of it for longer: keep it on a thread of its own.
pub struct Native {
    // Dropped in this order: the queue must go before its client.
    queue: Owned<RDKafkaQueue>,
    client: Client<Ways>,
}

impl Native {
    /// A client that reads only, and that reaches brokers by `ways`.
    pub fn open(config: &mut ClientConfig, ways: Ways) -> KafkaResult<Native> {
        // Closed connections are told at this level.
        config.set_log_level(RDKafkaLogLevel::Info);
        let native = config.create_native_config()?;
        rewrite_addresses(&native);
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_CONSUMER, ways)?;
        // SAFETY: the client lives; the reference that this returns is given
        // back when the queue is dropped, before the client is.
        let queue = unsafe { rd::rd_kafka_queue_get_main(client.native_ptr()) };
        let queue = Owned::new(queue, rd::rd_kafka_queue_destroy)
            .ok_or_else(|| KafkaError::ClientCreation("no event queue".into()))?;
        Ok(Native { queue, client })
    }

    /// The ways by which brokers are reached.
    pub fn ways(&self) -> &Ways {
        self.client.context()
    }

    /// Metadata of one topic, or of all, and of all brokers; blocks for up to `timeout`.
    pub fn metadata(&self, topic: Option<&str>, timeout: Duration) -> KafkaResult<Metadata> {
        self.client.fetch_metadata(topic, timeout)
    }

    /// The cluster's id, once metadata has come.
    pub fn cluster_id(&self) -> Option<String> {
        self.client.fetch_cluster_id(Duration::ZERO)
    }

    /// Asks; the answer comes by [`Native::next`] under this tag, at the latest
    /// after `timeout`. `None`: a name that no broker could have.
    pub fn ask(&self, tag: usize, question: &Question, timeout: Duration) -> Option<()> {
        let (client, queue) = (self.client.native_ptr(), self.queue.ptr());
        let options = admin_options(client, question, tag, timeout)?;
        let options = options.ptr();
        match question {
            Question::Offsets(bound, partitions) => {
                let list = partition_list(*bound, partitions)?;
                // SAFETY: all pointers live through the call, which copies what it needs.
                unsafe { rd::rd_kafka_ListOffsets(client, list.ptr(), options, queue) }
            }
            Question::Describe(group) => {
                let group = CString::new(group.as_str()).ok()?;
                let mut groups = [group.as_ptr()];
                // SAFETY: as above; the array has the one entry that is announced.
                unsafe {
                    let groups = groups.as_mut_ptr();
                    rd::rd_kafka_DescribeConsumerGroups(client, groups, 1, options, queue);
                }
            }
            // SAFETY: as above.
            Question::List => unsafe { rd::rd_kafka_ListConsumerGroups(client, options, queue) },
            Question::Committed(group) => {
                let request = all_offsets_of(group)?;
                let mut requests = [request.ptr()];
                // SAFETY: as above.
                unsafe {
                    let requests = requests.as_mut_ptr();
                    rd::rd_kafka_ListConsumerGroupOffsets(client, requests, 1, options, queue);
                }
            }
            Question::MinInSync(topics) => {
                let resources: Option<Vec<_>> = topics.iter().map(|topic| topic_resource(topic)).collect();
                let resources = resources?;
                let mut resources: Vec<_> = resources.iter().map(Owned::ptr).collect();
                // SAFETY: as above.
                unsafe {
                    let (first, count) = (resources.as_mut_ptr(), resources.len());
                    rd::rd_kafka_DescribeConfigs(client, first, count, options, queue);
                }
            }
        }
        Some(())
    }

    /// What arrives next; waits for up to `timeout`.
    pub fn next(&self, timeout: Duration) -> Option<Event> {
        // SAFETY: the queue lives; the event that this returns is ours.
        let event = unsafe { rd::rd_kafka_queue_poll(self.queue.ptr(), milliseconds(timeout)) };
        let event = Owned::new(event, rd::rd_kafka_event_destroy)?;
        // SAFETY: the event lives to the end of this function, and what is
        // taken out of it is copied.
        Some(unsafe { read::event(event.ptr()) })
    }
}

/// The partitions that a key goes to: by Java's partitioner (murmur2), and by
/// librdkafka's own (CRC32).
pub fn partitions_of_key(key: &[u8], count: i32) -> Vec<i32> {
    if count < 1 {
        return Vec::new();
    }
    let by = [rd::rd_kafka_msg_partitioner_murmur2, rd::rd_kafka_msg_partitioner_consistent];
    let partitions = by.map(|partitioner| {
        // SAFETY: both look at the key and the count only.
        unsafe {
            partitioner(ptr::null(), key.as_ptr().cast(), key.len(), count, ptr::null_mut(), ptr::null_mut())
        }
    });
    let mut partitions = partitions.to_vec();
    partitions.dedup();
    partitions
}

// In the library, but not in its bindings. The two structures of getaddrinfo
// are only handed on, never looked into.
unsafe extern "C" {
    fn rd_kafka_conf_set_resolve_cb(
        conf: *mut RDKafkaConf,
        resolve_cb: unsafe extern "C" fn(
            *const c_char,
            *const c_char,
            *const c_void,
            *mut *mut c_void,
            *mut c_void,
        ) -> c_int,
    );
    fn getaddrinfo(
        node: *const c_char,
        service: *const c_char,
        hints: *const c_void,
        found: *mut *mut c_void,
    ) -> c_int;
    fn freeaddrinfo(found: *mut c_void);
}

/// A failure of getaddrinfo for names that cannot be asked for; any will do.
const NO_NAME: c_int = -2;

fn rewrite_addresses(config: &NativeClientConfig) {
    // SAFETY: the configuration lives, and `resolve` has the signature that is asked for.
    unsafe { rd_kafka_conf_set_resolve_cb(config.ptr(), resolve) }
}

/// Resolves as getaddrinfo does, with the ways that [`Ways`] knows.
///
/// # Safety
/// Called by librdkafka: strings end in NUL, `opaque` is the client's context
/// (rdkafka puts it there), which outlives the threads that call this. With no
/// node, `found` holds what an earlier call has put there, to be freed.
unsafe extern "C" fn resolve(
    node: *const c_char,
    service: *const c_char,
    hints: *const c_void,
    found: *mut *mut c_void,
    opaque: *mut c_void,
) -> c_int {
    if node.is_null() || service.is_null() {
        // SAFETY: see above.
        unsafe { freeaddrinfo(*found) };
        return 0;
    }
    // SAFETY: see above.
    let (ways, host, port) = unsafe { (&*opaque.cast::<Ways>(), text(node), text(service)) };
    let port = port.parse().unwrap_or_default();
    let place = ways.place_of(&host, port, addresses::resolves_soon);
    let Some((host, port)) = addresses::split(&place) else {
        return NO_NAME;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match (CString::new(host), CString::new(port.to_string())) {
        // SAFETY: the strings live through the call; hints and found came from librdkafka.
        (Ok(host), Ok(port)) => unsafe { getaddrinfo(host.as_ptr(), port.as_ptr(), hints, found) },
        _ => NO_NAME,
    }
}

fn admin_options(
    client: *mut RDKafka,
    question: &Question,
    tag: usize,
    timeout: Duration,
) -> Option<Owned<RDKafkaAdminOptions>> {
    let op = match question {
        Question::Offsets(..) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        Question::List => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
        Question::Describe(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        Question::Committed(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        Question::MinInSync(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
    };
    // SAFETY: the client lives; the options that this returns are ours.
    let options = unsafe { rd::rd_kafka_AdminOptions_new(client, op) };
    let options = Owned::new(options, rd::rd_kafka_AdminOptions_destroy)?;
    let timeout = milliseconds(timeout).max(1);
    // SAFETY: the options live; no buffer for words is a buffer of size 0. The
    // tag is never followed as a pointer.
    unsafe {
        let (options, none) = (options.ptr(), ptr::null_mut());
        rd::rd_kafka_AdminOptions_set_request_timeout(options, timeout, none, 0);
        rd::rd_kafka_AdminOptions_set_opaque(options, ptr::without_provenance_mut(tag));
    }
    Some(options)
}

fn milliseconds(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

fn partition_list(bound: Bound, partitions: &[TopicPartition]) -> Option<Owned<RDKafkaTopicPartitionList>> {
    let offset = match bound {
        Bound::Earliest => rd::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
        Bound::End => rd::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64,
        Bound::At(milliseconds) => milliseconds.max(0),
    };
    let size = c_int::try_from(partitions.len()).unwrap_or_default();
    // SAFETY: the size is only a hint; the list that this returns is ours.
    let list = unsafe { rd::rd_kafka_topic_partition_list_new(size) };
    let list = Owned::new(list, rd::rd_kafka_topic_partition_list_destroy)?;
    for partition in partitions {
        let topic = CString::new(partition.topic.as_str()).ok()?;
        // SAFETY: list and name live; the entry that comes back is the list's
        // own and is written to before the list changes again.
        unsafe {
            let (list, topic) = (list.ptr(), topic.as_ptr());
            let entry = rd::rd_kafka_topic_partition_list_add(list, topic, partition.partition);
            (*entry).offset = offset;
        }
    }
    Some(list)
}

fn all_offsets_of(group: &str) -> Option<Owned<rd::rd_kafka_ListConsumerGroupOffsets_t>> {
    let group = CString::new(group).ok()?;
    // SAFETY: the name lives; no list of partitions means all of them. What
    // this returns is ours.
    let request = unsafe { rd::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), ptr::null()) };
    Owned::new(request, rd::rd_kafka_ListConsumerGroupOffsets_destroy)
}

fn topic_resource(topic: &str) -> Option<Owned<rd::rd_kafka_ConfigResource_t>> {
    let topic = CString::new(topic).ok()?;
    let kind = rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name lives; the resource that this returns is ours.
    let resource = unsafe { rd::rd_kafka_ConfigResource_new(kind, topic.as_ptr()) };
    Owned::new(resource, rd::rd_kafka_ConfigResource_destroy)
}
