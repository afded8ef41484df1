//! From evidence to a report.

use crate::cli::{FailOn, Show};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::evidence::Evidence;
use crate::fact::{Facts, facts};
use crate::judge::{Finding, judge};
use crate::pipeline::Pipeline;
use crate::report::{self, Material, Report};
use crate::runbook::catalog::Catalog;

/// evidence → facts → checks → diagnosis → report.
pub(super) fn diagnosed(evidence: &Evidence, pipeline: &Pipeline, catalog: &Catalog, show: &Show) -> Report {
    let catalog = &catalog.at(evidence.taken);
    let facts: Facts = facts(evidence, pipeline, &catalog.signatures, &catalog.facts);
    let findings: Vec<Finding> = judge(catalog, &facts, pipeline);
    let diagnosis: Diagnosis = diagnose(catalog, &findings);
    report::report(&Material {
        evidence,
        pipeline,
        catalog,
        facts: &facts,
        findings: &findings,
        diagnosis: &diagnosis,
        fail_on_warnings: show.fail_on == FailOn::Warn,
    })
}
