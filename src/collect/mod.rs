//! Drivers, which do all I/O with outside systems. Each driver only reads from one system and
//! returns evidence. Drivers never judge and never run past the deadline.

pub mod broker;
mod clock;
pub mod collector;
mod connection_strings;
pub mod cost;
pub mod database;
pub mod deadline;
pub mod discover;
pub mod discovered;
mod driver_results;
pub mod env_addresses;
pub mod error_chain;
pub mod http;
pub mod http_errors;
pub mod interrupt;
pub mod logs;
pub mod name_lookup;
pub mod own_limit;
pub mod progress;
pub mod runtime;
pub mod tls;
pub mod tls_probe;

pub(crate) use clock::{LOOK_BACK, check_clock, now};
pub(crate) use collector::{check, gather_evidence, prepare};
pub(crate) use deadline::{no_answer, timeout_at, with_deadline, without_pending};
pub(crate) use runtime::compose::end_all as end_children;
