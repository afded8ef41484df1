//! Evidence: what was seen, as plain values, or why it could not be seen.
//!
//! `collect` makes it, `--record` writes it, `--replay` reads it, facts are
//! derived from it. Nothing here judges. Secrets are gone before it is made.
//! One file describes one kind of system.

mod broker;
mod clock;
mod command;
mod custom;
mod database;
mod declared;
mod document;
mod event;
mod http;
mod log;
mod not_asked;
mod observed;
pub mod recording;
mod route;
#[cfg(test)]
pub(crate) mod samples;
mod schema1;
mod states;
mod workload;

pub use crate::base::name::Name;
pub use crate::base::reason::{Why, WhyKind};
pub use crate::base::system::System;
pub use broker::{
    Broker, Committed, DeadLetters, FoundRecord, Group, Member, Node, Partition, Sample, Search, Topic,
    TopicPartition,
};
pub use clock::Clock;
pub use command::{BrokerCommands, DatabaseCommands, RuntimeCommands};
pub use custom::Custom;
pub use database::{Database, Extent, HeldLock, IdleSession, Sessions, StuckEvent};
pub use declared::{Declaration, Declared, NamedBy};
pub use document::{Counters, Evidence, SCHEMA, Target};
pub use event::{AskedEvent, Effect, Event, EventRows, Mark};
pub use http::{Answer, Http};
pub use log::{Log, LogSource, Reach, Record};
pub use observed::Seen;
pub use route::Mapped;
pub use states::{GroupProtocol, GroupState, Health, InstanceState, RestartPolicy};
pub use workload::{
    Addresses, Config, Details, Exit, Image, Instance, Later, Port, Runtime, StartFailure, StartFailureKind,
    Workload,
};
