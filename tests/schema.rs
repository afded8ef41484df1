//! Tests that the printed schemas match what the program reads and writes.

mod support;

use serde_json::Value;
use std::path::{Path, PathBuf};
use support::{doctor, root, scenario, scenarios};

const NAMES: [&str; 4] = ["pipeline", "checks", "report", "trace"];

fn printed(name: &str) -> Value {
    doctor(["schema", name]).finish().code(0).json()
}

/// Validates documents against a schema.
struct Validator(jsonschema::Validator);

impl Validator {
    fn new(name: &str) -> Self {
        let validator = jsonschema::options().should_validate_formats(true).build(&printed(name));
        Validator(validator.unwrap_or_else(|error| panic!("{name}: {error}")))
    }

    fn errors(&self, document: &Value) -> Vec<String> {
        let errors = self.0.iter_errors(document);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    /// Asserts that the document is valid.
    #[track_caller]
    fn assert_valid(&self, name: &str, document: &Value) {
        let errors = self.errors(document);
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }

    /// Asserts that the document is invalid.
    #[track_caller]
    fn assert_invalid(&self, name: &str, document: &Value) {
        assert!(!self.errors(document).is_empty(), "{name} is valid:\n{document:#}");
    }
}

fn toml(text: &str) -> Value {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn built_in_files() -> Vec<PathBuf> {
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
fn schemas_are_valid_and_describe_all_fields() {
    for name in NAMES {
        let schema = printed(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        // TOML has no null, and integer widths are specific to Rust.
        let has_null = schema.to_string().contains("\"null\"");
        assert_eq!(has_null, ["report", "trace"].contains(&name), "{name}");
        assert!(!schema.to_string().contains("\"uint"), "{name}");
        let mut undescribed = Vec::new();
        find_undescribed("", &schema, &mut undescribed);
        assert_eq!(undescribed, Vec::<String>::new(), "{name}");
    }
}

/// Collects the declared fields without a description. Skips constraints on a field, such as
/// those in `then`.
fn find_undescribed(path: &str, schema: &Value, undescribed: &mut Vec<String>) {
    let Value::Object(keys) = schema else { return };
    let fields = keys.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (field, value) in fields.filter(|(_, value)| value["description"].as_str().is_none_or(str::is_empty))
    {
        undescribed.push(format!("{path}/{field}: {value}"));
    }
    let definitions = keys.get("$defs").and_then(Value::as_object).into_iter().flatten();
    definitions.for_each(|(name, schema)| find_undescribed(&format!("{path}/{name}"), schema, undescribed));
}

#[test]
fn built_in_files_name_their_schema_and_match_it() {
    let files = built_in_files();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let (text, name) = (std::fs::read_to_string(&file).unwrap(), schema_of(&file));
        let first = format!("#:schema ./schema/{name}.schema.json");
        assert_eq!(text.lines().next(), Some(first.as_str()), "{}", file.display());
        Validator::new(name).assert_valid(&file.display().to_string(), &toml(&text));
    }
}

#[test]
fn another_pipeline_matches_the_schema() {
    Validator::new("pipeline").assert_valid("shop.toml", &toml(SHOP));
}

/// The built-in checks directory, passed here as custom checks, contains a schema directory.
#[test]
fn ignores_the_schema_directory_in_a_checks_directory() {
    let explain = |more: &[&str]| {
        let arguments = ["explain", "worker-running"].iter().chain(more);
        doctor(arguments).finish().code(0).stdout
    };
    let custom = explain(&["--checks", "checks"]);
    let without_source: Vec<&str> =
        custom.lines().filter(|line| !line.contains("checks/1-workers.toml:")).collect();
    assert_eq!(without_source.len() + 1, custom.lines().count());
    assert_eq!(without_source, explain(&[]).lines().collect::<Vec<&str>>());
}

fn recordings() -> Vec<PathBuf> {
    let of_traces = std::fs::read_dir(root().join("tests/scenarios/traces")).unwrap();
    let of_traces = of_traces.map(|file| file.unwrap().path());
    let all = scenarios().into_iter().map(|name| scenario(&name)).chain(of_traces);
    all.filter(|file| file.extension().is_some_and(|e| e == "json")).collect()
}

#[test]
fn every_report_matches_its_schema() {
    let validator = Validator::new("report");
    for file in recordings() {
        let file = file.to_str().unwrap();
        validator.assert_valid(file, &doctor(["--replay", file, "--json"]).finish().json());
    }
    validator.assert_valid("an error", &doctor(["--json", "--at", "noon"]).finish().code(2).json());
}

#[test]
fn every_trace_matches_its_schema() {
    let validator = Validator::new("trace");
    let mut of_several_ids = 0;
    for file in recordings() {
        let file = file.to_str().unwrap();
        let trace = doctor(["trace", "--replay", file, "--json", "--payload"]).finish().json();
        of_several_ids += usize::from(trace["traces"].is_array());
        validator.assert_valid(file, &trace);
    }
    assert!(of_several_ids > 0, "no recording with several ids");
}

#[test]
fn schemas_reject_invalid_reports_and_traces() {
    let incident = scenario("workers-not-deployed");
    let incident = incident.to_str().unwrap();
    let report = doctor(["--replay", incident, "--json"]).finish().json();
    let trace = doctor(["trace", "--replay", incident, "--json"]).finish().json();
    let error = doctor(["--json", "--at", "noon"]).finish().json();
    // The schema, the document, an object in it, and a field with its new value. `None` removes
    // the field.
    let invalid: &[(&str, &Value, &str, &str, Option<Value>)] = &[
        ("report", &report, "", "headlines", Some("HEALTHY".into())),
        ("report", &report, "", "headline", None),
        ("report", &report, "", "id", None),
        ("report", &report, "", "outcome", Some("sick".into())),
        ("report", &report, "", "schema_version", Some(1.into())),
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
    for (schema, document, path, field, value) in invalid {
        let mut document = (*document).clone();
        let fields = document.pointer_mut(path).and_then(Value::as_object_mut).expect(path);
        match value {
            Some(value) => fields.insert(field.to_string(), value.clone()),
            None => fields.remove(*field),
        };
        Validator::new(schema).assert_invalid(&format!("{schema}{path}/{field}"), &document);
    }
}

const SHOP: &str = include_str!("support/shop.toml");

/// Replacements that make the valid pipeline invalid, as pairs of old and new text.
const INVALID_PIPELINES: &[(&str, &str)] = &[
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
fact = "container.state"
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
title = "{subject} logs no refused connections"
pattern = '(?i)\bECONNREFUSED\b'

[[cause]]
id = "worker-stopped"
title = "Worker stopped"
means = "Someone stopped it."
confidence = 90
always = ["worker-running"]
actions = [{ kind = "fix", run = "docker start {container}" }]

[[fact]]
name = "custom.refunds"
doc = "refunds"
about = "event"
kind = "count"
sql = "select 1"

[[fact]]
name = "custom.flag"
doc = "the flag"
about = "database"
http = { service = "admin-service", path = "/flag", harmless = true }

[[override]]
id = "no-refusal"
off = "we know"
until = "2026-12-31"
"#;

/// Replacements that make the valid checks file invalid, as pairs of old and new text.
const INVALID_CHECKS: &[(&str, &str)] = &[
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
    ("container.state", "container.rank"),
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
    ("kind = \"fix\"", "kind = \"break\""),
    ("run = \"docker", "runs = \"docker"),
    ("[[cause]]", "[[causes]]"),
    ("custom.refunds", "refunds"),
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
fn program_and_schema_reject_invalid_pipelines() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        doctor(["explain", "worker-running", "--config", file.to_str().unwrap()]).finish().code
    };
    let validator = Validator::new("pipeline");
    assert_eq!(read(SHOP), 0);
    for (old, new) in INVALID_PIPELINES {
        let text = replaced(SHOP, old, new);
        assert_eq!(read(&text), 2, "{new}");
        validator.assert_invalid(new, &toml(&text));
    }
}

#[test]
fn program_and_schema_reject_invalid_checks() {
    let directory = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        std::fs::write(directory.path().join("checks.toml"), text).unwrap();
        doctor(["explain", "worker-running", "--checks", directory.path().to_str().unwrap()]).finish().code
    };
    let validator = Validator::new("checks");
    validator.assert_valid("the valid file", &toml(CHECKS));
    assert_eq!(read(CHECKS), 0);
    for (old, new) in INVALID_CHECKS {
        let text = replaced(CHECKS, old, new);
        assert_eq!(read(&text), 2, "{new}");
        validator.assert_invalid(new, &toml(&text));
    }
}

#[track_caller]
fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "not found: {old}");
    text.replacen(old, new, 1)
}

#[test]
fn lists_the_schemas_and_suggests_a_name_for_an_unknown_one() {
    let list = doctor(["schema"]).finish().code(0).stdout;
    for name in NAMES {
        assert!(list.contains(&format!("pipeline-doctor schema {name}")), "{list}");
    }
    assert!(list.is_ascii() && list.lines().all(|line| line.len() <= 80), "{list}");
    let wrong = doctor(["schema", "pipelin"]).finish().code(2);
    assert!(wrong.stderr.contains("'pipeline'"), "{}", wrong.stderr);
}
