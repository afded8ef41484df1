//! `schema`: prints the JSON Schema of an input file or of the JSON output.

use crate::base::error::{Error, exit};
use crate::base::json_schema::{document_schema, file_schema};
use crate::cli::SchemaOf;
use crate::fact;
use crate::pipeline::Pipeline;
use crate::report::Report;
use crate::report::format::json::{self, NoReport};
use crate::runbook::catalog::File;
use crate::runbook::json_schema::with_facts;
use crate::trace::{Trace, Traces};
use clap::ValueEnum;
use schemars::{Schema, SchemaGenerator as Generator};
use std::io::{self, Write};

const USAGE: &str = "
Each command prints the JSON Schema (draft 2020-12) of the format next to it.
An editor with schema support for TOML (taplo, Even Better TOML) completes and
checks a file that names its schema in the first line:

  pipeline-doctor schema pipeline > pipeline.schema.json
  #:schema ./pipeline.schema.json
";

/// Prints a schema, or the list of schemas.
pub(super) fn run(name: Option<SchemaOf>) -> Result<u8, Error> {
    let mut out = io::stdout().lock();
    match name {
        Some(name) => json::write(&schema(name), &mut out)?,
        None => out.write_all(list().as_bytes())?,
    }
    Ok(exit::HEALTHY)
}

fn list() -> String {
    let values = SchemaOf::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let line = |value: clap::builder::PossibleValue| {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("pipeline-doctor schema {:<12}{help}\n", value.get_name())
    };
    values.map(line).collect::<String>() + USAGE
}

fn schema(name: SchemaOf) -> Schema {
    let no_report = Generator::subschema_for::<NoReport>;
    match name {
        SchemaOf::Pipeline => file_schema::<Pipeline>("A pipeline"),
        SchemaOf::Checks => {
            with_facts(file_schema::<File>("Steps, checks, signatures and causes"), &fact::registry())
        }
        SchemaOf::Report => {
            document_schema("The output of --json", &[Generator::subschema_for::<Report>, no_report])
        }
        SchemaOf::Trace => document_schema(
            "The output of trace --json",
            &[Generator::subschema_for::<Trace>, Generator::subschema_for::<Traces>, no_report],
        ),
    }
}
