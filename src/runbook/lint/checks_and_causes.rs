//! Mistakes in checks, causes and signatures across all files.

use crate::base::error::Mistake;
use crate::input::regex_pattern;
use crate::input::row_references::{Names, cycles, partially_parsed};
use crate::input::toml_document::{Document, Entry};
use crate::input::{MistakeInString, Source};
use crate::runbook::catalog::Catalog;
use crate::runbook::expectation::Expect;
use crate::runbook::lint::{custom_facts, overrides, placeholders, text_fields};
use crate::runbook::log_kinds::{self, LogKinds};
use crate::runbook::log_signature;
use crate::runbook::scope::Scope;
use crate::text::log::LogRecord;
use crate::text::suggestion::suggestion;
use std::collections::BTreeSet;

/// Paths to the links from causes to checks.
const LINKS: [&str; 5] = [
    "cause[].always[]",
    "cause[].usually[]",
    "cause[].sometimes[]",
    "cause[].seen[]",
    "cause[].unless_seen[]",
];

/// Checks all rows; `None` stands for a file that could not be parsed at all. The first `trusted`
/// files are known to be valid on their own.
pub fn check(files: &[Option<Document>], trusted: usize, catalog: &Catalog, mistakes: &mut Vec<Mistake>) {
    let checks = Names::in_files("check", files, &[("check[]", "id", ""), ("signature[]", "id", "log-")]);
    let causes = Names::in_files("cause", files, &[("cause[]", "id", "")]);
    let registry = Names::new("fact", catalog.registry.iter().map(|fact| fact.name));
    let declared = [("fact[]", "name", ""), ("signature[]", "id", log_signature::FACT_PREFIX)];
    let facts = registry.and("fact", &Names::in_files("fact", files, &declared));
    for document in files.iter().flatten() {
        let mut must_be_check = |path: &str| {
            checks.reject_unknown(&document.texts(path), document.source(), mistakes);
        };
        must_be_check("check[].pass_needs[]");
        LINKS.iter().for_each(|path| must_be_check(path));
        unknown_facts(document, &facts, mistakes);
    }
    for document in files.iter().skip(trusted).flatten() {
        check_signatures(document, catalog, mistakes);
        placeholders::check(document, mistakes);
        text_fields::check(document, mistakes);
        check_expectations(document, catalog, mistakes);
        check_links(document, mistakes);
    }
    check_ids(files, mistakes);
    check_steps(files, mistakes);
    circular_needs(files, mistakes);
    check_groups(files, mistakes);
    overrides::check(files, &checks, &causes, mistakes);
    custom_facts::check(files, mistakes);
    unlinked_causes(files, mistakes);
}

/// Checks that ids are unique and easy to type on a command line.
fn check_ids(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let mut seen: Vec<String> = Vec::new();
    for document in files.iter().flatten() {
        for (section, prefix) in [("check[].id", ""), ("signature[].id", "log-"), ("cause[].id", "")] {
            for Entry { text, at } in document.texts(section) {
                let mut report = |what: String, help: &str| {
                    mistakes.push(document.source().mistake_in(at.clone(), what).help(help));
                };
                let is_allowed =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if text.is_empty() || !text.bytes().all(is_allowed) {
                    report(
                        format!("`{text}` is not a valid id"),
                        "expected lower-case letters, digits and dashes",
                    );
                }
                let id = format!("{prefix}{text}");
                if seen.contains(&id) {
                    report(format!("the id `{id}` is used twice"), "change the id of one of the rows");
                }
                seen.push(id);
            }
        }
    }
}

/// Checks that steps are unique and that checks belong to existing steps.
fn check_steps(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let rows: Vec<_> = files.iter().flatten().flat_map(|document| document.rows("step[]")).collect();
    let known: Vec<i64> = rows.iter().filter_map(|row| Some(row.number("step")?.0)).collect();
    let all: BTreeSet<i64> = known.iter().copied().collect();
    if known.len() < rows.len() || partially_parsed(files) {
        return;
    }
    for document in files.iter().flatten() {
        for (step, at) in document.rows("check[]").iter().filter_map(|row| row.number("step")) {
            if !known.contains(&step) {
                let mistake = document.source().mistake_in(at, format!("unknown step {step}"));
                mistakes.push(mistake.help(format!(
                    "steps: {}",
                    all.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
                )));
            }
        }
    }
    for (i, row) in rows.iter().enumerate() {
        if let Some((step, at)) = row.number("step").filter(|(step, _)| known[..i].contains(step)) {
            let mistake = row.mistake_in(at, format!("two steps have the number {step}"));
            mistakes.push(mistake.help("renumber one of them"));
        }
    }
}

/// Reports checks that use unknown facts.
fn unknown_facts(document: &Document, facts: &Names, mistakes: &mut Vec<Mistake>) {
    facts.reject_unknown(&document.texts("check[].fact"), document.source(), mistakes);
}

/// Checks that signatures can be compiled, are specific and agree with their sample records.
fn check_signatures(document: &Document, catalog: &Catalog, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("signature[]") {
        let Some(id) = row.text("id") else { continue };
        let signature = catalog.signatures.iter().find(|signature| signature.id.get_ref() == &id.text);
        let Some(signature) = signature else { continue };
        for phrase in row.list("phrases").into_iter().chain(row.list("weak_phrases")) {
            check_phrase(document.source(), &phrase, mistakes);
        }
        if signature.regexes().is_empty()
            && signature.weak_regexes().is_empty()
            && signature.sqlstates.is_empty()
        {
            let mistake = row.mistake_in(id.at, "the signature matches nothing");
            mistakes.push(
                mistake
                    .help("add `pattern`, `phrases`, `exceptions`, `errnos`, `kafka_errors` or `sqlstates`"),
            );
            continue;
        }
        if let Some(entry) = row.text("pattern")
            && regex_pattern::compile(&entry.text)
                .is_ok_and(|pattern| regex_pattern::matches_everything(&pattern))
        {
            let mistake = row.mistake_in(entry.at, "this pattern matches every record");
            mistakes.push(mistake.help("expected words that only the wanted records contain"));
            continue;
        }
        let mut alone = LogKinds::default();
        alone.add(vec![signature.clone()]);
        let matches = |text: &str| !alone.of(&LogRecord::parse(text)).is_empty();
        for (key, wanted) in [("matches", true), ("misses", false)] {
            for record in row.list(key).into_iter().filter(|record| matches(&record.text) != wanted) {
                let what = format!(
                    "the signature {} this record",
                    if wanted { "does not match" } else { "matches" }
                );
                let help = format!("change the signature, or remove the record from `{key}`");
                mistakes.push(row.mistake_in(record.at, what).help(help));
            }
        }
    }
}

/// Reports a phrase that cannot be searched for.
fn check_phrase(source: &Source, phrase: &Entry, mistakes: &mut Vec<Mistake>) {
    let Err(message) = log_kinds::check_phrase(&phrase.text) else { return };
    mistakes.push(match MistakeInString::decode(&message) {
        Some(MistakeInString { at, what, help }) => source.mistake_within(&phrase.at, &at, what).help(help),
        None => {
            let help = "expected words that only the wanted records contain";
            source.mistake_in(phrase.at.clone(), message).help(help)
        }
    });
}

/// Reports checks that need each other to pass, because none of them could ever pass.
fn circular_needs(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    for (cycle, closing, source) in cycles_in(files, "check[]", "pass_needs") {
        let what = match cycle.as_slice() {
            [one] => format!("`{one}` needs itself"),
            _ => format!("`pass_needs` forms a cycle: {}", describe_cycle(&cycle)),
        };
        mistakes.push(
            source
                .mistake_in(closing.at, what)
                .help("none of these checks could ever pass: remove one entry from `pass_needs`"),
        );
    }
}

fn describe_cycle(cycle: &[String]) -> String {
    let first = cycle.first().into_iter();
    cycle.iter().chain(first).map(String::as_str).collect::<Vec<_>>().join(" -> ")
}

/// Returns the cycles that a list of ids forms, each with the entry that closes it.
fn cycles_in<'a>(
    files: &'a [Option<Document>],
    section: &str,
    list: &str,
) -> Vec<(Vec<String>, Entry, &'a Source)> {
    let rows: Vec<_> = files
        .iter()
        .flatten()
        .flat_map(|document| document.rows(section).into_iter().map(|row| (document.source(), row)))
        .filter_map(|(source, row)| Some((source, row.text("id")?.text, row.list(list))))
        .collect();
    let texts = |entries: &[Entry]| entries.iter().map(|entry| entry.text.clone()).collect();
    let edges: Vec<_> = rows.iter().map(|(_, id, list)| (id.clone(), texts(list))).collect();
    let closing = |cycle: &[String]| {
        let (first, last) = (cycle.first()?, cycle.last()?);
        let mut last_rows = rows.iter().filter(|(_, id, _)| id == last);
        last_rows.find_map(|(source, _, list)| {
            Some((list.iter().find(|entry| entry.text == *first)?.clone(), *source))
        })
    };
    let found = cycles(&edges).into_iter();
    found.filter_map(|cycle| closing(&cycle).map(|(entry, source)| (cycle, entry, source))).collect()
}

/// Checks that the members of cause groups are causes with links.
fn check_groups(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let rows: Vec<_> = files.iter().flatten().flat_map(|document| document.rows("cause[]")).collect();
    let single = rows.iter().filter(|row| row.list("any_of").is_empty());
    let mut names = Names::new("cause with its own links", Vec::<String>::new());
    names.list = single.filter_map(|row| Some(row.text("id")?.text)).collect();
    names.partially_parsed = partially_parsed(files) || rows.iter().any(|row| row.text("id").is_none());
    let mut in_cycles: Vec<String> = Vec::new();
    for (cycle, closing, source) in cycles_in(files, "cause[]", "any_of") {
        let what = match cycle.as_slice() {
            [one] => format!("the group `{one}` contains itself"),
            _ => format!("`any_of` forms a cycle: {}", describe_cycle(&cycle)),
        };
        mistakes.push(
            source
                .mistake_in(closing.at, what)
                .help("the members of a group must be causes with their own links"),
        );
        in_cycles.extend(cycle);
    }
    for document in files.iter().flatten() {
        let members = document.texts("cause[].any_of[]");
        for member in members.iter().filter(|m| !names.has(&m.text) && !in_cycles.contains(&m.text)) {
            let what = format!("`{}` is not a cause with its own links", member.text);
            let help = suggestion(&member.text, names.list.iter().map(String::as_str));
            mistakes.push(document.source().mistake_in(member.at.clone(), what).help(help));
        }
    }
}

/// Checks that each check's subject and expected value are valid for its fact, including in rows
/// that are only partially parsed.
fn check_expectations(document: &Document, catalog: &Catalog, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("check[]") {
        let Some(name) = row.text("fact").map(|fact| fact.text) else { continue };
        let Some(info) = catalog.fact(&name) else { continue };
        let scope = row.value_as::<Scope>("for_each");
        if let Some((scope, at)) = scope.filter(|(scope, _)| !info.scopes.contains(scope)) {
            let what = format!("the fact `{name}` is not available for each {scope:?}").to_lowercase();
            let scopes: Vec<String> = info.scopes.iter().map(|scope| format!("{scope:?}")).collect();
            let help = format!("it is available for each {}", scopes.join(", ")).to_lowercase();
            mistakes.push(row.mistake_in(at, what).help(help));
        }
        let Some((expect, at)) = row.value_as::<Expect>("expect") else { continue };
        match expect.validate(info.kind) {
            Err(invalid) => {
                let what = format!("the fact `{name}` is never `{}`", invalid.value);
                let help = match invalid.valid.contains(&invalid.value.as_str()) {
                    true => format!("write it without quotes: {}", invalid.value),
                    false => suggestion(&invalid.value, invalid.valid.iter().copied()),
                };
                mistakes.push(row.mistake_in(at, what).help(help));
            }
            Ok(()) => {
                if let Some(outcome) = expect.constant_outcome() {
                    let mistake = row.mistake_in(at, format!("{outcome} this expectation"));
                    mistakes.push(mistake.help("expected one that some values meet and others do not"));
                }
            }
        }
    }
}

/// Checks the links and confidence of causes.
fn check_links(document: &Document, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("cause[]") {
        let mut linked: Vec<String> = Vec::new();
        for link in ["always", "usually", "sometimes", "seen"].iter().flat_map(|key| row.list(key)) {
            if linked.contains(&link.text) {
                let mistake = row.mistake_in(link.at, format!("`{}` is linked twice", link.text));
                mistakes.push(mistake.help("keep the link that reflects how often the check fails"));
            }
            linked.push(link.text);
        }
        if let Some((number, at)) = row.number("confidence").filter(|(number, _)| !(1..=99).contains(number))
        {
            let what = format!("confidence {number} is not between 1 and 99");
            mistakes.push(row.mistake_in(at, what).help("expected a percentage"));
        }
        let mut links = ["always", "usually", "sometimes"].iter().flat_map(|key| row.list(key));
        if let Some(link) = links.next().filter(|_| !row.list("any_of").is_empty()) {
            let cause =
                row.text("id").map_or_else(|| "this cause".to_string(), |id| format!("`{}`", id.text));
            let what = format!("{cause} has both `any_of` and links");
            mistakes.push(
                row.mistake_in(link.at, what).help("remove the links: a group uses those of its members"),
            );
        }
    }
}

/// Reports causes without an `always` link, because nothing could ever raise them.
fn unlinked_causes(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    for document in files.iter().flatten() {
        for row in document.rows("cause[]") {
            let linked = !row.list("always").is_empty() || !row.list("any_of").is_empty();
            // The broken part of the row may be the missing link.
            if linked || mistakes.iter().any(|mistake| row.contains(mistake)) {
                continue;
            }
            if let Some(Entry { text, at }) = row.text("id") {
                let what = format!("cause `{text}` has no `always` link, so nothing can raise it");
                let help = "in `always`, list the checks that fail whenever the cause is true";
                mistakes.push(document.source().mistake_in(at, what).help(help));
            }
        }
    }
}
