//! Loads the configuration: flags, pipeline, checks and causes.

use crate::base::error::{Error, Mistake};
use crate::cli::TargetOptions;
use crate::config::{Config, Environment, pipeline_source};
use crate::input::Source;
use crate::input::toml_document::Document;
use crate::pipeline::Pipeline;
use crate::run::recording::check_record_file;
use crate::runbook::catalog::Catalog;
use crate::runbook::lint::advisory_notes::unraisable_causes;
use crate::runbook::{files, lint};
use crate::{collect, fact};
use std::time::Instant;

/// Loads the configuration. Returns all mistakes in it at once.
pub(super) fn load_config(
    id: Option<&str>,
    options: &TargetOptions,
    environment: &Environment,
) -> Result<(Config, Catalog), Error> {
    let start = Instant::now();
    if options.debug {
        collect::cost::log_requests();
    }
    let mut mistakes = Vec::new();
    let source = pipeline_source(options.config.as_deref())?;
    match load_partially(&source, id, options, environment, &mut mistakes)? {
        (Some(config), catalog) if mistakes.is_empty() => {
            Ok((Config { loading: start.elapsed(), ..config }, catalog))
        }
        _ => Err(Error::Usage(mistakes)),
    }
}

/// Reports whether every row of the pipeline file could be parsed.
fn is_fully_parsed(document: &Document, pipeline: &Pipeline) -> bool {
    let rows = |section: &str| document.rows(section).len();
    !document.is_partially_parsed()
        && rows("service[]") == pipeline.service.len()
        && rows("worker[]") == pipeline.worker.len()
        && rows("topic[]") == pipeline.topic.len()
        && rows("stage[]") == pipeline.stage.len()
}

/// Loads as much of the configuration as possible. Adds every mistake to `mistakes`.
pub(super) fn load_partially(
    source: &Source,
    id: Option<&str>,
    options: &TargetOptions,
    environment: &Environment,
    mistakes: &mut Vec<Mistake>,
) -> Result<(Option<Config>, Catalog), Error> {
    let mut config = Config::new(source, id, options, environment, mistakes);
    let custom = files::custom_directory(options.checks.as_deref(), options.config.as_deref());
    let catalog = lint::read(custom.as_deref(), fact::registry(), mistakes)?;
    // Only custom rows can refer to components of the pipeline.
    let document = custom.and_then(|_| Document::parse(source));
    if let Some(pipeline) = &document {
        lint::pipeline_references::check(&catalog, pipeline, mistakes);
    }
    if let Some(config) = &mut config {
        let from_facts = catalog.facts.iter().filter_map(|fact| fact.log.as_ref()).map(|log| &log.pattern);
        config.log_patterns = from_facts.map(|pattern| pattern.0.as_str().to_string()).collect();
        config.log_kinds = catalog.signatures.clone();
        config.custom_facts.clone_from(&catalog.facts);
        // Skipped for a partially parsed file, where the component that a cause needs may be in a broken row.
        if document.is_some_and(|document| is_fully_parsed(&document, &config.pipeline)) {
            mistakes.extend(unraisable_causes(&catalog, &config.pipeline).0);
        }
    }
    if let Some(config) = config.as_ref().filter(|config| config.replay.is_none()) {
        collect::check(config, mistakes);
        mistakes.extend(config.record.as_deref().and_then(check_record_file));
    }
    Ok((config, catalog))
}
