//! The kinds of systems that a run inspects.

use crate::base::state_enum::state_enum;
use crate::base::unavailable_reason::{Reason, ReasonKind};

state_enum! {
    /// Systems whose clocks are compared, with their names in reports.
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
    /// The Docker Engine, including all logs.
    Docker,
    /// Kafka topics, groups and records.
    Kafka,
    /// PostgreSQL rows.
    Postgres,
    /// HTTP health endpoints and the harmless request.
    Http,
    /// Container logs.
    Logs,
}

impl System {
    /// All systems.
    pub const ALL: [System; 5] =
        [System::Docker, System::Kafka, System::Postgres, System::Http, System::Logs];

    /// Returns the value that `--without` accepts.
    pub fn name(self) -> &'static str {
        match self {
            System::Docker => "docker",
            System::Kafka => "kafka",
            System::Postgres => "postgres",
            System::Http => "http",
            System::Logs => "logs",
        }
    }

    /// Returns the reason reported for a skipped system.
    pub fn skipped_reason(self) -> Reason {
        Reason::new(ReasonKind::NotConfigured, format!("skipped (--without {})", self.name()))
    }
}
