//! What a command is: a pipeline of processes with their words, its standard input and
//! where its output goes.

/// A word of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// As it is: quoted where a shell would read more into it.
    Literal(String),
    /// The value of an environment variable, as one word: `"$NAME"`.
    Variable(String),
    /// Several of these as one word: `name="$NAME"`.
    Joined(Vec<Word>),
}

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its words; the first is the program.
    pub words: Vec<Word>,
}

/// A pipeline of processes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it does, for a script.
    pub comment: Option<String>,
    /// The processes, each reading what the one before it writes.
    pub processes: Vec<Process>,
    /// The file that the first one reads.
    pub input: Option<String>,
    /// The file that the last one writes.
    pub output: Option<String>,
}

/// Commands that are run one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What it does.
    pub comment: Option<String>,
    /// Its commands.
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
    /// A program without arguments.
    pub fn new(program: impl Into<Word>) -> Self {
        Process { words: vec![program.into()] }
    }

    /// The same with one more argument.
    #[must_use]
    pub fn arg(mut self, word: impl Into<Word>) -> Self {
        self.words.push(word.into());
        self
    }

    /// The same with more arguments.
    #[must_use]
    pub fn args<W: Into<Word>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words.extend(words.into_iter().map(Into::into));
        self
    }

    /// The process as a command.
    pub fn command(self) -> Command {
        Command { comment: None, processes: vec![self], input: None, output: None }
    }
}

impl Command {
    /// The same, with its output read by another process.
    #[must_use]
    pub fn pipe(mut self, process: Process) -> Self {
        self.processes.push(process);
        self
    }

    /// The same, reading a file.
    #[must_use]
    pub fn read(mut self, file: &str) -> Self {
        self.input = Some(file.to_string());
        self
    }

    /// The same, writing a file.
    #[must_use]
    pub fn write(mut self, file: &str) -> Self {
        self.output = Some(file.to_string());
        self
    }

    /// The same with a comment.
    #[must_use]
    pub fn comment(mut self, comment: String) -> Self {
        self.comment = Some(comment);
        self
    }
}
