//! The recordings and their ground truth.

use crate::judge::{Judge, Judged};
use pipeline_doctor::evidence::{Evidence, recording};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The ground truth for a recording, as a human expert would name it: a row of
/// `tests/sandbox/faults.toml` or `tests/scenarios/truth.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Truth {
    /// The recording's name. Only faults have this field.
    #[serde(default)]
    pub scenario: String,
    /// The cause; `None` if healthy.
    pub cause: Option<String>,
    /// Causes that are also correct, but less exact.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// The subjects that the expert would name.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// The kind of fault. Only faults have this field.
    #[serde(default)]
    pub kind: String,
    /// The first cause that was named when the fault was first injected, before any row was changed because
    /// of it. Faults that rows were tuned on from the start lack it.
    pub first_sight: Option<String>,
    /// The expected exit code. Only rows of `truth.toml` have this field.
    pub exit_code: Option<u8>,
}

impl Truth {
    /// Reports whether this cause is correct.
    pub fn names(&self, id: &str) -> bool {
        self.cause.as_deref() == Some(id) || self.or.iter().any(|or| or == id)
    }
}

/// A recording of one fault or a pair, with its ground truth.
pub struct Case {
    /// The fault's id, or `F02+F22` for a pair.
    pub id: String,
    /// The recording's name.
    pub name: String,
    /// The recorded evidence.
    pub evidence: Evidence,
    /// The ground truth for each injected fault.
    pub truths: Vec<Truth>,
}

/// All recordings.
pub struct Corpus {
    /// Recordings of one fault.
    pub singles: Vec<Case>,
    /// Recordings of two faults at once.
    pub pairs: Vec<Case>,
    /// Recordings without a fault.
    pub healthy: Vec<Case>,
    /// Recordings made live without access to one system: recording, system, evidence.
    pub without: Vec<(String, String, Evidence)>,
    /// Whether the printed actions fixed the fault, by recording.
    pub remedies: BTreeMap<String, String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read_toml<T: serde::de::DeserializeOwned>(file: &str) -> Result<T, String> {
    let text = std::fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{file}: {error}"))
}

fn evidence(file: &Path) -> Result<Evidence, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    recording::read(&text).map_err(|unread| format!("{}: {unread:?}", file.display()))
}

fn recordings(directory: &str) -> Result<Vec<PathBuf>, String> {
    let directory = root().join(directory);
    let entries =
        std::fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns a key that sorts `F2` before `F10`, and `F13` before `F13b`.
fn sort_key(id: &str) -> (u32, String) {
    let digits: String = id.chars().skip(1).take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(0), id.to_string())
}

impl Corpus {
    /// Reads all recordings. A fault without a recording is an error.
    pub fn read() -> Result<Corpus, String> {
        let faults: BTreeMap<String, Truth> = read_toml("tests/sandbox/faults.toml")?;
        let others: BTreeMap<String, Truth> = read_toml("tests/scenarios/truth.toml")?;
        let mut corpus = Corpus {
            singles: Vec::new(),
            pairs: Vec::new(),
            healthy: Vec::new(),
            without: Vec::new(),
            remedies: read_toml("tests/scenarios/remedies.toml")?,
        };
        for (id, truth) in &faults {
            let file = root().join(format!("tests/scenarios/{}.json", truth.scenario));
            let case = Case {
                id: id.clone(),
                name: truth.scenario.clone(),
                evidence: evidence(&file)?,
                truths: vec![truth.clone()],
            };
            if truth.cause.is_some() { corpus.singles.push(case) } else { corpus.healthy.push(case) }
        }
        for file in recordings("tests/scenarios")? {
            let name = stem(&file);
            if let Some((first, second)) = name.split_once('+') {
                let fault = |name: &str| faults.iter().find(|(_, truth)| truth.scenario == name);
                let (Some((a, first)), Some((b, second))) = (fault(first), fault(second)) else {
                    return Err(format!("{name}.json: expected the names of two recordings, joined by `+`"));
                };
                let truths = vec![first.clone(), second.clone()];
                corpus.pairs.push(Case { id: format!("{a}+{b}"), name, evidence: evidence(&file)?, truths });
            } else if let Some(truth) = others.get(&name).filter(|truth| truth.exit_code == Some(0)) {
                let truths = vec![truth.clone()];
                corpus.healthy.push(Case { id: "-".into(), name, evidence: evidence(&file)?, truths });
            }
        }
        for file in recordings("tests/scenarios/without")? {
            let name = stem(&file);
            let (scenario, system) =
                name.rsplit_once('.').ok_or(format!("{name}.json: no system in the file name"))?;
            corpus.without.push((scenario.to_string(), system.to_string(), evidence(&file)?));
        }
        corpus.singles.sort_by_key(|case| sort_key(&case.id));
        corpus.pairs.sort_by_key(|case| sort_key(&case.id));
        Ok(corpus)
    }
}

/// Compares a fresh injection of a fault with its recording. Fails unless the first cause
/// and the failed checks are the same.
pub fn compare(id: &str, live: &str) -> Result<(), String> {
    let corpus = Corpus::read()?;
    let all = corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let case = all.into_iter().find(|case| case.id == id).ok_or(format!("no recording of `{id}`"))?;
    let judge = Judge::new();
    let (recorded, now) = (judge.judge(&case.evidence), judge.judge(&evidence(Path::new(live))?));
    let first = |judged: &Judged| judged.causes.first().map(|cause| cause.id.clone());
    let only_in =
        |a: &[String], b: &[String]| a.iter().filter(|check| !b.contains(check)).cloned().collect::<Vec<_>>();
    let (gone, new) = (only_in(&recorded.failed, &now.failed), only_in(&now.failed, &recorded.failed));
    let named = first(&now).unwrap_or_else(|| "no cause".into());
    if first(&recorded) == first(&now) && gone.is_empty() && new.is_empty() {
        println!("{id}: {named} and {} failed checks, as recorded", now.failed.len());
        return Ok(());
    }
    let expected = first(&recorded).unwrap_or_else(|| "no cause".into());
    Err(format!("{id}: {named}, recorded {expected}; no longer failing: {gone:?}; newly failing: {new:?}"))
}
