//! Checks the text fields of rows. Required fields must not be blank, and no field may contain
//! control characters that could affect a terminal.

use crate::base::error::Mistake;
use crate::input::toml_document::{Document, Row};

/// The required text fields in each kind of row.
const REQUIRED: [(&str, &[&str]); 6] = [
    ("step[]", &["title", "by_hand"]),
    ("check[]", &["title", "by_hand"]),
    ("signature[]", &["title", "pattern"]),
    ("cause[]", &["title", "means"]),
    ("fact[]", &["doc"]),
    ("override[]", &["off"]),
];

/// Checks all text in a catalog file.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, keys) in REQUIRED {
        for row in document.rows(section) {
            reject_blank(&row, keys, mistakes);
        }
    }
    for action in document.rows("cause[].actions[]") {
        reject_blank(&action, &["say", "run"], mistakes);
        check_action(&action, mistakes);
    }
    document.reject_control_characters(mistakes);
}

fn reject_blank(row: &Row, keys: &[&str], mistakes: &mut Vec<Mistake>) {
    for (key, entry) in keys.iter().filter_map(|key| Some((key, row.text(key)?))) {
        if entry.text.trim().is_empty() {
            let mistake = row.mistake_in(entry.at, format!("`{key}` is blank"));
            mistakes.push(mistake.help("expected non-empty text, because reports print it"));
        }
    }
}

/// Checks that an action has a sentence, a command or generated commands, but not both kinds of command.
fn check_action(action: &Row, mistakes: &mut Vec<Mistake>) {
    let has = |key: &str| action.has(key);
    let (what, help) = match (has("run"), has("generate"), has("say")) {
        (true, true, _) => ("an action has both `run` and `generate`", "keep one of them"),
        (false, false, false) => ("an action is empty", "add `say`, `run` or `generate`"),
        _ => return,
    };
    mistakes.push(action.mistake(what).help(help));
}
