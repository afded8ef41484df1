//! Reads the pipeline file given with `--config`, or the built-in one.

use crate::base::error::Error;
use crate::input::Source;
use crate::input::text_file::read_file;
use std::path::Path;

/// The built-in pipeline.
const BUILT_IN: &str = include_str!("../../checks/pipeline.toml");

/// Reads the pipeline from `file`, or returns the built-in one if there is no file.
pub fn pipeline_source(file: Option<&Path>) -> Result<Source, Error> {
    let Some(file) = file else {
        return Ok(Source { name: "built-in/pipeline.toml".into(), text: BUILT_IN.into() });
    };
    Ok(Source { name: file.display().to_string(), text: read_file("--config", file, "a pipeline in TOML")? })
}
