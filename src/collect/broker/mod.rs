//! Drivers of brokers.

pub mod kafka;
