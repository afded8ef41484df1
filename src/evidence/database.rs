//! Observations of databases.

use crate::base::name::Name;
use crate::base::observed::Observed;
use crate::base::unavailable_reason::Reason;
use crate::evidence::address_mapping::AddressMapping;
use crate::evidence::clock::Clock;
use crate::evidence::command_options::DatabaseCommandOptions;
use crate::evidence::requested_event::EventRows;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Observations of a database from one read-only transaction. For other services' databases, only
/// the address and the sessions are collected; everything else is stored with the main database.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Address without secrets, such as `postgres://app@localhost:5432/shop`.
    pub address: String,
    /// How the configured address was mapped, if at all.
    pub mapped: Option<AddressMapping>,
    /// Which server and database answered, as the server sees itself. A connection pooler has other
    /// addresses and names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<DatabaseIdentity>,
    /// `server_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the connection is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// The server's clock at the start of the transaction (`now()`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// The server's clock relative to this machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// On a read replica, its lag in milliseconds (unknown if it has replayed nothing yet).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_behind_ms: Option<Observed<i64>>,
    /// Other sessions and their locks (`pg_stat_activity`, `pg_locks`).
    #[serde(default)]
    pub sessions: Observed<Sessions>,
    /// For each stage, how many events in the window lack the stage's effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extents: BTreeMap<Name, Observed<Extent>>,
    /// Whether the table of processed markers has an index on the id (`pg_index`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<Observed<bool>>,
    /// Tables that lookups did not find on the search path, and the schemas that contain a table
    /// with that name (`pg_class`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<Name, Vec<Name>>,
    /// The columns of each table on the search path (`pg_class`, `pg_attribute`), read only if events are stuck.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Observed<BTreeMap<Name, Vec<Name>>>>,
    /// Ids of the events with the requested key, newest first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_up: Option<Observed<Vec<String>>>,
    /// Options that commands need to reach the database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<DatabaseCommandOptions>,
}

impl Database {
    /// Returns why lookups of an event's rows failed, followed by why lookups of each stage's stuck
    /// events failed.
    pub fn lookup_failures<'a>(&'a self, rows: Option<&'a EventRows>) -> Vec<&'a Reason> {
        let of_event = rows.into_iter().flat_map(|rows| [rows.marks.reason(), rows.event.reason()]);
        let of_stages = self.extents.iter().flat_map(|(stage, extent)| {
            let effects = rows.and_then(|rows| rows.effects.get(stage));
            [effects.and_then(Observed::reason), extent.reason()]
        });
        of_event.chain(of_stages).flatten().collect()
    }
}

/// A database as its server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseIdentity {
    /// `current_database()`.
    pub database: String,
    /// `inet_server_addr()`; `None` for a Unix socket.
    pub address: Option<String>,
    /// `inet_server_port()`; `None` for a Unix socket.
    pub port: Option<i32>,
}

/// Other sessions on the server (`pg_stat_activity`, `pg_locks`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Client connections, including this one.
    pub used: u64,
    /// The maximum number of connections for roles that are not superusers.
    pub most: u64,
    /// Locks that block other sessions from a table, oldest first.
    pub locks: Vec<HeldLock>,
    /// Transactions left open for more than a minute, oldest first.
    pub idle: Vec<IdleSession>,
    /// Number of other sessions whose state this role may not see.
    #[serde(default)]
    pub hidden: u64,
    /// The server's clock when the sessions were read.
    #[serde(default)]
    pub now: Option<Timestamp>,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldLock {
    /// Process id of the session.
    pub pid: i32,
    /// User of the session.
    pub user: String,
    /// `application_name` of the session.
    pub application: String,
    /// When the session's transaction began.
    pub since: Option<Timestamp>,
    /// The locked table.
    pub table: String,
    /// Lock mode, such as `AccessExclusiveLock`.
    pub mode: String,
    /// The session's state, such as `active` or `idle in transaction`.
    pub state: String,
    /// Number of sessions waiting for the table.
    pub waiting: u64,
}

/// A session with an idle open transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleSession {
    /// Process id of the session.
    pub pid: i32,
    /// User of the session.
    pub user: String,
    /// `application_name` of the session.
    pub application: String,
    /// When the session became idle.
    pub since: Option<Timestamp>,
}

/// The events in the window at one stage, and how many of them lack the stage's effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Events in the window that reached the stage.
    pub events: u64,
    /// Events whose effect is still missing after the grace period.
    pub stuck: u64,
    /// Stuck events that the stage's owner has marked as processed.
    pub stuck_marked: u64,
    /// Time of the oldest stuck event.
    pub since: Option<Timestamp>,
    /// When the newest good effect was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck events, newest first (at most [`Extent::NEWEST`]).
    pub newest: Vec<StuckEvent>,
    /// Whether only the newest events in the window were examined, because there were too many.
    pub limited: bool,
    /// Time of the oldest event that was examined, if not all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
}

impl Extent {
    /// The maximum number of stuck events to keep.
    pub const NEWEST: usize = 100;
}

/// A stuck event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StuckEvent {
    /// The event's id.
    pub id: String,
    /// When the event reached the stage.
    pub at: Timestamp,
    /// Whether the stage's owner has marked the event as processed.
    pub marked: bool,
    /// Whether anything other than the emitter has marked the event, in which case the owner skips it.
    #[serde(default)]
    pub kept_back: bool,
}
