//! Finds out where in a shell line a placeholder stands, so that its value can be quoted for exactly
//! that place.

use crate::text::placeholder::Placeholder;

/// The place of a placeholder in a shell line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The shell quotes around it.
    pub quotes: Quotes,
    /// Whether it begins a word.
    pub starts_word: bool,
    /// Why no value can be quoted safely there.
    pub hazard: Option<Hazard>,
}

/// The shell quotes around a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// No quotes.
    Bare,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
}

/// Why no value can be quoted safely at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hazard {
    /// `` `…` ``
    Backticks,
    /// `<<END`
    HereDocument,
    /// `$((…))`
    Arithmetic,
    /// `${…}`
    Expansion,
    /// `$'…'`
    AnsiQuotes,
    /// `# …`
    Comment,
    /// The name of the program to run.
    Program,
    /// Text that a program runs as code, such as `sh -c "…"`.
    Code,
    /// SQL outside of a literal.
    Sql,
}

impl Hazard {
    /// Describes the place, for `a placeholder may not stand …`.
    pub fn place(self) -> &'static str {
        match self {
            Hazard::Backticks => "inside backticks",
            Hazard::HereDocument => "after <<",
            Hazard::Arithmetic => "inside $((...))",
            Hazard::Expansion => "inside ${...}",
            Hazard::AnsiQuotes => "inside $'...'",
            Hazard::Comment => "in a comment",
            Hazard::Program => "where the program to run is named",
            Hazard::Code => "in text that a program runs as code",
            Hazard::Sql => "in SQL outside of a literal",
        }
    }

    /// Tells what to write instead.
    pub fn help(self) -> &'static str {
        match self {
            Hazard::Backticks => "write $(...) instead of backticks",
            Hazard::Code => {
                "pass it as an argument: sh -c '... \"$1\"' sh {id}, awk -v id={id} ..., jq --arg id {id} ..."
            }
            Hazard::Sql => "put it in single quotes: where id = '{id}'",
            Hazard::Program => "name the program, and pass the value as an argument",
            _ => "move it out, so that it is a word of its own",
        }
    }
}

/// Programs that hand all of their arguments to a shell.
const SHELL_ARGUMENTS: [&str; 6] = ["eval", "ssh", "su", "watch", "parallel", "entr"];
/// Shells.
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "busybox"];
/// Programs that run another one. `{}` stands for a command such as `{docker}`.
const WRAPPERS: [&str; 13] = [
    "{}", "docker", "podman", "nerdctl", "kubectl", "sudo", "doas", "env", "xargs", "find", "timeout",
    "nice", "exec",
];
/// Programs that get code in a quoted argument.
const LANGUAGES: [&str; 12] =
    ["awk", "gawk", "mawk", "sed", "jq", "yq", "perl", "python", "python3", "ruby", "node", "php"];
/// Clients that get SQL with `-c` or `-e`.
const SQL_CLIENTS: [&str; 5] = ["psql", "pgcli", "mysql", "mariadb", "sqlite3"];

/// Follows a shell line through its quotes, substitutions and commands.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The contexts around the one that is being read, outermost first.
    outer: Vec<Context>,
    context: Context,
    feeds_interpreter: bool,
}

/// A context in which quotes begin anew.
#[derive(Debug, Default)]
struct Context {
    kind: Kind,
    /// Whether double quotes are open in it.
    double: bool,
    /// The words of the current command that are complete.
    words: Vec<String>,
    /// The word that is being read, without its quotes; `None` between words.
    word: Option<String>,
    /// Whether a here-document has begun.
    here_document: bool,
    /// The open parentheses, other than those of the context itself.
    parentheses: usize,
    /// Whether the command reads the output of the one before it.
    is_piped: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The line itself or `$(…)`.
    #[default]
    Code,
    Single,
    Backticks,
    Arithmetic,
    Expansion,
    AnsiQuotes,
    Comment,
}

impl Scanner {
    /// Reads literal text.
    pub fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = self.read_token(c, rest);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    /// Reads a placeholder, and returns where it stands.
    pub fn placeholder(&mut self, placeholder: Placeholder, is_expansion: bool) -> Position {
        let context = &self.context;
        let quotes = match (context.kind, context.double) {
            (Kind::Single | Kind::AnsiQuotes, _) => Quotes::Single,
            (_, true) => Quotes::Double,
            (_, false) => Quotes::Bare,
        };
        // Quotes are part of the word around them.
        let command =
            if context.kind == Kind::Single { self.outer.last().unwrap_or(context) } else { context };
        let hazard = match is_expansion {
            true => self.surroundings(),
            false => self.surroundings().or_else(|| command.hazard(placeholder, quotes)),
        };
        let starts_word = quotes == Quotes::Bare && command.word.is_none();
        let stands_for = if placeholder.is_psql() { "psql" } else { "{}" };
        self.word().push_str(stands_for);
        Position { quotes, starts_word, hazard }
    }

    /// Reports whether a command of the line pipes its output into a shell or an SQL client.
    pub fn feeds_interpreter(&self) -> bool {
        self.feeds_interpreter || self.context.is_fed()
    }

    /// Returns the hazard of a context around the place.
    fn surroundings(&self) -> Option<Hazard> {
        let mut contexts = self.outer.iter().chain([&self.context]);
        contexts.find_map(|context| match context.kind {
            Kind::Backticks => Some(Hazard::Backticks),
            Kind::Arithmetic => Some(Hazard::Arithmetic),
            Kind::Expansion => Some(Hazard::Expansion),
            Kind::AnsiQuotes => Some(Hazard::AnsiQuotes),
            Kind::Comment => Some(Hazard::Comment),
            Kind::Code | Kind::Single => context.here_document.then_some(Hazard::HereDocument),
        })
    }

    /// Returns the word that is being read, and begins one between words.
    fn word(&mut self) -> &mut String {
        let context = match (self.context.kind, self.outer.last_mut()) {
            (Kind::Single, Some(outer)) => outer,
            _ => &mut self.context,
        };
        context.word.get_or_insert_default()
    }

    fn enter(&mut self, kind: Kind) {
        self.word();
        let inner = Context { kind, ..Context::default() };
        self.outer.push(std::mem::replace(&mut self.context, inner));
    }

    fn leave(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.context = outer;
        }
    }

    /// Reads one token and returns its length.
    fn read_token(&mut self, c: char, rest: &str) -> usize {
        let is_double = self.context.double;
        match self.context.kind {
            Kind::Single if c == '\'' => self.leave(),
            Kind::AnsiQuotes if c == '\'' => self.leave(),
            Kind::AnsiQuotes if c == '\\' => return escaped(rest),
            Kind::Single => self.word().push(c),
            Kind::Comment if c == '\n' => {
                self.leave();
                self.context.end_command();
            }
            Kind::Comment | Kind::AnsiQuotes => {}
            _ if c == '\\' => {
                let escape = escaped(rest);
                self.word().push_str(rest.get(1..escape).unwrap_or_default());
                return escape;
            }
            _ if rest.starts_with("$((") => {
                self.enter(Kind::Arithmetic);
                return 3;
            }
            _ if rest.starts_with("$(") => {
                self.enter(Kind::Code);
                return 2;
            }
            _ if rest.starts_with("${") => {
                self.enter(Kind::Expansion);
                return 2;
            }
            _ if !is_double && rest.starts_with("$'") => {
                self.enter(Kind::AnsiQuotes);
                return 2;
            }
            Kind::Backticks if c == '`' => self.leave(),
            _ if c == '`' => self.enter(Kind::Backticks),
            _ if c == '"' => {
                self.word();
                self.context.double = !is_double;
            }
            _ if is_double => self.word().push(c),
            Kind::Arithmetic if rest.starts_with("))") => {
                self.leave();
                return 2;
            }
            Kind::Expansion if c == '}' => self.leave(),
            _ if c == '\'' => self.enter(Kind::Single),
            _ => return self.read_unquoted(c, rest),
        }
        c.len_utf8()
    }

    /// Reads a character outside of all quotes.
    fn read_unquoted(&mut self, c: char, rest: &str) -> usize {
        let context = &mut self.context;
        match c {
            '#' if context.word.is_none() => {
                let inner = Context { kind: Kind::Comment, ..Context::default() };
                self.outer.push(std::mem::replace(&mut self.context, inner));
            }
            '<' if rest.starts_with("<<") && !rest.starts_with("<<<") => {
                context.here_document = true;
                return 2;
            }
            ')' if context.parentheses == 0 && !self.outer.is_empty() => self.leave(),
            '(' | ')' => {
                let open = context.parentheses;
                context.parentheses = if c == '(' { open + 1 } else { open.saturating_sub(1) };
                context.end_command();
            }
            '|' => {
                context.end_command();
                context.is_piped = true;
            }
            '\n' | ';' => context.end_command(),
            // `2>&1` and `&>file` redirect.
            '&' if !rest.starts_with("&>") && !context.ends_with_redirection() => context.end_command(),
            c if c.is_whitespace() => {
                context.end_word();
                self.feeds_interpreter |= self.context.is_fed();
            }
            c => self.word().push(c),
        }
        c.len_utf8()
    }
}

/// Returns the length of a backslash and the character after it.
fn escaped(rest: &str) -> usize {
    1 + rest.chars().nth(1).map_or(0, char::len_utf8)
}

impl Context {
    fn end_word(&mut self) {
        self.words.extend(self.word.take());
    }

    fn end_command(&mut self) {
        self.word = None;
        self.words.clear();
        self.is_piped = false;
    }

    /// Reports whether a shell or an SQL client reads the output of another command.
    fn is_fed(&self) -> bool {
        self.is_piped && (self.program(&SHELLS).is_some() || self.program(&SQL_CLIENTS).is_some())
    }

    fn ends_with_redirection(&self) -> bool {
        self.word.as_deref().is_some_and(|word| word.ends_with(['>', '<']))
    }

    /// Returns the hazard of a placeholder in the current command.
    fn hazard(&self, placeholder: Placeholder, quotes: Quotes) -> Option<Hazard> {
        // A command of its own, or words that are quoted already.
        if placeholder.is_command() {
            return (quotes != Quotes::Bare).then_some(Hazard::Code);
        }
        let names_program = self.words.iter().all(|word| is_assignment(word));
        if names_program && !self.word.as_deref().is_some_and(is_assignment) {
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
            _ if after_code_flag && uses(&SQL_CLIENTS) => {
                let before = self.word.as_deref().unwrap_or_default();
                let is_safe = placeholder.is_sql() || is_in_literal(before);
                (!is_safe).then_some(Hazard::Sql)
            }
            _ => None,
        }
    }

    /// Returns the position of the first of these programs that the command runs, by itself or
    /// through a program such as `docker exec`.
    fn program(&self, programs: &[&str]) -> Option<usize> {
        let mut words = self.words.iter().chain(&self.word).enumerate();
        let (first, program) = words.find(|(_, word)| !is_assignment(word))?;
        let is_one = |word: &str| programs.contains(&base_name(word));
        match is_one(program) {
            true => Some(first),
            false if WRAPPERS.contains(&base_name(program)) => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::template::{Piece, Template};

    /// Returns the position of the last value in a line.
    fn position(line: &str) -> Position {
        let template = Template::parse(line);
        let mut found = template.pieces().iter().rev().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder, position) if !placeholder.is_command() => Some(*position),
            _ => None,
        });
        found.next().unwrap_or_else(|| panic!("{line}"))
    }

    #[test]
    fn finds_the_quotes_around_a_value() {
        for (line, quotes) in [
            ("grep {id}", Quotes::Bare),
            ("grep a'{id}'", Quotes::Single),
            ("grep \"{id}\"", Quotes::Double),
            ("grep \"it's {id}\"", Quotes::Double),
            ("grep 'a\"b' {id}", Quotes::Bare),
            ("grep \\' {id}", Quotes::Bare),
            ("echo \"$(grep {id})\"", Quotes::Bare),
            ("echo \"$(grep \"{id}\") {id}\"", Quotes::Double),
            ("echo $(grep 'x)' y) '{id}'", Quotes::Single),
            ("psql -c \"select '{id}'\"", Quotes::Double),
            ("echo it#s {id}", Quotes::Bare),
            ("x 2>&1 | grep {id}", Quotes::Bare),
            ("sh -c 'echo \"$1\"' sh {id}", Quotes::Bare),
            ("awk -v id={id} '{print id}'", Quotes::Bare),
            ("psql -v id={id} -f x.sql", Quotes::Bare),
            ("psql \"${marks_url}\" -c \"select * from {marks}\"", Quotes::Double),
            ("X={id} env", Quotes::Bare),
        ] {
            let found = position(line);
            assert_eq!((found.quotes, found.hazard), (quotes, None), "{line}");
        }
        assert!(position("grep {id}").starts_word && !position("grep x{id}").starts_word);
    }

    #[test]
    fn finds_places_where_nothing_is_safe() {
        for (line, hazard) in [
            ("echo `grep {id}`", Hazard::Backticks),
            ("echo \"`grep '{id}'`\"", Hazard::Backticks),
            ("cat <<END\n{id}\nEND", Hazard::HereDocument),
            ("echo $((1 + {id}))", Hazard::Arithmetic),
            ("echo ${x:-{id} }", Hazard::Expansion),
            ("echo $'a{id}'", Hazard::AnsiQuotes),
            ("true # {id}", Hazard::Comment),
            ("{id} --version", Hazard::Program),
            ("true; {subject}", Hazard::Program),
            ("x | {subject}", Hazard::Program),
            ("sh -c 'echo {id}'", Hazard::Code),
            ("{docker} exec {container} bash -lc \"echo {id}\"", Hazard::Code),
            ("sh {id}", Hazard::Code),
            ("eval echo {id}", Hazard::Code),
            ("ssh host grep {id}", Hazard::Code),
            ("jq '.[] | select(.id == \"{id}\")'", Hazard::Code),
            ("awk '/{id}/'", Hazard::Code),
            ("/usr/bin/sed s/{id}/x/ | sed -e {id}", Hazard::Code),
            ("echo {id} | sh", Hazard::Code),
            ("echo {id} | docker exec -i db psql", Hazard::Code),
            ("psql -c \"select 1 where n = {id}\"", Hazard::Sql),
            ("psql -c 'select 1 from \"{id}\"'", Hazard::Sql),
            ("{psql} -Atc {id}", Hazard::Sql),
            ("psql -c \"select 1 -- '{id}\"", Hazard::Sql),
        ] {
            assert_eq!(position(line).hazard, Some(hazard), "{line}");
        }
    }
}
