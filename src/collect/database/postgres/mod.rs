//! The PostgreSQL driver, which reads everything in one read-only transaction.

pub mod address;
pub mod collect;
mod column_types;
mod columns;
pub mod connect;
pub mod cross_database_backlog;
pub mod custom_facts;
pub mod databases;
pub mod discovery;
pub mod errors;
pub mod event;
pub mod event_batch;
pub mod lint_sql;
pub mod message_guard;
pub mod name_suggestions;
pub mod open_session;
pub mod other_schemas;
pub mod processed_marks;
pub mod server_activity;
pub mod session;
pub mod ssl_options;
pub mod stage_backlog;
pub mod stage_effects;
mod table_scans;
pub mod tls;
pub mod transport;

pub(crate) use collect::{Collected, collect};
pub(crate) use open_session::{
    CLEANUP_MARGIN, DatabaseAddress, NO_ID, NO_MARKS, OpenedSession, main_address, open_session,
};
