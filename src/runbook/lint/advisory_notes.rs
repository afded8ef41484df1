//! Notes about checks and causes that are valid but worth reviewing.

use crate::base::error::Mistake;
use crate::input::Source;
use crate::input::row_references::Names;
use crate::input::toml_document::{Document, Entry};
use crate::pipeline::Pipeline;
use crate::runbook::catalog::{Catalog, Cause, Check};
use crate::runbook::files::BUILT_IN;
use crate::runbook::scope::Scope;
use jiff::civil::Date;
use std::collections::BTreeSet;

/// The parsed catalog files, used to locate rows.
pub struct RowLocations<'a> {
    documents: Vec<Document<'a>>,
}

impl<'a> RowLocations<'a> {
    /// Parses the files of a catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        RowLocations { documents: catalog.sources.iter().filter_map(Document::parse).collect() }
    }

    /// Returns the file and position of the last row with the given id.
    fn locate(&self, section: &str, id: &str) -> Option<(&'a Source, Entry)> {
        let locate_in = |document: &Document<'a>| {
            let entry = document.texts(section).into_iter().find(|entry| entry.text == id)?;
            Some((document.source(), entry))
        };
        self.documents.iter().rev().find_map(locate_in)
    }

    /// Returns a mistake at a cause, and whether the cause is built in.
    fn at_cause(&self, cause: &Cause, what: String) -> Option<(bool, Mistake)> {
        let (source, entry) = self.locate("cause[].id", cause.id.get_ref())?;
        Some((source.name.starts_with(BUILT_IN), source.mistake_in(entry.at, what)))
    }
}

/// Returns the causes that no check can raise in this pipeline, as mistakes and notes. Custom causes
/// are mistakes. Built-in causes are only notes, because a pipeline without an API, for example, has
/// no subject for them.
pub fn unraisable_causes(catalog: &Catalog, pipeline: &Pipeline) -> (Vec<Mistake>, Vec<Mistake>) {
    let without_subjects: BTreeSet<&str> = catalog
        .checks
        .iter()
        .filter(|check| check.for_each.get_ref().subjects(pipeline).is_empty())
        .map(|check| check.id.get_ref().as_str())
        .collect();
    let (mut mistakes, mut notes) = (Vec::new(), Vec::new());
    let is_unraisable =
        |cause: &&Cause| cause.always.iter().all(|link| without_subjects.contains(link.get_ref().as_str()));
    let causes: Vec<&Cause> = catalog.causes.iter().filter(is_unraisable).collect();
    if causes.is_empty() {
        return (mistakes, notes);
    }
    let rows = RowLocations::new(catalog);
    for cause in causes {
        // Cause groups have no links.
        let Some(first) = cause.always.first() else { continue };
        let what = format!("no check can raise `{}` in this pipeline", cause.id.get_ref());
        let scope = catalog.check(first.get_ref()).map(|check| format!("{:?}", check.for_each.get_ref()));
        let help = format!(
            "`{}` is judged for each {}, but the pipeline has none",
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

/// Returns the notes. If `all` is set, they include notes that concern only built-in causes.
pub fn notes(catalog: &Catalog, pipeline: &Pipeline, all: bool, today: Date) -> Vec<Mistake> {
    let rows = RowLocations::new(catalog);
    let mut found = Vec::new();
    steps_without_checks(catalog, &rows, &mut found);
    stages_without_checks(catalog, pipeline, &mut found);
    indistinguishable_causes(catalog, &rows, all, &mut found);
    switched_off(catalog, today, &mut found, &rows);
    found
}

/// Returns the checks that no override switches off, regardless of the override's last day.
fn enabled_checks(catalog: &Catalog) -> impl Iterator<Item = &Check> {
    catalog.checks.iter().filter(|check| !is_off(catalog, check.id.get_ref()))
}

fn is_off(catalog: &Catalog, id: &str) -> bool {
    catalog.overrides.iter().any(|row| row.off.is_some() && row.id.get_ref() == id)
}

/// Reports overrides whose last day has passed, and causes whose checks are all switched off.
fn switched_off(catalog: &Catalog, today: Date, found: &mut Vec<Mistake>, rows: &RowLocations) {
    for row in catalog.overrides.iter().filter(|row| row.off.is_some()) {
        let (id, until) = (row.id.get_ref(), row.until);
        let Some((source, entry)) = rows.locate("override[].id", id) else { continue };
        if let Some(until) = until.filter(|until| *until < today) {
            let note = source
                .mistake_in(entry.at, format!("`{id}` was switched off until {until} and is active again"));
            found.push(note.help("remove the override, or set a later date"));
        }
    }
    for cause in catalog.ranked().filter(|cause| !cause.always.is_empty()) {
        if !cause.always.iter().all(|link| is_off(catalog, link.get_ref())) {
            continue;
        }
        let what = format!("every check that raises `{}` is switched off", cause.id.get_ref());
        if let Some((_, note)) = rows.at_cause(cause, what) {
            found.push(note.help("switch the cause off too, or link another check"));
        }
    }
}

fn steps_without_checks(catalog: &Catalog, rows: &RowLocations, found: &mut Vec<Mistake>) {
    for step in &catalog.steps {
        if enabled_checks(catalog).any(|check| *check.step.get_ref() == step.step) {
            continue;
        }
        let number = i64::from(step.step);
        let all = rows.documents.iter().flat_map(|document| document.rows("step[]"));
        let row = all.filter_map(|row| Some((row, row.number("step")?))).find(|(_, (n, _))| *n == number);
        if let Some((row, (_, at))) = row {
            let note = row.mistake_in(at, format!("step {number} has no check"));
            found.push(note.help("reports show nothing for this step"));
        }
    }
}

fn stages_without_checks(catalog: &Catalog, pipeline: &Pipeline, found: &mut Vec<Mistake>) {
    if enabled_checks(catalog).any(|check| *check.for_each.get_ref() == Scope::Stage) {
        return;
    }
    for stage in &pipeline.stage {
        let note = Mistake::new(format!("stage {}", stage.name), "no check covers this stage");
        found.push(note.help("no check has `for_each = \"stage\"`"));
    }
}

/// Reports pairs of causes that differ in at most one check. Without that check's result, they
/// cannot be distinguished.
fn indistinguishable_causes(catalog: &Catalog, rows: &RowLocations, all: bool, found: &mut Vec<Mistake>) {
    for (i, one) in catalog.causes.iter().enumerate() {
        for other in catalog.causes.iter().skip(i + 1) {
            let Some(check) = distinguishing_check(one, other) else { continue };
            let [one_id, other_id] = [one, other].map(|cause| cause.id.get_ref());
            let what = match check {
                Some(check) => format!("only `{check}` distinguishes `{other_id}` from `{one_id}`"),
                None => {
                    format!("nothing distinguishes `{other_id}` from `{one_id}`: their links are the same")
                }
            };
            if let Some((built_in, note)) = rows.at_cause(other, what)
                && (all || !built_in)
            {
                found.push(note.help(
                    "without it they cannot be distinguished: group them with `any_of`, or link another check",
                ));
            }
        }
    }
}

/// Returns the only check that distinguishes two causes: `Some(None)` if no check does, `None` if
/// several do. A check linked with different strengths counts as distinguishing.
fn distinguishing_check<'a>(one: &'a Cause, other: &'a Cause) -> Option<Option<&'a str>> {
    let checks_of = |links: &'a [toml::Spanned<String>]| -> BTreeSet<&'a str> {
        links.iter().map(|link| link.get_ref().as_str()).collect()
    };
    if one.always.is_empty() || other.always.is_empty() {
        return None;
    }
    let links = |cause: &'a Cause| -> BTreeSet<(&'a str, u8)> {
        let by_strength = [&cause.always, &cause.usually, &cause.sometimes].into_iter().zip(0..);
        by_strength
            .flat_map(|(links, strength)| checks_of(links).into_iter().map(move |check| (check, strength)))
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

/// Reports topics that a worker consumes but no stage uses.
pub fn unused_topics(source: &Source) -> Vec<Mistake> {
    let Some(document) = Document::parse(source) else { return Vec::new() };
    let used = Names::new("topic", document.texts("stage[].topic").into_iter().map(|entry| entry.text));
    let declared = Names::new("topic", document.texts("topic[].name").into_iter().map(|entry| entry.text));
    let is_unused = |entry: &Entry| !used.has(&entry.text) && declared.has(&entry.text);
    let note = |entry: Entry| {
        let what = format!("no stage uses the topic `{}`", entry.text);
        source
            .mistake_in(entry.at, what)
            .help("its worker is checked, but not what the worker does with this topic")
    };
    document.texts("worker[].topics[]").into_iter().filter(is_unused).map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::fact_info::FactInfo;
    use crate::runbook::fact_value::Kind;
    use crate::runbook::lint::from_sources;

    fn facts() -> Vec<FactInfo<'static>> {
        let scopes = &[Scope::Worker, Scope::Api];
        let kind = Kind::Words(&["exited", "running"]);
        vec![FactInfo { name: "container.state", doc: "state of its container", scopes, kind }]
    }

    const TODAY: Date = Date::constant(2026, 1, 1);

    const CHECK: &str = "step = 1\ntitle = \"t\"\nfact = \"container.state\"\nexpect = { at_least = \"running\" }\nby_hand = \"x\"\n";

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
    fn reports_causes_that_only_one_check_distinguishes() {
        let causes = cause("one", "always = [\"a\"]\nusually = [\"b\"]") + &cause("two", "always = [\"a\"]");
        let found = notes(&catalog("mine.toml", &causes), &shop(false), false, TODAY);
        assert!(found[1].what.contains("only `b` distinguishes `two` from `one`"), "{found:?}");
        assert_eq!(notes(&catalog("built-in/x.toml", &causes), &shop(false), false, TODAY).len(), 1);
        assert_eq!(notes(&catalog("built-in/x.toml", &causes), &shop(false), true, TODAY).len(), 2);
    }

    #[test]
    fn unraisable_cause_is_a_mistake_if_custom_and_a_note_if_built_in() {
        let causes = cause("silent", "always = [\"of-api\"]");
        let count = |file: &str, without_api| {
            let (mistakes, notes) = unraisable_causes(&catalog(file, &causes), &shop(without_api));
            (mistakes.len(), notes.len())
        };
        assert_eq!(count("mine.toml", false), (0, 0));
        assert_eq!(count("mine.toml", true), (1, 0));
        assert_eq!(count("built-in/x.toml", true), (0, 1));
    }

    #[test]
    fn reports_topic_that_no_stage_uses() {
        let text = include_str!("../../../tests/support/shop.toml")
            .replace("topics = [\"orders\"]", "topics = [\"orders\", \"other\"]")
            .replace("[[topic]]", "[[topic]]\nname = \"other\"\n[[topic]]");
        let found = unused_topics(&Source { name: "shop.toml".into(), text });
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].what.contains("`other`"));
    }
}
