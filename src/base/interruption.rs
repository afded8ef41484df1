//! Signals that end a run early.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A signal that asks the program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Signal {
    /// The terminal was closed.
    #[serde(rename = "SIGHUP")]
    Hangup,
    /// Ctrl-C.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// `kill`, or a service manager.
    #[serde(rename = "SIGTERM")]
    Terminate,
}

impl Signal {
    /// All signals that are handled.
    pub const ALL: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

    /// Returns the signal's name.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Hangup => "SIGHUP",
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }

    /// Returns the signal's number, which POSIX defines.
    pub fn number(self) -> u8 {
        match self {
            Signal::Hangup => 1,
            Signal::Interrupt => 2,
            Signal::Terminate => 15,
        }
    }

    /// Returns the exit code that a shell reports for a program that the signal ended.
    pub fn exit_code(self) -> u8 {
        128 + self.number()
    }
}

/// A signal ended the run before every system had answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interruption {
    /// The signal.
    pub signal: Signal,
    /// When it came, in milliseconds since the run began.
    pub after_ms: u64,
}

impl Interruption {
    /// Returns the sentence that marks a report as incomplete.
    pub fn describe(&self) -> String {
        let (signal, seconds) = (self.signal.name(), std::time::Duration::from_millis(self.after_ms));
        let seconds = seconds.as_secs_f64();
        format!("INTERRUPTED by {signal} after {seconds:.1} s: what had answered until then is reported.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_has_the_exit_code_of_the_shell() {
        assert_eq!(Signal::ALL.map(Signal::exit_code), [129, 130, 143]);
        for signal in Signal::ALL {
            assert_eq!(serde_json::json!(signal), signal.name());
        }
    }

    #[test]
    fn says_when_it_was_interrupted() {
        let interruption = Interruption { signal: Signal::Interrupt, after_ms: 1_234 };
        let sentence = "INTERRUPTED by SIGINT after 1.2 s: what had answered until then is reported.";
        assert_eq!(interruption.describe(), sentence);
    }
}
