//! Rows' own lines with their placeholders filled in: commands for a shell, and sentences.

use crate::command::shell::{in_double, in_single, is_plain, quote};
use crate::text::placeholder::Placeholder;
use crate::text::template::{Piece, Quotes, Template};

/// What is filled in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// One word, quoted as its place wants it.
    Word(String),
    /// The asked id: not put into quotes that it could end.
    Id(String),
    /// Written for a shell: words, or the name of a variable.
    Shell(String),
}

/// What stands for an id that could end the quotes that it stands in.
const ID: &str = "ID";

/// A command: each value is one word of the shell, or a part of one.
pub fn command(template: &Template, value: &dyn Fn(Placeholder) -> Value) -> String {
    filled(template, |placeholder, quotes| match (value(placeholder), quotes) {
        (Value::Shell(text), _) => text,
        (Value::Word(text) | Value::Id(text), Quotes::Bare) => quote(&text),
        (Value::Word(text), Quotes::Single) => in_single(&text),
        (Value::Word(text), Quotes::Double) => in_double(&text),
        // The quotes are often those of SQL as well.
        (Value::Id(text), _) => {
            if is_plain(&text) {
                text
            } else {
                ID.to_string()
            }
        }
    })
}

/// A title or a sentence.
pub fn sentence(template: &Template, value: &dyn Fn(Placeholder) -> Value) -> String {
    filled(template, |placeholder, _| match value(placeholder) {
        Value::Shell(text) | Value::Word(text) => text,
        Value::Id(text) => quote(&text),
    })
}

fn filled(template: &Template, fill: impl Fn(Placeholder, Quotes) -> String) -> String {
    let filled = template.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Placeholder(placeholder, quotes) => fill(*placeholder, *quotes),
    });
    filled.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 7] = ["a b", "it's", "a\"b", "$(reboot)", "`reboot`", "\\", "x'; drop table y; --"];

    fn filled(text: &str, value: Value) -> String {
        command(&Template::parse(text), &|_| value.clone())
    }

    #[test]
    fn a_value_stays_within_its_word() {
        for hostile in HOSTILE {
            let word = |text| shlex::split(&filled(text, Value::Word(hostile.into()))).unwrap();
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
    fn an_id_never_ends_the_quotes_that_it_stands_in() {
        for hostile in HOSTILE {
            let line = filled("psql -c \"select '{id}'\" | grep {id}", Value::Id(hostile.into()));
            let expected = ["psql", "-c", "select 'ID'", "|", "grep", hostile];
            assert_eq!(shlex::split(&line).unwrap(), expected);
        }
        assert_eq!(filled("'{id}'", Value::Id("ORD-1".into())), "'ORD-1'");
    }

    #[test]
    fn what_is_written_for_a_shell_already_stands_as_it_is() {
        assert_eq!(
            filled("psql \"${marks_url}\"", Value::Shell("POSTGRES_URL".into())),
            "psql \"$POSTGRES_URL\""
        );
        let psql = Value::Shell("psql \"$POSTGRES_URL\"".into());
        assert_eq!(filled("{psql} -c x", psql), "psql \"$POSTGRES_URL\" -c x");
    }

    #[test]
    fn sentences_are_not_quoted() {
        let template = Template::parse("the log of {subject}");
        assert_eq!(sentence(&template, &|_| Value::Word("a b".into())), "the log of a b");
    }
}
