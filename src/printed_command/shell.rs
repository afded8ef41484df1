//! Quotes, renders and parses commands for a POSIX shell.

use crate::printed_command::process::{Command, Process, Script, Word};
use crate::text::printable::{is_printable, one_line};
use std::iter::Peekable;
use std::str::Chars;

/// Why a command is not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// A word contains characters that a terminal does not display.
    Invisible,
    /// A word begins with a dash, so the program would treat it as an option.
    Dash,
    /// A value cannot be quoted where the command needs it.
    Place,
}

impl Withheld {
    /// Returns the comment line that is printed instead of the command.
    pub fn line(self) -> String {
        let why = match self {
            Withheld::Invisible => "a name in this command contains control or invisible characters",
            Withheld::Dash => "a name in this command begins with a dash, like an option",
            Withheld::Place => "a name in this command has characters that are not safe where it stands",
        };
        format!("# not printed: {why}")
    }
}

/// Puts a word in single quotes if it needs them.
pub fn quote(word: &str) -> String {
    // A shell may replace `=name` with the path to that program.
    if is_plain(word) && !word.starts_with('=') {
        return word.to_string();
    }
    format!("'{}'", in_single(word))
}

/// Quotes a word for printing.
pub fn printed(word: &str) -> Result<String, Withheld> {
    if is_printable(word) { Ok(quote(word)) } else { Err(Withheld::Invisible) }
}

/// Reports whether a word means the same with and without quotes.
pub fn is_plain(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=,".contains(&byte);
    !word.is_empty() && word.bytes().all(plain)
}

/// Escapes text for use inside single quotes.
pub fn in_single(text: &str) -> String {
    text.replace('\'', r"'\''")
}

/// Escapes text for use inside double quotes.
pub fn in_double(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '"' | '$' | '`' => escaped.extend(['\\', char]),
            // Interactive shells expand `!`, even after a backslash.
            '!' => escaped.push_str("\"'!'\""),
            _ => escaped.push(char),
        }
    }
    escaped
}

/// Renders a word with the necessary quotes.
fn word(word: &Word) -> String {
    match word {
        Word::Literal(text) | Word::Operand(text) => quote(text),
        Word::Variable(name) => format!("\"${name}\""),
        Word::Joined(words) => words.iter().map(self::word).collect(),
    }
}

/// Renders words, separated by spaces, to be parsed by [`parse_words`]. The result is not meant to
/// be printed.
pub fn words(words: &[Word]) -> String {
    words.iter().map(word).collect::<Vec<String>>().join(" ")
}

/// Checks that a word can be printed.
fn check(word: &Word) -> Result<(), Withheld> {
    match word {
        Word::Literal(text) => printed(text).map(drop),
        Word::Operand(text) if text.starts_with('-') => Err(Withheld::Dash),
        Word::Operand(text) => printed(text).map(drop),
        Word::Variable(name) if is_variable(name) => Ok(()),
        Word::Variable(_) => Err(Withheld::Place),
        Word::Joined(words) => words.iter().try_for_each(check),
    }
}

/// Renders a process on one line, unless one of its words cannot be printed.
pub fn checked_process(process: &Process) -> Result<String, Withheld> {
    process.words.iter().try_for_each(check)?;
    Ok(words(&process.words))
}

/// Renders a process on one line.
pub fn process(process: &Process) -> String {
    checked_process(process).unwrap_or_else(Withheld::line)
}

/// Renders a command on one line, without its comment.
pub fn line(command: &Command) -> String {
    joined(command, " | ").unwrap_or_else(Withheld::line)
}

/// Renders a script with comments, one process per line.
pub fn script(script: &Script) -> String {
    let mut text = script.comment.as_deref().map(comment).unwrap_or_default();
    for command in &script.commands {
        text += &command.comment.as_deref().map(comment).unwrap_or_default();
        text += &joined(command, " \\\n  | ").unwrap_or_else(Withheld::line);
        text.push('\n');
    }
    text
}

fn joined(command: &Command, pipe: &str) -> Result<String, Withheld> {
    let processes: Result<Vec<String>, Withheld> = command.processes.iter().map(checked_process).collect();
    let mut processes = processes?;
    if let (Some(first), Some(file)) = (processes.first_mut(), &command.input) {
        *first += &format!(" < {}", printed(file)?);
    }
    if let (Some(last), Some(file)) = (processes.last_mut(), &command.output) {
        *last += &format!(" > {}", printed(file)?);
    }
    Ok(processes.join(pipe))
}

/// Renders a comment on one line, so that no part of it is executed.
fn comment(text: &str) -> String {
    format!("# {}\n", one_line(text))
}

/// Parses words that [`words`] rendered. Other shell syntax is taken literally, so it is
/// quoted when the words are rendered again.
pub fn parse_words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.peek() {
        match next.is_whitespace() {
            true => drop(chars.next()),
            false => words.push(parse_word(&mut chars)),
        }
    }
    words
}

fn parse_word(chars: &mut Peekable<Chars>) -> Word {
    let mut parts = Vec::new();
    let mut literal = String::new();
    while let Some(char) = chars.next_if(|char| !char.is_whitespace()) {
        match char {
            '\'' => literal.extend(chars.by_ref().take_while(|char| *char != '\'')),
            '\\' => literal.extend(chars.next()),
            '"' => {
                let text: String = chars.by_ref().take_while(|char| *char != '"').collect();
                match text.strip_prefix('$').filter(|name| is_variable(name)) {
                    Some(name) => {
                        if !literal.is_empty() {
                            parts.push(Word::Literal(std::mem::take(&mut literal)));
                        }
                        parts.push(Word::Variable(name.to_string()));
                    }
                    None => literal += &text,
                }
            }
            _ => literal.push(char),
        }
    }
    if parts.is_empty() || !literal.is_empty() {
        parts.push(Word::Literal(literal));
    }
    match parts.len() {
        1 => parts.remove(0),
        _ => Word::Joined(parts),
    }
}

fn is_variable(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(good) && !name.as_bytes()[0].is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 19] = [
        "",
        " ",
        "a b",
        "it's",
        "'",
        "''",
        "\"",
        "a\"b",
        "a\nb",
        "\t",
        "$(reboot)",
        "`reboot`",
        "$HOME",
        "a; rm -rf x",
        "--force",
        "~",
        "*?[a]{b,c}#!",
        "\\",
        "zwölf ☂",
    ];

    #[test]
    fn rendered_words_survive_the_shell() {
        let rendered = words(&HOSTILE.map(Word::from));
        assert_eq!(shlex::split(&rendered).unwrap(), HOSTILE);
        assert_eq!(parse_words(&rendered), HOSTILE.map(Word::from));
        for text in HOSTILE {
            assert_eq!(shlex::split(&format!("a'{}'b", in_single(text))).unwrap(), [format!("a{text}b")]);
            assert_eq!(shlex::split(&format!("\"{}\"", in_double(text))).unwrap(), [text]);
        }
    }

    #[test]
    fn words_with_special_characters_are_quoted() {
        assert_eq!(quote("docker-compose.yml"), "docker-compose.yml");
        assert_eq!(quote("my file"), "'my file'");
        assert_eq!(quote("a'; rm -rf x"), r"'a'\''; rm -rf x'");
        assert_eq!(quote("=ls"), "'=ls'");
        assert_eq!(in_double("a!b"), "a\"'!'\"b");
    }

    #[test]
    fn a_command_with_an_unsafe_word_is_withheld() {
        for (word, why) in [
            ("a\nb".into(), Withheld::Invisible),
            ("a\u{9b}b".into(), Withheld::Invisible),
            ("a\u{202e}b".into(), Withheld::Invisible),
            (Word::Operand("--rm".into()), Withheld::Dash),
            (Word::Variable("X\"; touch y; \"".into()), Withheld::Place),
            (Word::Joined(vec!["a=".into(), "\u{7f}".into()]), Withheld::Invisible),
        ] {
            let process = Process::new("docker").arg("start").arg(word);
            assert_eq!(checked_process(&process), Err(why));
            assert_eq!(self::process(&process), why.line());
            let script = script(&Script { comment: None, commands: vec![process.command().write("o")] });
            assert_eq!(script, format!("{}\n", why.line()));
        }
        assert_eq!(line(&Process::new("x").command().read("a\nb")), Withheld::Invisible.line());
    }

    #[test]
    fn a_variable_stays_one_word() {
        let flag = Word::Joined(vec!["mail=".into(), Word::Variable("POSTGRES_URL_MAIL".into())]);
        let flags = ["--database".into(), flag, "--postgres".into(), Word::Variable("POSTGRES_URL".into())];
        let rendered = words(&flags);
        assert_eq!(rendered, "--database mail=\"$POSTGRES_URL_MAIL\" --postgres \"$POSTGRES_URL\"");
        assert_eq!(parse_words(&rendered), flags);
        let escaped: Vec<Word> = vec!["--at".into(), "x;".into(), "$(reboot)".into(), "|".into()];
        assert_eq!(parse_words("--at x; \"$(reboot)\" |"), escaped);
    }

    #[test]
    fn renders_pipelines_with_redirections() {
        let command =
            Process::new("cat").command().pipe(Process::new("tee").arg("a b")).read("in").write("o t");
        assert_eq!(line(&command), "cat < in | tee 'a b' > 'o t'");
        let commands =
            vec![command.comment("copies\u{2028}rm -rf\rx".into()), Process::new("true").command()];
        let rendered = script(&Script { comment: Some("All.".into()), commands });
        assert_eq!(rendered, "# All.\n# copies rm -rf x\ncat < in \\\n  | tee 'a b' > 'o t'\ntrue\n");
    }
}
