//! Requests to a broker that librdkafka is not used for: the first ones, which show how an address answers if it is
//! not a broker, and how much memory librdkafka would allocate; and those that it lacks.

mod connection;
pub mod metadata;
mod protocol;
pub mod transactions;

pub use connection::{Connection, Fault, MAX_FRAME_MB};
