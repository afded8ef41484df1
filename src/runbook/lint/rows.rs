//! What can be wrong with the rows of checks and causes, taken together.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::input::names::{Names, circles, some_lost};
use crate::input::pattern;
use crate::runbook::catalog::Catalog;
use crate::runbook::expect::Expect;
use crate::runbook::lint::{overrides, own_rows, placeholders, texts};
use crate::runbook::scope::Scope;
use crate::runbook::signature;
use crate::text::suggestion::way_out;
use std::collections::BTreeSet;

/// Links from a cause to checks.
const LINKS: [&str; 4] = ["cause[].always[]", "cause[].usually[]", "cause[].sometimes[]", "cause[].seen[]"];

/// Checks all rows; `None` is a file that could not be read at all. The first `good` files
/// are known to be good by themselves.
pub fn check(files: &[Option<Document>], good: usize, catalog: &Catalog, mistakes: &mut Vec<Mistake>) {
    let checks = Names::in_files("check", files, &[("check[]", "id", ""), ("signature[]", "id", "log-")]);
    let causes = Names::in_files("cause", files, &[("cause[]", "id", "")]);
    let registry = Names::of("fact", catalog.registry.iter().map(|known| known.name));
    let own = [("fact[]", "name", ""), ("signature[]", "id", signature::FACT)];
    let facts = registry.and("fact", &Names::in_files("fact", files, &own));
    for document in files.iter().flatten() {
        let mut must_be_check = |path: &str| {
            checks.must_have(&document.texts(path), document.source(), mistakes);
        };
        must_be_check("check[].pass_needs[]");
        LINKS.iter().for_each(|path| must_be_check(path));
        judged(document, &facts, mistakes);
    }
    for document in files.iter().skip(good).flatten() {
        signatures(document, mistakes);
        placeholders::check(document, mistakes);
        texts::check(document, mistakes);
        fits(document, catalog, mistakes);
        links(document, mistakes);
    }
    ids(files, mistakes);
    steps(files, mistakes);
    needs(files, mistakes);
    groups(files, mistakes);
    overrides::check(files, &checks, &causes, mistakes);
    own_rows::check(files, mistakes);
    nothing_raises(files, mistakes);
}

/// Ids are for command lines, and each is that of one row.
fn ids(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let mut before: Vec<String> = Vec::new();
    for document in files.iter().flatten() {
        for (section, prefix) in [("check[].id", ""), ("signature[].id", "log-"), ("cause[].id", "")] {
            for Entry { text, at } in document.texts(section) {
                let mut tell = |what: String, help: &str| {
                    mistakes.push(document.source().mistake_in(at.clone(), what).help(help));
                };
                let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if text.is_empty() || !text.bytes().all(plain) {
                    tell(format!("`{text}` is not an id"), "expected lower-case letters, digits and dashes");
                }
                let id = format!("{prefix}{text}");
                if before.contains(&id) {
                    tell(format!("the id `{id}` is used twice"), "give one of the rows another id");
                }
                before.push(id);
            }
        }
    }
}

/// Checks belong to steps that there are.
fn steps(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let rows: Vec<_> = files.iter().flatten().flat_map(|document| document.rows("step[]")).collect();
    let known: Vec<i64> = rows.iter().filter_map(|row| Some(row.number("step")?.0)).collect();
    let all: BTreeSet<i64> = known.iter().copied().collect();
    if known.len() < rows.len() || some_lost(files) {
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
            let mistake = row.mistake_in(at, format!("two steps are number {step}"));
            mistakes.push(mistake.help("give one of them another number"));
        }
    }
}

/// A check judges a fact that there is.
fn judged(document: &Document, facts: &Names, mistakes: &mut Vec<Mistake>) {
    facts.must_have(&document.texts("check[].fact"), document.source(), mistakes);
}

/// A signature that every record has tells nothing; and it finds what it says.
fn signatures(document: &Document, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("signature[]") {
        let Some(entry) = row.text("pattern") else { continue };
        let Ok(pattern) = pattern::compile(&entry.text) else { continue };
        if pattern::finds_anything(&pattern) {
            let mistake = row.mistake_in(entry.at, "a pattern that every record matches");
            mistakes.push(mistake.help("expected words that only such records have"));
            continue;
        }
        for (key, wanted) in [("matches", true), ("misses", false)] {
            for record in row.list(key).into_iter().filter(|record| pattern.is_match(&record.text) != wanted)
            {
                let what =
                    format!("the pattern {} this record", if wanted { "does not find" } else { "finds" });
                let help = format!("change the pattern, or take the record out of `{key}`");
                mistakes.push(row.mistake_in(record.at, what).help(help));
            }
        }
    }
}

/// A pass that needs itself is never given.
fn needs(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    for (circle, closing, source) in circles_of(files, "check[]", "pass_needs") {
        let what = match circle.as_slice() {
            [one] => format!("`{one}` needs itself"),
            _ => format!("`pass_needs` goes in a circle: {}", round(&circle)),
        };
        mistakes.push(
            source.mistake_in(closing.at, what).help("none of them could ever pass: take one need out"),
        );
    }
}

fn round(circle: &[String]) -> String {
    let first = circle.first().into_iter();
    circle.iter().chain(first).map(String::as_str).collect::<Vec<_>>().join(" -> ")
}

/// The circles that a list of ids leads in, with the entry that closes each.
fn circles_of<'a>(
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
    let closing = |circle: &[String]| {
        let (first, last) = (circle.first()?, circle.last()?);
        let mut of_last = rows.iter().filter(|(_, id, _)| id == last);
        of_last.find_map(|(source, _, list)| {
            Some((list.iter().find(|entry| entry.text == *first)?.clone(), *source))
        })
    };
    let found = circles(&edges).into_iter();
    found.filter_map(|circle| closing(&circle).map(|(entry, source)| (circle, entry, source))).collect()
}

/// A group has members that are causes themselves, and have links.
fn groups(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    let rows: Vec<_> = files.iter().flatten().flat_map(|document| document.rows("cause[]")).collect();
    let single = rows.iter().filter(|row| row.list("any_of").is_empty());
    let mut names = Names::of("cause with links of its own", Vec::<String>::new());
    names.list = single.filter_map(|row| Some(row.text("id")?.text)).collect();
    names.some_lost = some_lost(files) || rows.iter().any(|row| row.text("id").is_none());
    let mut in_circles: Vec<String> = Vec::new();
    for (circle, closing, source) in circles_of(files, "cause[]", "any_of") {
        let what = match circle.as_slice() {
            [one] => format!("`{one}` is not a cause with links of its own: it is this group"),
            _ => format!("`any_of` goes in a circle: {}", round(&circle)),
        };
        mistakes
            .push(source.mistake_in(closing.at, what).help("the members of a group have links of their own"));
        in_circles.extend(circle);
    }
    for document in files.iter().flatten() {
        let members = document.texts("cause[].any_of[]");
        for member in members.iter().filter(|m| !names.has(&m.text) && !in_circles.contains(&m.text)) {
            let what = format!("`{}` is not a cause with links of its own", member.text);
            let help = way_out(&member.text, names.list.iter().map(String::as_str));
            mistakes.push(document.source().mistake_in(member.at.clone(), what).help(help));
        }
    }
}

/// The fact has such a subject and such a value; rows that cannot be read as a whole are
/// looked at, too.
fn fits(document: &Document, catalog: &Catalog, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("check[]") {
        let Some(name) = row.text("fact").map(|fact| fact.text) else { continue };
        let Some(spec) = catalog.fact(&name) else { continue };
        let scope = row.written::<Scope>("for_each");
        if let Some((scope, at)) = scope.filter(|(scope, _)| !spec.scopes.contains(scope)) {
            let what = format!("the fact `{name}` says nothing of each {scope:?}").to_lowercase();
            let scopes: Vec<String> = spec.scopes.iter().map(|scope| format!("{scope:?}")).collect();
            let help = format!("it is of each {}", scopes.join(", ")).to_lowercase();
            mistakes.push(row.mistake_in(at, what).help(help));
        }
        let Some((expect, at)) = row.written::<Expect>("expect") else { continue };
        match expect.fits(spec.kind) {
            Err(unfit) => {
                let what = format!("the fact `{name}` is never `{}`", unfit.value);
                let help = match unfit.valid.contains(&unfit.value.as_str()) {
                    true => format!("write it without quotes: {}", unfit.value),
                    false => way_out(&unfit.value, unfit.valid.iter().copied()),
                };
                mistakes.push(row.mistake_in(at, what).help(help));
            }
            Ok(()) => {
                if let Some(always) = expect.is_idle() {
                    let mistake = row.mistake_in(at, format!("an expectation that {always}"));
                    mistakes.push(mistake.help("expected one that some values meet, and others do not"));
                }
            }
        }
    }
}

/// Causes' links and their numbers.
fn links(document: &Document, mistakes: &mut Vec<Mistake>) {
    for row in document.rows("cause[]") {
        let mut linked: Vec<String> = Vec::new();
        for link in ["always", "usually", "sometimes", "seen"].iter().flat_map(|key| row.list(key)) {
            if linked.contains(&link.text) {
                let mistake = row.mistake_in(link.at, format!("`{}` is linked twice", link.text));
                mistakes.push(mistake.help("keep the link that says how often the check fails"));
            }
            linked.push(link.text);
        }
        if let Some((number, at)) = row.number("confidence").filter(|(number, _)| !(1..=99).contains(number))
        {
            let what = format!("confidence {number} is not between 1 and 99");
            mistakes.push(row.mistake_in(at, what).help("it is a number of per cent"));
        }
        let mut links = ["always", "usually", "sometimes"].iter().flat_map(|key| row.list(key));
        if let Some(link) = links.next().filter(|_| !row.list("any_of").is_empty()) {
            let id = row.text("id").map_or_else(String::new, |id| format!("`{}` has ", id.text));
            let what = format!("{id}both `any_of` and links");
            mistakes.push(row.mistake_in(link.at, what).help("its members have the links"));
        }
    }
}

/// A cause without a check that always fails is never named.
fn nothing_raises(files: &[Option<Document>], mistakes: &mut Vec<Mistake>) {
    for document in files.iter().flatten() {
        for row in document.rows("cause[]") {
            let linked = !row.list("always").is_empty() || !row.list("any_of").is_empty();
            // What was meant for it may be what is wrong in the row.
            if linked || mistakes.iter().any(|mistake| row.holds(mistake)) {
                continue;
            }
            if let Some(Entry { text, at }) = row.text("id") {
                let what = format!("cause `{text}` breaks no check `always`: nothing can raise it");
                let help = "name in `always` the checks that fail whenever it is true";
                mistakes.push(document.source().mistake_in(at, what).help(help));
            }
        }
    }
}
