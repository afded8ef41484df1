//! Types that every module may use: errors, reasons, systems, states, secrets, untrusted text and
//! JSON Schema helpers.

pub mod counters;
pub mod error;
pub mod error_excerpt;
pub mod interruption;
pub mod json_schema;
pub mod name;
pub mod observed;
pub mod panics;
pub mod renamed_ids;
pub mod secret;
pub mod state_enum;
pub mod system_kinds;
pub mod unavailable_reason;
pub mod untrusted;
pub mod uuid;
pub mod visible_text;
