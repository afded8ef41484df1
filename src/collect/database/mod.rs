//! Database drivers.

pub mod postgres;
