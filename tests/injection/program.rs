//! The same payloads in another program, through its command line: `INJECTION_PROGRAM` names it and
//! `INJECTION_RECORDINGS` the folder of its recordings. Without them, this program is tried.

use crate::payloads::{HARMLESS, MARK, PAYLOADS, variants};
use crate::support::jail::Jail;
use crate::support::outputs::{self, Kind, Output};
use crate::support::places::{Place, places, renamed, replaced};
use crate::support::root;
use crate::verdicts::of_deeds;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many pairs are tried in another program.
const PAIRS: usize = 100;
/// The places and the number of pairs that are tried in this program. The other tests call its renderers
/// directly, which is faster.
const OWN: ([&str; 2], usize) = ([".target.flags", ".files[]"], 8);
/// Recordings whose reports print many commands.
const RECORDINGS: [&str; 12] = [
    "broker-is-localhost",
    "api-silent",
    "kafka-down",
    "column-missing",
    "worker-crash-loop",
    "recorded-never-sent",
    "workers-not-deployed",
    "topics-missing",
    "marked-unverified",
    "worker-stopped",
    "joined-too-late",
    "dead-letter",
];
/// Names of the built-in pipeline that are tried in another program. The other tests try all names of this one.
const NAMES: [&str; 6] = [
    "purchase-created",
    "purchase-creation-workers",
    "purchase-worker",
    "kodingcaravan-purchase-worker",
    "kodingcaravan-kafka",
    "allocation-worker",
];
/// Payloads for a shell.
const FOR_SHELLS: std::ops::Range<usize> = 0..11;

struct Program {
    program: PathBuf,
    file: tempfile::NamedTempFile,
    /// The pipeline file, if a name of it is replaced.
    pipeline: Option<tempfile::NamedTempFile>,
}

impl Program {
    /// Runs the program on the recording and returns what it prints.
    fn print(&self, arguments: &[&str]) -> Option<String> {
        let mut run = Command::new(&self.program);
        run.args(arguments).arg("--replay").arg(self.file.path()).current_dir(root());
        if let Some(pipeline) = &self.pipeline {
            run.arg("--config").arg(pipeline.path());
        }
        run.stdin(Stdio::null()).stderr(Stdio::null());
        let output = run.output().unwrap();
        String::from_utf8(output.stdout).ok().filter(|text| !text.is_empty())
    }

    /// Returns the commands that the program prints for a recording.
    fn commands(&self, recording: &Value) -> BTreeSet<String> {
        fs::write(self.file.path(), recording.to_string()).unwrap();
        let mut printed: Vec<Output> = Vec::new();
        let mut add = |kind, text: Option<String>| {
            printed.extend(text.map(|text| Output { name: String::new(), kind, text }));
        };
        let report = self.print(&["--json"]).filter(|text| serde_json::from_str::<Value>(text).is_ok());
        let document: Value =
            report.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        add(Kind::Json, report);
        let causes = document["causes"].as_array().into_iter().flatten().take(3);
        for cause in causes.filter_map(|cause| cause["id"].as_str()) {
            for script in ["--offsets", "--records"] {
                add(Kind::Shell, self.print(&["explain", cause, script]));
            }
        }
        outputs::commands(&printed)
    }
}

#[test]
fn a_program_runs_no_payload() {
    let own = PathBuf::from(env!("CARGO_BIN_EXE_pipeline-doctor"));
    let other = std::env::var_os("INJECTION_PROGRAM").map(PathBuf::from);
    let folder = std::env::var_os("INJECTION_RECORDINGS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| root().join("tests/scenarios"));
    let mut program = Program {
        program: other.clone().unwrap_or(own),
        file: tempfile::NamedTempFile::new().unwrap(),
        pipeline: None,
    };
    let jail = Jail::new();
    if other.is_some() {
        let (pairs, became) = names_in(&mut program, &folder, &jail);
        println!("{pairs} pairs of names, {became} became more than data");
    }
    let recordings =
        RECORDINGS.iter().map(|name| fs::read_to_string(folder.join(format!("{name}.json"))).unwrap());
    let recordings: Vec<Value> = recordings.map(|text| serde_json::from_str(&text).unwrap()).collect();
    let is_wanted = |place: &Place| other.is_some() || OWN.0.iter().any(|end| place.0.ends_with(end));
    let is_all = std::env::var("INJECTION_PAIRS").is_ok_and(|pairs| pairs == "all");
    let pairs_wanted = match other {
        Some(_) if is_all => usize::MAX,
        Some(_) => PAIRS,
        None => OWN.1,
    };
    let found = reaching(&program, &recordings, &is_wanted);
    assert!(!found.is_empty(), "no place reaches a command");
    println!("{} places reach a command: {:#?}", found.len(), found.keys().collect::<Vec<_>>());
    let pairs = FOR_SHELLS.flat_map(|payload| found.iter().map(move |place| (payload, place)));
    let all: Vec<_> = pairs.collect();
    let step = all.len().div_ceil(pairs_wanted).max(1);
    let (mut tried, mut ran, mut run) = (0, Vec::new(), 0);
    let mut by_place: BTreeMap<Place, usize> = BTreeMap::new();
    for (payload, (place, (recording, variant, old))) in all.iter().step_by(step) {
        let payload = PAYLOADS[*payload];
        let text = variants(old, payload).swap_remove(*variant);
        let commands = program.commands(&replaced(&recordings[*recording], place, &|_| text.clone()));
        tried += 1;
        let hostile: Vec<&String> = commands.iter().filter(|command| command.contains(MARK)).collect();
        run += hostile.len();
        let wrong = hostile.iter().find_map(|command| of_deeds(&jail.run("sh", command), payload, true));
        *by_place.entry((*place).clone()).or_default() += usize::from(wrong.is_some());
        ran.extend(wrong.map(|wrong| format!("{text:?} in {}: {wrong}", place.0)));
    }
    for (place, count) in &by_place {
        println!("{count:>4} of {} ran from {}", FOR_SHELLS.len(), place.0);
    }
    println!("{tried} pairs, {run} commands run, {} payloads became more than data", ran.len());
    if other.is_none() {
        assert!(ran.is_empty(), "{ran:#?}");
    } else {
        println!("{ran:#?}");
    }
}

/// Tries the payloads as names of the pipeline, in its file and in the recording alike. Returns how many pairs
/// were tried, and in how many the payload ran.
fn names_in(program: &mut Program, folder: &Path, jail: &Jail) -> (usize, usize) {
    let pipeline = fs::read_to_string(folder.join("../../checks/pipeline.toml")).unwrap();
    let pipeline: Value = toml::from_str(&pipeline).unwrap();
    let (mut tried, mut became) = (0, 0);
    for name in NAMES {
        let mut ran = 0;
        for payload in &PAYLOADS[FOR_SHELLS] {
            let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
            let text = toml::to_string(&renamed(&pipeline, name, payload)).unwrap();
            fs::write(file.path(), text).unwrap();
            program.pipeline = Some(file);
            let mut recordings = RECORDINGS.iter().map(|recording| {
                let text = fs::read_to_string(folder.join(format!("{recording}.json"))).unwrap();
                renamed(&serde_json::from_str(&text).unwrap(), name, payload)
            });
            let runs = |recording: Value| {
                let commands = program.commands(&recording);
                let mut hostile = commands.iter().filter(|command| command.contains(MARK));
                hostile.any(|command| of_deeds(&jail.run("sh", command), payload, true).is_some())
            };
            tried += 1;
            ran += usize::from(recordings.any(runs));
        }
        println!("{ran:>4} of {} ran as the name {name}", FOR_SHELLS.len());
        became += ran;
    }
    program.pipeline = None;
    (tried, became)
}

/// A place from which text reaches a command: the recording it is in, the variant of a payload, and what stood there.
type Reaching = BTreeMap<Place, (usize, usize, String)>;

/// Returns the places from which a harmless name reaches a command.
fn reaching(program: &Program, recordings: &[Value], is_wanted: &dyn Fn(&Place) -> bool) -> Reaching {
    let mut found = Reaching::new();
    for (i, recording) in recordings.iter().enumerate() {
        for (place, old) in places(recording) {
            if !is_wanted(&place) || found.contains_key(&place) {
                continue;
            }
            for (variant, text) in variants(&old, HARMLESS).into_iter().enumerate() {
                let commands = program.commands(&replaced(recording, &place, &|_| text.clone()));
                if commands.iter().any(|command| command.contains(HARMLESS)) {
                    found.insert(place, (i, variant, old));
                    break;
                }
            }
        }
    }
    found
}
