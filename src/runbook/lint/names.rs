//! What facts of the user's own name of a pipeline.

use crate::base::error::Mistake;
use crate::input::document::{Document, Row};
use crate::input::names::Names;
use crate::pipeline::validate::requests;
use crate::runbook::catalog::Catalog;
use crate::runbook::sources::BUILT_IN;

/// What own facts name of a pipeline must be there; the pipeline's file need not be one
/// that can be read as a whole.
pub fn check(catalog: &Catalog, pipeline: &Document, mistakes: &mut Vec<Mistake>) {
    let files = |what, list: Vec<String>| Names { what, list, some_lost: pipeline.has_lost_rows() };
    let named = |section: &str, keep: &dyn Fn(&Row) -> bool| -> (Vec<String>, bool) {
        let rows = pipeline.rows(section);
        let names = rows.iter().map(|row| row.text("name").filter(|_| keep(row)).map(|name| name.text));
        (names.flatten().collect(), rows.iter().any(|row| row.text("name").is_none()))
    };
    let is_read = |row: &Row| row.text("role").is_none_or(|role| role.text != "database");
    let (services, lost) = named("service[]", &|_| true);
    let (with_log, _) = named("service[]", &is_read);
    let (workers, worker_lost) = named("worker[]", &|_| true);
    let mut services = files("service", services);
    let mut logged = files("service or worker with a log", with_log.into_iter().chain(workers).collect());
    services.some_lost |= lost;
    logged.some_lost |= lost || worker_lost;
    let further = files("database", pipeline.keys("database").into_iter().map(String::from).collect());
    let keys = files("key", pipeline.texts("event.keys[]").into_iter().map(|entry| entry.text).collect());
    // The built-in files have none.
    for source in catalog.sources.iter().filter(|source| !source.name.starts_with(BUILT_IN)) {
        let Some(document) = Document::of(source) else { continue };
        further.must_have(&document.texts("fact[].database"), source, mistakes);
        services.must_have(&document.texts("fact[].http.service"), source, mistakes);
        logged.must_have(&document.texts("fact[].log.part"), source, mistakes);
        for path in document.texts("fact[].http.path") {
            requests::keys(&path, source, &keys, mistakes);
        }
    }
}
