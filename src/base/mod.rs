//! What everything may name: errors, secrets, schemas.

pub mod error;
pub mod excerpt;
pub mod schema;
pub mod secret;
