//! Reads recordings of evidence for `--replay`, and writes them for `--record`.

use crate::base::error::{Error, Mistake};
use crate::config::Config;
use crate::evidence::recording::{self, RecordingError};
use crate::evidence::{self, Evidence};
use crate::input::text_file::{describe, read_file};
use crate::pipeline::Pipeline;
use crate::run::output_file::{self, Existing};
use std::io::{self, Write};
use std::path::Path;

/// Reads a recording. Fails if it does not cover every requested event.
pub(super) fn read_recording(config: &Config, file: &Path) -> Result<Evidence, Error> {
    let text = read_file("--replay", file, "evidence written by --record")?;
    let place = format!("--replay {}", file.display());
    let evidence = parse_recording(&place, &text, &config.pipeline)?;
    let missing = config.target.ids.iter().find(|id| !evidence.target.ids.contains(id));
    match missing {
        Some(id) => {
            let recorded = evidence.target.first_id().map_or("no id", String::as_str);
            let mistake = Mistake::new(place, format!("was recorded for {recorded}, not for {id}"));
            Err(Error::usage(mistake.help("leave out the id: the recording has its own")))
        }
        None => Ok(evidence),
    }
}

/// Parses a recording of `pipeline`. `place` names its source in error messages.
pub(super) fn parse_recording(place: &str, text: &str, pipeline: &Pipeline) -> Result<Evidence, Error> {
    let invalid = |what: String, help: &str| Error::usage(Mistake::new(place, what).help(help));
    let evidence = recording::read(text).map_err(|unread| match unread {
        RecordingError::NotJson(error) => {
            invalid(format!("is not JSON: {error}"), "expected evidence written by --record")
        }
        RecordingError::Schema(schema) => {
            let found = schema.map_or("no schema".to_string(), |schema| format!("schema {schema}"));
            let what = format!("has {found}, but this version reads schema {}", evidence::SCHEMA);
            invalid(what, "record it again with this version")
        }
        RecordingError::NotEvidence(error) => {
            invalid(format!("is not evidence: {error}"), "expected evidence written by --record")
        }
    })?;
    if evidence.target.pipeline != pipeline.name {
        let what =
            format!("was recorded for pipeline `{}`, not for `{}`", evidence.target.pipeline, pipeline.name);
        return Err(invalid(what, "name the file of that pipeline with --config"));
    }
    Ok(evidence)
}

/// Writes the evidence if a file was given with `--record`, after printing has succeeded or failed.
/// `printed` is the exit code so far. A failure is shown on stderr, because stdout already holds
/// the output, and changes the exit code.
pub(super) fn record_after(
    config: &Config,
    evidence: &Evidence,
    printed: Result<u8, Error>,
) -> Result<u8, Error> {
    let Some(Err(error)) = config.record.as_deref().map(|file| record(file, evidence)) else {
        return printed;
    };
    let _ = writeln!(io::stderr(), "{error}");
    printed.map(|_| error.exit_code())
}

fn record(file: &Path, evidence: &Evidence) -> Result<(), Error> {
    let document = recording::write(evidence)
        .map_err(|error| Error::Internal(format!("the evidence could not be written: {error}")))?;
    let written = output_file::write(file, &document, Existing::Replace);
    written
        .map_err(|error| Error::usage(unwritable(file, format!("cannot be written: {}", describe(&error)))))
}

/// Checks, before any system is contacted, whether a recording can be written to `file`.
pub(super) fn check_record_file(file: &Path) -> Option<Mistake> {
    output_file::refusal(file).map(|why| unwritable(file, why.to_string()))
}

fn unwritable(file: &Path, what: String) -> Mistake {
    let mistake = Mistake::new(format!("--record {}", file.display()), what);
    mistake.help("name a file in a directory that you can write to")
}
