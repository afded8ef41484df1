//! What rows say must be said: titles, words, commands; and no text may steer a terminal.

use crate::base::error::Mistake;
use crate::input::document::{Document, Row};

/// What a person reads or runs of each kind of row.
const SAID: [(&str, &[&str]); 6] = [
    ("step[]", &["title", "by_hand"]),
    ("check[]", &["title", "by_hand"]),
    ("signature[]", &["title", "pattern"]),
    ("cause[]", &["title", "means"]),
    ("fact[]", &["doc"]),
    ("override[]", &["off"]),
];

/// Checks all texts of a file of rows.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (section, keys) in SAID {
        for row in document.rows(section) {
            blank(&row, keys, mistakes);
        }
    }
    for action in document.rows("cause[].actions[]") {
        blank(&action, &["say", "run"], mistakes);
        one_thing(&action, mistakes);
    }
    document.control_characters(mistakes);
}

fn blank(row: &Row, keys: &[&str], mistakes: &mut Vec<Mistake>) {
    for (key, entry) in keys.iter().filter_map(|key| Some((key, row.text(key)?))) {
        if entry.text.trim().is_empty() {
            let mistake = row.mistake_in(entry.at, format!("`{key}` says nothing"));
            mistakes.push(mistake.help("expected a text: reports print it"));
        }
    }
}

/// An action runs a command, or has its commands made, or is a sentence.
fn one_thing(action: &Row, mistakes: &mut Vec<Mistake>) {
    let has = |key: &str| action.has(key);
    let (what, help) = match (has("run"), has("generate"), has("say")) {
        (true, true, _) => ("an action with both `run` and `generate`", "keep one of them"),
        (false, false, false) => ("an action with nothing to do", "give it `say`, `run` or `generate`"),
        _ => return,
    };
    mistakes.push(action.mistake(what).help(help));
}
