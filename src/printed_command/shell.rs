//! Quotes, renders and parses commands for a POSIX shell.

use crate::printed_command::process::{Command, Process, Script, Word};
use std::iter::Peekable;
use std::str::Chars;

/// Puts a word in single quotes if it needs them.
pub fn quote(word: &str) -> String {
    if is_plain(word) {
        return word.to_string();
    }
    format!("'{}'", in_single(word))
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
        if matches!(char, '\\' | '"' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// Renders a word with the necessary quotes.
pub fn word(word: &Word) -> String {
    match word {
        Word::Literal(text) => quote(text),
        Word::Variable(name) => format!("\"${name}\""),
        Word::Joined(words) => words.iter().map(self::word).collect(),
    }
}

/// Renders words, separated by spaces.
pub fn words(words: &[Word]) -> String {
    words.iter().map(word).collect::<Vec<String>>().join(" ")
}

/// Renders a process on one line.
pub fn process(process: &Process) -> String {
    words(&process.words)
}

/// Renders a command on one line, without its comment.
pub fn line(command: &Command) -> String {
    joined(command, " | ")
}

/// Renders a script with comments, one process per line.
pub fn script(script: &Script) -> String {
    let mut text = script.comment.as_deref().map(comment).unwrap_or_default();
    for command in &script.commands {
        text += &command.comment.as_deref().map(comment).unwrap_or_default();
        text += &joined(command, " \\\n  | ");
        text.push('\n');
    }
    text
}

fn joined(command: &Command, pipe: &str) -> String {
    let mut processes: Vec<String> = command.processes.iter().map(process).collect();
    if let (Some(first), Some(file)) = (processes.first_mut(), &command.input) {
        *first += &format!(" < {}", quote(file));
    }
    if let (Some(last), Some(file)) = (processes.last_mut(), &command.output) {
        *last += &format!(" > {}", quote(file));
    }
    processes.join(pipe)
}

/// Renders a comment on one line, so that no part of it is executed.
fn comment(text: &str) -> String {
    format!("# {}\n", text.split_whitespace().collect::<Vec<&str>>().join(" "))
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
        let commands = vec![command.comment("copies\nrm -rf x".into()), Process::new("true").command()];
        let rendered = script(&Script { comment: Some("All.".into()), commands });
        assert_eq!(rendered, "# All.\n# copies rm -rf x\ncat < in \\\n  | tee 'a b' > 'o t'\ntrue\n");
    }
}
