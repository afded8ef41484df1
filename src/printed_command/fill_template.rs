//! Fills in the placeholders of command and sentence templates.

use crate::printed_command::shell::{in_double, in_single, is_plain, quote};
use crate::text::placeholder::Placeholder;
use crate::text::template::{Piece, Quotes, Template};

/// The text that replaces a placeholder, and how it is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// One word, quoted as its position requires.
    Word(String),
    /// The requested id; never inserted into quotes that it could terminate.
    Id(String),
    /// Shell syntax, inserted verbatim: words, or the name of a variable.
    Shell(String),
}

/// Replaces an id that could terminate the quotes around it.
const ID: &str = "ID";

/// Renders a command template. Each replacement is one shell word, or part of one.
pub fn command(template: &Template, replacement: &dyn Fn(Placeholder) -> Replacement) -> String {
    fill_pieces(template, |placeholder, quotes| match (replacement(placeholder), quotes) {
        (Replacement::Shell(text), _) => text,
        (Replacement::Word(text) | Replacement::Id(text), Quotes::Bare) => quote(&text),
        (Replacement::Word(text), Quotes::Single) => in_single(&text),
        (Replacement::Word(text), Quotes::Double) => in_double(&text),
        // The id is often inside SQL quotes, too.
        (Replacement::Id(text), _) => {
            if is_plain(&text) {
                text
            } else {
                ID.to_string()
            }
        }
    })
}

/// Renders a title or sentence template, without shell quoting.
pub fn sentence(template: &Template, replacement: &dyn Fn(Placeholder) -> Replacement) -> String {
    fill_pieces(template, |placeholder, _| match replacement(placeholder) {
        Replacement::Shell(text) | Replacement::Word(text) => text,
        Replacement::Id(text) => quote(&text),
    })
}

fn fill_pieces(template: &Template, fill: impl Fn(Placeholder, Quotes) -> String) -> String {
    let pieces = template.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Placeholder(placeholder, quotes) => fill(*placeholder, *quotes),
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 7] = ["a b", "it's", "a\"b", "$(reboot)", "`reboot`", "\\", "x'; drop table y; --"];

    fn render(text: &str, replacement: Replacement) -> String {
        command(&Template::parse(text), &|_| replacement.clone())
    }

    #[test]
    fn a_replacement_stays_within_its_word() {
        for hostile in HOSTILE {
            let word = |text| shlex::split(&render(text, Replacement::Word(hostile.into()))).unwrap();
            assert_eq!(word("grep {call} x"), ["grep", hostile, "x"]);
            assert_eq!(word("label={subject}"), [format!("label={hostile}")]);
            assert_eq!(word("curl 'a{harmless}'"), ["curl".to_string(), format!("a{hostile}")]);
            assert_eq!(
                word("psql -c \"from {marks}\""),
                ["psql".to_string(), "-c".into(), format!("from {hostile}")]
            );
        }
    }

    #[test]
    fn an_id_never_terminates_its_quotes() {
        for hostile in HOSTILE {
            let line = render("psql -c \"select '{id}'\" | grep {id}", Replacement::Id(hostile.into()));
            let expected = ["psql", "-c", "select 'ID'", "|", "grep", hostile];
            assert_eq!(shlex::split(&line).unwrap(), expected);
        }
        assert_eq!(render("'{id}'", Replacement::Id("ORD-1".into())), "'ORD-1'");
    }

    #[test]
    fn shell_syntax_is_inserted_verbatim() {
        assert_eq!(
            render("psql \"${marks_url}\"", Replacement::Shell("POSTGRES_URL".into())),
            "psql \"$POSTGRES_URL\""
        );
        let psql = Replacement::Shell("psql \"$POSTGRES_URL\"".into());
        assert_eq!(render("{psql} -c x", psql), "psql \"$POSTGRES_URL\" -c x");
    }

    #[test]
    fn sentences_are_not_quoted() {
        let template = Template::parse("the log of {subject}");
        assert_eq!(sentence(&template, &|_| Replacement::Word("a b".into())), "the log of a b");
    }
}
