//! The Kafka driver, which reads topics, partitions, groups and records. It is read-only:
//! it never joins a group, commits offsets or creates topics. librdkafka blocks in its
//! calls and in its destructor, so it runs on a dedicated thread that is abandoned at the
//! deadline.

pub mod addresses;
pub mod client;
pub mod collect;
pub mod discovery;
pub mod ffi;
pub mod groups;
pub mod offset_samples;
pub mod open_transactions;
pub mod reach;
pub mod record_search;
pub mod timeouts;
pub mod topics;
pub mod waiting_records;
pub mod wire;

pub(crate) use collect::{Cluster, PendingEvents, collect};
pub(crate) use timeouts::{DEADLINE_MARGIN, SHUTDOWN_GRACE, all_unknown};
