//! The file of the pipeline: the one that a flag names, or the built-in one.

use crate::base::error::Error;
use crate::input::Source;
use crate::input::file::read_file;
use std::path::Path;

/// The pipeline that is built in.
const BUILT_IN: &str = include_str!("../../checks/pipeline.toml");

/// The pipeline that a flag names, or the built-in one.
pub fn pipeline_source(file: Option<&Path>) -> Result<Source, Error> {
    let Some(file) = file else {
        return Ok(Source { name: "built-in/pipeline.toml".into(), text: BUILT_IN.into() });
    };
    Ok(Source { name: file.display().to_string(), text: read_file("--config", file, "a pipeline in TOML")? })
}
