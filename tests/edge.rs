//! Tests of how the program interacts with the operating system: output files, signals, panics and
//! limits. They need no running systems.

mod support;

#[path = "edge/files.rs"]
mod files;
#[path = "edge/foreign_directory.rs"]
mod foreign_directory;
#[path = "edge/panics.rs"]
mod panics;
#[path = "edge/signals.rs"]
mod signals;
