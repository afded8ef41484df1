//! The input of a report.

use crate::diagnosis::Diagnosis;
use crate::fact::Facts;
use crate::judge::Finding;
use crate::pipeline::Pipeline;
use crate::printed_command::Target;
use crate::runbook::catalog::{Catalog, Check};
use crate::situation::Situation;

/// The inputs from which a report is assembled.
pub struct ReportInput<'a> {
    /// The joined evidence about the report's event.
    pub situation: &'a Situation<'a>,
    /// The declared pipeline.
    pub pipeline: &'a Pipeline,
    /// The checks and causes.
    pub catalog: &'a Catalog,
    /// How the run reached its systems.
    pub target: &'a Target,
    /// The facts derived from the situation.
    pub facts: &'a Facts,
    /// The judged checks.
    pub findings: &'a [Finding],
    /// The ranked causes.
    pub diagnosis: &'a Diagnosis,
    /// Whether warnings make the run fail.
    pub fail_on_warnings: bool,
}

impl ReportInput<'_> {
    /// Returns a check and its finding.
    pub(super) fn finding(&self, check: &str) -> Option<(&Check, &Finding)> {
        let finding = self.findings.iter().find(|finding| finding.check == check)?;
        Some((self.catalog.check(check)?, finding))
    }
}
