//! Loads the catalog and reports every mistake in it.

use crate::base::error::{Error, Mistake, sort_by_line};
use crate::input::Source;
use crate::input::toml_document::Document;
use crate::runbook::catalog::Catalog;
use crate::runbook::fact_info::FactInfo;
use crate::runbook::files;
use crate::runbook::lint::checks_and_causes;
use crate::runbook::loader::{Files, load};
use std::path::Path;

/// Reads the built-in rows, then the `.toml` files in a directory. `registry` describes the
/// built-in facts. All mistakes go into `mistakes`. Built-in rows are linted only by
/// [`check_built_in`], which keeps start-up fast. Fails if the directory or one of its files cannot be read.
pub fn read(
    directory: Option<&Path>,
    registry: Vec<FactInfo<'static>>,
    mistakes: &mut Vec<Mistake>,
) -> Result<Catalog, Error> {
    let custom = directory.map(files::read_directory).transpose()?.unwrap_or_default();
    let built_in = files::built_in();
    let files = Files { built_in: &built_in, custom: &custom };
    let catalog = load_and_lint(files, built_in.len(), registry, mistakes);
    Ok(Catalog { custom_directory: directory.map(|path| path.display().to_string()), ..catalog })
}

/// Reports mistakes in the built-in rows, which [`read`] trusts.
pub fn check_built_in(registry: Vec<FactInfo<'static>>, mistakes: &mut Vec<Mistake>) {
    load_and_lint(Files { built_in: &files::built_in(), custom: &[] }, 0, registry, mistakes);
}

/// Reads the rows of all sources, in the given order, and lints them. A row in `custom` replaces
/// the built-in row with the same id.
pub fn from_sources(
    built_in: &[Source],
    custom: &[Source],
    registry: Vec<FactInfo<'static>>,
    mistakes: &mut Vec<Mistake>,
) -> Catalog {
    load_and_lint(Files { built_in, custom }, 0, registry, mistakes)
}

/// Loads files and lints them. The first `trusted` files are known to be valid on their own.
fn load_and_lint(
    files: Files,
    trusted: usize,
    registry: Vec<FactInfo<'static>>,
    mistakes: &mut Vec<Mistake>,
) -> Catalog {
    let mut found: Vec<Mistake> = Vec::new();
    let catalog = load(files, registry, &mut found);
    if trusted < catalog.sources.len() {
        let mut documents: Vec<Option<Document>> = files.built_in.iter().map(Document::parse).collect();
        let custom: Vec<Option<Document>> = files.custom.iter().map(Document::parse).collect();
        files::remove_replaced(&mut documents, &custom);
        documents.extend(custom);
        checks_and_causes::check(&documents, trusted, &catalog, &mut found);
    }
    let names: Vec<&str> = files.all().map(|source| source.name.as_str()).collect();
    sort_by_line(&mut found, &names);
    mistakes.append(&mut found);
    catalog
}
