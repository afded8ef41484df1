//! What a team says of rows without replacing them: another severity, or switched
//! off for a while.

use crate::base::error::Mistake;
use crate::base::schema::ID;
use crate::input::document::{Document, Entry};
use crate::input::names::Names;
use crate::input::{Source, Within};
use crate::runbook::catalog::{Catalog, Severity};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use toml::Spanned;

/// What is said of a check or cause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{ "required": ["severity"] }, { "required": ["off"] }],
    "dependentRequired" = { "off": ["until"], "until": ["off"] },
))]
pub struct Override {
    /// The check or cause.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// What a failure of the check means here.
    pub severity: Option<Severity>,
    /// Why it is switched off: a check is not judged, a cause not ranked.
    pub off: Option<String>,
    /// The last day (UTC) on which it is switched off: `2026-12-31`.
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    #[serde(default, deserialize_with = "day")]
    pub until: Option<Date>,
}

fn day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        let help = "expected the last day of it: \"2026-12-31\"";
        Within { at: 0..text.len(), what: "not a day", help }.message()
    };
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(wrong()))
}

/// A check or a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// It is not judged.
    Check,
    /// It is not ranked.
    Cause,
}

/// Something that an override switches off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SwitchedOff {
    /// The check or cause.
    pub id: String,
    /// Which of the two it is.
    pub kind: RowKind,
    /// Why.
    pub why: String,
    /// The last day (UTC) of it.
    pub until: Date,
}

impl SwitchedOff {
    /// "switched off until 2026-12-31: rebuilt by hand".
    pub fn words(&self) -> String {
        format!("switched off until {}: {}", self.until, self.why)
    }
}

/// What overrides mean at a time.
#[derive(Debug, Clone, Default)]
pub struct Switched {
    /// What is off.
    pub off: Vec<SwitchedOff>,
    /// What was, until its last day was over.
    pub ended: Vec<SwitchedOff>,
}

impl Switched {
    /// What the catalog's overrides mean then.
    pub fn at(catalog: &Catalog, taken: Timestamp) -> Self {
        let today = taken.to_zoned(TimeZone::UTC).date();
        let kind = |id: &str| if catalog.check(id).is_some() { RowKind::Check } else { RowKind::Cause };
        let all = catalog.overrides.iter().filter_map(|row| {
            let id = row.id.get_ref().clone();
            Some(SwitchedOff { kind: kind(&id), id, why: row.off.clone()?, until: row.until? })
        });
        let (off, ended) = all.partition(|row| row.until >= today);
        Switched { off, ended }
    }
}

/// Gives the checks the severities that overrides say.
pub fn set_severities(catalog: &mut Catalog) {
    for row in &catalog.overrides {
        let check = catalog.checks.iter_mut().find(|check| check.id.get_ref() == row.id.get_ref());
        if let (Some(check), Some(severity)) = (check, row.severity) {
            check.severity = severity;
        }
    }
}

/// What is wrong with the overrides of all files.
pub fn check(files: &[Option<Document>], checks: &Names, causes: &Names, mistakes: &mut Vec<Mistake>) {
    let both = checks.and("check or cause", causes);
    let mut before = BTreeSet::new();
    for document in files.iter().flatten() {
        let source = document.source();
        both.must_have(&document.texts("override[].id"), source, mistakes);
        for row in document.rows("override[]") {
            let Some(id) = row.text("id") else { continue };
            if !before.insert(id.text.clone()) {
                let mistake = source.mistake_in(id.at.clone(), format!("`{}` is overridden twice", id.text));
                mistakes.push(mistake.help("say all of it in one row"));
            }
            let has = ["severity", "off", "until"].map(|key| row.has(key));
            let is_cause = !checks.has(&id.text) && causes.has(&id.text);
            mistakes.extend(wrong(has, is_cause, &id, source));
        }
    }
}

fn wrong(has: [bool; 3], is_cause: bool, id: &Entry, source: &Source) -> Option<Mistake> {
    let Entry { text, at } = id;
    let (what, help) = match has {
        [true, ..] if is_cause => {
            (format!("`{text}` is a cause: it has no severity"), "override the checks that it breaks")
        }
        [false, false, false] => (
            format!("the override of `{text}` says nothing"),
            "expected severity = \"error\", \"warn\" or \"note\", or off = \"why\" with until = \"2026-12-31\"",
        ),
        [true, true, _] => (
            format!("`{text}` is switched off and has a severity"),
            "keep one of them: what is off is not judged",
        ),
        [_, true, false] => {
            (format!("`{text}` is switched off for ever"), "say until when: until = \"2026-12-31\"")
        }
        [_, false, true] => (format!("`until` of `{text}` ends nothing"), "say why it is off: off = \"why\""),
        _ => return None,
    };
    Some(source.mistake_in(at.clone(), what).help(help))
}
