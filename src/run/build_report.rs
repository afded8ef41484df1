//! Builds a report, or a trace's conclusions, from evidence.

use crate::cli::{FailOn, OutputOptions};
use crate::diagnosis::{Diagnosis, diagnose};
use crate::evidence::Evidence;
use crate::fact::{Facts, facts};
use crate::judge::{Finding, judge};
use crate::pipeline::Pipeline;
use crate::report::{self, Conclusions, Report, ReportInput};
use crate::runbook::catalog::Catalog;
use crate::situation::Situation;
use crate::situation::command_target::target;
use crate::situation::inspected_database::without_rows_of_other_database;

/// Builds the report on the first requested event: evidence → situation → facts → checks →
/// diagnosis → report. `catalog` holds the rows that apply at the time of the evidence.
pub(super) fn build_report(
    evidence: &Evidence,
    pipeline: &Pipeline,
    catalog: &Catalog,
    output: &OutputOptions,
) -> Report {
    let evidence = &*without_rows_of_other_database(evidence, pipeline);
    let situation = Situation::build(evidence, pipeline, &catalog.signatures, &catalog.facts);
    with_report_input(&situation, catalog, output, report::report)
}

/// Builds only the conclusions of a report, which is all that a trace needs.
pub(super) fn build_conclusions(
    situation: &Situation,
    catalog: &Catalog,
    output: &OutputOptions,
) -> Conclusions {
    with_report_input(situation, catalog, output, report::conclusions)
}

/// Judges the situation and calls `make` with all the input for a report.
fn with_report_input<T>(
    situation: &Situation,
    catalog: &Catalog,
    output: &OutputOptions,
    make: impl FnOnce(&ReportInput) -> T,
) -> T {
    let facts: Facts = facts(situation, &catalog.signatures, &catalog.facts);
    let findings: Vec<Finding> = judge(catalog, &facts, situation.pipeline);
    let diagnosis: Diagnosis = diagnose(catalog, &findings);
    make(&ReportInput {
        situation,
        pipeline: situation.pipeline,
        catalog,
        target: &target(situation),
        facts: &facts,
        findings: &findings,
        diagnosis: &diagnosis,
        fail_on_warnings: output.fail_on == FailOn::Warn,
    })
}
