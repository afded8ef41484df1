//! The recordings and their truths.

use crate::judged::Judge;
use pipeline_doctor::evidence::{Evidence, recording};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was injected, and what a human expert would name: a row of
/// `tests/sandbox/faults.toml`, or of `tests/scenarios/truth.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Truth {
    /// The recording's name; only faults have it.
    #[serde(default)]
    pub scenario: String,
    /// The cause; none: healthy.
    pub cause: Option<String>,
    /// Causes that say the same, less exactly.
    #[serde(default, rename = "or")]
    pub or: Vec<String>,
    /// Whom the expert would name.
    #[serde(default)]
    pub subjects: Vec<String>,
    /// How the program ends; of truth.toml.
    pub exit_code: Option<u8>,
}

impl Truth {
    /// Whether this cause is right.
    pub fn names(&self, id: &str) -> bool {
        self.cause.as_deref() == Some(id) || self.or.iter().any(|or| or == id)
    }
}

/// A recording of one fault, or of two, and the truth about it.
pub struct Case {
    /// The fault's id, `F02+F22` for a pair.
    pub id: String,
    /// The recording's name.
    pub name: String,
    /// What was seen.
    pub evidence: Evidence,
    /// The truth about each fault that is in it.
    pub truths: Vec<Truth>,
}

/// Everything that was recorded.
pub struct Corpus {
    /// One fault each.
    pub singles: Vec<Case>,
    /// Two at once.
    pub pairs: Vec<Case>,
    /// Recordings in which nothing is wrong.
    pub healthy: Vec<Case>,
    /// Looked at live without a system, by the fault's id and the system.
    pub without: Vec<(String, String, Evidence)>,
    /// How the printed actions went, by recording.
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

/// `F2` before `F10`, and `F13` before `F13b`.
fn order(id: &str) -> (u32, String) {
    let digits: String = id.chars().skip(1).take_while(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(0), id.to_string())
}

impl Corpus {
    /// Reads all of it. A fault without its recording is an error.
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
                let of = |name: &str| faults.iter().find(|(_, truth)| truth.scenario == name);
                let (Some((a, first)), Some((b, second))) = (of(first), of(second)) else {
                    return Err(format!("{name}: not the names of two faults"));
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
            let (scenario, system) = name.rsplit_once('.').ok_or(format!("{name}: no system"))?;
            corpus.without.push((scenario.to_string(), system.to_string(), evidence(&file)?));
        }
        corpus.singles.sort_by_key(|case| order(&case.id));
        corpus.pairs.sort_by_key(|case| order(&case.id));
        Ok(corpus)
    }
}

/// Whether a fault that was injected again shows as in its recording: the same
/// first cause, and the same failed checks.
pub fn compare(id: &str, live: &str) -> Result<(), String> {
    let corpus = Corpus::read()?;
    let all = corpus.singles.iter().chain(&corpus.pairs).chain(&corpus.healthy);
    let case = all.into_iter().find(|case| case.id == id).ok_or(format!("no recording of `{id}`"))?;
    let judge = Judge::new();
    let (then, now) = (judge.judge(&case.evidence), judge.judge(&evidence(Path::new(live))?));
    let first = |judged: &crate::judged::Judged| judged.causes.first().map(|cause| cause.id.clone());
    let missing =
        |a: &[String], b: &[String]| a.iter().filter(|check| !b.contains(check)).cloned().collect::<Vec<_>>();
    let (gone, new) = (missing(&then.failed, &now.failed), missing(&now.failed, &then.failed));
    let named = first(&now).unwrap_or_else(|| "nothing".into());
    if first(&then) == first(&now) && gone.is_empty() && new.is_empty() {
        println!("{id}: {named}, and the same {} failed checks", now.failed.len());
        return Ok(());
    }
    Err(format!(
        "{id}: {named}, recorded {:?}; no longer failed: {gone:?}; newly failed: {new:?}",
        first(&then)
    ))
}
