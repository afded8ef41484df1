//! Loads rows from files into one catalog, where custom rows replace built-in ones.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::runbook::catalog::{Catalog, Check, CustomRow, File};
use crate::runbook::expectation::{Expect, Scalar};
use crate::runbook::fact_info::FactInfo;
use crate::runbook::log_signature::Signature;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use toml::Spanned;

/// The files of a catalog.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The built-in files.
    pub built_in: &'a [Source],
    /// The custom files, whose rows replace built-in rows with the same id.
    pub custom: &'a [Source],
}

impl<'a> Files<'a> {
    /// Returns all files in load order.
    pub fn all(self) -> impl Iterator<Item = &'a Source> {
        self.built_in.iter().chain(self.custom)
    }
}

/// Loads the rows of all files, the built-in files first. Parse errors go into `mistakes`; `lint`
/// reports mistakes in rows that can be parsed.
pub fn load(files: Files, registry: Vec<FactInfo<'static>>, mistakes: &mut Vec<Mistake>) -> Catalog {
    let mut catalog = Catalog { registry, ..Catalog::default() };
    for (file, found) in read_all(files.built_in) {
        mistakes.extend(found);
        file.into_iter().for_each(|file| add(&mut catalog, file));
    }
    for source in files.custom {
        if let Some(file) = source.read(mistakes).map(File::with_current_names) {
            record_custom_rows(&mut catalog, &file, source);
            add(&mut catalog, file);
        }
    }
    catalog.sources = files.all().cloned().collect();
    catalog.steps.sort_by_key(|step| step.step);
    override_severities(&mut catalog);
    catalog
}

/// Reads the files side by side: the largest takes as long as all others together.
fn read_all(sources: &[Source]) -> Vec<(Option<File>, Vec<Mistake>)> {
    let read = |source: &Source| {
        let mut mistakes = Vec::new();
        let file = source.read(&mut mistakes);
        (file, mistakes)
    };
    std::thread::scope(|scope| {
        let start = |source| std::thread::Builder::new().spawn_scoped(scope, move || read(source));
        let started: Vec<_> = sources.iter().map(|source| (source, start(source))).collect();
        let finished = started.into_iter().map(|(source, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // No thread can be started, so it is read on this one.
            Err(_) => read(source),
        });
        finished.collect()
    })
}

/// Adds a file's rows to the catalog.
fn add(catalog: &mut Catalog, file: File) {
    let signature_checks: Vec<Check> = file.signature.iter().map(check_for_signature).collect();
    upsert(&mut catalog.steps, file.step, |step| step.step.to_string());
    let checks = file.check.into_iter().chain(signature_checks).collect();
    upsert(&mut catalog.checks, checks, |check| check.id.get_ref().clone());
    catalog.signatures.add(file.signature);
    upsert(&mut catalog.causes, file.cause, |cause| cause.id.get_ref().clone());
    upsert(&mut catalog.facts, file.fact, |fact| fact.name().to_string());
    catalog.overrides.extend(file.r#override);
}

/// Records the origin of custom checks and causes.
fn record_custom_rows(catalog: &mut Catalog, file: &File, source: &Source) {
    let signature_checks: Vec<Check> = file.signature.iter().map(check_for_signature).collect();
    let checks = file.check.iter().chain(&signature_checks).map(|check| &check.id);
    for id in checks.chain(file.cause.iter().map(|cause| &cause.id)) {
        let replaces = catalog.names().contains(&id.get_ref().as_str());
        let row = CustomRow { place: source.place(id.span().start), replaces };
        catalog.custom_rows.insert(id.get_ref().clone(), row);
    }
}

/// Applies the overrides' severities to the checks.
fn override_severities(catalog: &mut Catalog) {
    for row in &catalog.overrides {
        let check = catalog.checks.iter_mut().find(|check| check.id.get_ref() == row.id.get_ref());
        if let (Some(check), Some(severity)) = (check, row.severity) {
            check.severity = severity;
        }
    }
}

/// Adds rows, replacing earlier ones with the same key.
fn upsert<T>(rows: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> String) {
    let mut places: BTreeMap<String, usize> = rows.iter().map(&key).zip(0..).collect();
    for row in new {
        match places.entry(key(&row)) {
            Entry::Occupied(place) => rows[*place.get()] = row,
            Entry::Vacant(place) => {
                place.insert(rows.len());
                rows.push(row);
            }
        }
    }
}

/// Returns the check for a signature. The check is noisy, because a logged problem may have been
/// resolved since, unless it is a loss.
fn check_for_signature(signature: &Signature) -> Check {
    let at = signature.id.span();
    Check {
        id: Spanned::new(at.clone(), format!("log-{}", signature.id.get_ref())),
        title: signature.title.clone(),
        step: Spanned::new(at.clone(), LOG_STEP),
        severity: Severity::Warn,
        noisy: !signature.destroys,
        of_event: false,
        in_summary: false,
        for_each: Spanned::new(at.clone(), Scope::Component),
        fact: Spanned::new(at.clone(), signature.fact()),
        expect: Spanned::new(at, Expect::Is(Scalar::Bool(true))),
        pass_needs: Vec::new(),
        by_hand: "{docker} logs --tail 200 {container}".into(),
    }
}

/// The runbook step that reads logs.
const LOG_STEP: u8 = 4;
