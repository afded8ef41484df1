//! Names, ids, addresses and texts in recordings and pipeline files.

use crate::payloads::{HARMLESS, MARK, PAYLOADS, variants};
use crate::support::jail::Jail;
use crate::support::outputs::{self, Kind, SCREENS};
use crate::tally::{Tally, is_complete, is_tried, tried_variants};
use crate::verdicts;
use crate::world::{Entrance, World};
use pipeline_doctor::evidence::Evidence;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Instant;

/// Tries a payload in a place.
fn attempt(world: &World, jail: &Jail, tally: &Tally, (place, entrance): (usize, &Entrance), payload: usize) {
    let recording = entrance.recordings[payload % entrance.recordings.len()];
    let number = payload;
    let payload = PAYLOADS[payload];
    let (hostile, harmless) = (variants(&entrance.old, payload), variants(&entrance.old, HARMLESS));
    let mut accepted = false;
    for (variant, hostile) in &tried_variants(hostile, place, number) {
        let harmless = &harmless[*variant];
        let Some(outputs) = world.outputs(entrance, recording, hostile) else { continue };
        accepted = true;
        tally.judge(jail, entrance.path(), &outputs, hostile, payload, entrance.is_sql());
        let yaml = outputs.iter().filter(|output| output.kind == Kind::Yaml && output.text.contains(MARK));
        let mut yaml = yaml.peekable();
        if yaml.peek().is_none() {
            continue;
        }
        let expected = world.outputs(entrance, recording, harmless).unwrap_or_default();
        for output in yaml {
            let expected = expected.iter().find(|other| other.name == output.name);
            let wrong = expected.and_then(|other| verdicts::of_compose(&output.text, &other.text, payload));
            if let Some(wrong) = wrong {
                tally.violation(entrance.path(), hostile, &format!("{}: {wrong}", output.name));
            }
        }
    }
    let mut counts = tally.counts();
    counts.pairs += 1;
    counts.refused += usize::from(!accepted);
}

#[test]
fn hostile_names_stay_data() {
    let start = Instant::now();
    let world = World::new();
    let entrances = world.entrances();
    let tally = Tally::default();
    let pairs = (0..PAYLOADS.len())
        .flat_map(|payload| entrances.iter().enumerate().map(move |place| (place, payload)))
        .filter(|((place, _), payload)| is_tried(*place, *payload));
    let queue = Mutex::new(pairs);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let jail = Jail::new();
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((entrance, payload)) = next else { break };
                    attempt(&world, &jail, &tally, entrance, payload);
                }
            });
        }
    });
    println!(
        "{} payloads x {} places in {:.1} s",
        PAYLOADS.len(),
        entrances.len(),
        start.elapsed().as_secs_f64()
    );
    tally.finish("names");
}

/// Returns the words of a command as they should arrive, sorted; `None` if it uses more of the shell
/// than pipes and redirections.
fn expected_words(command: &str) -> Option<Vec<String>> {
    let lines = command.replace("\\\n", "");
    let lines = lines.lines().filter(|line| !line.starts_with('#'));
    let mut expected = Vec::new();
    for line in lines {
        if line.contains("$(") || line.contains(';') || line.contains("&&") {
            return None;
        }
        let words = shlex::split(line)?;
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "|" | "2>&1" | "2>/dev/null" => {}
                "<" | ">" => drop(words.next()),
                _ => expected.push(word),
            }
        }
    }
    expected.sort();
    Some(expected)
}

#[test]
fn harmless_names_arrive_whole() {
    let world = World::new();
    let mut commands: BTreeSet<String> = BTreeSet::new();
    let mut printed = 0;
    for recorded in &world.pipelines {
        commands.extend(outputs::commands(&outputs::of_pipeline(
            &recorded.pipeline,
            &world.catalog,
            "-f 'a  b'",
        )));
        let step = if is_complete() { 1 } else { 8 };
        for recording in recorded.recordings.iter().step_by(step) {
            let evidence = Evidence::deserialize(recording).unwrap();
            let outputs = outputs::of_evidence(&evidence, &recorded.pipeline, &world.catalog, &SCREENS[..1]);
            let found = outputs::commands(&outputs);
            printed += found.len();
            commands.extend(found);
        }
    }
    let jail = Jail::new();
    let (mut calls, mut compared, mut nothing) = (0, 0, 0);
    for command in &commands {
        assert!(!command.contains("# not printed"), "{command}");
        let deeds = jail.run("sh", command);
        assert_eq!((deeds.code, deeds.errors.as_str()), (Some(0), ""), "{command}");
        assert!(deeds.files.is_empty(), "{command}: {:?}", deeds.files);
        nothing += usize::from(deeds.calls.is_empty());
        calls += deeds.calls.len();
        let Some(expected) = expected_words(command) else { continue };
        // `sh` and `env` run others and are no stand-ins.
        let real = |word: &String| ["sh", "env", "bash", "awk"].contains(&word.as_str());
        let mut arrived: Vec<String> = deeds.calls.into_iter().flatten().collect();
        arrived.sort();
        if !expected.iter().any(real) {
            assert_eq!(arrived, expected, "{command}");
            compared += 1;
        }
    }
    println!(
        "harmless names: {printed} commands printed, {} different ones run, {calls} programs called, \
         {compared} compared word by word",
        commands.len()
    );
    assert!(nothing == 0, "{nothing} commands called nothing");
}
