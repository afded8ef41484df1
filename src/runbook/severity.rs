//! What a failed check means for the exit code.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a failed check means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A problem: exit code 3.
    #[default]
    Error,
    /// Worth knowing; exit code 4 with `--fail-on warn`.
    Warn,
    /// No fault by itself: shown beside a cause of the same subject, and nowhere else.
    Note,
}
