//! The Docker Engine: the project's containers, and what their environment
//! tells about the other systems.

pub mod address;
pub mod container;
pub mod discover;
pub mod engine;
pub mod further;
pub mod lines;
pub mod look;
pub mod newest;
pub mod project;
pub mod survey;

pub use discover::{Discovered, told_to};
pub(crate) use engine::{Engine, PROJECT, SERVICE, a_listed, early, inspect, shown_path};
pub(crate) use further::further;
pub(crate) use look::look;
