//! What a command does with its words: which of them it runs as code.

use crate::text::placeholder::Placeholder;
use crate::text::shell_context::position::{Hazard, Quotes};

/// Programs and built-in commands that hand their arguments or their input to a shell.
const SHELL_ARGUMENTS: [&str; 12] =
    ["eval", "ssh", "su", "runuser", "watch", "parallel", "entr", "trap", "alias", ".", "source", "at"];
/// Shells.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"];
/// Programs that run the one that their arguments name.
const RUNNERS: [&str; 15] = [
    "sudo", "doas", "env", "xargs", "timeout", "nice", "ionice", "stdbuf", "setsid", "nohup", "exec",
    "command", "builtin", "chroot", "time",
];
/// Programs that run another one somewhere else, or among other things. `{}` stands for a command
/// such as `{docker}`.
const CONTAINER_TOOLS: [&str; 6] = ["{}", "docker", "podman", "nerdctl", "kubectl", "find"];
/// Programs that get code in a quoted argument.
const LANGUAGES: [&str; 12] =
    ["awk", "gawk", "mawk", "sed", "jq", "yq", "perl", "python", "python3", "ruby", "node", "php"];
/// Clients that get SQL with `-c` or `-e`.
const SQL_CLIENTS: [&str; 5] = ["psql", "pgcli", "mysql", "mariadb", "sqlite3"];
/// Words of the shell after which a command begins.
const KEYWORDS: [&str; 11] =
    ["if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"];

/// The words of a command, as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// The words that are complete.
    pub words: Vec<String>,
    /// The word that is being read, without its quotes; `None` between words.
    pub word: Option<String>,
    /// Whether that word, or the next one, is the file of a redirection.
    pub redirects: bool,
    /// Whether the command reads text of the line: the output of the command before it, or a
    /// here-string.
    pub is_fed: bool,
}

impl Command {
    /// Ends the current word.
    pub fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        let redirects = std::mem::take(&mut self.redirects);
        let is_keyword = self.words.is_empty() && KEYWORDS.contains(&word.as_str());
        if !redirects && !is_keyword {
            self.words.push(word);
        }
    }

    /// Begins the redirection whose operator stands here.
    pub fn redirect(&mut self) {
        // The number of a descriptor is part of the operator.
        match self.word.as_deref() {
            Some(word) if word.bytes().all(|byte| byte.is_ascii_digit()) => self.word = None,
            _ => self.end_word(),
        }
        self.redirects = true;
    }

    /// Reports whether a shell or an SQL client reads text of the line as code.
    pub fn feeds_interpreter(&self) -> bool {
        let reads_code = [&SHELLS[..], &SQL_CLIENTS, &SHELL_ARGUMENTS];
        self.is_fed && reads_code.iter().any(|programs| self.program(programs).is_some())
    }

    /// Returns the hazard of a placeholder in the command.
    pub fn hazard(&self, placeholder: Placeholder, quotes: Quotes) -> Option<Hazard> {
        if self.redirects {
            return Some(Hazard::Redirection);
        }
        // A command of its own, or words that are quoted already.
        if placeholder.is_command() {
            return (quotes != Quotes::Bare).then_some(Hazard::Code);
        }
        if self.names_program() {
            return Some(Hazard::Program);
        }
        let uses = |programs: &[&str]| self.program(programs).is_some();
        let after_code_flag = self.words.last().is_some_and(|word| is_code_flag(word));
        let is_first_argument = !self.words.iter().rev().skip(1).any(|word| is_code_flag(word));
        match quotes {
            _ if uses(&SHELL_ARGUMENTS) => Some(Hazard::Code),
            _ if uses(&SHELLS) && (after_code_flag || is_first_argument) => Some(Hazard::Code),
            Quotes::Single | Quotes::Double if uses(&LANGUAGES) => Some(Hazard::Code),
            Quotes::Bare if self.is_script_of_language() => Some(Hazard::Code),
            _ if uses(&SQL_CLIENTS) => {
                let is_safe = |sql: &str| placeholder.is_sql() || is_in_literal(sql);
                self.sql_before(after_code_flag).is_some_and(|sql| !is_safe(sql)).then_some(Hazard::Sql)
            }
            _ => None,
        }
    }

    /// Reports whether the current word assigns a value to a variable, which a later command may get as
    /// its argument.
    pub fn assigns(&self) -> bool {
        let mut before = self.words.iter().filter(|word| !is_assignment(word));
        let is_declaration =
            |word: &String| ["export", "readonly", "local", "declare"].contains(&word.as_str());
        before.next().is_none_or(is_declaration)
            && self.word.as_deref().is_some_and(|word| word.ends_with('=') && is_assignment(word))
    }

    /// Reports whether the placeholder stands where the program to run is named.
    fn names_program(&self) -> bool {
        if self.word.as_deref().is_some_and(is_assignment) {
            return false;
        }
        let mut words = self.words.iter().skip_while(|word| is_assignment(word)).peekable();
        if self.words.last().is_some_and(|word| ["-exec", "-execdir", "-ok"].contains(&word.as_str())) {
            return true;
        }
        // `sudo -u postgres`, `timeout 5`, `env A=b`
        while words.next_if(|word| RUNNERS.contains(&base_name(word))).is_some() {
            while let Some(word) = words.next_if(|word| is_option_of_runner(word)) {
                if word.starts_with('-') && word.len() == 2 {
                    words.next_if(|word| !RUNNERS.contains(&base_name(word)));
                }
            }
        }
        words.next().is_none()
    }

    /// Returns the SQL before the placeholder, if an SQL client runs it.
    fn sql_before(&self, after_code_flag: bool) -> Option<&str> {
        let word = self.word.as_deref().unwrap_or_default();
        let attached = ["--command=", "--execute=", "-c", "-e"];
        let attached = attached.iter().find_map(|flag| word.strip_prefix(flag));
        if after_code_flag { Some(word) } else { attached }
    }

    /// Returns the position of the first of these programs that the command runs, by itself or
    /// through a program such as `docker exec`.
    fn program(&self, programs: &[&str]) -> Option<usize> {
        let mut words = self.words.iter().chain(&self.word).enumerate();
        let (first, program) = words.find(|(_, word)| !is_assignment(word))?;
        let is_one = |word: &str| programs.contains(&base_name(word));
        let runs_another = |word: &str| RUNNERS.contains(&word) || CONTAINER_TOOLS.contains(&word);
        match is_one(program) {
            true => Some(first),
            false if runs_another(base_name(program)) => {
                words.find(|(_, word)| is_one(word)).map(|(at, _)| at)
            }
            false => None,
        }
    }

    /// Reports whether a language gets the word as its code: after a flag, or as the first argument
    /// that is none.
    fn is_script_of_language(&self) -> bool {
        let Some(program) = self.program(&LANGUAGES) else { return false };
        let arguments = self.words.get(program + 1..).unwrap_or_default();
        match arguments.last() {
            Some(last) if last.starts_with('-') => is_code_flag(last),
            _ => arguments.iter().all(|word| word.starts_with('-')),
        }
    }
}

fn is_option_of_runner(word: &str) -> bool {
    word.starts_with('-') || is_assignment(word) || word.starts_with(|first: char| first.is_ascii_digit())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Reports whether the next argument is code: `-c`, `-qAtc`, `-e`, `--command`.
fn is_code_flag(word: &str) -> bool {
    let short = word.strip_prefix('-').is_some_and(|letters| {
        !letters.starts_with('-')
            && letters.ends_with(['c', 'e'])
            && letters.bytes().all(|b| b.is_ascii_alphabetic())
    });
    short || ["--command", "--execute", "--eval", "--expression"].contains(&word)
}

/// Reports whether an SQL text ends inside a string literal.
fn is_in_literal(sql: &str) -> bool {
    let mut open = None;
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        match open {
            None if rest.starts_with("--") || rest.starts_with("/*") || rest.starts_with("$$") => {
                return false;
            }
            None if "'\"".contains(c) => open = Some(c),
            Some(quote) if quote == c => open = None,
            _ => {}
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    open == Some('\'')
}
