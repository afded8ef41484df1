//! Rows are loaded: from files into one catalog, a team's own in the place of built-in ones.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::runbook::catalog::{Catalog, Check, File, OwnRow};
use crate::runbook::expect::{Expect, Scalar};
use crate::runbook::known::Known;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::runbook::signature::Signature;
use toml::Spanned;

/// The files that rows are read from.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The built-in ones.
    pub built_in: &'a [Source],
    /// The user's: a row of theirs replaces the built-in one of its id.
    pub own: &'a [Source],
}

impl<'a> Files<'a> {
    /// All of them, in their order.
    pub fn all(self) -> impl Iterator<Item = &'a Source> {
        self.built_in.iter().chain(self.own)
    }
}

/// Loads rows from files, in their order. What cannot be read of them is put into
/// `mistakes`; what is wrong with rows that can be, `lint` says.
pub fn load(files: Files, registry: Vec<Known<'static>>, mistakes: &mut Vec<Mistake>) -> Catalog {
    let mut catalog = Catalog { registry, ..Catalog::default() };
    for source in files.built_in {
        if let Some(file) = source.read(mistakes) {
            add(&mut catalog, file);
        }
    }
    for source in files.own {
        if let Some(file) = source.read(mistakes) {
            tell_own(&mut catalog, &file, source);
            add(&mut catalog, file);
        }
    }
    catalog.sources = files.all().cloned().collect();
    catalog.steps.sort_by_key(|step| step.step);
    set_severities(&mut catalog);
    catalog
}

/// Adds the rows of a file.
fn add(catalog: &mut Catalog, file: File) {
    let of_signatures: Vec<Check> = file.signature.iter().map(check_of).collect();
    put(&mut catalog.steps, file.step, |step| step.step.to_string());
    let checks = file.check.into_iter().chain(of_signatures).collect();
    put(&mut catalog.checks, checks, |check| check.id.get_ref().clone());
    put(&mut catalog.signatures, file.signature, |signature| signature.id.get_ref().clone());
    put(&mut catalog.causes, file.cause, |cause| cause.id.get_ref().clone());
    put(&mut catalog.facts, file.fact, |fact| fact.name().to_string());
    catalog.overrides.extend(file.r#override);
}

/// Keeps in mind which checks and causes are the user's own.
fn tell_own(catalog: &mut Catalog, file: &File, source: &Source) {
    let of_signatures: Vec<Check> = file.signature.iter().map(check_of).collect();
    let checks = file.check.iter().chain(&of_signatures).map(|check| &check.id);
    for id in checks.chain(file.cause.iter().map(|cause| &cause.id)) {
        let replaces = catalog.names().contains(&id.get_ref().as_str());
        let row = OwnRow { place: source.place(id.span().start), replaces };
        catalog.own.insert(id.get_ref().clone(), row);
    }
}

/// Gives the checks the severities that overrides say.
fn set_severities(catalog: &mut Catalog) {
    for row in &catalog.overrides {
        let check = catalog.checks.iter_mut().find(|check| check.id.get_ref() == row.id.get_ref());
        if let (Some(check), Some(severity)) = (check, row.severity) {
            check.severity = severity;
        }
    }
}

/// Adds rows, each in the place of an earlier one with the same key.
fn put<T>(rows: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> String) {
    for row in new {
        match rows.iter_mut().find(|other| key(other) == key(&row)) {
            Some(other) => *other = row,
            None => rows.push(row),
        }
    }
}

/// The check of a signature. Logs are noisy: what went wrong once may have
/// gone well since.
fn check_of(signature: &Signature) -> Check {
    let at = signature.id.span();
    Check {
        id: Spanned::new(at.clone(), format!("log-{}", signature.id.get_ref())),
        title: signature.title.clone(),
        step: Spanned::new(at.clone(), LOGS),
        severity: Severity::Warn,
        noisy: true,
        of_event: false,
        in_summary: false,
        for_each: Spanned::new(at.clone(), Scope::Part),
        fact: Spanned::new(at.clone(), signature.fact()),
        expect: Spanned::new(at, Expect::Is(Scalar::Bool(true))),
        pass_needs: Vec::new(),
        by_hand: "docker logs --tail 200 {container}".into(),
    }
}

/// The step of the runbook that reads logs.
const LOGS: u8 = 4;
