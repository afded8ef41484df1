//! PostgreSQL: one connection, one read-only transaction, what it shows.

pub mod across;
pub mod address;
pub mod connect;
pub mod databases;
pub mod event;
pub mod look;
pub mod marks;
pub mod neighbours;
pub mod open;
pub mod others;
pub mod own;
pub mod prepare;
pub mod schemas;
pub mod session;
pub mod sessions;
pub mod ssl;
pub mod stages;
pub mod survey;
pub mod tls;
pub mod why;

pub(crate) use look::{Looked, look};
pub(crate) use open::{LAST_WORDS, NO_ID, NO_MARKS, Opened, Place, open, place};
