//! The Docker Engine driver, which reads the project's containers and the addresses of
//! other systems in their environments.

pub mod address;
pub mod client;
pub mod collect;
pub mod container;
mod container_list;
pub mod discovery;
pub mod discovery_logs;
pub mod environment_addresses;
pub mod follow_up;
pub mod log_lines;
pub(crate) mod log_stream;
pub mod project_selection;
mod tls_files;
pub(crate) mod transport;

pub(crate) use client::{Engine, before_deadline, inspect, inspect_all, shown_path};
pub(crate) use collect::collect;
pub(crate) use container_list::{PROJECT, SERVICE};
pub use environment_addresses::{EnvironmentAddresses, address_given_to};
pub(crate) use follow_up::follow_up;
