//! librdkafka features that rdkafka's safe API lacks: address rewriting, the event queue,
//! offsets for many partitions, and groups. All of the driver's unsafe code is in this module and
//! its submodules.

// Every unsafe block says why it is sound; the rest of the program has none.
#![allow(unsafe_code)]

pub mod consumer;
pub mod events;
pub mod leaders;

pub use events::{Event, GroupDescription, NativeError, Response};

use crate::collect::broker::kafka::addresses::{self, AddressMap};
use crate::collect::own_limit::open_files_limit;
use crate::evidence::TopicPartition;
use crate::text::plural;
use events::text;
use rdkafka::client::Client;
use rdkafka::config::{ClientConfig, NativeClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{
    RDKafka, RDKafkaAdminOp, RDKafkaAdminOptions, RDKafkaConf, RDKafkaQueue, RDKafkaTopic,
    RDKafkaTopicPartitionList, RDKafkaType,
};
use rdkafka_sys as rd;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// A native object that is freed when dropped.
struct Owned<T> {
    native: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes ownership of an object that librdkafka returned; `None` if it is null.
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
        // SAFETY: we own the object, and `free` is its destructor, which is called only here.
        unsafe { (self.free)(self.native.as_ptr()) }
    }
}

/// A request to the broker; the response arrives on the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// ListOffsets for these partitions.
    Offsets(OffsetSpec, Vec<TopicPartition>),
    /// DescribeConsumerGroups for this group.
    Describe(String),
    /// ListGroups on every broker.
    ListGroups,
    /// OffsetFetch for all partitions in which this group has committed offsets.
    Committed(String),
    /// DescribeConfigs for these topics.
    TopicSettings(Vec<String>),
}

impl Request {
    /// Names the request, with what it asks for.
    pub fn describe(&self) -> String {
        match self {
            Request::Offsets(spec, places) => {
                format!("ListOffsets {spec:?} of {}", plural::count(places.len() as u64, "partition"))
            }
            Request::Describe(group) => format!("DescribeConsumerGroups {group}"),
            Request::ListGroups => "ListGroups".to_string(),
            Request::Committed(group) => format!("OffsetFetch {group}"),
            Request::TopicSettings(topics) => format!("DescribeConfigs {}", topics.join(", ")),
        }
    }
}

/// Which offset of a partition to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The offset of the oldest record that still exists.
    Earliest,
    /// The offset after the newest record.
    Latest,
    /// The offset of the first record of the oldest open transaction, or else that after the
    /// newest record.
    LastStable,
    /// The offset of the first record with this timestamp or a later one (milliseconds
    /// since 1970).
    Timestamp(i64),
}

/// A client and its event queue. Calls may block for up to their timeout, and dropping the
/// client may block longer, so use it only on a dedicated thread.
pub struct NativeClient {
    // Field order matters: the queue and the topics must be dropped before the client.
    queue: Owned<RDKafkaQueue>,
    /// The topics that are asked for, by name.
    known_topics: RefCell<BTreeMap<String, Owned<RDKafkaTopic>>>,
    client: Client<AddressMap>,
}

impl NativeClient {
    /// Creates a read-only client that connects to brokers through `address_map`.
    pub fn open(config: &mut ClientConfig, address_map: AddressMap) -> KafkaResult<NativeClient> {
        // librdkafka logs closed connections at this level.
        config.set_log_level(RDKafkaLogLevel::Info);
        let native = config.create_native_config()?;
        rewrite_addresses(&native);
        let client = Client::new(config, native, RDKafkaType::RD_KAFKA_CONSUMER, address_map)?;
        // SAFETY: the client is alive; the returned reference is released when the
        // queue is dropped, before the client.
        let queue = unsafe { rd::rd_kafka_queue_get_main(client.native_ptr()) };
        let queue = Owned::new(queue, rd::rd_kafka_queue_destroy)
            .ok_or_else(|| KafkaError::ClientCreation("no event queue".into()))?;
        Ok(NativeClient { queue, known_topics: RefCell::default(), client })
    }

    /// Returns the client's address map.
    pub fn address_map(&self) -> &AddressMap {
        self.client.context()
    }

    /// Sends a request, or returns `None` if a name is not valid in Kafka.
    /// [`NativeClient::next_event`] returns the response with this tag within `timeout`.
    pub fn send(&self, tag: usize, request: &Request, timeout: Duration) -> Option<()> {
        let (client, queue) = (self.client.native_ptr(), self.queue.ptr());
        let options = admin_options(client, request, tag, timeout)?;
        let options = options.ptr();
        match request {
            Request::Offsets(spec, partitions) => {
                let list = partition_list(*spec, partitions)?;
                // SAFETY: all pointers are valid during the call, which copies what it needs.
                unsafe { rd::rd_kafka_ListOffsets(client, list.ptr(), options, queue) }
            }
            Request::Describe(group) => {
                let group = CString::new(group.as_str()).ok()?;
                let mut groups = [group.as_ptr()];
                // SAFETY: as above; the array has exactly one entry.
                unsafe {
                    let groups = groups.as_mut_ptr();
                    rd::rd_kafka_DescribeConsumerGroups(client, groups, 1, options, queue);
                }
            }
            // SAFETY: as above.
            Request::ListGroups => unsafe { rd::rd_kafka_ListConsumerGroups(client, options, queue) },
            Request::Committed(group) => {
                let offsets_request = committed_offsets_request(group)?;
                let mut requests = [offsets_request.ptr()];
                // SAFETY: as above.
                unsafe {
                    let requests = requests.as_mut_ptr();
                    rd::rd_kafka_ListConsumerGroupOffsets(client, requests, 1, options, queue);
                }
            }
            Request::TopicSettings(topics) => {
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

    /// Returns the next event, waiting for up to `timeout`.
    pub fn next_event(&self, timeout: Duration) -> Option<Event> {
        // SAFETY: the queue is alive; we own the returned event.
        let event = unsafe { rd::rd_kafka_queue_poll(self.queue.ptr(), milliseconds(timeout)) };
        let event = Owned::new(event, rd::rd_kafka_event_destroy)?;
        // SAFETY: the event lives until the end of this function, and everything read
        // from it is copied.
        Some(unsafe { events::read_event(event.ptr()) })
    }
}

/// Returns the partitions that a key maps to with the Java partitioner (murmur2) and with
/// librdkafka's default (CRC32).
pub fn partitions_of_key(key: &[u8], count: i32) -> Vec<i32> {
    if count < 1 {
        return Vec::new();
    }
    let partitioners = [rd::rd_kafka_msg_partitioner_murmur2, rd::rd_kafka_msg_partitioner_consistent];
    let partitions = partitioners.map(|partitioner| {
        // SAFETY: both functions read only the key and the count.
        unsafe {
            partitioner(ptr::null(), key.as_ptr().cast(), key.len(), count, ptr::null_mut(), ptr::null_mut())
        }
    });
    let mut partitions = partitions.to_vec();
    partitions.dedup();
    partitions
}

// These functions are not in the Rust bindings. The getaddrinfo structures are only passed
// through and never accessed.
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

/// Error code for names that cannot be resolved (glibc's `EAI_NONAME`); any nonzero
/// value works.
const NO_NAME: c_int = -2;

fn rewrite_addresses(config: &NativeClientConfig) {
    // SAFETY: the configuration is alive, and `resolve` has the required signature.
    unsafe { rd_kafka_conf_set_resolve_cb(config.ptr(), resolve) }
}

/// Resolves an address like getaddrinfo, after mapping it with [`AddressMap`].
///
/// # Safety
/// Called by librdkafka: strings are NUL-terminated, and `opaque` is the client's
/// context (set by rdkafka), which outlives the calling threads. If `node` is null,
/// `found` holds the result of an earlier call, to be freed.
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
    let (address_map, host, port) = unsafe { (&*opaque.cast::<AddressMap>(), text(node), text(service)) };
    let port = port.parse().unwrap_or_default();
    let address = address_map.map(&host, port, addresses::resolves);
    let Some((host, port)) = addresses::split_host_port(&address) else {
        return NO_NAME;
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let result = match (CString::new(host), CString::new(port.to_string())) {
        // SAFETY: the strings are valid during the call; hints and found come from librdkafka.
        (Ok(host), Ok(port)) => unsafe { getaddrinfo(host.as_ptr(), port.as_ptr(), hints, found) },
        _ => NO_NAME,
    };
    if result != 0 && open_files_limit().is_some() {
        address_map.record_limit();
    }
    result
}

fn admin_options(
    client: *mut RDKafka,
    request: &Request,
    tag: usize,
    timeout: Duration,
) -> Option<Owned<RDKafkaAdminOptions>> {
    let op = match request {
        Request::Offsets(..) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTOFFSETS,
        Request::ListGroups => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS,
        Request::Describe(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
        Request::Committed(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
        Request::TopicSettings(_) => RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS,
    };
    // SAFETY: the client is alive; we own the returned options.
    let options = unsafe { rd::rd_kafka_AdminOptions_new(client, op) };
    let options = Owned::new(options, rd::rd_kafka_AdminOptions_destroy)?;
    let timeout = milliseconds(timeout).max(1);
    // SAFETY: the options are alive; a null error buffer has size 0. The tag is never
    // dereferenced.
    unsafe {
        let (options, none) = (options.ptr(), ptr::null_mut());
        rd::rd_kafka_AdminOptions_set_request_timeout(options, timeout, none, 0);
        rd::rd_kafka_AdminOptions_set_opaque(options, ptr::without_provenance_mut(tag));
        if matches!(request, Request::Offsets(OffsetSpec::LastStable, _)) {
            let committed = rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED;
            let error = rd::rd_kafka_AdminOptions_set_isolation_level(options, committed);
            rd::rd_kafka_error_destroy(error);
        }
    }
    Some(options)
}

fn milliseconds(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

fn partition_list(
    spec: OffsetSpec,
    partitions: &[TopicPartition],
) -> Option<Owned<RDKafkaTopicPartitionList>> {
    let offset = match spec {
        OffsetSpec::Earliest => rd::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_EARLIEST as i64,
        OffsetSpec::Latest | OffsetSpec::LastStable => {
            rd::rd_kafka_OffsetSpec_t::RD_KAFKA_OFFSET_SPEC_LATEST as i64
        }
        OffsetSpec::Timestamp(milliseconds) => milliseconds.max(0),
    };
    let size = c_int::try_from(partitions.len()).unwrap_or_default();
    // SAFETY: the size is only a hint; we own the returned list.
    let list = unsafe { rd::rd_kafka_topic_partition_list_new(size) };
    let list = Owned::new(list, rd::rd_kafka_topic_partition_list_destroy)?;
    for partition in partitions {
        let topic = CString::new(partition.topic.as_str()).ok()?;
        // SAFETY: list and name are alive; the returned entry belongs to the list and is
        // written before the list changes again.
        unsafe {
            let (list, topic) = (list.ptr(), topic.as_ptr());
            let entry = rd::rd_kafka_topic_partition_list_add(list, topic, partition.partition);
            (*entry).offset = offset;
        }
    }
    Some(list)
}

fn committed_offsets_request(group: &str) -> Option<Owned<rd::rd_kafka_ListConsumerGroupOffsets_t>> {
    let group = CString::new(group).ok()?;
    // SAFETY: the name is alive; a null list means all partitions. We own the returned
    // request.
    let request = unsafe { rd::rd_kafka_ListConsumerGroupOffsets_new(group.as_ptr(), ptr::null()) };
    Owned::new(request, rd::rd_kafka_ListConsumerGroupOffsets_destroy)
}

fn topic_resource(topic: &str) -> Option<Owned<rd::rd_kafka_ConfigResource_t>> {
    let topic = CString::new(topic).ok()?;
    let kind = rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC;
    // SAFETY: the name is alive; we own the returned resource.
    let resource = unsafe { rd::rd_kafka_ConfigResource_new(kind, topic.as_ptr()) };
    Owned::new(resource, rd::rd_kafka_ConfigResource_destroy)
}
