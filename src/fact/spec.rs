//! One entry of the registry of facts.

use crate::fact::model::Fact;
use crate::runbook::fact_value::Kind;
use crate::runbook::scope::Scope;
use crate::situation::Situation;

/// One entry of the registry.
pub struct FactSpec {
    /// The name by which checks refer to the fact.
    pub name: &'static str,
    /// What the fact means and where its value comes from.
    pub doc: &'static str,
    /// The kinds of subject that the fact covers.
    pub scopes: &'static [Scope],
    /// The kind of its value.
    pub kind: Kind,
    pub(super) derive: fn(&Situation) -> Vec<Fact>,
}
