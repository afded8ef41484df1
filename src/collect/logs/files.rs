//! Logs from files (`--logs DIR`): one for each component, `NAME.log` or `NAME/*.log`, also as `.gz`.

use crate::base::error::Mistake;
use crate::base::unavailable_reason::{Reason, ReasonKind};
use crate::collect::logs::component::Component;
use crate::collect::logs::filter::Criteria;
use crate::collect::logs::framing::Unframer;
use crate::collect::logs::intake::Intake;
use crate::collect::runtime::docker::log_lines::MAX_LINE_LENGTH;
use crate::collect::runtime::docker::shown_path;
use crate::evidence::{Log, LogSource, Observed, Reach};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// Most bytes that are read of one component's files, unpacked.
const MAX_BYTES: u64 = 256 << 20;
/// Most files of one component.
const MAX_FILES: usize = 100;

/// Checks that the directory can be read.
pub(crate) fn check(directory: &Path) -> Option<Mistake> {
    let what = match fs::metadata(directory) {
        Ok(found) if found.is_dir() => fs::read_dir(directory).err()?.to_string(),
        Ok(_) => "it is not a directory".to_string(),
        Err(error) => error.to_string(),
    };
    let mistake = Mistake::new("--logs", format!("cannot read {}: {what}", directory.display()));
    Some(mistake.help("expected a directory with a file NAME.log, or files NAME/*.log, for each component"))
}

/// Reads the log of a component from its files.
pub(super) fn read(
    directory: &Path,
    component: &Component<'_>,
    criteria: &Criteria,
    until: Instant,
) -> Observed<Log> {
    let names = [Some(component.name), component.container].into_iter().flatten();
    let files = names.map(|name| files_of(directory, name)).find(|files| !files.is_empty());
    let Some(files) = files else {
        let message = format!("no file {}.log in {}", component.name, shown_path(directory));
        return Observed::unknown(ReasonKind::Missing, message);
    };
    let mut reading = Reading {
        lines: Unframer::default(),
        intake: Intake::new(criteria, component.started),
        left: MAX_BYTES,
        until,
    };
    let mut is_complete = true;
    for file in &files {
        match reading.file(file) {
            Ok(complete) => is_complete &= complete,
            Err(error) => {
                let message = format!("cannot read {}: {error}", shown_path(file));
                return Observed::Unknown(Reason::new(ReasonKind::Failed, message));
            }
        }
    }
    Observed::Known(reading.finish(&files[0], is_complete))
}

/// Returns the regular files of a component, by name. Links are not followed: they may lead out of the
/// directory.
fn files_of(directory: &Path, name: &str) -> Vec<PathBuf> {
    // A name is one part of a path.
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return Vec::new();
    }
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    let single = [format!("{name}.log"), format!("{name}.log.gz")].map(|file| directory.join(file));
    let mut files: Vec<PathBuf> = single.into_iter().filter(is_file).collect();
    let below = directory.join(name);
    if files.is_empty() && fs::symlink_metadata(&below).is_ok_and(|found| found.is_dir()) {
        let is_log = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.ends_with(".log") || name.ends_with(".log.gz") || name.contains(".log.")
        };
        let entries = fs::read_dir(&below).into_iter().flatten().flatten().map(|entry| entry.path());
        files = entries.filter(is_log).filter(is_file).take(MAX_FILES).collect();
        // `app.log.2` is older than `app.log.1`, which is older than `app.log`.
        files.sort_by_key(|path| (std::cmp::Reverse(rotation(path)), path.clone()));
    }
    files
}

/// Returns the number that rotation has given to a file.
fn rotation(path: &Path) -> u32 {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.trim_end_matches(".gz").rsplit('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The state of reading one component's files.
struct Reading<'a> {
    lines: Unframer,
    intake: Intake<'a>,
    left: u64,
    until: Instant,
}

impl Reading<'_> {
    /// Reads a file, and reports whether it was read to its end.
    fn file(&mut self, path: &Path) -> std::io::Result<bool> {
        let file = File::open(path)?;
        let is_packed = path.extension().is_some_and(|extension| extension == "gz");
        let reader: Box<dyn Read> =
            if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let mut line = Vec::new();
        while next_line(&mut reader, &mut line, &mut self.left)? {
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\n', '\r']);
            let Reading { lines, intake, .. } = self;
            intake.stats.bytes += text.len() as u64;
            lines.add(text, &mut |line| intake.add(line));
            if Instant::now() >= self.until {
                return Ok(false);
            }
        }
        Ok(self.left > 0)
    }

    fn finish(self, path: &Path, is_complete: bool) -> Log {
        let Reading { mut lines, mut intake, .. } = self;
        lines.end(&mut |line| intake.add(line));
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        intake.finish(name, LogSource::File(shown_path(path)), |stats, since| {
            match stats.from.is_some_and(|from| from <= since) {
                _ if !is_complete => Reach::Limit,
                true => Reach::Wanted,
                false => Reach::Beginning,
            }
        })
    }
}

/// Reads the next line, with its end. Returns `false` at the end of the file or of what may be read.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>, left: &mut u64) -> std::io::Result<bool> {
    line.clear();
    let mut is_end = true;
    while *left > 0 {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        is_end = false;
        let end = memchr::memchr(b'\n', buffer);
        let length = end.map_or(buffer.len(), |end| end + 1);
        let room = MAX_LINE_LENGTH.saturating_sub(line.len());
        line.extend_from_slice(&buffer[..length.min(room)]);
        reader.consume(length);
        *left = left.saturating_sub(length as u64);
        if end.is_some() {
            break;
        }
    }
    Ok(!is_end)
}
