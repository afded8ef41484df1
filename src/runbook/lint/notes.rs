//! What is odd about checks and causes of a pipeline, taken together: no
//! mistakes, but worth a look.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::document::{Document, Entry};
use crate::input::names::Names;
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Cause, Check};
use crate::runbook::scope::Scope;
use crate::runbook::sources::BUILT_IN;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Files of rows, for the places in them.
pub struct Rows<'a> {
    documents: Vec<Document<'a>>,
}

impl<'a> Rows<'a> {
    /// The rows of a catalog.
    pub fn of(catalog: &'a Catalog) -> Self {
        Rows { documents: catalog.sources.iter().filter_map(Document::of).collect() }
    }

    /// Where the last row of the section has this id.
    fn place(&self, section: &str, id: &str) -> Option<(&'a Source, Entry)> {
        let of = |document: &Document<'a>| {
            let entry = document.texts(section).into_iter().find(|entry| entry.text == id)?;
            Some((document.source(), entry))
        };
        self.documents.iter().rev().find_map(of)
    }

    fn at_cause(&self, cause: &Cause, what: String) -> Option<(bool, Mistake)> {
        let (source, entry) = self.place("cause[].id", cause.id.get_ref())?;
        Some((source.name.starts_with(BUILT_IN), source.mistake_in(entry.at, what)))
    }
}

/// Causes that no check can raise in this pipeline: the built-in ones as notes,
/// for a pipeline without an API rightly has no subject for them; the user's
/// own as mistakes.
pub fn never_raised(catalog: &Catalog, pipeline: &Pipeline) -> (Vec<Mistake>, Vec<Mistake>) {
    let nobody: BTreeSet<&str> = catalog
        .checks
        .iter()
        .filter(|check| check.for_each.get_ref().subjects(pipeline).is_empty())
        .map(|check| check.id.get_ref().as_str())
        .collect();
    let (mut mistakes, mut notes) = (Vec::new(), Vec::new());
    let never = |cause: &&Cause| cause.always.iter().all(|link| nobody.contains(link.get_ref().as_str()));
    let causes: Vec<&Cause> = catalog.causes.iter().filter(never).collect();
    if causes.is_empty() {
        return (mistakes, notes);
    }
    let rows = Rows::of(catalog);
    for cause in causes {
        // A group has no links.
        let Some(first) = cause.always.first() else { continue };
        let what = format!("no check can raise `{}` in this pipeline", cause.id.get_ref());
        let scope = catalog.check(first.get_ref()).map(|check| format!("{:?}", check.for_each.get_ref()));
        let help = format!(
            "`{}` is asked of each {}, and the pipeline has none",
            first.get_ref(),
            scope.unwrap_or_default().to_lowercase()
        );
        match rows.at_cause(cause, what) {
            Some((true, note)) => notes.push(note.help(help)),
            Some((false, mistake)) => mistakes.push(mistake.help(help)),
            None => {}
        }
    }
    (mistakes, notes)
}

/// What is odd; `all`: also about the built-in rows among themselves.
pub fn notes(catalog: &Catalog, pipeline: &Pipeline, all: bool, today: Date) -> Vec<Mistake> {
    let rows = Rows::of(catalog);
    let mut found = Vec::new();
    steps_without_checks(catalog, &rows, &mut found);
    stages_without_checks(catalog, pipeline, &mut found);
    confusable(catalog, &rows, all, &mut found);
    switched_off(catalog, today, &mut found, &rows);
    found
}

/// The checks that no override switches off, whenever that ends.
fn judged(catalog: &Catalog) -> impl Iterator<Item = &Check> {
    catalog.checks.iter().filter(|check| !is_off(catalog, check.id.get_ref()))
}

fn is_off(catalog: &Catalog, id: &str) -> bool {
    catalog.overrides.iter().any(|row| row.off.is_some() && row.id.get_ref() == id)
}

/// Overrides whose last day is over, and causes that only checks raise that are off.
fn switched_off(catalog: &Catalog, today: Date, found: &mut Vec<Mistake>, rows: &Rows) {
    for row in catalog.overrides.iter().filter(|row| row.off.is_some()) {
        let (id, until) = (row.id.get_ref(), row.until);
        let Some((source, entry)) = rows.place("override[].id", id) else { continue };
        if let Some(until) = until.filter(|until| *until < today) {
            let note =
                source.mistake_in(entry.at, format!("`{id}` was switched off until {until}: it is on again"));
            found.push(note.help("take the override out, or give it another day"));
        }
    }
    for cause in catalog.ranked().filter(|cause| !cause.always.is_empty()) {
        if !cause.always.iter().all(|link| is_off(catalog, link.get_ref())) {
            continue;
        }
        let what = format!("`{}` is raised only by what is switched off", cause.id.get_ref());
        if let Some((_, note)) = rows.at_cause(cause, what) {
            found.push(note.help("switch it off, too, or link another check"));
        }
    }
}

fn steps_without_checks(catalog: &Catalog, rows: &Rows, found: &mut Vec<Mistake>) {
    for step in &catalog.steps {
        if judged(catalog).any(|check| *check.step.get_ref() == step.step) {
            continue;
        }
        let number = i64::from(step.step);
        let all = rows.documents.iter().flat_map(|document| document.rows("step[]"));
        let row = all.filter_map(|row| Some((row, row.number("step")?))).find(|(_, (n, _))| *n == number);
        if let Some((row, (_, at))) = row {
            let note = row.mistake_in(at, format!("step {number} has no check"));
            found.push(note.help("a report says nothing at this step"));
        }
    }
}

fn stages_without_checks(catalog: &Catalog, pipeline: &Pipeline, found: &mut Vec<Mistake>) {
    if judged(catalog).any(|check| *check.for_each.get_ref() == Scope::Stage) {
        return;
    }
    for stage in &pipeline.stage {
        let note = Mistake::new(format!("stage {}", stage.name), "nothing checks it");
        found.push(note.help("no check is `for_each = \"stage\"`"));
    }
}

/// Two causes that differ in one check only cannot be told apart where that one
/// could not be looked at.
fn confusable(catalog: &Catalog, rows: &Rows, all: bool, found: &mut Vec<Mistake>) {
    for (i, one) in catalog.causes.iter().enumerate() {
        for other in catalog.causes.iter().skip(i + 1) {
            let Some(check) = told_apart_by(one, other) else { continue };
            let [one_id, other_id] = [one, other].map(|cause| cause.id.get_ref());
            let what = match check {
                Some(check) => format!("only `{check}` tells `{other_id}` from `{one_id}`"),
                None => format!("nothing tells `{other_id}` from `{one_id}`: their links are the same"),
            };
            if let Some((built_in, note)) = rows.at_cause(other, what)
                && (all || !built_in)
            {
                found.push(note.help(
                    "where that is not seen they are one: group them with `any_of`, or link another check",
                ));
            }
        }
    }
}

/// `Some(None)`: by nothing at all; `None`: by more than one check. A check that always
/// fails and one that usually does are told apart by how often alone.
fn told_apart_by<'a>(one: &'a Cause, other: &'a Cause) -> Option<Option<&'a str>> {
    let set = |links: &'a [toml::Spanned<String>]| -> BTreeSet<&'a str> {
        links.iter().map(|link| link.get_ref().as_str()).collect()
    };
    if one.always.is_empty() || other.always.is_empty() {
        return None;
    }
    let links = |cause: &'a Cause| -> BTreeSet<(&'a str, u8)> {
        let by_strength = [&cause.always, &cause.usually, &cause.sometimes].into_iter().zip(0..);
        by_strength
            .flat_map(|(links, strength)| set(links).into_iter().map(move |check| (check, strength)))
            .collect()
    };
    let (one, other) = (links(one), links(other));
    let checks: BTreeSet<&str> = one.symmetric_difference(&other).map(|(check, _)| *check).collect();
    match checks.len() {
        0 => Some(None),
        1 => Some(checks.into_iter().next()),
        _ => None,
    }
}

/// Topics that a worker consumes and that no stage of the pipeline uses.
pub fn of_pipeline(source: &Source) -> Vec<Mistake> {
    let Some(document) = Document::of(source) else { return Vec::new() };
    let used = Names::of("topic", document.texts("stage[].topic").into_iter().map(|entry| entry.text));
    let declared = Names::of("topic", document.texts("topic[].name").into_iter().map(|entry| entry.text));
    let odd = |entry: &Entry| !used.has(&entry.text) && declared.has(&entry.text);
    let note = |entry: Entry| {
        let what = format!("no stage uses the topic `{}`", entry.text);
        source.mistake_in(entry.at, what).help("its worker is looked at, what it does with this topic is not")
    };
    document.texts("worker[].topics[]").into_iter().filter(odd).map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::known::Known;
    use crate::runbook::lint::from_sources;
    use crate::runbook::value::Kind;

    fn facts() -> Vec<Known<'static>> {
        let scopes = &[Scope::Worker, Scope::Api];
        let kind = Kind::Words(&["exited", "running"]);
        vec![Known { name: "container.rung", doc: "how far its container has come", scopes, kind }]
    }

    const TODAY: Date = Date::constant(2026, 1, 1);

    const CHECK: &str = "step = 1\ntitle = \"t\"\nfact = \"container.rung\"\nexpect = { at_least = \"running\" }\nby_hand = \"x\"\n";

    fn catalog(file: &str, causes: &str) -> Catalog {
        let check =
            |id: &str, scope: &str| format!("[[check]]\nid = \"{id}\"\nfor_each = \"{scope}\"\n{CHECK}");
        let text = format!(
            "[[step]]\nstep = 1\ntitle = \"t\"\nabout = \"workers\"\nby_hand = \"x\"\n{}{}{}{causes}",
            check("a", "worker"),
            check("b", "worker"),
            check("of-api", "api")
        );
        let mut mistakes = Vec::new();
        let catalog = from_sources(&[Source { name: file.into(), text }], &[], facts(), &mut mistakes);
        assert_eq!(mistakes, []);
        catalog
    }

    fn cause(id: &str, links: &str) -> String {
        format!(
            "[[cause]]\nid = \"{id}\"\ntitle = \"t\"\nmeans = \"m\"\nconfidence = 50\nactions = []\n{links}\n"
        )
    }

    fn shop(without_api: bool) -> Pipeline {
        let text = include_str!("../../../tests/support/shop.toml");
        let text = if without_api { text.replace("\"api\"", "\"emitter\"") } else { text.to_string() };
        Pipeline::read(&Source { name: "shop.toml".into(), text }, &mut Vec::new()).unwrap()
    }

    #[test]
    fn causes_that_one_check_tells_apart_are_named_with_it() {
        let causes = cause("one", "always = [\"a\"]\nusually = [\"b\"]") + &cause("two", "always = [\"a\"]");
        let found = notes(&catalog("mine.toml", &causes), &shop(false), false, TODAY);
        assert!(found[1].what.contains("only `b` tells `two` from `one`"), "{found:?}");
        assert_eq!(notes(&catalog("built-in/x.toml", &causes), &shop(false), false, TODAY).len(), 1);
        assert_eq!(notes(&catalog("built-in/x.toml", &causes), &shop(false), true, TODAY).len(), 2);
    }

    #[test]
    fn a_cause_without_subjects_is_the_users_mistake_and_a_built_in_note() {
        let causes = cause("silent", "always = [\"of-api\"]");
        let count = |file: &str, without_api| {
            let (mistakes, notes) = never_raised(&catalog(file, &causes), &shop(without_api));
            (mistakes.len(), notes.len())
        };
        assert_eq!(count("mine.toml", false), (0, 0));
        assert_eq!(count("mine.toml", true), (1, 0));
        assert_eq!(count("built-in/x.toml", true), (0, 1));
    }

    #[test]
    fn a_topic_that_no_stage_uses_is_told() {
        let text = include_str!("../../../tests/support/shop.toml")
            .replace("topics = [\"orders\"]", "topics = [\"orders\", \"other\"]")
            .replace("[[topic]]", "[[topic]]\nname = \"other\"\n[[topic]]");
        let found = of_pipeline(&Source { name: "shop.toml".into(), text });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("`other`"));
    }
}
