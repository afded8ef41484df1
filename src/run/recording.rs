//! Recordings of evidence: read with `--replay`, written with `--record`.

use crate::base::error::{Error, Mistake};
use crate::config::Config;
use crate::evidence::recording::{self, Unread};
use crate::evidence::{self, Evidence};
use crate::input::file::{in_words, read_file};
use crate::pipeline::Pipeline;
use std::io;
use std::path::Path;

/// A recording, if it is of the event that was asked about.
pub(super) fn recorded(config: &Config, file: &Path) -> Result<Evidence, Error> {
    let text = read_file("--replay", file, "evidence written by --record")?;
    let place = format!("--replay {}", file.display());
    let evidence = replayed(&place, &text, &config.pipeline)?;
    let of_another = config.target.ids.iter().find(|asked| !evidence.target.ids.contains(asked));
    match of_another {
        Some(id) => {
            let recorded = evidence.target.first_id().map_or("no id", String::as_str);
            let mistake = Mistake::new(place, format!("was recorded of {recorded}, not of {id}"));
            Err(Error::usage(mistake.help("leave the id out: the recording has its own")))
        }
        None => Ok(evidence),
    }
}

/// Evidence from its document.
pub(super) fn replayed(place: &str, text: &str, pipeline: &Pipeline) -> Result<Evidence, Error> {
    let wrong = |what: String, help: &str| Error::usage(Mistake::new(place, what).help(help));
    let evidence = recording::read(text).map_err(|unread| match unread {
        Unread::NotJson(error) => {
            wrong(format!("is not JSON: {error}"), "expected evidence written by --record")
        }
        Unread::Schema(schema) => {
            let found = schema.map_or("no schema".to_string(), |schema| format!("schema {schema}"));
            let what = format!("holds {found}, this program reads schema {}", evidence::SCHEMA);
            wrong(what, "record it again with this version")
        }
        Unread::NotEvidence(error) => {
            wrong(format!("is not evidence: {error}"), "expected evidence written by --record")
        }
    })?;
    if evidence.target.pipeline != pipeline.name {
        let what =
            format!("was recorded of pipeline `{}`, not of `{}`", evidence.target.pipeline, pipeline.name);
        return Err(wrong(what, "name that pipeline's file with --config"));
    }
    Ok(evidence)
}

/// Writes the evidence where that was asked for.
pub(super) fn record(config: &Config, evidence: &Evidence) -> Result<(), Error> {
    let Some(file) = &config.record else {
        return Ok(());
    };
    let document = recording::write(evidence)
        .map_err(|error| Error::Internal(format!("the evidence could not be written: {error}")))?;
    write_whole(file, &document).map_err(|error| {
        let place = format!("--record {}", file.display());
        let mistake = Mistake::new(place, format!("cannot be written: {}", in_words(&error)));
        Error::usage(mistake.help("name a file in a directory that you may write to"))
    })
}

/// Why a recording cannot be written there, told before anything is looked at.
pub(super) fn no_place_for(file: &Path) -> Option<Mistake> {
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let what = match directory {
        _ if file.is_dir() => "is a directory",
        Some(directory) if !directory.is_dir() => "its directory is not there",
        _ => return None,
    };
    let mistake = Mistake::new(format!("--record {}", file.display()), what);
    Some(mistake.help("name a file in a directory that you may write to"))
}

/// Never leaves half a file behind in the place of an older one. A link stays a
/// link, and what is no file (a pipe, /dev/null) is written into.
fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let target = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    if target.is_dir() {
        return Err(io::Error::other("is a directory"));
    }
    if target.exists() && !target.is_file() {
        return std::fs::write(&target, text);
    }
    let mut beside = target.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, &target)
}
