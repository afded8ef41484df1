//! What a report is made from.

use crate::diagnosis::Diagnosis;
use crate::evidence::{AskedEvent, Evidence};
use crate::fact::Facts;
use crate::fact::view::View;
use crate::judge::Finding;
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Check};

/// What a report is made from.
pub struct Material<'a> {
    /// What was seen.
    pub evidence: &'a Evidence,
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// The event that it is about, if one was asked about.
    pub event: Option<&'a AskedEvent>,
    /// The checks and causes.
    pub catalog: &'a Catalog,
    /// What was derived.
    pub facts: &'a Facts,
    /// What was judged.
    pub findings: &'a [Finding],
    /// What it means.
    pub diagnosis: &'a Diagnosis,
    /// Whether warnings fail.
    pub fail_on_warnings: bool,
}

impl<'a> Material<'a> {
    /// Evidence and pipeline side by side.
    pub fn view(&self) -> View<'a> {
        View { evidence: self.evidence, pipeline: self.pipeline, event: self.event }
    }
}

impl Material<'_> {
    /// A check and what was found out about it.
    pub(super) fn finding(&self, check: &str) -> Option<(&Check, &Finding)> {
        let finding = self.findings.iter().find(|finding| finding.check == check)?;
        Some((self.catalog.check(check)?, finding))
    }
}
