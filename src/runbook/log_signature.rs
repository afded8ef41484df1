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
#[schemars(extend("anyOf" = any_matcher()))]
pub struct Signature {
    /// Stable kebab-case id; its check is `log-ID`.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// Statement that is true if all is well. `{subject}` is the service or worker that owns the
    /// log.
    pub title: Template,
    /// Regular expression that matches an error about the problem.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// Regular expressions for phrases, in any case. A phrase begins and ends at a word border.
    #[serde(default)]
    pub phrases: Vec<String>,
    /// SQLSTATE codes: `42P01`, or `53*` for a class. They count only where they are marked as such.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[0-9A-Z]{5}$|^[0-9A-Z]{2,4}\*$")))]
    pub sqlstates: Vec<String>,
    /// Kafka's names of errors: `NOT_ENOUGH_REPLICAS`, which also stands for `NotEnoughReplicasException`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[A-Z][A-Z0-9_]+$")))]
    pub kafka_errors: Vec<String>,
    /// Names of system errors: `ECONNREFUSED`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[A-Za-z][A-Za-z0-9_]+$")))]
    pub errnos: Vec<String>,
    /// Names of exception classes, without their packages: `ConnectException`.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[A-Za-z_][A-Za-z0-9_.]+$")))]
    pub exceptions: Vec<String>,
    /// Names of exception classes that wrap others. They count only if no other signature matches.
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[A-Za-z_][A-Za-z0-9_.]+$")))]
    pub weak_exceptions: Vec<String>,
    /// Phrases of general words. They count only if no other signature matches.
    #[serde(default)]
    pub weak_phrases: Vec<String>,
    /// Whether a later success of the service ends the problem, as for a connection.
    #[serde(default)]
    pub lasting: bool,
    /// Whether the signature counts only if no other one matches the record.
    #[serde(default)]
    pub fallback: bool,
    /// Whether the signature counts beside what the root of the error says, because it names the system
    /// that was called.
    #[serde(default)]
    pub beside: bool,
    /// Whether records of level INFO and DEBUG count, too.
    #[serde(default)]
    pub any_level: bool,
    /// Whether the record tells of a loss, which no later success of the service makes good.
    #[serde(default)]
    pub destroys: bool,
    /// Whether the problem is a lost connection, which is expected while the other end restarts.
    #[serde(default)]
    pub connection: bool,
    /// Sample records that the signature must match.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Sample records that the signature must not match.
    #[serde(default)]
    pub misses: Vec<String>,
}

impl Signature {
    /// Reports whether the signature names a SQLSTATE or its class.
    pub fn has_sqlstate(&self, state: &str) -> bool {
        self.sqlstates.iter().any(|known| match known.strip_suffix('*') {
            Some(class) => state.starts_with(class),
            None => known == state,
        })
    }

    /// Returns what the signature looks for, in words: each kind of name with at most `max` of its names.
    pub fn matchers(&self, max: usize) -> Vec<(&'static str, String)> {
        let pattern: Vec<String> =
            self.pattern.iter().map(|pattern| pattern.0.as_str().to_string()).collect();
        let lists = [
            ("SQLSTATE", &self.sqlstates),
            ("Kafka error", &self.kafka_errors),
            ("system error", &self.errnos),
            ("exception", &self.exceptions),
            ("phrase", &self.phrases),
            ("pattern", &pattern),
            ("otherwise exception", &self.weak_exceptions),
            ("otherwise phrase", &self.weak_phrases),
        ];
        let shown = |names: &[String]| {
            let more = names.len().saturating_sub(max);
            let first = names[..names.len() - more].join(", ");
            if more > 0 { format!("{first} and {more} more") } else { first }
        };
        lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(kind, names)| (kind, shown(names)))
            .collect()
    }

    /// Returns a regular expression for each of the names, phrases and the pattern; none if the signature
    /// has only SQLSTATEs.
    pub fn regexes(&self) -> Vec<String> {
        let names = |names: &[String]| names.join("|");
        let mut all: Vec<String> =
            self.pattern.iter().map(|pattern| pattern.0.as_str().to_string()).collect();
        if !self.errnos.is_empty() {
            all.push(format!(r"\b(?:{})\b", names(&self.errnos)));
        }
        if !self.exceptions.is_empty() {
            all.push(format!(r"\b(?:{})\b", names(&self.exceptions).replace('.', r"\.")));
        }
        if !self.kafka_errors.is_empty() {
            let names: Vec<String> =
                self.kafka_errors.iter().map(|name| name.replace('_', "[_-]?")).collect();
            let prefixes = "(?:RD_KAFKA_RESP_ERR_{1,2}|ERR_|KAFKA_|_)?";
            all.push(format!(r"(?i:\b{prefixes}(?:{})(?:Exception|Error)?\b)", names.join("|")));
        }
        all.extend(self.phrases.iter().map(|phrase| format!("(?i:{})", with_borders(phrase))));
        all
    }

    /// Returns a regular expression for each name and phrase that counts only if no other signature matches.
    pub fn weak_regexes(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if !self.weak_exceptions.is_empty() {
            all.push(format!(r"\b(?:{})\b", self.weak_exceptions.join("|").replace('.', r"\.")));
        }
        all.extend(self.weak_phrases.iter().map(|phrase| format!("(?i:{})", with_borders(phrase))));
        all
    }

    /// Returns the name of its fact.
    pub fn fact(&self) -> String {
        format!("{FACT_PREFIX}{}", self.id.get_ref())
    }
}

/// Returns the rule that a log signature has at least one list of what it looks for.
fn any_matcher() -> serde_json::Value {
    let keys = [
        "pattern",
        "phrases",
        "sqlstates",
        "kafka_errors",
        "errnos",
        "exceptions",
        "weak_phrases",
        "weak_exceptions",
    ];
    keys.iter().map(|key| serde_json::json!({ "required": [key] })).collect()
}

/// Adds a word border where a phrase begins or ends with a letter or digit.
fn with_borders(phrase: &str) -> String {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let before = if is_word(phrase.chars().next()) { r"\b" } else { "" };
    // `\w` and `\d` end with letters that are no words.
    let is_class = phrase.len() >= 2 && phrase.as_bytes()[phrase.len() - 2] == b'\\';
    let after = if is_word(phrase.chars().last()) && !is_class { r"\b" } else { "" };
    format!("{before}(?:{phrase}){after}")
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
