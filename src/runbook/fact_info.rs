//! The static description of a fact, which is the registry row that checks are validated against.

use crate::runbook::fact_value::Kind;
use crate::runbook::scope::Scope;

/// The static description of a fact.
#[derive(Debug, Clone, Copy)]
pub struct FactInfo<'a> {
    /// Name, as used by checks.
    pub name: &'a str,
    /// Meaning and source.
    pub doc: &'a str,
    /// Scopes in which it has subjects.
    pub scopes: &'static [Scope],
    /// Kind of its values.
    pub kind: Kind,
}
