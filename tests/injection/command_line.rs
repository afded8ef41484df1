//! Flags, environment variables and typed ids.

use crate::payloads::{PAYLOADS, variants};
use crate::support::jail::Jail;
use crate::support::outputs;
use crate::support::places::{Place, replaced};
use crate::tally::{Tally, is_tried, tried_variants};
use crate::world::World;
use pipeline_doctor::cli::TargetOptions;
use pipeline_doctor::config::{Config, Environment};
use pipeline_doctor::input::Source;
use serde_json::Value;

/// A flag, an example of its value, and how to set it.
type Flag = (&'static str, &'static str, fn(&mut TargetOptions, String));

const FLAGS: [Flag; 14] = [
    ("--file", "docker-compose.yml", |options, value| options.files.push(value.into())),
    ("--project", "shop", |options, value| options.project = Some(value)),
    ("--docker", "unix:///var/run/docker.sock", |options, value| options.docker = Some(value)),
    ("--kafka", "kafka:9092", |options, value| options.kafka = Some(value)),
    ("--broker", "checks=kafka:9092", |options, value| options.brokers.push(value)),
    ("--kafka-address", "kafka:9092=localhost:9092", |options, value| options.kafka_addresses.push(value)),
    ("--postgres", "postgres://app@localhost:5432/app", |options, value| options.postgres = Some(value)),
    ("--database", "shipping=postgres://app@localhost:5432/app", |options, value| {
        options.databases.push(value)
    }),
    ("--http", "admin-service=http://localhost:3010", |options, value| options.http.push(value)),
    ("--at", "2026-01-07T16:55:09Z", |options, value| options.at = Some(value)),
    ("--window", "24h", |options, value| options.window = value),
    ("--deadline", "10s", |options, value| options.deadline = value),
    ("--config", "pipeline.toml", |options, value| options.config = Some(value.into())),
    ("--checks", "checks", |options, value| options.checks = Some(value.into())),
];

const VARIABLES: [(&str, &str); 4] = [
    ("KAFKA_BROKERS", "kafka:9092"),
    ("POSTGRES_URL", "postgres://app@localhost:5432/app"),
    ("DOCKER_HOST", "unix:///var/run/docker.sock"),
    ("ADMIN_SERVICE_URL", "http://localhost:3010"),
];

/// Returns the configuration of a run of a pipeline; `None` if it is refused.
fn config(
    file: &Value,
    id: Option<&str>,
    options: &TargetOptions,
    environment: &Environment,
) -> Option<Config> {
    let source = Source { name: "pipeline.toml".into(), text: toml::to_string(file).unwrap() };
    let mut mistakes = Vec::new();
    let config = Config::new(&source, id, options, environment, &mut mistakes);
    config.filter(|_| mistakes.is_empty())
}

fn options() -> TargetOptions {
    TargetOptions {
        window: "24h".into(),
        deadline: "10s".into(),
        settle: "1s".into(),
        ..TargetOptions::default()
    }
}

/// What the payloads are tried on, and what came of it.
struct Trial {
    world: World,
    jail: Jail,
    tally: Tally,
}

impl Trial {
    fn recording(&self, pipeline: usize, payload: usize) -> &Value {
        let recordings = &self.world.pipelines[pipeline].recordings;
        &recordings[payload * 7 % recordings.len()]
    }

    fn count(&self, accepted: bool) {
        let mut counts = self.tally.counts();
        counts.pairs += 1;
        counts.refused += usize::from(!accepted);
    }

    fn flags(&self, i: usize, payload: &str) {
        for (number, (flag, example, set)) in FLAGS.into_iter().enumerate() {
            if !is_tried(number, i) {
                continue;
            }
            let mut accepted = false;
            // The shop has an additional database, the signup an additional broker.
            for pipeline in [0, 1, 3] {
                let recorded = &self.world.pipelines[pipeline];
                for (_, placed) in tried_variants(variants(example, payload), number, i) {
                    let mut options = options();
                    set(&mut options, placed.clone());
                    let config = config(&recorded.file, None, &options, &Environment::new());
                    let Some(config) = config else { continue };
                    accepted = true;
                    let recording =
                        replaced(self.recording(pipeline, i), &Place(".target.flags".into()), &|_| {
                            config.target.flags.clone()
                        });
                    let mut outputs = self.world.render(&recording, &recorded.pipeline).unwrap();
                    if pipeline == 0 {
                        let flags = &config.target.flags;
                        outputs.extend(outputs::of_pipeline(&recorded.pipeline, &self.world.catalog, flags));
                    }
                    self.tally.judge(&self.jail, flag, &outputs, &placed, payload, false);
                }
            }
            self.count(accepted);
        }
    }

    fn variables(&self, i: usize, payload: &str) {
        for (number, (variable, example)) in VARIABLES.into_iter().enumerate() {
            if !is_tried(number, i) {
                continue;
            }
            let recorded = &self.world.pipelines[0];
            let mut accepted = false;
            for placed in variants(example, payload) {
                let environment = [(variable.to_string(), placed.clone())].into();
                let Some(config) = config(&recorded.file, None, &options(), &environment) else { continue };
                accepted = true;
                let endpoints = config.endpoints;
                let mut recording = self.recording(0, i).clone();
                for (place, value) in [
                    (".brokers.*.known.bootstrap", endpoints.kafka.clone()),
                    (".http.known.health.*.known.url", endpoints.http.get("admin-service").cloned()),
                    (".runtimes.*.known.address", endpoints.docker.clone()),
                ] {
                    if let Some(value) = value {
                        recording = replaced(&recording, &Place(place.into()), &|_| value.clone());
                    }
                }
                let outputs = self.world.render(&recording, &recorded.pipeline).unwrap();
                self.tally.judge(&self.jail, variable, &outputs, &placed, payload, false);
            }
            self.count(accepted);
        }
    }

    fn typed_ids(&self, i: usize, payload: &str) {
        for (pipeline, recorded) in self.world.pipelines.iter().enumerate() {
            let recording = self.recording(pipeline, i);
            let old = recording["target"]["ids"][0].as_str().unwrap_or("1");
            let mut accepted = false;
            for placed in variants(old, payload) {
                let config = config(&recorded.file, Some(&placed), &options(), &Environment::new());
                let Some(config) = config else { continue };
                accepted = true;
                let id = &config.target.ids[0];
                let mut recording = recording.clone();
                for place in
                    [".target.ids[]", ".events[].id", ".databases.*.known.extents.*.known.newest[].id"]
                {
                    recording = replaced(&recording, &Place(place.into()), &|_| id.clone());
                }
                let outputs = self.world.render(&recording, &recorded.pipeline).unwrap();
                self.tally.judge(&self.jail, "a typed id", &outputs, &placed, id, false);
            }
            self.count(accepted);
        }
    }
}

#[test]
fn flags_variables_and_ids_stay_data() {
    let trial = Trial { world: World::new(), jail: Jail::new(), tally: Tally::default() };
    for (i, payload) in PAYLOADS.into_iter().enumerate() {
        trial.flags(i, payload);
        trial.variables(i, payload);
        trial.typed_ids(i, payload);
    }
    trial.tally.finish("flags, variables and typed ids");
}
