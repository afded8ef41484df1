//! What is known of a fact without looking: a row of the registry that checks are held against.

use crate::runbook::scope::Scope;
use crate::runbook::value::Kind;

/// What is known of a fact without looking.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its name, as checks use it.
    pub name: &'a str,
    /// What it says and where it comes from.
    pub doc: &'a str,
    /// What it is about.
    pub scopes: &'static [Scope],
    /// What values it can have.
    pub kind: Kind,
}
