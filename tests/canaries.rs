//! Secrets from any source are readable in no output. Canaries are planted in recorded evidence, which is
//! sealed as a run seals it, and given in flags and variables.

mod support;

use pipeline_doctor::base::secret::{add_environment, redact};
use pipeline_doctor::evidence::{Evidence, recording, sealing};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::{Finished, doctor, scenario};

/// Where text in evidence comes from, by the end of its place in the document.
const SOURCES: [(&str, &[&str]); 12] = [
    ("log record", &["records/*/text"]),
    ("State.Error", &["start_failure/text"]),
    ("image", &["image"]),
    ("error of a server, of compose or of an engine", &["unknown/say"]),
    ("mark source", &["source"]),
    ("mark's type", &["event_type"]),
    ("row of a table", &["status"]),
    ("dead-letter header", &["headers/*"]),
    ("payload", &["value"]),
    ("HTTP answer", &["body//error"]),
    ("container environment", &["environment/*"]),
    ("address", &["known/address", "known/url", "bootstrap"]),
];

/// Texts with a canary, and one that is only known: the value of a container's variable.
const PLANTED: [&str; 9] = [
    "password=CNRYa1 x",
    "connect postgres://app:CNRYb'2/x y@db:5432/shop failed",
    "{\"auth\":{\"password\":\"CNRYc3\\\"CNRYd4\"},\"n\":1}",
    "Authorization: Bearer CNRYe5f6a7",
    "Server=db;Password=\"CNRYf6;CNRYg7\";SSL Mode=Require",
    "mysql -pCNRYh8 shop; curl -u bob:CNRYi9 http://api?sig=CNRYj1",
    "ghp_CNRYk20123456789abcdef",
    "it says CNRY-known/value! here, and CNRY-known%2Fvalue%21",
    "base64 eDpDTlJZLWtub3duL3ZhbHVlIQ==",
];

const KNOWN: &str = "CNRY-known/value!";

/// What no output may contain: the canaries, and base64 of the known value.
fn readable(text: &str) -> bool {
    text.contains("CNRY") || text.contains("DTlJZLWtub3du")
}

/// Remembers the known value as a container's environment would.
fn remember() {
    add_environment([("SHOP_PASSWORD", KNOWN), ("POSTGRES_USER", "app")]);
}

/// Calls `change` with each string that is no key, and its place: `logs/*/known/records/*/text`.
fn each_text(value: &mut Value, place: &str, change: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => change(place, text),
        Value::Array(values) => {
            values.iter_mut().for_each(|value| each_text(value, &format!("{place}/*"), change))
        }
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                let is_name = !["known", "unknown"].contains(&key.as_str()) && place.ends_with("known");
                let key = if is_name && key.contains(['-', '.']) { "*" } else { key };
                each_text(value, &format!("{place}/{key}"), change);
            }
        }
        _ => {}
    }
}

/// Plants canaries in the texts at `is_chosen` places, if the document is evidence then, and seals it.
fn planted(document: &Value, is_chosen: impl Fn(&str) -> bool) -> (Evidence, BTreeSet<String>) {
    let mut places = BTreeSet::new();
    each_text(&mut document.clone(), "", &mut |place, _| {
        places.insert(place.to_string());
    });
    places.retain(|place| is_chosen(place));
    let plant = |document: &Value, places: &BTreeSet<String>| {
        let (mut document, mut number) = (document.clone(), 0);
        each_text(&mut document, "", &mut |place, text| {
            if places.contains(place) {
                *text = format!("{text} {}", PLANTED[number % PLANTED.len()]);
                number += 1;
            }
        });
        document
    };
    let is_evidence = |document: Value| serde_json::from_value::<Evidence>(document).is_ok();
    // Times and states cannot hold any text.
    places.retain(|place| is_evidence(plant(document, &BTreeSet::from([place.clone()]))));
    let evidence: Evidence = serde_json::from_value(plant(document, &places)).unwrap();
    (sealing::seal(&evidence).unwrap(), places)
}

/// Returns a recording, with the values that `--payload` asks for.
fn document(name: &str) -> Value {
    let mut document: Value =
        serde_json::from_str(&std::fs::read_to_string(scenario(name)).unwrap()).unwrap();
    for event in document.get_mut("events").and_then(Value::as_array_mut).into_iter().flatten() {
        let topics = event.get_mut("records").and_then(Value::as_object_mut).into_iter().flatten();
        for record in topics.flat_map(|(_, records)| records.as_array_mut().unwrap()) {
            record["value"] = "{}".into();
        }
    }
    document
}

/// Recordings that together have every source.
const RECORDINGS: [&str; 10] = [
    "dead-letter",
    "kafka-down",
    "postgres-down",
    "worker-crash-loop",
    "worker-command-broken",
    "api-answers-500",
    "traces/several",
    "marked-unverified",
    "workers-not-deployed",
    "told-on-the-second-line",
];

/// Every command that prints evidence.
fn outputs(file: &Path) -> BTreeMap<String, Finished> {
    let file = file.to_str().unwrap();
    let explained = ["workers-not-deployed", "poison-record"];
    let mut commands: Vec<Vec<&str>> = vec![
        vec![],
        vec!["-v"],
        vec!["--json"],
        vec!["trace"],
        vec!["trace", "--json"],
        vec!["trace", "-v"],
        vec!["trace", "--payload"],
    ];
    for name in explained {
        for form in ["--yaml", "--offsets", "--sql", "--records", "--markdown", "--json", "--color=never"] {
            commands.push(vec!["explain", name, form]);
        }
    }
    let run = |command: Vec<&str>| {
        let replay = command.iter().copied().chain(["--replay", file]);
        (command.join(" "), doctor(replay).finish())
    };
    commands.into_iter().map(run).collect()
}

/// Writes the evidence as `--record` does, and returns the file.
fn write(directory: &Path, name: &str, evidence: &Evidence) -> PathBuf {
    let file = directory.join(format!("{}.json", name.replace('/', "-")));
    let text = recording::write(evidence).unwrap();
    assert!(!readable(&text), "{name}: the recording holds {:?}", context(&text));
    std::fs::write(&file, text).unwrap();
    file
}

/// Returns what stands around the first canary.
fn context(text: &str) -> &str {
    let at = text.find("CNRY").or_else(|| text.find("DTlJZ")).unwrap_or_default();
    &text[text.floor_char_boundary(at.saturating_sub(100))..text.floor_char_boundary(at + 60)]
}

#[track_caller]
fn assert_unreadable(place: &str, finished: &Finished) {
    for (stream, text) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
        assert!(!readable(text), "{place}: {stream} holds {:?}", context(text));
    }
}

#[test]
fn no_output_shows_a_secret_of_any_source() {
    remember();
    let directory = tempfile::tempdir().unwrap();
    let mut seen = BTreeSet::new();
    for name in RECORDINGS {
        let is_free_text =
            |place: &str| SOURCES.iter().any(|(_, ends)| ends.iter().any(|end| matches(place, end)));
        let (evidence, places) = planted(&document(name), is_free_text);
        assert!(evidence.masked_values > 0, "{name}");
        seen.extend(places);
        for (command, finished) in outputs(&write(directory.path(), name, &evidence)) {
            assert_unreadable(&format!("{name}: {command}"), &finished);
        }
    }
    for (source, ends) in SOURCES {
        let is_seen = seen.iter().any(|place: &String| ends.iter().any(|end| matches(place, end)));
        assert!(is_seen, "no {source} in {seen:#?}");
    }
}

/// Reports whether a place ends like a pattern, in which `*` stands for any name.
fn matches(place: &str, end: &str) -> bool {
    let (place, end): (Vec<&str>, Vec<&str>) = (place.split('/').collect(), end.split('/').collect());
    place.len() >= end.len()
        && place[place.len() - end.len()..].iter().zip(&end).all(|(part, end)| *end == "*" || part == end)
}

/// Names are joined by; with secrets in them, nothing is found any more, but nothing is shown either.
#[test]
fn no_output_shows_a_secret_in_a_name() {
    remember();
    let directory = tempfile::tempdir().unwrap();
    for name in ["dead-letter", "worker-crash-loop"] {
        let is_name = |place: &str| !place.starts_with("/target") && !place.starts_with("/tool");
        let (evidence, places) = planted(&document(name), is_name);
        assert!(places.len() > 20, "{places:#?}");
        for (command, finished) in outputs(&write(directory.path(), name, &evidence)) {
            assert_unreadable(&format!("{name}: {command}"), &finished);
        }
    }
}

/// A password that equals the user, the database, a topic or a host masks none of them.
#[test]
fn a_password_that_is_a_name_changes_nothing() {
    let evidence = recording::read(&std::fs::read_to_string(scenario("dead-letter")).unwrap()).unwrap();
    let names = [
        "app",
        "kodingcaravan",
        "purchase-created",
        "postgres",
        "purchase-creation-workers",
        "payment-service",
    ];
    add_environment(names.map(|name| ("DB_PASSWORD", name)));
    let sealed = sealing::seal(&evidence).unwrap();
    assert_eq!(recording::write(&sealed).unwrap(), recording::write(&evidence).unwrap());
    assert_eq!(redact("psql -U app -d purchase-created"), "psql -U app -d purchase-created");
}

/// Addresses whose canary is anywhere.
const ADDRESSES: [&str; 12] = [
    "SCHEME://app:CNRYa1@127.0.0.1:1/x",
    "SCHEME://app:CNRYa1/b2@127.0.0.1:1/x",
    "SCHEME://app:CNRYa1'b2@127.0.0.1:1/x",
    "SCHEME://app:CNRYa1 CNRYb2@127.0.0.1:1/x",
    "SCHEME://app:CNRYa1?b2@127.0.0.1:1/x",
    "SCHEME://app:CNRYa1#CNRYb2@127.0.0.1:1/x",
    "SCHEME://app:CNRY%2Fa1@127.0.0.1:1/x",
    "SCHEME://CNRYa1b2c3d4@127.0.0.1:1/x",
    "SCHEME://127.0.0.1:1/x?token=CNRYa1",
    "SCHEME://127.0.0.1:1/x?x=1#CNRYa1",
    "SCHEME://app:CNRYa1",
    "SCHEME://app:CNRYa1@:x/",
];

/// Runs the program in an empty directory, where nothing answers.
fn run_with(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    let quiet =
        ["--docker", "tcp://127.0.0.1:1", "--kafka", "127.0.0.1:1", "--postgres", "postgres://127.0.0.1:1/x"];
    let given: BTreeSet<&str> = arguments.iter().copied().collect();
    let flags = quiet.chunks(2).filter(|pair| !given.contains(pair[0])).flatten().copied();
    let is_run = arguments.first().is_none_or(|first| !["explain", "schema", "demo"].contains(first));
    let flags: Vec<&str> = flags.filter(|_| is_run).collect();
    let mut run = doctor(arguments.iter().copied().chain(flags)).current_dir(directory);
    for (name, value) in variables {
        run = run.env(name, value);
    }
    run.finish()
}

#[test]
fn no_output_shows_a_secret_of_a_flag_or_variable() {
    let directory = tempfile::tempdir().unwrap();
    for (number, address) in ADDRESSES.into_iter().enumerate() {
        let of = |scheme: &str| address.replace("SCHEME", scheme);
        let (postgres, http, docker) = (of("postgres"), of("http"), of("tcp"));
        let (named, kafka) = (format!("admin-service={http}"), of("kafka"));
        let database = format!("postgres={postgres}");
        let flags: [&[&str]; 7] = [
            &["--postgres", &postgres],
            &["--http", &named],
            &["--docker", &docker],
            &["--kafka", &kafka],
            &["--database", &database],
            &["--broker", &kafka],
            &["--kafka-address", &kafka],
        ];
        for flag in flags {
            let file = directory.path().join("e.json");
            let record = ["--deadline", "200ms", "--settle", "50ms", "--record", file.to_str().unwrap()];
            // Both forms print the same texts, so each address needs only one of them.
            let form = ["-v", "--json"][number % 2];
            let arguments: Vec<&str> = flag.iter().chain(&record).copied().chain([form]).collect();
            assert_unreadable(&format!("{flag:?}"), &run_with(directory.path(), &arguments, &[]));
            let recorded = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(!readable(&recorded), "{flag:?}: {:?}", context(&recorded));
        }
        let variables = [
            ("POSTGRES_URL", &postgres),
            ("ADMIN_SERVICE_URL", &http),
            ("DOCKER_HOST", &docker),
            ("KAFKA_BROKERS", &kafka),
        ];
        for (name, value) in variables {
            let arguments = ["-v", "--deadline", "200ms", "--settle", "50ms"];
            let mut run = doctor(arguments).current_dir(directory.path()).env(name, value);
            if name != "DOCKER_HOST" {
                run = run.env("DOCKER_HOST", "tcp://127.0.0.1:1");
            }
            assert_unreadable(name, &run.finish());
        }
    }
}

/// An address typed as an id, or as the value of any flag, is repeated by no error.
#[test]
fn no_error_shows_a_mistyped_address() {
    let directory = tempfile::tempdir().unwrap();
    let flags = [
        "--project",
        "--window",
        "--at",
        "--deadline",
        "--settle",
        "--wait",
        "--config",
        "--checks",
        "--record",
        "--replay",
        "--without",
        "--format",
        "--color",
        "--fail-on",
        "-f",
        "--no-such-flag",
        "--broker",
        "--database",
    ];
    // Errors repeat any address in the same way.
    for address in ADDRESSES.iter().step_by(3) {
        let address = address.replace("SCHEME", "postgres");
        let mut commands: Vec<Vec<&str>> = flags.iter().map(|flag| vec![*flag, address.as_str()]).collect();
        commands.extend([
            vec![address.as_str()],
            vec!["trace", &address],
            vec!["explain", &address],
            vec!["demo", &address],
        ]);
        commands.extend([
            vec!["schema", &address],
            vec!["x", &address],
            vec!["explain", "topics-missing", &address],
        ]);
        for command in commands {
            for json in [false, true] {
                let mut arguments = command.clone();
                arguments.extend(json.then_some("--json"));
                arguments.extend(
                    (!["explain", "schema", "demo"].contains(&command[0]) && command[0] != "--deadline")
                        .then_some("--deadline=200ms"),
                );
                assert_unreadable(&format!("{command:?}"), &run_with(directory.path(), &arguments, &[]));
            }
        }
    }
}

/// A pipeline file's line that is shown with a mistake shows no secret.
#[test]
fn no_mistake_shows_a_secret_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pipeline.toml");
    for line in [
        "postgres = { service = 7, address = \"postgres://app:CNRYa1/CNRYb2@db/x\" }",
        "postgres = { service = \"p\", password = \"CNRYa1\", addres = 1 }",
        "kafka = { service = \"k\", address = \"app:CNRYa1@kafka:9092\" }",
        "token = \"CNRYa1\"",
    ] {
        std::fs::write(&file, format!("name = \"x\"\n{line}\n")).unwrap();
        for command in [&["lint"][..], &["-v"], &["--json"]] {
            let arguments: Vec<&str> =
                command.iter().copied().chain(["--config", file.to_str().unwrap()]).collect();
            assert_unreadable(line, &run_with(directory.path(), &arguments, &[]));
        }
    }
}

/// A compose file's error shows no secret.
#[test]
fn no_compose_error_shows_a_secret() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("compose.yaml");
    for text in [
        "services:\n  api:\n    image: x\n    environment: {DB_PASSWORD: CNRYa1, [: ]}\n",
        "services:\n  api:\n    image: bob:CNRYa1@registry.example/x\n    ports: 7\n    environment: 5\n",
        "services:\n  api: {image: x, command: [run, --password, CNRYa1], healthcheck: 5}\n",
    ] {
        std::fs::write(&file, text).unwrap();
        let arguments = ["-v", "--deadline", "2s", "--settle", "50ms", "-f", file.to_str().unwrap()];
        assert_unreadable(text, &run_with(directory.path(), &arguments, &[]));
    }
}
