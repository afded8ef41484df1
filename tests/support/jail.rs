//! Runs printed commands where nothing can happen: every program is a stand-in that notes its
//! arguments.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Programs that printed commands and payloads call.
const STAND_INS: [&str; 55] = [
    "docker",
    "podman",
    "psql",
    "curl",
    "pipeline-doctor",
    "pg_isready",
    "kafka-topics",
    "kafka-consumer-groups",
    "kafka-console-consumer",
    "kafka-console-producer",
    "kafka-get-offsets",
    "kafka-configs",
    "kafka-leader-election",
    "kafka-transactions",
    "date",
    "grep",
    "tail",
    "head",
    "sort",
    "uniq",
    "cut",
    "tr",
    "wc",
    "jq",
    "sed",
    "find",
    "xargs",
    "cat",
    "ls",
    "getent",
    "ss",
    "nc",
    "sleep",
    "less",
    "tee",
    "git",
    "make",
    "openssl",
    "ping",
    "dig",
    "host",
    "df",
    "touch",
    "PWNED",
    "x",
    "rm",
    "nohup",
    "timeout",
    "nice",
    "sudo",
    "basename",
    "printenv",
    "diff",
    "python3",
    "perl",
];
/// Programs that run the one that they are given, or code, and are real.
const REAL: [&str; 4] = ["sh", "bash", "env", "awk"];
/// Files that printed commands write or read.
const FILES: [&str; 2] = ["workers.yml", "marks.sql"];
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A directory in which commands run.
pub struct Jail {
    directory: tempfile::TempDir,
}

/// What a command did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// The programs that it called, each with its arguments, sorted.
    pub calls: Vec<Vec<String>>,
    /// Files that it created and should not have.
    pub files: BTreeSet<String>,
    /// The exit code.
    pub code: Option<i32>,
    /// What the shell complained about.
    pub errors: String,
}

impl Jail {
    /// Builds the stand-ins.
    pub fn new() -> Jail {
        let directory = tempfile::tempdir().unwrap();
        let programs = directory.path().join("bin");
        fs::create_dir(&programs).unwrap();
        let stand_in = programs.join(".stand-in");
        // One file for each process, so that processes of a pipeline do not mix their lines.
        fs::write(&stand_in, "#!/bin/sh\nprintf '%s\\0' \"${0##*/}\" \"$@\" > \"$JAIL_CALLS/$$\"\n").unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        let of_rows = programs_of_rows();
        let names: BTreeSet<&str> =
            STAND_INS.iter().copied().chain(of_rows.iter().map(String::as_str)).collect();
        names.iter().for_each(|name| symlink(&stand_in, programs.join(name)).unwrap());
        for name in REAL {
            let found = ["/bin", "/usr/bin"].iter().map(|folder| Path::new(folder).join(name));
            let program = found.into_iter().find(|file| file.exists());
            symlink(program.unwrap_or_else(|| panic!("no {name}")), programs.join(name)).unwrap();
        }
        Jail { directory }
    }

    /// Returns the directory of the stand-ins.
    pub fn programs(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    /// Runs a command in a shell, with an empty directory to work in.
    pub fn run(&self, shell: &str, command: &str) -> Deeds {
        // A shell cannot be given a NUL.
        let command = command.replace('\0', "");
        let work = tempfile::tempdir_in(self.directory.path()).unwrap();
        let calls = tempfile::tempdir_in(self.directory.path()).unwrap();
        FILES.iter().for_each(|file| fs::write(work.path().join(file), "").unwrap());
        let errors = calls.path().join("errors");
        let mut run = Command::new(self.programs().join(shell));
        run.arg("-c").arg(command).current_dir(work.path()).env_clear();
        run.env("PATH", self.programs()).env("HOME", work.path()).env("JAIL_CALLS", calls.path());
        // Variables arrive as they are written.
        for name in ["POSTGRES_URL", "POSTGRES_URL_SHIPPING", "KAFKA_BROKERS", "ADMIN_SERVICE_URL"] {
            run.env(name, format!("${name}"));
        }
        run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&errors).unwrap());
        let code = wait(run.spawn().unwrap());
        let errors_text = fs::read_to_string(&errors).unwrap_or_default();
        fs::remove_file(&errors).unwrap();
        let mut deeds = Deeds { code, errors: errors_text, ..Deeds::default() };
        // The last process of a pipeline may end first.
        for file in fs::read_dir(calls.path()).unwrap() {
            let text = fs::read(file.unwrap().path()).unwrap();
            let words = text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
            let mut words: Vec<String> = words.collect();
            words.pop();
            deeds.calls.push(words);
        }
        deeds.calls.sort();
        let files = fs::read_dir(work.path()).unwrap();
        let files = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        deeds.files = files.filter(|file| !FILES.contains(&file.as_str())).collect();
        deeds
    }
}

/// Returns the programs that the remedies of the built-in causes begin with.
fn programs_of_rows() -> BTreeSet<String> {
    let text = include_str!("../../checks/causes.toml");
    let file: toml::Value = toml::from_str(text).unwrap();
    let causes = file["cause"].as_array().unwrap().iter();
    let actions = causes.filter_map(|cause| cause.get("actions")?.as_array()).flatten();
    let commands = actions.filter_map(|action| action.get("run")?.as_str());
    let programs = commands.filter_map(|command| command.split_whitespace().next());
    programs.filter(|program| !program.starts_with('{')).map(str::to_string).collect()
}

/// Waits for a process, and ends it if it takes too long.
fn wait(mut child: std::process::Child) -> Option<i32> {
    let give_up = Instant::now() + PATIENCE;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > give_up {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
}
