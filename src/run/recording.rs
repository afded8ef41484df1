//! Reads recordings of evidence for `--replay`, and writes them for `--record`.

use crate::base::error::{Error, Mistake};
use crate::config::Config;
use crate::evidence::recording::{self, RecordingError};
use crate::evidence::{self, Evidence};
use crate::input::text_file::{describe, read_file};
use crate::pipeline::Pipeline;
use std::io;
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

/// Writes the evidence if a file was given with `--record`.
pub(super) fn write_recording(config: &Config, evidence: &Evidence) -> Result<(), Error> {
    let Some(file) = &config.record else {
        return Ok(());
    };
    let document = recording::write(evidence)
        .map_err(|error| Error::Internal(format!("the evidence could not be written: {error}")))?;
    replace_file(file, &document).map_err(|error| {
        let place = format!("--record {}", file.display());
        let mistake = Mistake::new(place, format!("cannot be written: {}", describe(&error)));
        Error::usage(mistake.help("name a file in a directory that you can write to"))
    })
}

/// Checks, before any system is contacted, whether a recording can be written to `file`.
pub(super) fn check_record_file(file: &Path) -> Option<Mistake> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let what = match directory {
        _ if file.is_dir() => "is a directory",
        Some(directory) if !directory.is_dir() => "its directory does not exist",
        _ => return None,
    };
    let mistake = Mistake::new(format!("--record {}", file.display()), what);
    Some(mistake.help("name a file in a directory that you can write to"))
}

/// Writes a file atomically: a failure never leaves a partial file in place of an older one.
/// Follows symbolic links, and writes directly into anything that is not a regular file (a
/// pipe, /dev/null).
fn replace_file(file: &Path, text: &str) -> io::Result<()> {
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    if target.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if target.exists() && !target.is_file() {
        return std::fs::write(&target, text);
    }
    let mut temporary = target.as_os_str().to_owned();
    temporary.push(".part");
    std::fs::write(&temporary, text)?;
    std::fs::rename(&temporary, &target)
}
