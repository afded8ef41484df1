//! Reads flags, pipeline, checks and causes.

use crate::base::error::{Error, Mistake};
use crate::cli::Look;
use crate::config::{Config, Environment, pipeline_source};
use crate::input::Source;
use crate::input::document::Document;
use crate::pipeline::Pipeline;
use crate::run::recording::no_place_for;
use crate::runbook::catalog::Catalog;
use crate::runbook::lint::notes::never_raised;
use crate::runbook::{lint, sources};
use crate::{collect, fact};

/// Reads flags, pipeline, checks and causes; all mistakes in them come at once.
pub(super) fn read(
    id: Option<&str>,
    look: &Look,
    environment: &Environment,
) -> Result<(Config, Catalog), Error> {
    let mut mistakes = Vec::new();
    let source = pipeline_source(look.config.as_deref())?;
    match read_all(&source, id, look, environment, &mut mistakes)? {
        (Some(config), catalog) if mistakes.is_empty() => Ok((config, catalog)),
        _ => Err(Error::Usage(mistakes)),
    }
}

/// Whether no row of a pipeline's file is missing in what was read of it.
fn is_whole(document: &Document, pipeline: &Pipeline) -> bool {
    let rows = |section: &str| document.rows(section).len();
    !document.has_lost_rows()
        && rows("service[]") == pipeline.service.len()
        && rows("worker[]") == pipeline.worker.len()
        && rows("topic[]") == pipeline.topic.len()
        && rows("stage[]") == pipeline.stage.len()
}

/// As much as can be read, and all that is wrong with it.
pub(super) fn read_all(
    source: &Source,
    id: Option<&str>,
    look: &Look,
    environment: &Environment,
    mistakes: &mut Vec<Mistake>,
) -> Result<(Option<Config>, Catalog), Error> {
    let mut config = Config::of(source, id, look, environment, mistakes);
    let own = sources::directory(look.checks.as_deref(), look.config.as_deref());
    let catalog = lint::read(own.as_deref(), fact::registry(), mistakes)?;
    // The built-in rows name nothing of a pipeline.
    let document = own.and_then(|_| Document::of(source));
    if let Some(pipeline) = &document {
        lint::names::check(&catalog, pipeline, mistakes);
    }
    if let Some(config) = &mut config {
        let of_facts = catalog.facts.iter().filter_map(|fact| fact.log.as_ref()).map(|log| &log.pattern);
        let patterns = catalog.signatures.iter().map(|signature| &signature.pattern).chain(of_facts);
        config.log_patterns = patterns.map(|pattern| pattern.0.as_str().to_string()).collect();
        config.own.clone_from(&catalog.facts);
        // Whom a cause could be about may be in a row that could not be read.
        if document.is_some_and(|document| is_whole(&document, &config.pipeline)) {
            mistakes.extend(never_raised(&catalog, &config.pipeline).0);
        }
    }
    if let Some(config) = config.as_ref().filter(|config| config.replay.is_none()) {
        collect::check(config, mistakes);
        mistakes.extend(config.record.as_deref().and_then(no_place_for));
    }
    Ok((config, catalog))
}
