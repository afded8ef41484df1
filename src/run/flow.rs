//! From evidence to a report.

use crate::cli::{FailOn, Show};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::fact::view::View;
use crate::fact::{Facts, facts};
use crate::judge::{Finding, judge};
use crate::report::{self, Material, Report};
use crate::runbook::catalog::Catalog;

/// evidence → facts → checks → diagnosis → report, about the event that is looked
/// at. `catalog` holds what counts at the time of the evidence.
pub(super) fn diagnosed(view: View, catalog: &Catalog, show: &Show) -> Report {
    let facts: Facts = facts(&view, &catalog.signatures, &catalog.facts);
    let findings: Vec<Finding> = judge(catalog, &facts, view.pipeline);
    let diagnosis: Diagnosis = diagnose(catalog, &findings);
    report::report(&Material {
        evidence: view.evidence,
        pipeline: view.pipeline,
        event: view.event,
        catalog,
        facts: &facts,
        findings: &findings,
        diagnosis: &diagnosis,
        fail_on_warnings: show.fail_on == FailOn::Warn,
    })
}
