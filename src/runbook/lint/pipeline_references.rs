//! References from custom facts to the pipeline.

use crate::base::error::Mistake;
use crate::input::row_references::Names;
use crate::input::toml_document::{Document, Row};
use crate::pipeline::validate::http_requests;
use crate::runbook::catalog::Catalog;
use crate::runbook::files::BUILT_IN;

/// Reports custom facts that name services, workers, databases or keys missing from the pipeline.
/// The pipeline file may be only partially parsed.
pub fn check(catalog: &Catalog, pipeline: &Document, mistakes: &mut Vec<Mistake>) {
    let names_of =
        |what, list: Vec<String>| Names { what, list, partially_parsed: pipeline.is_partially_parsed() };
    let row_names = |section: &str, keep: &dyn Fn(&Row) -> bool| -> (Vec<String>, bool) {
        let rows = pipeline.rows(section);
        let names = rows.iter().map(|row| row.text("name").filter(|_| keep(row)).map(|name| name.text));
        (names.flatten().collect(), rows.iter().any(|row| row.text("name").is_none()))
    };
    let has_log = |row: &Row| row.text("role").is_none_or(|role| role.text != "database");
    let (services, unnamed_service) = row_names("service[]", &|_| true);
    let (with_log, _) = row_names("service[]", &has_log);
    let (workers, unnamed_worker) = row_names("worker[]", &|_| true);
    let mut services = names_of("service", services);
    let mut logged = names_of("service or worker with a log", with_log.into_iter().chain(workers).collect());
    services.partially_parsed |= unnamed_service;
    logged.partially_parsed |= unnamed_service || unnamed_worker;
    let additional = names_of("database", pipeline.keys("database").into_iter().map(String::from).collect());
    let keys = names_of("key", pipeline.texts("event.keys[]").into_iter().map(|entry| entry.text).collect());
    // Built-in files contain no custom facts.
    for source in catalog.sources.iter().filter(|source| !source.name.starts_with(BUILT_IN)) {
        let Some(document) = Document::parse(source) else { continue };
        additional.reject_unknown(&document.texts("fact[].database"), source, mistakes);
        services.reject_unknown(&document.texts("fact[].http.service"), source, mistakes);
        logged.reject_unknown(&document.texts("fact[].log.part"), source, mistakes);
        for path in document.texts("fact[].http.path") {
            http_requests::check_keys(&path, source, &keys, mistakes);
        }
    }
}
