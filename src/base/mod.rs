//! What everything may name: errors, secrets, schemas, states.

pub mod error;
pub mod excerpt;
pub mod schema;
pub mod secret;
pub mod states;
