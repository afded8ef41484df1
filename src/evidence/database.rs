//! What databases show.

use crate::base::name::Name;
use crate::base::observed::Seen;
use crate::base::reason::Why;
use crate::evidence::clock::Clock;
use crate::evidence::command::DatabaseCommands;
use crate::evidence::event::EventRows;
use crate::evidence::route::Mapped;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a database shows, all in one read-only transaction. Of the databases of
/// other services only the address and the sessions are looked at; the rest
/// stands with the main one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Shown address: `postgres://app@localhost:5432/shop`.
    pub address: String,
    /// How the configured address was mapped, if it was.
    pub mapped: Option<Mapped>,
    /// `server_version`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the connection is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// The server's clock at the start of the transaction (`now()`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// The same beside this machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// On a read replica: how far behind, in milliseconds (unknown: none yet).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica_behind_ms: Option<Seen<i64>>,
    /// Who else is connected, and what they hold (`pg_stat_activity`, `pg_locks`).
    #[serde(default)]
    pub sessions: Seen<Sessions>,
    /// How many events of the window lack the effect of each stage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extents: BTreeMap<Name, Seen<Extent>>,
    /// Whether the marks table has an index on the id (`pg_index`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<Seen<bool>>,
    /// Tables that a look-up did not find on its search path, and the schemas
    /// that have one of that name (`pg_class`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub elsewhere: BTreeMap<Name, Vec<Name>>,
    /// The ids, newest first, of the events with the key that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_up: Option<Seen<Vec<String>>>,
    /// How commands reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<DatabaseCommands>,
}

impl Database {
    /// Why look-ups of rows came to nothing, those that did: of an event's, and of
    /// what is stuck, stage by stage.
    pub fn whys<'a>(&'a self, rows: Option<&'a EventRows>) -> Vec<&'a Why> {
        let of_event = rows.into_iter().flat_map(|rows| [rows.marks.why(), rows.event.why()]);
        let of_stages = self.extents.iter().flat_map(|(stage, extent)| {
            let effects = rows.and_then(|rows| rows.effects.get(stage));
            [effects.and_then(Seen::why), extent.why()]
        });
        of_event.chain(of_stages).flatten().collect()
    }
}

/// Other sessions of the server (`pg_stat_activity`, `pg_locks`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Connections of clients, this one too.
    pub used: u64,
    /// How many there may be for those who are no superuser.
    pub most: u64,
    /// Locks that keep others from a table, the oldest first.
    pub locks: Vec<HeldLock>,
    /// Transactions left open for more than a minute, the oldest first.
    pub idle: Vec<IdleSession>,
    /// Sessions of others whose state this role may not see.
    #[serde(default)]
    pub hidden: u64,
    /// The server's clock when they were looked at.
    #[serde(default)]
    pub now: Option<Timestamp>,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldLock {
    /// Whose it is.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// When its transaction began.
    pub since: Option<Timestamp>,
    /// The table.
    pub table: String,
    /// `AccessExclusiveLock` and the like.
    pub mode: String,
    /// What the session does: active, idle in transaction.
    pub state: String,
    /// How many wait for the table.
    pub waiting: u64,
}

/// A transaction that somebody left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleSession {
    /// Whose it is.
    pub pid: i32,
    /// Its user.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// Since when it does nothing.
    pub since: Option<Timestamp>,
}

/// How many events of the window lack the effect of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extent {
    /// Events of the window that reached this stage.
    pub events: u64,
    /// Those whose effect is missing although the grace period is over.
    pub stuck: u64,
    /// Of the stuck ones: those that the stage's owner has marked.
    pub stuck_marked: u64,
    /// Time of the oldest stuck event.
    pub since: Option<Timestamp>,
    /// When the newest good effect was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck ids, newest first (at most [`Extent::NEWEST`]).
    pub newest: Vec<StuckEvent>,
    /// More events lie in the window than were looked at (the newest were).
    pub limited: bool,
}

impl Extent {
    /// How many stuck ids are kept.
    pub const NEWEST: usize = 100;
}

/// A stuck event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StuckEvent {
    /// Its id.
    pub id: String,
    /// When it reached the stage.
    pub at: Timestamp,
    /// Whether the stage's owner has marked it.
    pub marked: bool,
    /// Whether anybody but its emitter has, which keeps the owner from it.
    #[serde(default)]
    pub kept_back: bool,
}
