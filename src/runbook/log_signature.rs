//! Log signatures for known problems, which are rows in `checks/logs.toml`.

use crate::base::json_schema::ID;
use crate::pipeline::Pattern;
use crate::runbook::fact_info::FactInfo;
use crate::runbook::fact_value::Kind;
use crate::runbook::scope::Scope;
use crate::text::template::Template;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// A known problem that shows up in a log record.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Stable kebab-case id; its check is `log-ID`.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// Statement that is true if all is well. `{subject}` is the service or worker that owns the
    /// log.
    pub title: Template,
    /// Regular expression that matches log records about the problem.
    pub pattern: Pattern,
    /// Whether the problem is a lost connection, which is expected while the other end restarts.
    #[serde(default)]
    pub connection: bool,
    /// Sample records that the pattern must match.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Sample records that the pattern must not match.
    #[serde(default)]
    pub misses: Vec<String>,
}

impl Signature {
    /// Returns the name of its fact.
    pub fn fact(&self) -> String {
        format!("{FACT_PREFIX}{}", self.id.get_ref())
    }
}

/// Returns the description of a signature's fact, or `None` if the name does not belong to a
/// signature.
pub fn fact_info(name: &str) -> Option<FactInfo<'_>> {
    let doc = "whether no log record matches a signature in checks/logs.toml (container log)";
    name.starts_with(FACT_PREFIX).then_some(FactInfo {
        name,
        doc,
        scopes: &[Scope::Component],
        kind: Kind::Bool,
    })
}

/// The name prefix for signature facts.
pub const FACT_PREFIX: &str = "log.clear:";
