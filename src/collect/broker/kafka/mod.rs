//! Kafka: topics, partitions, groups. Reads only: nothing joins, commits or
//! creates. librdkafka blocks in its calls and in its end, so it lives on a
//! thread of its own, which is left behind at the deadline.

pub mod addresses;
pub mod client;
pub mod groups;
pub mod limits;
pub mod look;
pub mod records;
pub mod samples;
pub mod survey;
pub mod sys;
pub mod tls;
pub mod topics;

pub(crate) use limits::{LAST_WORDS, MARGIN, all_unknown};
pub(crate) use look::{Cluster, Told, look};
