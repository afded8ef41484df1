//! Probes: the only I/O. Each talks to one outside system, read-only, and
//! returns evidence. None judges, none outlives the deadline.

pub mod addresses;
pub mod broker;
pub mod database;
pub mod deadline;
pub mod discover;
pub mod discovery;
pub mod failure;
pub mod gather;
pub mod http;
pub mod logs;
pub mod progress;
pub mod runtime;
pub mod tls;

pub(crate) use deadline::{CLOCKS, in_time, no_answer, now};
pub(crate) use gather::{check, gather, prepare};
