//! What a failed check means for the exit code.

use schemars::JsonSchema;
use serde::Deserialize;

/// The severity of a failed check.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A problem: exit code 3.
    #[default]
    Error,
    /// A warning: exit code 4 with `--fail-on warn`.
    Warn,
    /// Not a fault on its own, so it is shown only next to a cause with the same subject.
    Note,
}
