//! Rows as every command takes them: loaded, and all mistakes in them told.

use crate::base::error::{Error, Mistake, by_line};
use crate::input::Source;
use crate::input::document::Document;
use crate::runbook::catalog::Catalog;
use crate::runbook::known::Known;
use crate::runbook::lint::rows;
use crate::runbook::load::{Files, load};
use crate::runbook::sources;
use std::path::Path;

/// Reads the built-in rows, and after them those of a directory: every `.toml`
/// in it. `registry` is what is known of the program's own facts. All mistakes are
/// put into `mistakes`; the built-in rows are held good by tests, so that no start
/// waits for that.
pub fn read(
    directory: Option<&Path>,
    registry: Vec<Known<'static>>,
    mistakes: &mut Vec<Mistake>,
) -> Result<Catalog, Error> {
    let own = directory.map(sources::of_directory).transpose()?.unwrap_or_default();
    let built_in = sources::built_in();
    Ok(of(Files { built_in: &built_in, own: &own }, built_in.len(), registry, mistakes))
}

/// Reads rows from sources, in their order, and checks all of them; a row of the user's
/// `own` replaces the built-in one of its id.
pub fn from_sources(
    built_in: &[Source],
    own: &[Source],
    registry: Vec<Known<'static>>,
    mistakes: &mut Vec<Mistake>,
) -> Catalog {
    of(Files { built_in, own }, 0, registry, mistakes)
}

/// The same; so many of the files are known to be good by themselves.
fn of(files: Files, good: usize, registry: Vec<Known<'static>>, mistakes: &mut Vec<Mistake>) -> Catalog {
    let mut found: Vec<Mistake> = Vec::new();
    let catalog = load(files, registry, &mut found);
    if good < catalog.sources.len() {
        let mut documents: Vec<Option<Document>> = files.built_in.iter().map(Document::of).collect();
        let of_own: Vec<Option<Document>> = files.own.iter().map(Document::of).collect();
        sources::without_replaced(&mut documents, &of_own);
        documents.extend(of_own);
        rows::check(&documents, good, &catalog, &mut found);
    }
    let names: Vec<&str> = files.all().map(|source| source.name.as_str()).collect();
    by_line(&mut found, &names);
    mistakes.append(&mut found);
    catalog
}
