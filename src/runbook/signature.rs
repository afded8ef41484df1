//! What logs say of trouble: rows of `checks/logs.toml`.

use crate::base::schema::ID;
use crate::pipeline::Pattern;
use crate::runbook::known::Known;
use crate::runbook::scope::Scope;
use crate::runbook::value::Kind;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// One kind of trouble that a log record tells of.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Stable kebab-case id; its check is `log-ID`.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// True when healthy. `{subject}` is whose log it is.
    pub title: String,
    /// Regular expression: a record that tells of it.
    pub pattern: Pattern,
    /// Tells of a lost connection: nothing new while what it leads to is restarted.
    #[serde(default)]
    pub connection: bool,
    /// Records that it finds.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Records that it does not find.
    #[serde(default)]
    pub misses: Vec<String>,
}

impl Signature {
    /// The name of its fact.
    pub fn fact(&self) -> String {
        format!("{FACT}{}", self.id.get_ref())
    }
}

/// What is known without looking of the fact of that name, if it is that of a signature.
pub fn known(name: &str) -> Option<Known<'_>> {
    let doc = "whether the log is clear of a signature of checks/logs.toml (container log)";
    name.starts_with(FACT).then_some(Known { name, doc, scopes: &[Scope::Part], kind: Kind::Bool })
}

/// How the names of the facts of signatures begin.
pub const FACT: &str = "log.clear:";
