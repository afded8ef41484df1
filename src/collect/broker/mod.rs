//! Broker drivers.

pub mod kafka;
