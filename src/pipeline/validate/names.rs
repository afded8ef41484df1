//! Rejects names that are invalid in the systems they belong to. Names end up in printed commands and
//! as keys in generated files.

use crate::base::error::Mistake;
use crate::input::toml_document::{Document, Entry, Row};
use crate::text::address::{has_query_or_fragment, is_broker_list, is_http_address};
use crate::text::names::{CONTAINER, ENVIRONMENT, Grammar, IMAGE, PRINTABLE, SERVICE, SQL_IDENTIFIER, TOPIC};

/// Paths to names, the kind of name, and its grammar.
const NAMES: &[(&str, &str, Grammar)] = &[
    ("compose.project", "project", SERVICE),
    ("service[].name", "service", SERVICE),
    ("worker[].name", "service", SERVICE),
    ("service[].container", "container", CONTAINER),
    ("worker[].container", "container", CONTAINER),
    ("worker[].group", "consumer group", PRINTABLE),
    ("worker[].deploy.image", "image", IMAGE),
    ("worker[].deploy.environment[]", "environment variable", ENVIRONMENT),
    ("topic[].name", "topic", TOPIC),
    ("dead_letters.topic", "topic", TOPIC),
    ("stage[].name", "stage", PRINTABLE),
    ("stage[].event", "event", PRINTABLE),
    ("stage[].effect", "effect", PRINTABLE),
    ("stage[].marked_by[]", "source", PRINTABLE),
    ("line[].name", "line", PRINTABLE),
    ("call.name", "call", PRINTABLE),
    ("name", "pipeline", PRINTABLE),
    ("id.name", "id", PRINTABLE),
    ("noun[]", "noun", PRINTABLE),
    ("marks.table", "table", SQL_IDENTIFIER),
    ("marks.id", "column", SQL_IDENTIFIER),
    ("marks.event_id", "column", SQL_IDENTIFIER),
    ("marks.event_type", "column", SQL_IDENTIFIER),
    ("marks.source", "column", SQL_IDENTIFIER),
    ("marks.processed_at", "column", SQL_IDENTIFIER),
];

/// The path to an address, the check of its format, and the help text.
type Address = (&'static str, fn(&str) -> bool, &'static str);

const ADDRESSES: &[Address] = &[
    ("kafka.address", is_broker_list, BROKERS),
    ("broker.*.address", is_broker_list, BROKERS),
    ("service[].address", is_http_address, "expected a URL such as http://localhost:3010"),
    ("service[].address", |address| !has_query_or_fragment(address), BASE),
];

const BASE: &str = "expected a base URL without ? and #, because the path of each request is added to it";
const BROKERS: &str = "expected host:port[,host:port]";

/// Checks the names and addresses of a pipeline. Empty names are reported elsewhere.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    let source = document.source();
    for (path, kind, grammar) in NAMES {
        for entry in document.texts(path) {
            mistakes.extend(check_name(&entry, kind, grammar, document));
        }
    }
    for section in ["broker", "database"] {
        for (key, _) in document.rows(section).iter().flat_map(Row::entries) {
            mistakes.extend(check_name(&key, section, &SERVICE, document));
        }
    }
    for (path, is_valid, help) in ADDRESSES {
        for entry in document.texts(path).into_iter().filter(|entry| !is_valid(&entry.text)) {
            mistakes.push(source.mistake_in(entry.at, "not a valid address").help(*help));
        }
    }
}

fn check_name(name: &Entry, kind: &str, grammar: &Grammar, document: &Document) -> Option<Mistake> {
    if name.text.trim().is_empty() || (grammar.fits)(&name.text) {
        return None;
    }
    let what = format!("not a valid name for {} {kind}", article(kind));
    Some(document.source().mistake_in(name.at.clone(), what).help(grammar.expected))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}
