//! Tests of the program's edge: files that it writes, signals, panics, and limits of the
//! operating system. They need no running systems.

mod support;

#[path = "edge/files.rs"]
mod files;
