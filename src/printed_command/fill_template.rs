//! Fills in the placeholders of command and sentence templates.

use crate::printed_command::process::Process;
use crate::printed_command::shell::{
    Withheld, checked_process, in_double, in_single, is_plain, printed, quote,
};
use crate::text::placeholder::Placeholder;
use crate::text::printable::is_printable;
use crate::text::shell_context::{Position, Quotes};
use crate::text::template::{Piece, Template};

/// The text that replaces a placeholder, and how it is quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A name, quoted as its position requires. Inside quotes, where it may be part of SQL or
    /// another language, it must be harmless in all of these languages.
    Word(String),
    /// The requested id; inside quotes, [`ID`] replaces it unless it is harmless.
    Id(String),
    /// SQL, a path or a pattern from the pipeline file, quoted for the shell only.
    Code(String),
    /// A command, whose words are quoted one by one.
    Command(Process),
    /// The name of an environment variable.
    Variable(String),
}

/// The word that replaces an id that could terminate the quotes around it.
const ID: &str = "ID";

/// Renders a command template. Each replacement is one shell word, or part of one. If a value
/// cannot be quoted at its position, a comment is returned instead.
pub fn command(template: &Template, replacement: &dyn Fn(Placeholder) -> Replacement) -> String {
    let pieces = template.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => Ok(text.clone()),
        Piece::Placeholder(placeholder, position) => fill(replacement(*placeholder), *position),
    });
    pieces.collect::<Result<String, Withheld>>().unwrap_or_else(Withheld::line)
}

fn fill(replacement: Replacement, position: Position) -> Result<String, Withheld> {
    let text = match replacement {
        Replacement::Command(process) => return checked_process(&process),
        Replacement::Variable(name) => return Ok(name),
        _ if position.hazard.is_some() => return Err(Withheld::Place),
        Replacement::Id(text) if position.quotes != Quotes::Bare && !is_plain(&text) => ID.to_string(),
        Replacement::Word(text) if position.quotes != Quotes::Bare && !is_harmless(&text) => {
            return Err(Withheld::Place);
        }
        Replacement::Word(text) | Replacement::Id(text) | Replacement::Code(text) => text,
    };
    match position.quotes {
        _ if !is_printable(&text) => Err(Withheld::Invisible),
        // Programs do not see the quotes.
        _ if position.starts_word && text.starts_with('-') => Err(Withheld::Dash),
        Quotes::Bare => printed(&text),
        Quotes::Single => Ok(in_single(&text)),
        Quotes::Double => Ok(in_double(&text)),
    }
}

/// Reports whether text is plain data in a shell, in SQL and in other languages.
fn is_harmless(text: &str) -> bool {
    text.split(' ').all(|word| is_plain(word) || word.chars().all(char::is_alphanumeric))
}

/// Renders a title or sentence template, without shell quoting.
pub fn sentence(template: &Template, replacement: &dyn Fn(Placeholder) -> Replacement) -> String {
    let pieces = template.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => text.clone(),
        Piece::Placeholder(placeholder, _) => match replacement(*placeholder) {
            Replacement::Word(text) | Replacement::Code(text) | Replacement::Variable(text) => text,
            Replacement::Id(text) => quote(&text),
            Replacement::Command(process) => crate::printed_command::shell::process(&process),
        },
    });
    pieces.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::process::Word;

    const HOSTILE: [&str; 7] = ["a b", "it's", "a\"b", "$(reboot)", "`reboot`", "\\", "x'; drop table y; --"];

    fn render(text: &str, replacement: Replacement) -> String {
        command(&Template::parse(text), &|_| replacement.clone())
    }

    #[test]
    fn a_replacement_stays_within_its_word() {
        for hostile in HOSTILE {
            let word = |text| shlex::split(&render(text, Replacement::Word(hostile.into()))).unwrap();
            assert_eq!(word("grep {call} x"), ["grep", hostile, "x"]);
            assert_eq!(word("x --label={subject}"), ["x".to_string(), format!("--label={hostile}")]);
            assert_eq!(word("x $(grep {call})")[1..], ["$(grep".to_string(), format!("{hostile})")]);
            let code = |text| shlex::split(&render(text, Replacement::Code(hostile.into()))).unwrap();
            assert_eq!(code("curl 'a{harmless}'"), ["curl".to_string(), format!("a{hostile}")]);
            assert_eq!(
                code("psql -c \"from {marks}\""),
                ["psql".to_string(), "-c".into(), format!("from {hostile}")]
            );
        }
    }

    #[test]
    fn a_name_inside_quotes_is_plain_data_or_withheld() {
        let line = |text, name: &str| render(text, Replacement::Word(name.into()));
        for quoted in ["psql -c \"select '{event}'\"", "psql -c 'select 1 where x = $1' -v '{event}'"] {
            for hostile in ["it's", "a\"b", "$(reboot)", "`reboot`", "\\", "x'; drop table y; --", "a!b"] {
                assert_eq!(line(quoted, hostile), Withheld::Place.line());
            }
            for harmless in ["order placed", "shop.orders-v2", "größe"] {
                assert_eq!(line(quoted, harmless), quoted.replace("{event}", harmless));
            }
        }
    }

    #[test]
    fn a_value_that_cannot_be_quoted_withholds_the_command() {
        let line = |text, name: &str| render(text, Replacement::Word(name.into()));
        assert_eq!(line("grep {call}", "--file=/etc/passwd"), Withheld::Dash.line());
        for quoted in ["grep '{call}'", "grep \"{call}\"", "grep ''\"{call}\""] {
            assert_eq!(line(quoted, "-exec"), Withheld::Dash.line());
            assert_eq!(render(quoted, Replacement::Code("-exec".into())), Withheld::Dash.line());
        }
        assert_eq!(line("grep x{call}", "--x"), "grep x--x");
        assert_eq!(line("grep --label='{call}'", "--x"), "grep --label='--x'");
        assert_eq!(line("date > {call}", "a"), Withheld::Place.line());
        assert_eq!(line("grep {call}", "a\nb"), Withheld::Invisible.line());
        assert_eq!(line("echo `grep {call}`", "a"), Withheld::Place.line());
        assert_eq!(line("sh -c 'grep {call}'", "a"), Withheld::Place.line());
    }

    #[test]
    fn an_id_never_terminates_its_quotes() {
        for hostile in HOSTILE {
            let line = render("psql -c \"select '{id}'\" | grep {id}", Replacement::Id(hostile.into()));
            let expected = ["psql", "-c", "select 'ID'", "|", "grep", hostile];
            assert_eq!(shlex::split(&line).unwrap(), expected);
        }
        assert_eq!(render("grep '{id}'", Replacement::Id("ORD-1".into())), "grep 'ORD-1'");
    }

    #[test]
    fn commands_and_variables_keep_their_syntax() {
        assert_eq!(
            render("psql \"${marks_url}\"", Replacement::Variable("POSTGRES_URL".into())),
            "psql \"$POSTGRES_URL\""
        );
        let psql = Process::new("psql").arg(Word::Variable("POSTGRES_URL".into()));
        let psql = Replacement::Command(psql);
        assert_eq!(render("{psql} -c x", psql), "psql \"$POSTGRES_URL\" -c x");
    }

    #[test]
    fn sentences_are_not_quoted() {
        let template = Template::parse("the log of {subject}");
        assert_eq!(sentence(&template, &|_| Replacement::Word("a b".into())), "the log of a b");
    }
}
