//! Text from other programs that controls a terminal, reorders letters, cannot be seen or begins a
//! line: no format shows it raw, and JSON gives back exactly what was there.

mod support;

use pipeline_doctor::base::visible_text::is_hidden;
use pipeline_doctor::evidence::{Evidence, recording};
use pipeline_doctor::input::Source;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::runbook::catalog::Catalog;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Mutex;
use support::outputs::{self, Kind, Output, SCREENS};
use support::pipelines::recorded;
use support::places::{Place, places, replaced};
use support::replay::Runbook;
use support::root;

/// Surrounds each planted text, so that it is found wherever it ends up.
const MARK: &str = "PLANTED";

/// Every kind of hidden character, and a line that looks like a verdict.
const TEXTS: [&str; 6] = [
    "PLANTED\u{1b}[2J\u{1b}]0;x\u{7}\u{8}\u{0}\u{c}\u{b}PLANTED",
    "PLANTED\u{7f}\u{80}\u{85}\u{9b}31m\u{9d}PLANTED",
    "PLANTED\u{202e}\u{2066}\u{200e}\u{61c}\u{2069}PLANTED",
    "PLANTED\u{200b}\u{feff}\u{2060}\u{ad}\u{e0041}\u{fe0f}\u{3164}PLANTED",
    "PLANTED\nHEALTHY: 31 of 31 checks passed, nothing unseen. PLANTED",
    "PLANTED\r\nARRIVED\u{2028}HEALTHY\u{2029}HEALTHY\tPLANTED",
];

/// Returns what is wrong with a printed text.
fn wrong(output: &Output) -> Option<String> {
    if let Some(letter) = output.text.chars().find(|letter| is_hidden(*letter) && *letter != '\n') {
        return Some(format!("raw {letter:?}"));
    }
    let forged = ["HEALTHY: 31 of 31", "ARRIVED\\", "HEALTHY\\", MARK];
    let line = output.text.lines().find(|line| forged.iter().any(|forged| line.starts_with(forged)));
    // Another line of a wrapped cell is indented, a cell in the first column is not.
    line.map(|line| format!("a forged line: {line}"))
}

/// Returns the texts of a JSON document that contain what was planted.
fn planted_texts(document: &Value, found: &mut Vec<String>) {
    match document {
        Value::String(text) if text.contains(MARK) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| planted_texts(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            found.extend(name.contains(MARK).then(|| name.clone()));
            planted_texts(value, found);
        }),
        _ => {}
    }
}

/// The recordings in which text is planted, each with its pipeline's file.
fn recordings() -> Vec<(Value, Value)> {
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let parsed = |path: &std::path::Path| serde_json::from_str::<Value>(&read(path)).unwrap();
    let all = recorded().into_iter().flat_map(|recorded| {
        let file: Value = toml::from_str(&read(&root().join(&recorded.config))).unwrap();
        recorded.recordings.into_iter().map(move |path| (parsed(&path), file.clone()))
    });
    all.collect()
}

fn parse(file: &Value) -> Option<Pipeline> {
    let source = Source { name: "pipeline.toml".into(), text: toml::to_string(file).ok()? };
    let mut mistakes = Vec::new();
    Pipeline::read(&source, &mut mistakes).filter(|_| mistakes.is_empty())
}

/// What was tried, and what went wrong.
#[derive(Default)]
struct Results {
    outputs: usize,
    refused: usize,
    exact: usize,
    written: usize,
    failures: Vec<String>,
}

/// Returns each kind of place in the first and the last recording that have it.
fn jobs(recordings: &[(Value, Value)]) -> Vec<(usize, Place)> {
    let mut jobs = Vec::new();
    let mut seen = BTreeSet::new();
    let indices: Vec<usize> = (0..recordings.len()).collect();
    for (end, order) in [(0, indices.clone()), (1, indices.into_iter().rev().collect())] {
        for i in order {
            let places = places(&recordings[i].0).into_keys();
            jobs.extend(places.filter(|place| seen.insert((end, place.clone()))).map(|place| (i, place)));
        }
    }
    jobs
}

/// Reports whether a text of a JSON document is the planted one, as it was or cut.
fn is_exact(found: &str, text: &str) -> bool {
    // A field that consists of lines shows line breaks in a text as escapes.
    let on_one_line = text.replace('\r', "\\r").replace('\n', "\\n");
    found.contains(text) || found.contains(&on_one_line) || found.matches(MARK).count() < 2
}

/// Plants a text in a recording, and checks everything that is printed and recorded.
fn plant(recording: &(Value, Value), place: &Place, text: &str, catalog: &Catalog, results: &Mutex<Results>) {
    let (recording, file) = recording;
    let planted = replaced(recording, place, &|_| text.to_string());
    let Ok(evidence) = Evidence::deserialize(&planted) else {
        results.lock().unwrap().refused += 1;
        return;
    };
    let outputs = outputs::of_evidence(&evidence, &parse(file).unwrap(), catalog, &SCREENS);
    let shown = outputs.iter().filter_map(|output| Some((output, wrong(output)?)));
    let mut failures: Vec<String> =
        shown.map(|(output, wrong)| format!("{text:?} in {}: {}: {wrong}", place.0, output.name)).collect();
    let mut found = Vec::new();
    for output in outputs.iter().filter(|output| output.kind == Kind::Json) {
        planted_texts(&serde_json::from_str(&output.text).unwrap(), &mut found);
    }
    let changed = found.iter().find(|found| !is_exact(found, text));
    failures.extend(changed.map(|changed| format!("{text:?} in {} became {changed:?}", place.0)));
    // What is recorded is exact, too, and as safe to show.
    let document = recording::write(&evidence).unwrap();
    assert!(!document.chars().any(|letter| is_hidden(letter) && letter != '\n'), "{}", place.0);
    assert_eq!(recording::read(&document).unwrap(), evidence, "{}", place.0);
    let mut results = results.lock().unwrap();
    results.outputs += outputs.len();
    results.exact += found.len();
    results.written += 1;
    results.failures.extend(failures);
}

#[test]
fn no_format_shows_hidden_characters() {
    let catalog = Runbook::of(None).catalog;
    let recordings = recordings();
    let jobs = jobs(&recordings);
    let kinds = jobs.len();
    // Each place gets one of the texts, unless all are wanted.
    let all = std::env::var_os("INJECTION_PAIRS").is_some_and(|pairs| pairs == "all");
    let tried = move |place: usize, text: usize| all || (place + text).is_multiple_of(TEXTS.len());
    let jobs = jobs.into_iter().enumerate().flat_map(|(at, job)| {
        let texts = TEXTS.into_iter().enumerate().filter(move |(text, _)| tried(at, *text));
        texts.map(move |(_, text)| (job.clone(), text))
    });
    let (queue, results) = (Mutex::new(jobs), Mutex::new(Results::default()));
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(((i, place), text)) = next else { break };
            plant(&recordings[i], &place, text, &catalog, &results);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let Results { outputs, refused, exact, written, failures } = results.into_inner().unwrap();
    println!(
        "{} texts x {kinds} places: {refused} refused, {outputs} outputs without a hidden character, {exact} texts \
         in JSON exact, {written} recordings written and read again",
        TEXTS.len()
    );
    let shown: Vec<&String> = failures.iter().take(30).collect();
    assert!(failures.is_empty(), "{} failures: {shown:#?}", failures.len());
}

#[test]
fn pipeline_files_cannot_contain_hidden_characters() {
    let catalog = Runbook::of(None).catalog;
    let (mut accepted, mut tried, mut kept) = (Vec::new(), 0, 0);
    for recorded in recorded() {
        let text = std::fs::read_to_string(root().join(&recorded.config)).unwrap();
        let file: Value = toml::from_str(&text).unwrap();
        for (at, (place, old)) in places(&file).into_iter().enumerate() {
            for text in TEXTS
                .iter()
                .skip(at % TEXTS.len())
                .take(1)
                .flat_map(|text| [text.to_string(), format!("{old}{text}")])
            {
                let planted = replaced(&file, &place, &|_| text.clone());
                tried += 1;
                let Some(pipeline) = parse(&planted) else { continue };
                kept += 1;
                // SQL may span lines.
                let is_sql = place.0.ends_with("sql");
                let outputs = outputs::of_pipeline(&pipeline, &catalog, "");
                let wrong = outputs.iter().find_map(wrong);
                accepted.extend(
                    wrong.filter(|_| !is_sql).map(|wrong| format!("{text:?} in {}: {wrong}", place.0)),
                );
            }
        }
    }
    println!("{tried} texts in pipeline files: {kept} accepted");
    assert!(accepted.is_empty(), "{accepted:#?}");
}
