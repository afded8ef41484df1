//! Why an engine could not start an instance.

use crate::base::untrusted::Untrusted;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Longer messages are cut before they are classified, in bytes.
const MAX_MESSAGE: usize = 8_000;

/// Why an instance failed to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartFailure {
    /// Kind of failure.
    pub kind: StartFailureKind,
    /// The engine's error message (`State.Error`) without secrets; `None` if only the exit code is
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Untrusted>,
}

/// The kind of failure that prevents an instance from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFailureKind {
    /// The command, its interpreter or its working directory does not exist (exit code 127).
    CommandNotFound,
    /// The command is not executable, or is for another kind of processor (exit code 126).
    CommandNotExecutable,
    /// A published port is already in use.
    PortTaken,
    /// The engine may not open a published port, or its address is not one of this machine.
    HostAddress,
    /// A file, directory or volume to mount is missing, of the wrong type or not readable.
    Mount,
    /// A network does not exist.
    Network,
    /// The instance's address is taken, or its network has none left.
    NetworkAddress,
    /// The engine cannot set up its firewall rules or routes.
    Firewall,
    /// The instance whose network or processes are shared does not run.
    OtherContainer,
    /// A limit on memory, processes or files is refused, or reached.
    Limits,
    /// No space is left.
    DiskFull,
    /// The program that runs containers is not installed or unknown to the engine.
    ContainerRuntime,
    /// The user or group does not exist.
    User,
    /// A security profile, capability or label is refused.
    Security,
    /// A device or its driver is missing.
    Device,
    /// The log driver does not work.
    LogDriver,
    /// The engine's own parts do not answer or disagree.
    Engine,
    /// Any other failure, described by the error message (exit code 125).
    Other,
}

/// A message of an engine.
struct Message {
    kind: StartFailureKind,
    pattern: Regex,
}

/// The messages in `start-failures.toml`, in the order in which they are tried.
static MESSAGES: LazyLock<Vec<Message>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        message: Vec<Row>,
    }
    #[derive(Deserialize)]
    struct Row {
        kind: StartFailureKind,
        patterns: Vec<String>,
    }
    let file: File = toml::from_str(include_str!("start-failures.toml")).expect("a valid file");
    let message = |row: Row| {
        let pattern = RegexBuilder::new(&row.patterns.join("|")).case_insensitive(true).build();
        Message { kind: row.kind, pattern: pattern.expect("a valid pattern") }
    };
    file.message.into_iter().map(message).collect()
});

impl StartFailure {
    /// Classifies a failed start by the engine's error message and the exit code. Returns `None` if
    /// neither indicates a failure.
    pub fn classify(text: Option<Untrusted>, exit_code: i64) -> Option<StartFailure> {
        let kind_of_code = match exit_code {
            125 => Some(StartFailureKind::Other),
            126 => Some(StartFailureKind::CommandNotExecutable),
            127 => Some(StartFailureKind::CommandNotFound),
            _ => None,
        };
        let kind = match &text {
            Some(text) => {
                StartFailureKind::of_message(text.raw()).or(kind_of_code).unwrap_or(StartFailureKind::Other)
            }
            None => kind_of_code?,
        };
        Some(StartFailure { kind, text })
    }

    /// Returns the engine's message without the parts that only say which of its layers passed it on.
    pub fn message(&self) -> Option<&str> {
        self.text.as_ref().map(|text| without_wrappers(text.raw())).filter(|message| !message.is_empty())
    }
}

/// Returns an engine's message without the parts that only say which of its layers passed it on.
fn without_wrappers(message: &str) -> &str {
    const WRAPPERS: [&str; 9] = [
        "failed to set up container networking: ",
        "driver failed programming external connectivity on endpoint ",
        "failed to create task for container: ",
        "failed to create shim task: ",
        "OCI runtime create failed: ",
        "runc create failed: ",
        "unable to start container process: ",
        "error during container init: ",
        "Error starting userland proxy: ",
    ];
    let mut rest = message;
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| rest.strip_prefix(wrapper)) {
        // The name and id of an endpoint stand between the wrapper and the message.
        rest = match inner.split_once("): ") {
            Some((endpoint, inner)) if endpoint.contains(" (") && !endpoint.contains(": ") => inner,
            _ => inner,
        };
    }
    rest
}

impl StartFailureKind {
    /// Classifies an engine's error message. Returns `None` if the message is unknown.
    fn of_message(text: &str) -> Option<StartFailureKind> {
        let text = &text[..text.floor_char_boundary(MAX_MESSAGE)];
        MESSAGES.iter().find(|message| message.pattern.is_match(text)).map(|message| message.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Samples {
        message: Vec<Sample>,
    }

    #[derive(Deserialize)]
    struct Sample {
        kind: StartFailureKind,
        text: String,
    }

    #[test]
    fn each_message_is_of_its_kind() {
        let samples = include_str!("../../tests/logs/start-failures.toml");
        let samples: Samples = toml::from_str(samples).unwrap();
        let wrong = samples.message.iter().filter_map(|sample| {
            let found = StartFailureKind::of_message(&sample.text);
            (found != Some(sample.kind)).then(|| format!("{found:?} of {}", sample.text))
        });
        assert_eq!(wrong.collect::<Vec<String>>(), Vec::<String>::new());
        assert!(MESSAGES.iter().all(|row| samples.message.iter().any(|sample| sample.kind == row.kind)));
    }

    #[test]
    fn classifies_failed_starts_by_message_and_exit_code() {
        let kind =
            |text: &str, code| StartFailure::classify(Some(text.into()), code).map(|failure| failure.kind);
        let not_found = r#"runc create failed: exec: "worker": executable file not found in $PATH"#;
        assert_eq!(kind(not_found, 127), Some(StartFailureKind::CommandNotFound));
        let port_taken = "Bind for 0.0.0.0:80 failed: port is already allocated";
        assert_eq!(kind(port_taken, 0), Some(StartFailureKind::PortTaken));
        assert_eq!(kind("something else", 128), Some(StartFailureKind::Other));
        assert_eq!(StartFailure::classify(None, 126).unwrap().kind, StartFailureKind::CommandNotExecutable);
        assert_eq!(StartFailure::classify(None, 1), None);
    }
}
