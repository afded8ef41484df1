//! Settings from environment variables. An empty variable counts as unset.

use crate::failure::Failure;

pub fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

pub fn required(name: &str) -> Result<String, Failure> {
    optional(name).ok_or_else(|| Failure::error(&format!("missing required environment variable {name}")))
}

/// Reads a switch, `true` or `false`. Any other value means the default.
pub fn switch(name: &str, default: bool) -> bool {
    optional(name).and_then(|value| value.parse().ok()).unwrap_or(default)
}

pub fn number(name: &str, default: u64) -> u64 {
    optional(name).and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Reads PostgreSQL's address from either of its usual variables.
pub fn postgres_url() -> Result<String, Failure> {
    optional("POSTGRES_URL")
        .map_or_else(|| required("DATABASE_URL"), Ok)
        .map_err(|_| Failure::error(&"missing required environment variable POSTGRES_URL (or DATABASE_URL)"))
}
