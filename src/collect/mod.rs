//! Drivers, which do all I/O with outside systems. Each one only reads from one system and
//! returns evidence. Drivers never judge and never run past the deadline.

pub mod broker;
mod clock;
pub mod collector;
pub mod database;
pub mod deadline;
pub mod discover;
pub mod discovered;
pub mod env_addresses;
pub mod http;
pub mod http_errors;
pub mod logs;
pub mod name_lookup;
pub mod own_limit;
pub mod progress;
pub mod runtime;
pub mod tls;
pub mod tls_probe;

pub(crate) use clock::{LOOK_BACK, now};
pub(crate) use collector::{check, gather_evidence, prepare};
pub(crate) use deadline::{no_answer, with_deadline};
