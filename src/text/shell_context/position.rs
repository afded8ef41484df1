//! Places in a shell line.

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
    /// The file of a redirection, such as `> …`.
    Redirection,
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
            Hazard::Redirection => "where a redirection names its file",
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
            Hazard::Redirection => "name the file yourself: the value decides which file is overwritten",
            Hazard::Sql => "put it in single quotes: where id = '{id}'",
            Hazard::Program => "name the program, and pass the value as an argument",
            _ => "move it out, so that it is a word of its own",
        }
    }
}
