//! One read-only transaction. Each statement runs under a savepoint, so a failed statement
//! does not abort the transaction. No state outlives the transaction, and statements are
//! unnamed, so the connection may go through a transaction pooler.

use crate::base::secret::redact;
use crate::collect::cost::Sent;
use crate::collect::database::postgres::errors;
use crate::collect::database::postgres::transport::{self, Opened};
use crate::collect::now;
use crate::evidence::{Clock, DatabaseIdentity, Observed, Reason, ReasonKind, System};
use futures_util::future::join;
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::{ErrorPosition, SqlState};
use tokio_postgres::types::{FromSqlOwned, ToSql, Type};
use tokio_postgres::{Client, Error, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Minimum and maximum lock timeouts for a statement.
const LOCK_TIMEOUT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Minimum and maximum statement timeouts. The server's setting is a 32-bit number of milliseconds.
const MIN_STATEMENT_TIMEOUT: Duration = Duration::from_millis(50);
const MAX_STATEMENT_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

/// Version, clocks, replica lag, and which database answers. With an idle primary, the last replayed transaction gets older
/// even though the replica is up to date. The lag is therefore 0 if the WAL receiver is connected
/// and everything received has been replayed.
const SERVER_INFO: &str = "select current_setting('server_version'), now(), pg_is_in_recovery(),
    case when not pg_is_in_recovery() then null
         when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
              and exists (select from pg_stat_wal_receiver) then 0
         else (extract(epoch from now() - pg_last_xact_replay_timestamp()) * 1000)::int8 end,
    clock_timestamp(), current_database()::text, host(inet_server_addr()), inet_server_port()";

/// How often a query is sent again because one that was sent before it has failed. With each time, one more of those
/// that were sent together has its own answer.
const MAX_REPEATS: usize = 50;

/// Statement timeout for catalog queries.
pub const CATALOG_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum duration of a cancel request or rollback.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);

/// Parameters of a statement, in the order of their `$n` placeholders.
#[derive(Default)]
pub struct Params(Vec<(Box<dyn ToSql + Sync + Send>, Type)>);

impl Params {
    /// Adds a value and returns its placeholder with a cast, such as `$1::text`.
    pub fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, ty: Type) -> String {
        let number = self.0.len() + 1;
        let placeholder = match ty.name().strip_prefix('_') {
            Some(element) => format!("${number}::{element}[]"),
            None => format!("${number}::{}", ty.name()),
        };
        self.0.push((Box::new(value), ty));
        placeholder
    }
}

/// The server's rejection of a statement.
pub struct Rejection {
    /// SQLSTATE.
    pub code: String,
    /// The server's message.
    pub message: String,
    /// The server's hint.
    pub hint: Option<String>,
    /// Position in the statement, as a zero-based character index.
    pub position: Option<usize>,
}

/// An open transaction.
pub struct Session {
    opened: Opened,
    until: Instant,
    /// The received bytes that belong to queries that were answered.
    counted: AtomicU64,
    /// The server's replication lag; zero on a primary.
    pub replica_lag: Duration,
}

/// What the server reports at the start of the transaction.
pub struct ServerInfo {
    /// `server_version`.
    pub version: String,
    /// Which server and database answered.
    pub identity: DatabaseIdentity,
    /// `now()`.
    pub now: Timestamp,
    /// `clock_timestamp()` compared with this machine's clock.
    pub clock: Clock,
    /// Replication lag in milliseconds; `None` unless `pg_is_in_recovery()`. Zero if
    /// the WAL receiver is connected and has no WAL left to replay, otherwise
    /// `now() - pg_last_xact_replay_timestamp()`.
    pub replica_behind_ms: Option<Observed<i64>>,
}

impl Session {
    /// Begins the transaction, which must end by `until`.
    pub async fn begin(
        opened: Opened,
        schema: Option<&str>,
        until: Instant,
    ) -> Result<(Session, ServerInfo), Reason> {
        let counted = AtomicU64::new(opened.traffic.received());
        let mut session = Session { opened, until, counted, replica_lag: Duration::ZERO };
        let lock = session.share(20).clamp(LOCK_TIMEOUT.0, LOCK_TIMEOUT.1).as_millis();
        let schema = schema
            .map_or_else(String::new, |schema| format!("set local search_path = {};", quote_ident(schema)));
        // JIT compilation takes longer than these queries; servers before 11 lack the setting.
        // With non-standard strings, the server would see other code than the check of a fact's SQL.
        let begin = format!(
            "begin isolation level repeatable read read only;
             set local row_security = off; set local timezone = 'UTC';
             set local standard_conforming_strings = on;
             set local lock_timeout = {lock}; {schema}
             select set_config(name, 'off', true) from pg_settings where name = 'jit'"
        );
        let params = Params::default();
        let sent = now();
        let begun = async {
            let begun = session.client().batch_execute(&begin).await;
            begun.map_err(|error| session.explain_error(&error, "the transaction"))
        };
        // Without a transaction, the query would be sent again and again.
        let rows = session.query("the server", SERVER_INFO, &params, session.share(4));
        let ((), rows) = tokio::try_join!(begun, rows)?;
        let row = only(rows, "the server")?;
        let server_time = required_time(&row, 4, "the server's clock")?;
        let version: String = get(&row, 0)?;
        let lag: Option<i64> = get(&row, 3)?;
        let replica_lag = lag.map_or_else(
            || Observed::unknown(ReasonKind::Missing, "the replica has replayed nothing yet"),
            |ms| Observed::Known(ms.max(0)),
        );
        let server = ServerInfo {
            version: version.split(' ').next().unwrap_or_default().to_string(),
            identity: DatabaseIdentity {
                database: get(&row, 5)?,
                address: get(&row, 6)?,
                port: get(&row, 7)?,
            },
            now: required_time(&row, 1, "the server's clock")?,
            clock: Clock::between(sent, server_time, now(), 0),
            replica_behind_ms: get::<bool>(&row, 2)?.then_some(replica_lag),
        };
        session.replica_lag = lag.map_or(Duration::ZERO, |ms| Duration::from_millis(ms.unsigned_abs()));
        Ok((session, server))
    }

    /// Moves the deadline of a transaction that was opened with an earlier deadline.
    pub fn extend(&mut self, until: Instant) {
        self.until = until;
    }

    /// Returns the remaining time divided by `divisor`.
    pub fn share(&self, divisor: u32) -> Duration {
        self.until.saturating_duration_since(Instant::now()) / divisor.max(1)
    }

    /// Runs a query with `at_most` as its statement timeout. Its columns must have built-in
    /// types, because the driver would prepare named statements for other types. Errors
    /// name `subject` as the queried object.
    pub async fn query(
        &self,
        subject: &str,
        sql: &str,
        params: &Params,
        at_most: Duration,
    ) -> Result<Vec<Row>, Reason> {
        self.run(subject, sql, params, at_most).await.map_err(|error| self.explain_error(&error, subject))
    }

    /// Runs a query as [`Session::query`] does, and then rolls back everything that it has changed,
    /// settings included.
    pub async fn query_without_effects(
        &self,
        subject: &str,
        sql: &str,
        params: &Params,
        at_most: Duration,
    ) -> Result<Vec<Row>, Reason> {
        let rows = self.query(subject, sql, params, at_most).await?;
        self.roll_back_statement().await;
        Ok(rows)
    }

    fn client(&self) -> &Client {
        &self.opened.client
    }

    fn explain_error(&self, error: &Error, subject: &str) -> Reason {
        errors::query_error(error, &self.opened.traffic, subject)
    }

    /// Plans a statement with `EXPLAIN`, without running it. Returns the server's
    /// rejection, if any.
    pub async fn explain(&self, sql: &str, params: &Params) -> Result<Option<Rejection>, Reason> {
        const EXPLAIN: &str = "explain ";
        let planned =
            self.run("the plan of a statement", &format!("{EXPLAIN}{sql}"), params, self.share(4)).await;
        let Err(error) = planned else {
            self.roll_back_statement().await;
            return Ok(None);
        };
        let Some(rejection) = error.as_db_error() else {
            return Err(self.explain_error(&error, "the statement"));
        };
        let position = match rejection.position() {
            Some(ErrorPosition::Original(at)) => (*at as usize).checked_sub(1 + EXPLAIN.len()),
            _ => None,
        };
        Ok(Some(Rejection {
            code: rejection.code().code().to_string(),
            message: redact(rejection.message()),
            hint: rejection.hint().map(redact),
            position,
        }))
    }

    /// Runs a query. Several may run at once: they are sent without waiting, and the server answers them in order. If
    /// one fails, the server rejects all that were sent after it, and these are sent again.
    async fn run(
        &self,
        subject: &str,
        sql: &str,
        params: &Params,
        at_most: Duration,
    ) -> Result<Vec<Row>, Error> {
        let mut repeats = 0;
        loop {
            let result = self.run_once((subject, sql), params, at_most).await;
            let is_rejected = |error: &Error| error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION);
            if repeats == MAX_REPEATS || !result.as_ref().is_err_and(is_rejected) {
                return result;
            }
            repeats += 1;
        }
    }

    async fn run_once(
        &self,
        (subject, sql): (&str, &str),
        params: &Params,
        at_most: Duration,
    ) -> Result<Vec<Row>, Error> {
        let sent = Sent::now(System::Postgres);
        let at_most = at_most.clamp(MIN_STATEMENT_TIMEOUT, MAX_STATEMENT_TIMEOUT).as_millis();
        let guard = format!("savepoint asked; set local statement_timeout = {at_most}");
        let values: Vec<_> =
            params.0.iter().map(|(value, ty)| (value.as_ref() as &(dyn ToSql + Sync), ty.clone())).collect();
        // Both are pipelined in order, which takes only one round trip.
        let guard = self.client().batch_execute(&guard);
        let (guarded, rows) = join(guard, self.client().query_typed(sql, &values)).await;
        let result = guarded.and(rows);
        // Several may be on their way, but they are answered one after the other.
        let received = self.opened.traffic.received();
        let bytes = received.saturating_sub(self.counted.swap(received, Ordering::Relaxed));
        let rows = result.as_ref().map_or(0, |rows| rows.len() as u64);
        sent.answered((bytes, rows), || subject.to_string());
        if result.is_err() {
            self.roll_back_statement().await;
        }
        result
    }

    /// Rolls back the latest statement. If this fails, the connection is lost and the next statement
    /// reports it.
    async fn roll_back_statement(&self) {
        let _ = self.client().batch_execute("rollback to savepoint asked").await;
    }

    /// Ends the transaction so that a pooler can reuse the connection.
    pub async fn end(self) {
        let _ = timeout(CLOSE_TIMEOUT, self.client().batch_execute("rollback")).await;
    }

    /// Cancels the running statement and abandons the transaction.
    pub async fn cancel(self, tls: &MakeRustlsConnect) {
        let token = self.client().cancel_token();
        let _ = timeout(CLOSE_TIMEOUT, transport::cancel(token, &self.opened.server, tls)).await;
    }
}

/// Quotes an SQL identifier.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Reads a column of a row.
pub fn get<T: FromSqlOwned>(row: &Row, column: usize) -> Result<T, Reason> {
    row.try_get(column).map_err(|error| {
        let name = row.columns().get(column).map_or("?", |column| column.name());
        Reason::new(ReasonKind::Failed, format!("column {name}: {error}"))
    })
}

/// Reads a timestamptz column; `None` for null.
pub fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, Reason> {
    get::<Option<SystemTime>>(row, column)?.map(timestamp).transpose()
}

/// Reads a timestamptz column that must not be null. `subject` names the row in errors.
pub fn required_time(row: &Row, column: usize, subject: &str) -> Result<Timestamp, Reason> {
    time(row, column)?.ok_or_else(|| Reason::new(ReasonKind::Failed, format!("{subject}: a row has no time")))
}

/// Converts a PostgreSQL timestamp. Values such as `infinity` are out of range.
pub fn timestamp(time: SystemTime) -> Result<Timestamp, Reason> {
    Timestamp::try_from(time).map_err(|_| Reason::new(ReasonKind::Failed, "timestamp after the year 9999"))
}

/// Returns the only row of a result.
pub fn only(rows: Vec<Row>, subject: &str) -> Result<Row, Reason> {
    rows.into_iter()
        .next()
        .ok_or_else(|| Reason::new(ReasonKind::Failed, format!("{subject}: no row returned")))
}
