//! Mistyped placeholders in titles, commands and actions, and placeholders in commands where no value
//! can be quoted safely.

use crate::base::error::Mistake;
use crate::input::toml_document::Document;
use crate::text::placeholder::PLACEHOLDERS;
use crate::text::suggestion::nearest;
use crate::text::template::Template;

/// Paths to the strings that may contain placeholders.
const TEXTS: [&str; 6] = [
    "step[].by_hand",
    "check[].title",
    "check[].by_hand",
    "signature[].title",
    "cause[].actions[].say",
    "cause[].actions[].run",
];

/// Paths to the strings that are commands.
const COMMANDS: [&str; 3] = ["step[].by_hand", "check[].by_hand", "cause[].actions[].run"];

/// Checks all strings in a file. Shell commands use braces too, so only a misspelling of a known
/// placeholder is a mistake.
pub fn check(document: &Document, mistakes: &mut Vec<Mistake>) {
    for entry in TEXTS.iter().flat_map(|path| document.texts(path)) {
        for (word, at) in Template::parse(&entry.text).unknown() {
            let Some(near) = nearest(word, PLACEHOLDERS.iter().map(|name| name.name)) else { continue };
            let what = format!("unknown placeholder `{{{word}}}`");
            let mistake = document.source().mistake_within(&entry.at, &at, what);
            mistakes.push(mistake.help(format!("did you mean `{{{near}}}`?")));
        }
    }
    for entry in COMMANDS.iter().flat_map(|path| document.texts(path)) {
        for (hazard, at) in Template::parse(&entry.text).hazards() {
            let what = format!("a placeholder may not stand {}", hazard.place());
            let mistake = document.source().mistake_within(&entry.at, &at, what);
            mistakes.push(mistake.help(hazard.help()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;

    fn mistakes_of(by_hand: &str) -> Vec<String> {
        let text = format!("[[check]]\nid = \"x\"\nby_hand = '{by_hand}'\n");
        let source = Source { name: "x.toml".into(), text };
        let mut mistakes = Vec::new();
        check(&Document::parse(&source).unwrap(), &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn reports_placeholders_that_cannot_be_quoted() {
        for (command, place) in [
            ("x `grep {id}`", "x.toml:3:20: a placeholder may not stand inside backticks"),
            (
                "sh -c \"grep {id}\"",
                "x.toml:3:24: a placeholder may not stand in text that a program runs as code",
            ),
            ("{subject} x", "x.toml:3:12: a placeholder may not stand where the program to run is named"),
        ] {
            let found = mistakes_of(command);
            assert!(found.len() == 1 && found[0].contains(place), "{found:#?}");
        }
    }

    #[test]
    fn the_built_in_rows_have_no_such_placeholder() {
        for source in crate::runbook::files::built_in() {
            let mut mistakes = Vec::new();
            check(&Document::parse(&source).unwrap(), &mut mistakes);
            assert_eq!(mistakes, [], "{}", source.name);
        }
    }

    #[test]
    fn reports_mistyped_placeholders_and_ignores_shell_braces() {
        let found = mistakes_of("{docker} logs {contianer} {sbject}");
        assert!(
            found[0].contains("x.toml:3:26: ") && found[0].contains("did you mean `{container}`?"),
            "{found:#?}"
        );
        assert!(found[1].contains("did you mean `{subject}`?"), "{found:#?}");
        for good in [
            "ps --format {{.Names}}",
            "echo ${id} ${subjct}",
            "awk '{print $1}'",
            "a{1,2}",
            "{a,b}",
            "{psql} -c x",
        ] {
            let good = good.replace('\'', "\"");
            assert_eq!(mistakes_of(&good), Vec::<String>::new(), "{good}");
        }
    }
}
