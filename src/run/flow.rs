//! From evidence to a report.

use crate::cli::{FailOn, Show};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::evidence::Evidence;
use crate::fact::{Facts, facts};
use crate::judge::{Finding, judge};
use crate::pipeline::Pipeline;
use crate::report::{self, Conclusions, Material, Report};
use crate::runbook::catalog::Catalog;
use crate::situation::Situation;
use crate::situation::target::target;

/// evidence → situation → facts → checks → diagnosis → report, about the first event that
/// was asked about. `catalog` holds what counts at the time of the evidence.
pub(super) fn diagnosed(evidence: &Evidence, pipeline: &Pipeline, catalog: &Catalog, show: &Show) -> Report {
    let situation = Situation::of(evidence, pipeline, &catalog.signatures, &catalog.facts);
    reported(&situation, catalog, show)
}

/// situation → facts → checks → diagnosis → report.
fn reported(situation: &Situation, catalog: &Catalog, show: &Show) -> Report {
    with_material(situation, catalog, show, report::report)
}

/// The same up to what is concluded, which is all that a trace needs.
pub(super) fn concluded(situation: &Situation, catalog: &Catalog, show: &Show) -> Conclusions {
    with_material(situation, catalog, show, report::conclusions)
}

fn with_material<T>(
    situation: &Situation,
    catalog: &Catalog,
    show: &Show,
    make: impl FnOnce(&Material) -> T,
) -> T {
    let facts: Facts = facts(situation, &catalog.signatures, &catalog.facts);
    let findings: Vec<Finding> = judge(catalog, &facts, situation.pipeline);
    let diagnosis: Diagnosis = diagnose(catalog, &findings);
    make(&Material {
        situation,
        pipeline: situation.pipeline,
        catalog,
        target: &target(situation),
        facts: &facts,
        findings: &findings,
        diagnosis: &diagnosis,
        fail_on_warnings: show.fail_on == FailOn::Warn,
    })
}
