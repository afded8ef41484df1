//! The pipeline: what should exist. Data, read from TOML; one is built in.

pub mod absent;
pub mod hops;
pub mod id;
pub mod lists;
pub mod names;
pub mod parts;
pub mod patterns;
pub mod requests;
pub mod sql;
pub mod stages;
pub mod texts;
pub mod unused;
pub mod values;

pub use id::{IdForm, IdFormat, is_uuid};
pub use unused::unused;

use crate::base::error::{Mistake, by_line};
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::base::schema;
use crate::evidence::Seen;
use crate::input::Source;
use crate::input::document::Document;
use crate::input::pattern;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// A pipeline, as its file declares it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name, shown in the report and kept in recordings.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// What flows through it, singular and plural: `["order", "orders"]`.
    pub noun: (String, String),
    /// The correlation id.
    pub id: IdFormat,
    /// Hints for the compose project.
    #[serde(default)]
    pub compose: ComposeHints,
    /// The broker, if the pipeline has one.
    pub kafka: Option<System>,
    /// Further brokers, by name: clusters of their own.
    #[serde(default)]
    pub broker: BTreeMap<String, System>,
    /// The database, with the events.
    pub postgres: System,
    /// Further databases, by name: of other services.
    #[serde(default)]
    pub database: BTreeMap<String, System>,
    /// Services that are not workers.
    #[serde(default)]
    pub service: Vec<Service>,
    /// The workers, in the order in which an event meets them.
    #[serde(default)]
    pub worker: Vec<Worker>,
    /// The topics that must exist.
    #[serde(default)]
    pub topic: Vec<TopicSpec>,
    /// The table that says who has processed what, if there is one.
    pub marks: Option<Marks>,
    /// The event: when it happened and what it leads to.
    pub event: EventSql,
    /// By what events are looked up, beside their id: a word for the command line,
    /// and the event's key that has the value.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub lookup: BTreeMap<String, Spanned<String>>,
    /// The stages, in order.
    #[serde(default)]
    pub stage: Vec<Stage>,
    /// The documented API call, if the pipeline has one.
    pub call: Option<Call>,
    /// The diagnostic lines that a healthy way leaves in the logs.
    #[serde(default)]
    pub line: Vec<Line>,
    /// Where workers send what they gave up, if they do.
    pub dead_letters: Option<DeadLetters>,
}

/// Hints for finding the compose project.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComposeHints {
    /// The project's name, preferred where several match.
    pub project: Option<String>,
}

/// A system that the pipeline uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The `[[service]]` that runs it, for its container.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Its address, where neither flag nor environment gives one.
    pub address: Option<String>,
    /// The service or worker whose environment has its address, where nothing else
    /// gives one. Absent: whichever names it.
    #[schemars(with = "Option<String>")]
    pub used_by: Option<Spanned<String>>,
}

/// What a service is in the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sends the first event.
    Emitter,
    /// Answers the documented call.
    Api,
    /// Kafka.
    Broker,
    /// PostgreSQL.
    Database,
}

/// A service that is not a worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// What it is here.
    pub role: Role,
    /// Container name, where it differs from compose's own.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// HTTP port inside the container.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// Path that answers 2xx when healthy.
    #[schemars(regex(pattern = "^/"))]
    pub health: Option<String>,
    /// Environment variable that holds its base address.
    #[schemars(regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub address_variable: Option<String>,
    /// Its base address, where neither flag nor environment gives one.
    pub address: Option<String>,
}

/// A worker: consumes topics as a member of one group, or takes its work from elsewhere.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Compose service name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Container name, where it differs from compose's own.
    #[schemars(regex(pattern = r"\S"))]
    pub container: Option<String>,
    /// Consumer group, if it consumes topics.
    #[schemars(regex(pattern = r"\S"))]
    pub group: Option<String>,
    /// Topics that it consumes.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true))]
    pub topics: Vec<Spanned<String>>,
    /// Regular expression: the log line of its start.
    pub started: Option<Pattern>,
    /// How it is deployed, for the compose fragment.
    pub deploy: Option<Deploy>,
}

impl Worker {
    /// Its consumer group; not asked where it has none.
    pub fn group(&self) -> Seen<&String> {
        match &self.group {
            Some(group) => Seen::Known(group),
            None => Seen::not_asked(format!("{} consumes no topic", self.name)),
        }
    }

    /// The same in words.
    pub fn group_name(&self) -> &str {
        self.group.as_deref().unwrap_or("(none)")
    }

    /// Whether a topic is one of those that it consumes.
    pub fn consumes(&self, topic: &str) -> bool {
        self.topics.iter().any(|own| own.get_ref() == topic)
    }
}

/// How a worker is deployed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Image name.
    #[schemars(regex(pattern = r"\S"))]
    pub image: String,
    /// Command, where the image's own is not it.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment variables that it needs; values stay in the project's `.env`.
    #[serde(default)]
    pub environment: Vec<String>,
}

/// A topic that must exist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Its name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// How many partitions it is created with, where its siblings do not tell.
    #[schemars(range(min = 1))]
    pub partitions: Option<u32>,
    /// The `[broker.NAME]` that holds it, where that is not `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}

/// The table that says who has processed what: names of table and columns.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// Table, with its schema where it is not on the search path.
    #[schemars(regex(pattern = r"\S"))]
    pub table: String,
    /// Column of the correlation id: uuid, text or varchar.
    #[schemars(regex(pattern = r"\S"))]
    pub id: String,
    /// Column of the event's own id, if it has one.
    #[schemars(regex(pattern = r"\S"))]
    pub event_id: Option<String>,
    /// Column of the event's type.
    #[schemars(regex(pattern = r"\S"))]
    pub event_type: String,
    /// Column that says who has marked it.
    #[schemars(regex(pattern = r"\S"))]
    pub source: String,
    /// Column of the time.
    #[schemars(regex(pattern = r"\S"))]
    pub processed_at: String,
    /// The `[database.NAME]` that holds it, where that is not `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
}

impl Marks {
    /// The name of the database that holds it.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }
}

/// Where workers send what they gave up.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetters {
    /// Topic.
    #[schemars(regex(pattern = r"\S"))]
    pub topic: String,
    /// The header that says why.
    #[schemars(regex(pattern = r"\S"))]
    pub reason: String,
    /// The header that says who gave it up.
    #[schemars(regex(pattern = r"\S"))]
    pub worker: Option<String>,
    /// The `[broker.NAME]` that holds the topic, where that is not `[kafka]`.
    #[schemars(with = "Option<String>")]
    pub broker: Option<Spanned<String>>,
}

/// The SQL that finds events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventSql {
    /// `id` (of the type of the marks table's), `at` (timestamptz) and a column
    /// for each key, of all events.
    #[schemars(extend("not" = schema::binding()))]
    pub sql: String,
    /// The key columns of `sql`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub keys: Vec<String>,
}

/// One hop's contract.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Its name.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Event type.
    #[schemars(regex(pattern = r"\S"))]
    pub event: String,
    /// Topic on which the event arrives, if it comes by one.
    #[schemars(with = "Option<String>")]
    pub topic: Option<Spanned<String>>,
    /// The stages before it, all of which an event must have passed: the one before it
    /// in the file, where this is left out. None of them: it begins with the event itself.
    #[schemars(with = "Option<Vec<String>>", extend("uniqueItems" = true))]
    pub after: Option<Vec<Spanned<String>>>,
    /// Service or worker that sends it.
    #[schemars(with = "String")]
    pub emitter: Spanned<String>,
    /// The emitter writes the event's row into the marks table itself; that row
    /// is never removed, and its source says nothing of the worker.
    #[serde(default)]
    pub recorded_by_emitter: bool,
    /// Worker that handles it.
    #[schemars(with = "String")]
    pub worker: Spanned<String>,
    /// Sources that may mark it as processed.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub marked_by: Vec<String>,
    /// What it leaves in the database, in words (a table's name).
    #[schemars(regex(pattern = r"\S"))]
    pub effect: String,
    /// Statuses of the effect that are good; empty: any.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub good_status: Vec<String>,
    /// Statuses of the effect that wait for something outside of the pipeline.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub waiting_status: Vec<String>,
    /// Seconds after its event before a missing effect counts.
    #[schemars(range(max = values::YEAR_S))]
    pub grace_s: u64,
    /// The `[database.NAME]` that holds the effect, where that is not `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
    /// `id`, `at` (timestamptz) and `status` of the effect rows of all events.
    #[schemars(extend("not" = schema::binding()))]
    pub sql: String,
    /// `id`, `key` (text), `headers` and `value` (jsonb) of the records of all
    /// events, for sending them once more.
    #[schemars(extend("not" = schema::binding()))]
    pub record_sql: Option<String>,
    /// The effect's rows do not say when they were written: their `at` is a time
    /// before.
    #[serde(default)]
    pub undated: bool,
    /// What an event passes here, in order: `row`, `record`, `taken`, `call`, `effect`,
    /// `mark` (see [`HopKind::NAMED`]), and the names of the stage's lines. Empty: what
    /// there is, in the usual order.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true))]
    pub hops: Vec<Spanned<String>>,
}

impl Stage {
    /// Its topic; not asked where the event comes another way.
    pub fn topic(&self) -> Seen<&String> {
        match &self.topic {
            Some(topic) => Seen::Known(topic.get_ref()),
            None => Seen::not_asked(format!("{} comes by no topic", self.event)),
        }
    }

    /// The same in words.
    pub fn topic_name(&self) -> &str {
        self.topic.as_ref().map_or("(none)", |topic| topic.get_ref().as_str())
    }

    /// The name of the database that holds it.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }
}

/// What an event passes at a stage, beside the lines that are logged of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HopKind {
    /// The emitter has written the event's row.
    Row,
    /// A part has logged a line of it.
    Line,
    /// Its record is on the topic.
    Record,
    /// The worker's group has committed past the record.
    Taken,
    /// The service has logged the documented call.
    Call,
    /// The effect's rows are there.
    Effect,
    /// The worker has marked it as processed.
    Mark,
    /// The worker has given it up.
    DeadLetter,
    /// Another worker's group has committed past the record.
    Branch,
}

impl HopKind {
    /// Those that a pipeline can name, as it names them.
    pub const NAMED: [(&str, HopKind); 6] = [
        ("row", HopKind::Row),
        ("record", HopKind::Record),
        ("taken", HopKind::Taken),
        ("call", HopKind::Call),
        ("effect", HopKind::Effect),
        ("mark", HopKind::Mark),
    ];
}

/// A diagnostic line: what a part logs of an event at a stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What people call it: "received".
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// The service or worker that logs it.
    #[schemars(with = "String")]
    pub part: Spanned<String>,
    /// The stage that it belongs to.
    #[schemars(with = "String")]
    pub stage: Spanned<String>,
    /// Regular expression: the line, on a record that names the id.
    pub pattern: Pattern,
}

/// The documented API call of a stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What people call it.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// The stage whose worker makes it.
    #[schemars(with = "String")]
    pub stage: Spanned<String>,
    /// The service that answers it.
    #[schemars(with = "String")]
    pub service: Spanned<String>,
    /// Regular expression: the call in the service's log.
    pub logged: Pattern,
    /// The event key that the call's record names.
    pub key: String,
    /// Regular expression: the answer in the worker's log.
    pub answered: Pattern,
    /// Regular expression: in the worker's log, a call that nobody answered.
    pub unanswered: Option<Pattern>,
    /// Regular expression: an answer that succeeded and names what it made.
    pub answered_well: Pattern,
    /// A request that changes nothing.
    pub harmless: Option<Harmless>,
}

/// A request that changes nothing, judged by its body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Harmless {
    /// Path and query; `{key}` stands for the event's keys.
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// Keys to use when there is no event to take them from.
    #[serde(default)]
    pub without_event: BTreeMap<String, String>,
    /// JSON pointer → compact JSON that the body must hold there.
    pub expect: BTreeMap<String, String>,
    /// JSON pointers whose values help to see what is wrong.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^(/|$)")))]
    pub show: Vec<String>,
}

/// A regular expression (linear in time), compiled when the file is read.
// The format `regex` of JSON Schema is JavaScript's: it refuses `(?i)`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String", inline)]
pub struct Pattern(pub Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        pattern::compile(&text).map(Pattern).map_err(serde::de::Error::custom)
    }
}

impl Pipeline {
    /// Reads a pipeline. All mistakes are put into `mistakes`; a pipeline with
    /// mistakes must not be used.
    pub fn read(source: &Source, mistakes: &mut Vec<Mistake>) -> Option<Pipeline> {
        let mut read = Vec::new();
        let pipeline: Option<Pipeline> = source.read(&mut read);
        let mut own = read.clone();
        if let Some(document) = Document::of(source) {
            id::check(&document, &mut own);
            names::check(&document, &mut own);
            stages::check(&document, &read, &mut own);
            parts::check(&document, &read, &mut own);
            hops::check(&document, &read, &mut own);
            lists::check(&document, &mut own);
            texts::check(&document, &mut own);
            values::check(&document, &mut own);
            patterns::check(&document, &mut own);
            sql::check(&document, &mut own);
            document.control_characters(&mut own);
        }
        by_line(&mut own, &[&source.name]);
        mistakes.append(&mut own);
        pipeline
    }

    /// The worker of that name.
    pub fn worker(&self, name: &str) -> Option<&Worker> {
        self.worker.iter().find(|worker| worker.name == name)
    }

    /// The stage of that name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stage.iter().find(|stage| stage.name == name)
    }

    /// The stages right before one.
    pub fn before(&self, stage: &Stage) -> Vec<&Stage> {
        match &stage.after {
            Some(names) => names.iter().filter_map(|name| self.stage(name.get_ref())).collect(),
            None => {
                self.stage.iter().take_while(|other| other.name != stage.name).last().into_iter().collect()
            }
        }
    }

    /// All stages that an event passes before one, in their order.
    pub fn all_before(&self, stage: &Stage) -> Vec<&Stage> {
        let mut names: Vec<&str> = Vec::new();
        let mut open = self.before(stage);
        while let Some(next) = open.pop() {
            if !names.contains(&next.name.as_str()) {
                names.push(&next.name);
                open.extend(self.before(next));
            }
        }
        self.stage.iter().filter(|stage| names.contains(&stage.name.as_str())).collect()
    }

    /// Whether an event that has passed one stage has passed the other before it.
    pub fn is_behind(&self, later: &Stage, earlier: &Stage) -> bool {
        self.all_before(later).iter().any(|stage| stage.name == earlier.name)
    }

    /// The stages that no other comes after: where a way ends.
    pub fn ends(&self) -> impl Iterator<Item = &Stage> {
        let goes_on = |stage: &Stage| {
            self.stage.iter().any(|other| self.before(other).iter().any(|before| before.name == stage.name))
        };
        self.stage.iter().filter(move |stage| !goes_on(stage))
    }

    /// The stages at which a worker waits for the same row, the given one among them:
    /// a join has one for each record that leads to it.
    pub fn joined(&self, stage: &Stage) -> Vec<&Stage> {
        let same =
            |other: &&Stage| other.worker.get_ref() == stage.worker.get_ref() && other.effect == stage.effect;
        self.stage.iter().filter(same).collect()
    }

    /// Who marks the same event at another stage, and not at this one.
    pub fn marked_elsewhere(&self, stage: &Stage) -> Vec<String> {
        let others = self.stage.iter().filter(|other| other.event == stage.event);
        let sources = others.flat_map(|other| &other.marked_by);
        sources.filter(|source| !stage.marked_by.contains(source)).cloned().collect()
    }

    /// A broker by its name: `[kafka]` is [`MAIN_BROKER`].
    pub fn broker(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_BROKER => self.kafka.as_ref(),
            name => self.broker.get(name),
        }
    }

    /// Whether a service runs the broker of `[kafka]`.
    pub fn is_main_broker(&self, service: &str) -> bool {
        self.kafka.as_ref().is_some_and(|kafka| kafka.service.get_ref() == service)
    }

    /// The services that run the brokers, each once.
    pub fn brokers(&self) -> Vec<&String> {
        services(self.kafka.iter().chain(self.broker.values()))
    }

    /// A database by its name: `[postgres]` is [`MAIN_DATABASE`].
    pub fn database(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_DATABASE => Some(&self.postgres),
            name => self.database.get(name),
        }
    }

    /// The services that run the databases, each once.
    pub fn databases(&self) -> Vec<&String> {
        services([&self.postgres].into_iter().chain(self.database.values()))
    }

    /// The name of the broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> &str {
        let declared = self.topic.iter().find(|declared| declared.name == topic);
        let dead = self.dead_letters.iter().find(|dead| dead.topic == topic);
        let named = declared.and_then(|topic| topic.broker.as_ref());
        let named = named.or_else(|| dead.and_then(|dead| dead.broker.as_ref()));
        named.map_or(MAIN_BROKER, |name| name.get_ref().as_str())
    }

    /// The name of the broker on which a worker is a member of its group, which is that
    /// of its topics.
    pub fn broker_of(&self, worker: &Worker) -> &str {
        worker.topics.first().map_or(MAIN_BROKER, |topic| self.broker_of_topic(topic.get_ref()))
    }

    /// What a stage is called in findings: its worker, or its own name where
    /// the worker has several stages.
    pub fn stage_subject(&self, stage: &Stage) -> String {
        let worker = stage.worker.get_ref();
        let stages = self.stage.iter().filter(|other| other.worker.get_ref() == worker);
        if stages.count() > 1 { stage.name.clone() } else { worker.clone() }
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.service.iter().find(|service| service.name == name)
    }

    /// Every service and worker, with its container's name where declared.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let services = self.service.iter().map(|s| (s.name.as_str(), s.container.as_deref()));
        let workers = self.worker.iter().map(|w| (w.name.as_str(), w.container.as_deref()));
        workers.chain(services)
    }

    /// Whether the SQL of the pipeline names a table.
    pub fn uses_table(&self, table: &str) -> bool {
        let stages = self.stage.iter().map(|stage| stage.sql.as_str());
        let marks = self.marks.iter().map(|marks| marks.table.as_str());
        let mut texts = stages.chain(marks).chain([self.event.sql.as_str()]);
        texts.any(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == table))
    }

    /// The environment variables that hold addresses of services and workers.
    pub fn address_variables(&self) -> impl Iterator<Item = &str> {
        let of_services = self.service.iter().filter_map(|service| service.address_variable.as_deref());
        let deployed = self.worker.iter().filter_map(|worker| worker.deploy.as_ref());
        of_services.chain(deployed.flat_map(|deploy| deploy.environment.iter().map(String::as_str)))
    }

    /// The pipeline's word for `count` events: "1 order", "3 orders".
    pub fn count(&self, count: u64) -> String {
        let (one, many) = &self.noun;
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// The services that run systems, each once.
fn services<'a>(systems: impl Iterator<Item = &'a System>) -> Vec<&'a String> {
    let mut services: Vec<&String> = Vec::new();
    for service in systems.map(|system| system.service.get_ref()) {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> String {
        include_str!("../../tests/support/shop.toml").to_string()
    }

    fn mistakes_of(text: String) -> Vec<String> {
        let source = Source { name: "shop.toml".into(), text };
        let mut mistakes = Vec::new();
        Pipeline::read(&source, &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_pipeline_has_no_mistakes() {
        assert_eq!(mistakes_of(shop()), Vec::<String>::new());
    }

    #[test]
    fn wrong_names_are_reported_together_with_the_nearest_valid_one() {
        let text = shop()
            .replace("worker = \"order-worker\"", "worker = \"oder-worker\"")
            .replace("topic = \"orders\"", "topic = \"oders\"")
            .replace("stage = \"order\"", "stage = \"oder\"");
        let found = mistakes_of(text);
        assert_eq!(found.len(), 3, "{found:#?}");
        assert!(found[0].contains("did you mean `orders`?"), "{found:#?}");
        assert!(found[1].contains("did you mean `order-worker`?"), "{found:#?}");
        assert!(found[2].contains("did you mean `order`?"), "{found:#?}");
    }

    #[test]
    fn a_further_broker_or_database_cannot_have_the_name_of_the_main_one() {
        let text =
            shop() + "\n[broker.kafka]\nservice = \"kafka\"\n\n[database.postgres]\nservice = \"kafka\"\n";
        let found = mistakes_of(text);
        for name in ["broker cannot be called `kafka`", "database cannot be called `postgres`"] {
            assert!(found.iter().any(|mistake| mistake.contains(name)), "{found:#?}");
        }
    }

    #[test]
    fn sql_that_binds_a_value_itself_is_a_mistake() {
        let found = mistakes_of(shop().replace("where type = 'ORDERED'", "where id = {id}"));
        assert!(found.iter().any(|mistake| mistake.contains("binds a value")), "{found:#?}");
    }
}
