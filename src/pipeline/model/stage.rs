//! Stages, and the hops of an event within a stage.

use crate::base::json_schema;
use crate::base::name::MAIN_DATABASE;
use crate::pipeline::model::pattern::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The number of seconds in a leap year.
pub const YEAR_S: i64 = 31_622_400;

/// A stage, in which one worker handles one event type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name of the stage.
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Type of the event.
    #[schemars(regex(pattern = r"\S"))]
    pub event: String,
    /// Topic on which the event arrives, unless it arrives another way.
    #[schemars(with = "Option<String>")]
    pub topic: Option<Spanned<String>>,
    /// Stages that an event must pass through before this one. Defaults to the previous stage in
    /// the file. An empty list means that the stage starts with the event itself.
    #[schemars(with = "Option<Vec<String>>", extend("uniqueItems" = true))]
    pub after: Option<Vec<Spanned<String>>>,
    /// Service or worker that sends the event.
    #[schemars(with = "String")]
    pub emitter: Spanned<String>,
    /// Whether the emitter writes the event's row into the marks table. That row is never removed,
    /// and its source does not show whether the worker processed the event.
    #[serde(default)]
    pub recorded_by_emitter: bool,
    /// Worker that handles the event.
    #[schemars(with = "String")]
    pub worker: Spanned<String>,
    /// Sources that may mark the event as processed.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub marked_by: Vec<String>,
    /// Name of the effect in the database, usually a table name.
    #[schemars(regex(pattern = r"\S"))]
    pub effect: String,
    /// Effect statuses that count as success. An empty list accepts any status.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub good_status: Vec<String>,
    /// Statuses of effects that wait for something outside the pipeline.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"\S")), extend("uniqueItems" = true))]
    pub waiting_status: Vec<String>,
    /// Grace period in seconds after the event, before a missing effect counts as a failure.
    #[schemars(range(max = YEAR_S))]
    pub grace_s: u64,
    /// The `[database.NAME]` that holds the effect. Defaults to `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
    /// Query that returns `id`, `at` (timestamptz) and `status` for the effect rows of all events.
    #[schemars(extend("not" = json_schema::bound_value()))]
    pub sql: String,
    /// Query like `sql` for only those rows that an index covers, such as a partial index. `sql` is then asked only for
    /// events whose effect this one does not find.
    #[schemars(extend("not" = json_schema::bound_value()))]
    pub quick_sql: Option<String>,
    /// Query that returns `id`, `key` (text), `headers` and `value` (jsonb) for the records of all
    /// events, used to send them again.
    #[schemars(extend("not" = json_schema::bound_value()))]
    pub record_sql: Option<String>,
    /// Whether the effect rows have no write time, so that their `at` is an earlier time.
    #[serde(default)]
    pub undated: bool,
    /// Hops of an event at this stage, in order: `row`, `record`, `taken`, `call`, `effect`,
    /// `mark` (see [`HopKind::NAMED`]), and the names of the stage's lines. An empty list means
    /// all applicable hops in the usual order.
    #[serde(default)]
    #[schemars(with = "Vec<String>", extend("uniqueItems" = true))]
    pub hops: Vec<Spanned<String>>,
}

impl Stage {
    /// Returns the topic name for display.
    pub fn topic_name(&self) -> &str {
        self.topic.as_ref().map_or("(none)", |topic| topic.get_ref().as_str())
    }

    /// Returns the name of the database that holds the effect.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }
}

/// The kinds of hops at a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HopKind {
    /// The emitter wrote the event's row.
    Row,
    /// A component logged a diagnostic line.
    Line,
    /// The event's record is on the topic.
    Record,
    /// The worker's consumer group committed past the record.
    Consumption,
    /// The service logged the documented call.
    Call,
    /// The effect rows exist.
    Effect,
    /// The worker marked the event as processed.
    Mark,
    /// The worker sent the event to the dead-letter topic.
    DeadLetter,
    /// The consumer group of another worker committed past the record.
    Branch,
}

impl HopKind {
    /// Hop kinds that a pipeline can list, with their names in the file.
    pub const NAMED: [(&str, HopKind); 6] = [
        ("row", HopKind::Row),
        ("record", HopKind::Record),
        ("taken", HopKind::Consumption),
        ("call", HopKind::Call),
        ("effect", HopKind::Effect),
        ("mark", HopKind::Mark),
    ];
}

/// A diagnostic line that a component logs about an event at a stage.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Name of the line, such as "received".
    #[schemars(regex(pattern = r"\S"))]
    pub name: String,
    /// Service or worker that logs the line.
    #[schemars(with = "String")]
    #[serde(rename = "part")]
    pub component: Spanned<String>,
    /// Stage that the line belongs to.
    #[schemars(with = "String")]
    pub stage: Spanned<String>,
    /// Regular expression for the line. The log record must also contain the id.
    pub pattern: Pattern,
}
