//! Custom facts, which a team declares as `[[fact]]` rows. Each is one SQL statement, one HTTP
//! request or one log pattern.

use crate::base::name::MAIN_DATABASE;
use crate::pipeline::{Harmless, Pattern};
use crate::runbook::fact_info::FactInfo;
use crate::runbook::fact_value;
use crate::runbook::scope::Scope;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The name prefix for custom facts.
pub const PREFIX: &str = "custom.";

/// The pattern for custom fact names; older files use the prefix `own.`.
pub const NAME_PATTERN: &str = "^(custom|own)\\.[a-z0-9_.-]+$";

/// A custom fact with exactly one source: `sql`, `http` or `log`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = exactly_one_source()))]
pub struct CustomFact {
    /// Name, as used by checks, such as `custom.refunds_waiting`.
    #[schemars(with = "String", regex(pattern = NAME_PATTERN))]
    pub name: Spanned<String>,
    /// Short description; reports print the value after it.
    pub doc: String,
    /// What the fact is about.
    pub about: About,
    /// Kind of its values. Required for `sql`; `http` is always `bool`, `log` always `count`.
    pub kind: Option<Kind>,
    /// One SELECT. The first column of its first row is the value. It may use one parameter, `$1`,
    /// which is the requested id as text.
    pub sql: Option<String>,
    /// The `[database.NAME]` that runs `sql`; `[postgres]` by default.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
    /// A read-only request; the value says whether its answer is successful and as expected.
    pub http: Option<Request>,
    /// A log query; the value is the number of matching records.
    pub log: Option<Logged>,
}

/// Returns the schema rule that requires exactly one source.
fn exactly_one_source() -> serde_json::Value {
    let sources = ["sql", "http", "log"].map(|source| serde_json::json!({ "required": [source] }));
    sources.into_iter().collect()
}

/// What a custom fact is about. Each option has a single subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The requested event.
    Event,
    /// The database.
    Database,
}

/// The kind of values that a custom fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// A count.
    Count,
}

/// A GET request that changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The service that receives the request.
    pub service: String,
    /// Path and query; `{key}` is replaced by the event key of that name.
    pub path: String,
    /// Confirmation that the request changes nothing; must be true.
    #[schemars(with = "bool", extend("const" = true))]
    pub harmless: Spanned<bool>,
    /// Key values to use when there is no event.
    #[serde(default)]
    pub without_event: BTreeMap<String, String>,
    /// Expected response values, as a map from JSON pointers to compact JSON.
    #[serde(default)]
    pub expect: BTreeMap<String, String>,
    /// JSON pointers to values that help with diagnosis; reports show them.
    #[serde(default)]
    pub show: Vec<String>,
}

impl Request {
    /// Converts it to the request type that pipelines use.
    pub fn harmless(&self) -> Harmless {
        Harmless {
            path: self.path.clone(),
            without_event: self.without_event.clone(),
            expect: self.expect.clone(),
            show: self.show.clone(),
        }
    }
}

/// A query that counts log records within the log's window.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// The service or worker that writes the log.
    #[serde(rename = "part")]
    pub component: String,
    /// Regular expression that matches the records to count.
    pub pattern: Pattern,
    /// Whether to count only records that contain the requested id.
    #[serde(default)]
    pub of_id: bool,
}

impl CustomFact {
    /// Returns its name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// Returns the name of the database that runs its SQL.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }

    /// Returns the kind of its values.
    pub fn kind(&self) -> Kind {
        match (&self.http, &self.log) {
            (Some(_), _) => Kind::Bool,
            (None, Some(_)) => Kind::Count,
            (None, None) => self.kind.unwrap_or(Kind::Count),
        }
    }

    /// Returns the scopes that it covers, as for a built-in fact.
    pub fn scopes(&self) -> &'static [Scope] {
        match self.about {
            About::Event => &[Scope::Event],
            About::Database => &[Scope::Database],
        }
    }

    /// Returns its static description.
    pub fn info(&self) -> FactInfo<'_> {
        let kind = match self.kind() {
            Kind::Bool => fact_value::Kind::Bool,
            Kind::Count => fact_value::Kind::Count,
        };
        FactInfo { name: self.name(), doc: &self.doc, scopes: self.scopes(), kind }
    }
}
