//! The settings of a run. Flags take precedence over the environment, and the environment
//! over the pipeline file.

pub mod endpoints;
pub mod environment;
mod known_secrets;
pub mod parse_time;
pub mod pipeline_file;
pub mod pipeline_lookup_flags;
pub mod settings;

pub use endpoints::Endpoints;
pub use environment::Environment;
pub use pipeline_file::pipeline_source;
pub use pipeline_lookup_flags::lookup_flags;
pub use settings::Config;
