//! Facts that a team declares itself (`[[fact]]` beside its checks): one statement,
//! one request or one pattern each.

use crate::base::name::MAIN_DATABASE;
use crate::pipeline::{Harmless, Pattern};
use crate::runbook::known::Known;
use crate::runbook::scope::Scope;
use crate::runbook::value;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// How the names of own facts begin.
pub const PREFIX: &str = "own.";

/// What the name of an own fact looks like.
pub const NAME: &str = "^own\\.[a-z0-9_.-]+$";

/// One own fact. Exactly one of `sql`, `http` and `log` says where it is seen.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = sources()))]
pub struct OwnFact {
    /// Its name, as checks use it: `own.refunds_waiting`.
    #[schemars(with = "String", regex(pattern = NAME))]
    pub name: Spanned<String>,
    /// What it says, in a few words; reports tell its value behind them.
    pub doc: String,
    /// Whom it is about.
    pub about: About,
    /// What values it has. SQL needs it; an answer is a `bool`, records are a `count`.
    pub kind: Option<Kind>,
    /// One select: the first column of its first row is the value. It can bind one
    /// value, `$1`: the asked id as text.
    pub sql: Option<String>,
    /// The `[database.NAME]` that `sql` is asked of, where that is not `[postgres]`.
    #[schemars(with = "Option<String>")]
    pub database: Option<Spanned<String>>,
    /// A request that changes nothing; whether it is answered with success and as expected.
    pub http: Option<Request>,
    /// Records of a log; how many there are.
    pub log: Option<Logged>,
}

/// Exactly one source, for an editor.
fn sources() -> serde_json::Value {
    let sources = ["sql", "http", "log"].map(|source| serde_json::json!({ "required": [source] }));
    sources.into_iter().collect()
}

/// Whom an own fact is about: there is one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The event that was asked about.
    Event,
    /// The database.
    Database,
}

/// What values an own fact has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Yes or no.
    Bool,
    /// How many.
    Count,
}

/// A GET that changes nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The service that is asked.
    pub service: String,
    /// Path and query; `{key}` stands for the event's keys.
    pub path: String,
    /// That it changes nothing: must be true.
    #[schemars(with = "bool", extend("const" = true))]
    pub harmless: Spanned<bool>,
    /// Keys to use when there is no event to take them from.
    #[serde(default)]
    pub without_event: BTreeMap<String, String>,
    /// JSON pointer → compact JSON that the body must hold there.
    #[serde(default)]
    pub expect: BTreeMap<String, String>,
    /// JSON pointers whose values help to see what is wrong.
    #[serde(default)]
    pub show: Vec<String>,
}

impl Request {
    /// The same as a pipeline declares it.
    pub fn harmless(&self) -> Harmless {
        Harmless {
            path: self.path.clone(),
            without_event: self.without_event.clone(),
            expect: self.expect.clone(),
            show: self.show.clone(),
        }
    }
}

/// Records of a log that are counted, within its window.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// The service or worker whose log it is.
    pub part: String,
    /// Regular expression: a record that counts.
    pub pattern: Pattern,
    /// Only records that name the asked id count.
    #[serde(default)]
    pub of_id: bool,
}

impl OwnFact {
    /// Its name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The name of the database that its SQL is asked of.
    pub fn database(&self) -> &str {
        self.database.as_ref().map_or(MAIN_DATABASE, |name| name.get_ref().as_str())
    }

    /// What values it has.
    pub fn kind(&self) -> Kind {
        match (&self.http, &self.log) {
            (Some(_), _) => Kind::Bool,
            (None, Some(_)) => Kind::Count,
            (None, None) => self.kind.unwrap_or(Kind::Count),
        }
    }

    /// What it is about, as a fact of the registry would say.
    pub fn scopes(&self) -> &'static [Scope] {
        match self.about {
            About::Event => &[Scope::Event],
            About::Database => &[Scope::Database],
        }
    }

    /// What is known of it without looking.
    pub fn known(&self) -> Known<'_> {
        let kind = match self.kind() {
            Kind::Bool => value::Kind::Bool,
            Kind::Count => value::Kind::Count,
        };
        Known { name: self.name(), doc: &self.doc, scopes: self.scopes(), kind }
    }
}
