//! What a run is to do: flags, else environment, else the pipeline's file.

pub mod lookups;
pub mod pipeline_file;
pub mod places;
pub mod settings;
pub mod times;
pub mod variables;

pub use lookups::lookups;
pub use pipeline_file::pipeline_source;
pub use places::Places;
pub use settings::Config;
pub use variables::Environment;
