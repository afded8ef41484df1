//! The recorded pipelines, and the text that is placed in them.

use crate::support::outputs::{self, Output, SCREENS};
use crate::support::pipelines::recorded;
use crate::support::places::{Place, places, renamed, replaced};
use crate::support::replay::Runbook;
use crate::support::root;
use pipeline_doctor::config::pipeline_lookup_flags::can_be_flag;
use pipeline_doctor::evidence::Evidence;
use pipeline_doctor::input::Source;
use pipeline_doctor::pipeline::Pipeline;
use pipeline_doctor::runbook::catalog::Catalog;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// How many recordings a place is tried in.
const RECORDINGS: usize = 5;
/// Recordings whose reports print many different commands and scripts.
const COMMANDS: [&str; 8] = [
    "workers-not-deployed",
    "marked-unverified",
    "topics-missing",
    "offsets-reset",
    "dead-letter",
    "joined-too-late",
    "shop-marked-without-shipment",
    "shop-topic-missing",
];

/// A recorded pipeline.
pub struct Recorded {
    /// The pipeline's file.
    pub file: Value,
    /// The pipeline.
    pub pipeline: Pipeline,
    /// The recordings.
    pub recordings: Vec<Value>,
    /// Their names.
    pub names: Vec<String>,
}

/// Everything that text is placed in.
pub struct World {
    /// The built-in rows.
    pub catalog: Catalog,
    /// The pipelines. The last one is the built-in one with ids that may be any text.
    pub pipelines: Vec<Recorded>,
}

/// What a text replaces.
#[derive(Debug, Clone)]
pub enum Target {
    /// A place in the recording.
    Evidence(Place),
    /// A place in the pipeline's file.
    File(Place),
    /// A name of the pipeline's file wherever it occurs, in the recording as well.
    Everywhere(Place),
}

/// A place for text.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// The pipeline.
    pub pipeline: usize,
    /// The recordings in which it is tried.
    pub recordings: Vec<usize>,
    /// The place.
    pub target: Target,
    /// The text that stands there.
    pub old: String,
}

impl Entrance {
    /// Returns the path of the place.
    pub fn path(&self) -> &str {
        match &self.target {
            Target::Evidence(place) | Target::File(place) | Target::Everywhere(place) => &place.0,
        }
    }

    /// Reports whether the place holds SQL, which the pipeline's author writes.
    pub fn is_sql(&self) -> bool {
        !matches!(self.target, Target::Evidence(_)) && self.path().ends_with("sql")
    }
}

/// Parses a pipeline; `None` if it has a mistake.
pub fn parse(file: &Value) -> Option<Pipeline> {
    let source = Source { name: "pipeline.toml".into(), text: toml::to_string(file).ok()? };
    let mut mistakes = Vec::new();
    let pipeline = Pipeline::read(&source, &mut mistakes);
    let has_flags = |pipeline: &Pipeline| pipeline.lookup.keys().all(|name| can_be_flag(name));
    pipeline.filter(|pipeline| mistakes.is_empty() && has_flags(pipeline))
}

impl World {
    /// Reads the recorded pipelines.
    pub fn new() -> World {
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        let mut pipelines: Vec<Recorded> = Vec::new();
        for recorded in recorded() {
            let file: Value = toml::from_str(&read(&root().join(&recorded.config))).unwrap();
            let recordings = recorded.recordings.iter();
            let recordings = recordings.map(|path| serde_json::from_str(&read(path)).unwrap()).collect();
            let pipeline = parse(&file).unwrap_or_else(|| panic!("{}", recorded.config));
            let name = |path: &std::path::PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
            let names = recorded.recordings.iter().map(name).collect();
            pipelines.push(Recorded { file, pipeline, recordings, names });
        }
        let mut with_text_ids = pipelines[0].file.clone();
        with_text_ids["id"]["format"] = "text".into();
        let (recordings, names) = (pipelines[0].recordings.clone(), pipelines[0].names.clone());
        let pipeline = parse(&with_text_ids).unwrap();
        pipelines.push(Recorded { file: with_text_ids, pipeline, recordings, names });
        World { catalog: Runbook::of(None).catalog, pipelines }
    }

    /// Renders the recording with this pipeline; `None` if it is refused.
    pub fn render(&self, recording: &Value, pipeline: &Pipeline) -> Option<Vec<Output>> {
        let evidence = Evidence::deserialize(recording).ok()?;
        (evidence.target.pipeline == pipeline.name)
            .then(|| outputs::of_evidence(&evidence, pipeline, &self.catalog, &SCREENS[..2]))
    }

    /// Places a text and renders everything; `None` if the input is refused.
    pub fn outputs(&self, entrance: &Entrance, recording: usize, text: &str) -> Option<Vec<Output>> {
        let Recorded { file, pipeline, recordings, .. } = &self.pipelines[entrance.pipeline];
        let recording = &recordings[recording];
        let (recording, file) = match &entrance.target {
            Target::Evidence(place) => {
                let recording = replaced(recording, place, &|_| text.to_string());
                return self.render(&recording, pipeline);
            }
            Target::File(place) => (recording.clone(), replaced(file, place, &|_| text.to_string())),
            Target::Everywhere(_) => {
                (renamed(recording, &entrance.old, text), renamed(file, &entrance.old, text))
            }
        };
        let pipeline = parse(&file)?;
        let mut outputs = outputs::of_pipeline(&pipeline, &self.catalog, "");
        outputs.extend(self.render(&recording, &pipeline).unwrap_or_default());
        Some(outputs)
    }

    /// Returns all places.
    pub fn entrances(&self) -> Vec<Entrance> {
        let mut found: BTreeMap<Place, (usize, Vec<usize>, String)> = BTreeMap::new();
        for (i, pipeline) in self.pipelines.iter().enumerate() {
            for (j, recording) in pipeline.recordings.iter().enumerate() {
                for (place, old) in places(recording) {
                    let (of, recordings, _) = found.entry(place).or_insert((i, Vec::new(), old));
                    if *of == i {
                        recordings.push(j);
                    }
                }
            }
        }
        let mut entrances: Vec<Entrance> = Vec::new();
        for (place, (pipeline, recordings, old)) in found {
            let is_id = [".id", "ids[]", "_id", ".names"].iter().any(|end| place.0.ends_with(end));
            let mut entrance = Entrance { pipeline, recordings, target: Target::Evidence(place), old };
            entrance.recordings = choose(&self.pipelines[pipeline], &entrance.recordings);
            if is_id && pipeline == 0 {
                entrances.push(Entrance { pipeline: self.pipelines.len() - 1, ..entrance.clone() });
            }
            entrances.push(entrance);
        }
        for (pipeline, recorded) in self.pipelines.iter().enumerate().take(2) {
            for (place, old) in places(&recorded.file) {
                let all: Vec<usize> = (0..recorded.recordings.len()).collect();
                let recordings = choose(recorded, &all);
                let target = Target::Everywhere(place.clone());
                let entrance = Entrance { pipeline, recordings, target, old };
                entrances.push(Entrance { target: Target::File(place), ..entrance.clone() });
                entrances.push(entrance);
            }
        }
        entrances
    }
}

/// Returns up to [`RECORDINGS`] of these recordings, first those whose reports print most commands.
fn choose(recorded: &Recorded, recordings: &[usize]) -> Vec<usize> {
    let mut chosen: Vec<usize> = recordings.to_vec();
    chosen.sort_by_key(|recording| {
        let name = &recorded.names[*recording];
        COMMANDS.iter().position(|known| name == known).unwrap_or(COMMANDS.len())
    });
    chosen.truncate(RECORDINGS);
    chosen
}
