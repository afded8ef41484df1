//! Formats of reports, one file each.

pub mod gfm;
pub mod json;
pub mod lint;
pub mod markdown;
pub mod table;
