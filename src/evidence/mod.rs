//! Evidence consists of the plain values that a run observed, or the reasons they could not be
//! observed.
//!
//! `collect` produces it, `--record` writes it, `--replay` reads it, and facts are derived from it.
//! Nothing here makes a judgement. Secrets are removed when it is sealed, before anything reads it. Each file covers
//! one kind of system.

mod address_mapping;
mod broker;
mod clock;
mod command_options;
mod container_and_group_states;
mod custom_observation;
mod database;
mod declared_workloads;
mod http;
mod log;
pub mod recording;
mod recording_schema1;
mod requested_event;
mod run_evidence;
pub mod sealing;
mod start_failure;
#[cfg(test)]
pub(crate) mod test_samples;
mod workload;

pub use crate::base::name::Name;
pub use crate::base::observed::Observed;
pub use crate::base::system_kinds::System;
pub use crate::base::unavailable_reason::{Reason, ReasonKind};
pub use address_mapping::AddressMapping;
pub use broker::{
    Broker, Committed, DeadLetters, FirstWaiting, FoundRecord, Group, Member, Node, OpenTransaction,
    Partition, Sample, Search, Topic, TopicPartition,
};
pub use clock::Clock;
pub use command_options::{BrokerCommandOptions, DatabaseCommandOptions, RuntimeCommandOptions};
pub use container_and_group_states::{GroupProtocol, GroupState, Health, InstanceState, RestartPolicy};
pub use custom_observation::CustomObservation;
pub use database::{Database, DatabaseIdentity, Extent, HeldLock, IdleSession, Sessions, StuckEvent};
pub use declared_workloads::{Build, Declaration, Declared, Layout, NamedBy};
pub use http::{Answer, Http};
pub use log::{Log, LogSource, Reach, Record};
pub use requested_event::{AskedEvent, Effect, Event, EventRows, Mark};
pub use run_evidence::{Evidence, SCHEMA, Target};
pub use start_failure::{StartFailure, StartFailureKind};
pub use workload::{Addresses, Config, Details, Exit, Image, Instance, LaterState, Port, Runtime, Workload};
