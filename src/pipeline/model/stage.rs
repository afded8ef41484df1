//! Stages, and what an event passes at one.

use crate::base::name::MAIN_DATABASE;
use crate::base::schema;
use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// As many seconds as a year has, with its leap day.
pub const YEAR_S: i64 = 31_622_400;

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
    #[schemars(range(max = YEAR_S))]
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
    /// Its topic in words.
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
