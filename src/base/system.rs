//! The kinds of system that a run looks at.

use crate::base::reason::{Why, WhyKind};
use crate::base::states::states;

states! {
    /// The systems whose clocks are compared, as a report names them.
    pub enum ClockOf {
        Docker = "Docker",
        Kafka = "Kafka",
        Postgres = "PostgreSQL",
        Http = "HTTP",
    }
}

/// A system that a run can skip (`--without`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum System {
    /// The Docker Engine, and with it all logs.
    Docker,
    /// Topics, groups and records.
    Kafka,
    /// Rows.
    Postgres,
    /// Health endpoints and the harmless request.
    Http,
    /// The containers' logs.
    Logs,
}

impl System {
    /// All of them.
    pub const ALL: [System; 5] =
        [System::Docker, System::Kafka, System::Postgres, System::Http, System::Logs];

    /// As the flag takes it.
    pub fn name(self) -> &'static str {
        match self {
            System::Docker => "docker",
            System::Kafka => "kafka",
            System::Postgres => "postgres",
            System::Http => "http",
            System::Logs => "logs",
        }
    }

    /// Why it is not seen.
    pub fn left_out(self) -> Why {
        Why::new(WhyKind::NotConfigured, format!("left out (--without {})", self.name()))
    }
}
