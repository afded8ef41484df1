//! Commands as data: pipelines of processes with their arguments and redirections.

/// A program name or an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Literal text, quoted where the shell requires it.
    Literal(String),
    /// Literal text that must not be an option. If it looks like an option, the command is not printed.
    Operand(String),
    /// The value of an environment variable as one word: `"$NAME"`.
    Variable(String),
    /// Several parts that form one word: `name="$NAME"`.
    Joined(Vec<Word>),
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The program and its arguments.
    pub words: Vec<Word>,
}

/// A pipeline of processes with its redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The comment above the command in a script.
    pub comment: Option<String>,
    /// The processes, each piped into the next.
    pub processes: Vec<Process>,
    /// The file redirected to the first process.
    pub input: Option<String>,
    /// The file that receives the output of the last process.
    pub output: Option<String>,
}

/// A sequence of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The comment at the top of the script.
    pub comment: Option<String>,
    /// The commands, in order.
    pub commands: Vec<Command>,
}

impl From<&str> for Word {
    fn from(word: &str) -> Self {
        Word::Literal(word.to_string())
    }
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        Word::Literal(word)
    }
}

impl From<&String> for Word {
    fn from(word: &String) -> Self {
        Word::Literal(word.clone())
    }
}

impl Process {
    /// Creates a process without arguments.
    pub fn new(program: impl Into<Word>) -> Self {
        Process { words: vec![program.into()] }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, word: impl Into<Word>) -> Self {
        self.words.push(word.into());
        self
    }

    /// Appends several arguments.
    #[must_use]
    pub fn args<W: Into<Word>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// Appends names, which must not be parsed as options.
    #[must_use]
    pub fn operands<W: Into<String>>(mut self, names: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(names.into_iter().map(|name| Word::Operand(name.into())));
        self
    }

    /// Appends a long option and its value.
    #[must_use]
    pub fn option(self, name: &str, value: &str) -> Self {
        match value.starts_with('-') {
            true => self.arg(format!("{name}={value}")),
            false => self.args([name, value]),
        }
    }

    /// Turns the process into a command.
    pub fn command(self) -> Command {
        Command { comment: None, processes: vec![self], input: None, output: None }
    }
}

impl Command {
    /// Pipes the output into another process.
    #[must_use]
    pub fn pipe(mut self, process: Process) -> Self {
        self.processes.push(process);
        self
    }

    /// Redirects standard input from a file.
    #[must_use]
    pub fn read(mut self, file: &str) -> Self {
        self.input = Some(file.to_string());
        self
    }

    /// Redirects standard output to a file.
    #[must_use]
    pub fn write(mut self, file: &str) -> Self {
        self.output = Some(file.to_string());
        self
    }

    /// Adds a comment for scripts.
    #[must_use]
    pub fn comment(mut self, comment: String) -> Self {
        self.comment = Some(comment);
        self
    }
}
