//! Finds out where in a shell line a placeholder stands, so that its value can be quoted for exactly
//! that place.

mod command;
pub mod position;

pub use position::{Hazard, Position, Quotes};

use crate::text::placeholder::Placeholder;
use command::Command;

/// Follows a shell line through its quotes, substitutions and commands.
#[derive(Debug, Default)]
pub struct Scanner {
    /// The contexts around the one that is being read, outermost first.
    outer: Vec<Context>,
    context: Context,
    feeds_interpreter: bool,
}

/// A part of the line with quotes of its own, such as a command substitution.
#[derive(Debug, Default)]
struct Context {
    kind: Kind,
    /// Whether double quotes are open in it.
    double: bool,
    /// The current command.
    command: Command,
    /// Whether a here-document has begun.
    here_document: bool,
    /// The open parentheses, other than those of the context itself.
    parentheses: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The line itself, `$(…)`, `<(…)` or `>(…)`.
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
        let command = self.command();
        let hazard = match is_expansion {
            true => self.surroundings(),
            false => self
                .surroundings()
                .or_else(|| command.hazard(placeholder, quotes))
                .or_else(|| self.use_of_output(placeholder)),
        };
        // A program gets a dash at the start of a quoted word, too.
        let starts_word = command.word.as_ref().is_none_or(String::is_empty) || command.assigns();
        let stands_for = if placeholder.is_psql() { "psql" } else { "{}" };
        self.word().push_str(stands_for);
        Position { quotes, starts_word, hazard }
    }

    /// Reports whether a command of the line pipes its output into a shell or an SQL client.
    pub fn feeds_interpreter(&self) -> bool {
        self.feeds_interpreter || self.command().feeds_interpreter()
    }

    /// Returns the current command. Quotes are part of the word around them.
    fn command(&self) -> &Command {
        match (self.context.kind, self.outer.last()) {
            (Kind::Single, Some(outer)) => &outer.command,
            _ => &self.context.command,
        }
    }

    /// Returns the hazard of what a command does with the output of `$(…)`, in which a value may
    /// occur.
    fn use_of_output(&self, placeholder: Placeholder) -> Option<Hazard> {
        if placeholder.is_command() {
            return None;
        }
        let inside_single = usize::from(self.context.kind == Kind::Single);
        let around = self.outer.iter().rev().skip(inside_single);
        around.filter(|context| context.kind == Kind::Code).find_map(|context| {
            let quotes = if context.double { Quotes::Double } else { Quotes::Bare };
            context.command.hazard(placeholder, quotes)
        })
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
        context.command.word.get_or_insert_default()
    }

    fn enter(&mut self, kind: Kind) {
        self.word();
        let inner = Context { kind, ..Context::default() };
        self.outer.push(std::mem::replace(&mut self.context, inner));
    }

    fn end_command(&mut self) {
        self.feeds_interpreter |= self.context.command.feeds_interpreter();
        self.context.command = Command::default();
    }

    fn leave(&mut self) {
        self.feeds_interpreter |= self.context.command.feeds_interpreter();
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
                self.end_command();
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
        let command = &mut context.command;
        let next = rest.chars().nth(1);
        match c {
            '#' if command.word.is_none() => {
                let inner = Context { kind: Kind::Comment, ..Context::default() };
                self.outer.push(std::mem::replace(&mut self.context, inner));
            }
            '<' if rest.starts_with("<<<") => {
                command.end_word();
                command.is_fed = true;
                return 3;
            }
            '<' if next == Some('<') => {
                context.here_document = true;
                return 2;
            }
            '<' | '>' if next == Some('(') => {
                self.enter(Kind::Code);
                return 2;
            }
            // `2>&1`, `&>file`, `>|file`
            '<' | '>' => {
                command.redirect();
                return rest.find(|c| !"<>&|".contains(c)).unwrap_or(rest.len());
            }
            '&' if next == Some('>') => {}
            ')' if context.parentheses == 0 && !self.outer.is_empty() => self.leave(),
            '(' | ')' => {
                let open = context.parentheses;
                context.parentheses = if c == '(' { open + 1 } else { open.saturating_sub(1) };
                self.end_command();
            }
            '|' => {
                self.end_command();
                self.context.command.is_fed = true;
            }
            '\n' | ';' | '&' => self.end_command(),
            c if c.is_whitespace() => command.end_word(),
            c => self.word().push(c),
        }
        c.len_utf8()
    }
}

/// Returns the length of a backslash and the character after it.
fn escaped(rest: &str) -> usize {
    1 + rest.chars().nth(1).map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests;
