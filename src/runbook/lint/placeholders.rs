//! What stands in braces in titles, commands and actions must be something that is
//! filled there.

use crate::base::error::Mistake;
use crate::input::document::{Document, Entry};
use crate::text::suggestion::nearest;
use std::ops::Range;

/// In titles and commands by hand: the names of whom they are about, and the pipeline's.
pub const BY_HAND: [&str; 27] = [
    "subject",
    "container",
    "id",
    "group",
    "topic",
    "event",
    "effect",
    "effect_url",
    "sql",
    "port",
    "health",
    "broker",
    "dead_letters",
    "dead_letters_broker",
    "marks",
    "marks_url",
    "marks_id",
    "marks_event_id",
    "marks_type",
    "marks_source",
    "marks_at",
    "call",
    "api",
    "caller",
    "answered",
    "unanswered",
    "harmless",
];

/// In what an action says and runs.
pub const RUN: [&str; 8] =
    ["subject", "container", "id", "self", "compose", "psql", "psql_as_superuser", "pid"];

const TEXTS: [(&str, &[&str]); 6] = [
    ("step[].by_hand", &BY_HAND),
    ("check[].title", &BY_HAND),
    ("check[].by_hand", &BY_HAND),
    ("signature[].title", &BY_HAND),
    ("cause[].actions[].say", &RUN),
    ("cause[].actions[].run", &RUN),
];

/// Checks all texts of a file. Braces are the shell's, too: only what is nearly a
/// placeholder, or one of another place, is a mistake.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for (path, valid) in TEXTS {
        for entry in document.texts(path) {
            let wrong = in_braces(&entry).filter(|(word, _)| !valid.contains(word));
            for (word, at) in wrong {
                let elsewhere = BY_HAND.iter().chain(&RUN).any(|known| *known == word);
                let help = match nearest(word, valid.iter().copied()).filter(|_| !elsewhere) {
                    Some(near) => format!("did you mean `{{{near}}}`?"),
                    None if elsewhere => format!("filled here: {{{}}}", valid.join("}, {")),
                    None => continue,
                };
                let what = format!("nothing fills `{{{word}}}`");
                let mistake = document.source().mistake_within(&entry.at, &at, what);
                mistakes.push(mistake.help(help));
            }
        }
    }
}

/// The words in braces, which are neither doubled nor a variable's, and where they stand.
fn in_braces(entry: &Entry) -> impl Iterator<Item = (&str, Range<usize>)> {
    let text = entry.text.as_str();
    text.match_indices('{').filter_map(move |(at, _)| {
        let (word, rest) = text[at + 1..].split_once('}')?;
        let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let alone = !text[..at].ends_with(['$', '{']) && !rest.starts_with('}');
        (plain && alone).then_some((word, at..at + word.len() + 2))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;

    fn mistakes_of(by_hand: &str) -> Vec<String> {
        let text = format!("[[check]]\nid = \"x\"\nby_hand = '{by_hand}'\n");
        let source = Source { name: "x.toml".into(), text };
        let mut mistakes = Vec::new();
        check(&Document::of(&source).unwrap(), &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_slip_is_told_and_what_is_the_shells_is_left_alone() {
        let found = mistakes_of("docker logs {contianer}");
        assert!(found[0].contains("did you mean `{container}`?"), "{found:#?}");
        assert!(mistakes_of("{psql} -c x")[0].contains("filled here: {subject}, {container}"));
        for good in ["ps --format {{.Names}}", "echo ${id} ${subjct}", "awk '{print $1}'", "a{1,2}", "{a,b}"]
        {
            let good = good.replace('\'', "\"");
            assert_eq!(mistakes_of(&good), Vec::<String>::new(), "{good}");
        }
    }
}
