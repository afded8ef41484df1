//! Drivers of databases.

pub mod postgres;
