//! Formats of reports, one file each; `registry` lists those that `--format` takes.

pub mod gfm;
pub mod json;
pub mod lint;
pub mod markdown;
pub mod registry;
pub mod table;
