//! What everything may name: errors, reasons, systems, states, secrets, text from
//! outside, schemas.

pub mod error;
pub mod excerpt;
pub mod name;
pub mod observed;
pub mod reason;
pub mod schema;
pub mod secret;
pub mod states;
pub mod system;
pub mod untrusted;
