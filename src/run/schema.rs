//! `schema`: what the files that are read, and the JSON that is printed, look like.

use crate::base::error::{Error, exit};
use crate::base::schema::{of_document, of_file};
use crate::cli::SchemaOf;
use crate::fact;
use crate::pipeline::Pipeline;
use crate::report::Report;
use crate::report::format::json::{self, NoReport};
use crate::runbook::catalog::File;
use crate::runbook::schema::with_facts;
use crate::trace::{Trace, Traces};
use clap::ValueEnum;
use schemars::{Schema, SchemaGenerator as Generator};
use std::io::{self, Write};

const USE: &str = "
Each prints the JSON Schema (draft 2020-12) of what stands beside it. An editor
that knows schemas of TOML (taplo, Even Better TOML) completes and checks a file
that names its own in the first line:

  pipeline-doctor schema pipeline > pipeline.schema.json
  #:schema ./pipeline.schema.json
";

/// Prints a schema, or which there are.
pub(super) fn run(of: Option<SchemaOf>) -> Result<u8, Error> {
    let mut out = io::stdout().lock();
    match of {
        Some(of) => json::write(&schema(of), &mut out)?,
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
    values.map(line).collect::<String>() + USE
}

fn schema(of: SchemaOf) -> Schema {
    let no_report = Generator::subschema_for::<NoReport>;
    match of {
        SchemaOf::Pipeline => of_file::<Pipeline>("A pipeline"),
        SchemaOf::Checks => {
            with_facts(of_file::<File>("Steps, checks, signatures and causes"), &fact::registry())
        }
        SchemaOf::Report => {
            of_document("What --json prints", &[Generator::subschema_for::<Report>, no_report])
        }
        SchemaOf::Trace => of_document(
            "What trace --json prints",
            &[Generator::subschema_for::<Trace>, Generator::subschema_for::<Traces>, no_report],
        ),
    }
}
