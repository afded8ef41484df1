//! The published schemas are what the program prints, and say what it reads and
//! writes. `PIPELINE_DOCTOR_SCHEMA=1` writes them.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{doctor, root, scenario, scenarios};

const NAMES: [&str; 4] = ["pipeline", "checks", "report", "trace"];

fn published(name: &str) -> PathBuf {
    root().join(format!("checks/schema/{name}.schema.json"))
}

fn printed(name: &str) -> Value {
    doctor(["schema", name]).finish().code(0).json()
}

/// What a schema finds wrong.
struct Judge(jsonschema::Validator);

impl Judge {
    fn new(name: &str) -> Self {
        let validator = jsonschema::options().should_validate_formats(true).build(&printed(name));
        Judge(validator.unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    fn mistakes(&self, document: &Value) -> Vec<String> {
        let mistakes = self.0.iter_errors(document);
        mistakes.map(|mistake| format!("{}: {mistake}", mistake.instance_path())).collect()
    }

    /// Fails the test unless the document is as the schema says.
    #[track_caller]
    fn accepts(&self, name: &str, document: &Value) {
        let mistakes = self.mistakes(document);
        assert!(mistakes.is_empty(), "{name}: {mistakes:#?}");
    }

    #[track_caller]
    fn rejects(&self, name: &str, document: &Value) {
        assert!(!self.mistakes(document).is_empty(), "{name} is accepted:\n{document:#}");
    }
}

fn toml(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn built_in() -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join("checks")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    files
}

fn schema_of(file: &Path) -> &'static str {
    if file.ends_with("pipeline.toml") { "pipeline" } else { "checks" }
}

#[test]
fn the_published_schemas_are_what_the_program_prints() {
    for name in NAMES {
        let schema = doctor(["schema", name]).finish().code(0).stdout;
        if std::env::var_os("PIPELINE_DOCTOR_SCHEMA").is_some() {
            std::fs::create_dir_all(published(name).parent().unwrap()).unwrap();
            std::fs::write(published(name), &schema).unwrap();
        }
        let is = std::fs::read_to_string(published(name)).unwrap_or_default();
        let differs = is.lines().zip(schema.lines()).find(|(is, should)| is != should);
        let help = "PIPELINE_DOCTOR_SCHEMA=1 cargo test --test schema writes it";
        assert!(is == schema, "the schema {name} differs at {differs:#?}\n{help}");
    }
}

#[test]
fn the_schemas_are_schemas_and_say_what_their_fields_mean() {
    for name in NAMES {
        let schema = printed(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        // TOML has none, and only Rust knows how many bits a number has.
        let null = schema.to_string().contains("\"null\"");
        assert_eq!(null, ["report", "trace"].contains(&name), "{name}");
        assert!(!schema.to_string().contains("\"uint"), "{name}");
        let mut without = Vec::new();
        undescribed("", &schema, &mut without);
        assert_eq!(without, Vec::<String>::new(), "{name}");
    }
}

/// Fields that are declared (not narrowed further, as in `then`) without saying what they mean.
fn undescribed(place: &str, schema: &Value, without: &mut Vec<String>) {
    let Value::Object(keys) = schema else { return };
    let fields = keys.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (field, value) in fields.filter(|(_, value)| value["description"].as_str().is_none_or(str::is_empty))
    {
        without.push(format!("{place}/{field}: {value}"));
    }
    let further = keys.get("$defs").and_then(Value::as_object).into_iter().flatten();
    further.for_each(|(name, schema)| undescribed(&format!("{place}/{name}"), schema, without));
}

#[test]
fn every_built_in_file_names_its_schema_and_follows_it() {
    let files = built_in();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let (text, name) = (std::fs::read_to_string(&file).unwrap(), schema_of(&file));
        let first = format!("#:schema ./schema/{name}.schema.json");
        assert_eq!(text.lines().next(), Some(first.as_str()), "{}", file.display());
        Judge::new(name).accepts(&file.display().to_string(), &toml(&text));
    }
}

#[test]
fn another_pipeline_follows_the_schema_too() {
    Judge::new("pipeline").accepts("shop.toml", &toml(SHOP));
}

/// A directory of checks with the schemas beside them is read, as one's own.
#[test]
fn the_folder_of_schemas_is_no_file_of_checks() {
    let explained = |more: &[&str]| {
        let arguments = ["explain", "worker-running"].iter().chain(more);
        doctor(arguments).finish().code(0).stdout
    };
    let own = explained(&["--checks", "checks"]);
    let without: Vec<&str> = own.lines().filter(|line| !line.contains("checks/1-workers.toml:")).collect();
    assert_eq!(without.len() + 1, own.lines().count());
    assert_eq!(without, explained(&[]).lines().collect::<Vec<&str>>());
}

fn recordings() -> Vec<PathBuf> {
    let of_traces = std::fs::read_dir(root().join("tests/scenarios/traces")).unwrap();
    let of_traces = of_traces.map(|file| file.unwrap().path());
    let all = scenarios().into_iter().map(|name| scenario(&name)).chain(of_traces);
    all.filter(|file| file.extension().is_some_and(|e| e == "json")).collect()
}

#[test]
fn every_report_follows_its_schema() {
    let judge = Judge::new("report");
    for file in recordings() {
        let file = file.to_str().unwrap();
        judge.accepts(file, &doctor(["--replay", file, "--json"]).finish().json());
    }
    judge.accepts("an error", &doctor(["--json", "--at", "noon"]).finish().code(2).json());
}

#[test]
fn every_trace_follows_its_schema() {
    let judge = Judge::new("trace");
    let mut several = 0;
    for file in recordings() {
        let file = file.to_str().unwrap();
        let trace = doctor(["trace", "--replay", file, "--json", "--payload"]).finish().json();
        several += usize::from(trace["traces"].is_array());
        judge.accepts(file, &trace);
    }
    assert!(several > 0, "no recording of several");
}

#[test]
fn what_is_no_report_is_rejected() {
    let incident = scenario("workers-not-deployed");
    let incident = incident.to_str().unwrap();
    let report = doctor(["--replay", incident, "--json"]).finish().json();
    let trace = doctor(["trace", "--replay", incident, "--json"]).finish().json();
    let error = doctor(["--json", "--at", "noon"]).finish().json();
    // Where, and what is put there: nothing takes it out.
    let wrong: &[(&str, &Value, &str, &str, Option<Value>)] = &[
        ("report", &report, "", "headlines", Some("HEALTHY".into())),
        ("report", &report, "", "headline", None),
        ("report", &report, "", "id", None),
        ("report", &report, "", "outcome", Some("sick".into())),
        ("report", &report, "", "schema_version", Some(2.into())),
        ("report", &report, "", "taken", Some("noon".into())),
        ("report", &report, "/steps/0", "verdict", Some("broken".into())),
        ("report", &report, "/steps/0/findings/0", "verdicts", Some("fail".into())),
        ("report", &report, "/steps/0/findings/0/instances/0", "verdict", Some("warn".into())),
        ("report", &report, "/steps/0/findings/0/instances/0", "value", Some(0.into())),
        ("report", &report, "/causes/0", "confidence", Some("95 %".into())),
        ("report", &report, "/causes/0/actions/0", "kind", Some("break".into())),
        ("report", &report, "/extent", "stuck", Some((-1).into())),
        ("report", &error, "/error", "exit", Some(2.into())),
        ("report", &trace, "", "tool", Some("pipeline-doctor".into())),
        ("trace", &report, "", "tool", Some("pipeline-doctor".into())),
        ("trace", &trace, "", "hop", Some(0.into())),
        ("trace", &trace, "/hops/0", "state", Some("gone".into())),
        ("trace", &trace, "/hops/0", "kind", Some("rows".into())),
        ("trace", &trace, "/hops/0", "step", Some(0.into())),
    ];
    for (schema, document, place, field, value) in wrong {
        let mut document = (*document).clone();
        let fields = document.pointer_mut(place).and_then(Value::as_object_mut).expect(place);
        match value {
            Some(value) => fields.insert(field.to_string(), value.clone()),
            None => fields.remove(*field),
        };
        Judge::new(schema).rejects(&format!("{schema}{place}/{field}"), &document);
    }
}

const SHOP: &str = include_str!("support/shop.toml");

/// Wrong pipelines: what is replaced in the good one, and by what.
const WRONG_PIPELINES: &[(&str, &str)] = &[
    ("grace_s", "grace"),
    ("name = \"shop\"\nnoun", "nam = \"shop\"\nnoun"),
    ("name = \"shop\"\nnoun", "noun"),
    ("[\"order\", \"orders\"]", "[\"order\"]"),
    ("[\"order\", \"orders\"]", "\"order\""),
    ("format = \"uuid\"", "format = \"guid\""),
    ("role = \"emitter\"", "role = \"sender\""),
    ("role = \"emitter\"", "role = \"emitter\"\nport = \"3007\""),
    ("role = \"emitter\"", "role = \"emitter\"\nport = 70000"),
    ("role = \"emitter\"", "role = \"emitter\"\ncolour = \"red\""),
    ("[kafka]\nservice", "[kafka]\nservices"),
    ("where type = 'ORDERED'", "where id = $1"),
    ("where type = 'ORDERED'", "where id = {id}"),
    ("[\"order\", \"orders\"]", "[\"order\", \"orders\", \"all\"]"),
    ("name = \"shop\"\nnoun", "name = \" \"\nnoun"),
    ("name = \"order id\"", "name = \"\""),
    ("role = \"emitter\"", "role = \"emitter\"\nport = 0"),
    ("role = \"emitter\"", "role = \"emitter\"\ncontainer = \"\""),
    ("role = \"emitter\"", "role = \"emitter\"\nhealth = \"health\""),
    ("role = \"emitter\"", "role = \"emitter\"\naddress_variable = \"$URL\""),
    ("group = \"orders\"", "group = \"\""),
    ("topics = [\"orders\"]", "topics = [\"orders\", \"orders\"]"),
    ("[[topic]]", "[[topic]]\npartitions = 0"),
    ("grace_s = 5", "grace_s = 31622401"),
    ("grace_s = 5", "grace_s = 5\nafter = [\"order\", \"order\"]"),
    ("grace_s = 5", "grace_s = 5\nhops = [\"effect\", \"mark\", \"effect\"]"),
    ("grace_s = 5", "grace_s = 5\ngood_status = [\"a\", \"a\"]"),
    ("grace_s = 5", "grace_s = 5\nwaiting_status = [\"\"]"),
    ("marked_by = [\"order-worker\"]", "marked_by = [\"x\", \"x\"]"),
    ("effect = \"orders\"", "effect = \"\""),
    ("keys = [\"item\"]", "keys = [\"item\", \"item\"]"),
    ("table = \"done\"", "table = \"\""),
    ("answered_well = \"ok\"", "answered_well = \"ok\"\nharmless = { path = \"x\", expect = {} }"),
    (
        "answered_well = \"ok\"",
        "answered_well = \"ok\"\nharmless = { path = \"/\", expect = {}, show = [\"a\"] }",
    ),
];

const CHECKS: &str = r#"
[[step]]
step = 1
title = "workers"
about = "workers"
by_hand = "docker ps"

[[step]]
step = 4
title = "logs"
about = "call"
by_hand = "docker logs"

[[check]]
id = "worker-running"
title = "{subject} is running"
step = 1
severity = "warn"
for_each = "worker"
fact = "container.rung"
expect = { at_least = "running" }
pass_needs = []
by_hand = "docker ps"

[[check]]
id = "group-has-members"
title = "{subject} is in its group"
step = 1
for_each = "worker"
fact = "group.members"
expect = { at_least = 1 }
by_hand = "docker ps"

[[check]]
id = "no-refusal"
title = "{subject} is not refused"
step = 1
for_each = "part"
fact = "log.clear:refused"
expect = { is = true }
by_hand = "docker logs"

[[signature]]
id = "refused"
title = "{subject} logs no refused connection"
pattern = '(?i)\bECONNREFUSED\b'

[[cause]]
id = "worker-stopped"
title = "Worker stopped"
means = "Somebody stopped it."
confidence = 90
always = ["worker-running"]
actions = [{ kind = "mend", run = "docker start {container}" }]

[[fact]]
name = "own.refunds"
doc = "refunds"
about = "event"
kind = "count"
sql = "select 1"

[[fact]]
name = "own.flag"
doc = "the flag"
about = "database"
http = { service = "admin-service", path = "/flag", harmless = true }

[[override]]
id = "no-refusal"
off = "we know"
until = "2026-12-31"
"#;

/// Wrong files of checks: what is replaced in the good one, and by what.
const WRONG_CHECKS: &[(&str, &str)] = &[
    ("severity", "severities"),
    ("\"warn\"", "\"loud\""),
    ("about = \"workers\"", "about = \"people\""),
    ("\nabout = \"workers\"", ""),
    ("step = 1\nseverity", "step = \"one\"\nseverity"),
    ("step = 1\nseverity", "step = 300\nseverity"),
    ("step = 1\nseverity", "severity"),
    ("id = \"worker-running\"", "id = \"Worker Running\""),
    ("id = \"worker-running\"", "id = \"\""),
    ("for_each = \"worker\"\nfact = \"container", "for_each = \"workers\"\nfact = \"container"),
    ("for_each = \"worker\"\nfact = \"group", "for_each = \"topic\"\nfact = \"group"),
    ("container.rung", "container.rank"),
    ("log.clear:refused", "log:refused"),
    ("{ at_least = \"running\" }", "{ at_least = \"runing\" }"),
    ("{ at_least = \"running\" }", "{ one_of = [\"running\", \"walking\"] }"),
    ("{ at_least = \"running\" }", "{ one_of = \"running\" }"),
    ("{ at_least = \"running\" }", "{ at_least = \"running\", is_not = \"paused\" }"),
    ("{ at_least = \"running\" }", "{ least = \"running\" }"),
    ("{ at_least = \"running\" }", "{}"),
    ("{ at_least = \"running\" }", "\"running\""),
    ("{ at_least = 1 }", "{ at_least = \"1\" }"),
    ("{ at_least = 1 }", "{ at_least = -1 }"),
    ("{ at_least = 1 }", "{ at_least = true }"),
    ("pass_needs = []", "pass_needs = \"worker-created\""),
    ("\npattern = '(?i)\\bECONNREFUSED\\b'", ""),
    ("confidence = 90", "confidence = 120"),
    ("confidence = 90", "confidence = 0"),
    ("confidence = 90", "confidence = \"high\""),
    ("always = [\"worker-running\"]", "usually = [\"worker-running\"]"),
    ("always = [\"worker-running\"]", "always = []"),
    ("always = [\"worker-running\"]", "always = [\"worker-running\"]\nany_of = [\"worker-stopped\"]"),
    ("kind = \"mend\"", "kind = \"break\""),
    ("run = \"docker", "runs = \"docker"),
    ("[[cause]]", "[[causes]]"),
    ("own.refunds", "refunds"),
    ("doc = \"refunds\"\n", ""),
    ("about = \"event\"", "about = \"worker\""),
    ("kind = \"count\"", "kind = \"number\""),
    ("sql = \"select 1\"", ""),
    ("sql = \"select 1\"", "sql = \"select 1\"\nlog = { part = \"kafka\", pattern = \"x\" }"),
    ("harmless = true", "harmless = false"),
    ("off = \"we know\"\n", ""),
    ("\nuntil = \"2026-12-31\"", ""),
    ("2026-12-31", "soon"),
];

#[test]
fn wrong_pipelines_are_rejected_by_the_schema_as_by_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        doctor(["explain", "worker-running", "--config", file.to_str().unwrap()]).finish().code
    };
    let judge = Judge::new("pipeline");
    assert_eq!(read(SHOP), 0);
    for (good, bad) in WRONG_PIPELINES {
        let text = changed(SHOP, good, bad);
        assert_eq!(read(&text), 2, "{bad}");
        judge.rejects(bad, &toml(&text));
    }
}

#[test]
fn wrong_checks_are_rejected_by_the_schema_as_by_the_program() {
    let directory = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        std::fs::write(directory.path().join("checks.toml"), text).unwrap();
        doctor(["explain", "worker-running", "--checks", directory.path().to_str().unwrap()]).finish().code
    };
    let judge = Judge::new("checks");
    judge.accepts("the good one", &toml(CHECKS));
    assert_eq!(read(CHECKS), 0);
    for (good, bad) in WRONG_CHECKS {
        let text = changed(CHECKS, good, bad);
        assert_eq!(read(&text), 2, "{bad}");
        judge.rejects(bad, &toml(&text));
    }
}

#[track_caller]
fn changed(text: &str, good: &str, bad: &str) -> String {
    assert!(text.contains(good), "there is no {good}");
    text.replacen(good, bad, 1)
}

#[test]
fn without_a_name_there_is_a_list_and_a_wrong_one_is_told_the_nearest() {
    let list = doctor(["schema"]).finish().code(0).stdout;
    for name in NAMES {
        assert!(list.contains(&format!("pipeline-doctor schema {name}")), "{list}");
    }
    assert!(list.is_ascii() && list.lines().all(|line| line.len() <= 80), "{list}");
    let wrong = doctor(["schema", "pipelin"]).finish().code(2);
    assert!(wrong.stderr.contains("'pipeline'"), "{}", wrong.stderr);
}
