//! What a report is made from.

use crate::command::Target;
use crate::diagnosis::Diagnosis;
use crate::fact::Facts;
use crate::judge::Finding;
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Check};
use crate::situation::Situation;

/// What a report is made from.
pub struct Material<'a> {
    /// What was seen, joined, of the event that the report is about.
    pub situation: &'a Situation<'a>,
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// The checks and causes.
    pub catalog: &'a Catalog,
    /// How the systems were reached.
    pub target: &'a Target,
    /// What was derived.
    pub facts: &'a Facts,
    /// What was judged.
    pub findings: &'a [Finding],
    /// What it means.
    pub diagnosis: &'a Diagnosis,
    /// Whether warnings fail.
    pub fail_on_warnings: bool,
}

impl Material<'_> {
    /// A check and what was found out about it.
    pub(super) fn finding(&self, check: &str) -> Option<(&Check, &Finding)> {
        let finding = self.findings.iter().find(|finding| finding.check == check)?;
        Some((self.catalog.check(check)?, finding))
    }
}
