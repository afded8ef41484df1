//! The Docker Engine driver, which reads the project's containers and the addresses of
//! other systems in their environments.

pub mod address;
pub mod client;
pub mod collect;
pub mod container;
pub mod discovery;
pub mod discovery_logs;
pub mod environment_addresses;
pub mod follow_up;
pub mod log_lines;
pub mod project_selection;

pub(crate) use client::{Engine, PROJECT, SERVICE, before_deadline, inspect, listed_container, shown_path};
pub(crate) use collect::collect;
pub use environment_addresses::{EnvironmentAddresses, address_given_to};
pub(crate) use follow_up::follow_up;
