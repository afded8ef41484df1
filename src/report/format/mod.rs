//! Output formats for reports, one per file; `registry` lists those that `--format` accepts.

pub mod gfm;
pub mod json;
pub mod lint;
pub mod markdown;
pub mod registry;
pub mod table;
