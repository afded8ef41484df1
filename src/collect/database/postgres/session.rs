//! One read-only transaction. Every statement stands under its own savepoint,
//! so that one that fails leaves the others. Nothing outlives the transaction
//! and no statement is named: a transaction pooler may stand in between.

use crate::base::secret::redact;
use crate::collect::database::postgres::why;
use crate::collect::now;
use crate::evidence::{Clock, Seen, Why, WhyKind};
use futures_util::future::join;
use jiff::Timestamp;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, timeout};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::types::{FromSqlOwned, ToSql, Type};
use tokio_postgres::{Client, Error, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a statement waits for a lock, at least and at most.
const LOCK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// On a primary that has nothing to do the last replayed transaction grows old
/// although the replica has everything; unless it is cut off.
const SERVER: &str = "select current_setting('server_version'), now(), pg_is_in_recovery(),
    case when not pg_is_in_recovery() then null
         when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
              and exists (select from pg_stat_wal_receiver) then 0
         else (extract(epoch from now() - pg_last_xact_replay_timestamp()) * 1000)::int8 end,
    clock_timestamp()";

/// Cancelling and rolling back must not take longer than this.
const FAREWELL: Duration = Duration::from_millis(100);

/// Values to bind, in the order of their `$n`.
#[derive(Default)]
pub struct Bound(Vec<(Box<dyn ToSql + Sync + Send>, Type)>);

impl Bound {
    /// Binds a value; returns its `$n`, with its type, for the SQL.
    pub fn bind(&mut self, value: impl ToSql + Sync + Send + 'static, of: Type) -> String {
        let place = self.0.len() + 1;
        let cast = match of.name().strip_prefix('_') {
            Some(element) => format!("${place}::{element}[]"),
            None => format!("${place}::{}", of.name()),
        };
        self.0.push((Box::new(value), of));
        cast
    }
}

/// A statement that the server would not run.
pub struct Refused {
    /// SQLSTATE.
    pub code: String,
    /// The server's own words.
    pub say: String,
    /// What it would do instead.
    pub hint: Option<String>,
    /// Where in the statement: characters, from 0.
    pub at: Option<usize>,
}

/// The transaction.
pub struct Session {
    client: Client,
    until: Instant,
    /// By how much the server is behind what was written, if it is a replica.
    pub behind: Duration,
}

/// What the server says of itself at the start of the transaction.
pub struct Server {
    /// `server_version`.
    pub version: String,
    /// `now()`.
    pub now: Timestamp,
    /// `clock_timestamp()` beside this machine's clock.
    pub clock: Clock,
    /// `pg_is_in_recovery()`, and how far behind: nothing, where all that was
    /// received is replayed and more would be received; else now -
    /// `pg_last_xact_replay_timestamp()`.
    pub replica_behind_ms: Option<Seen<i64>>,
}

impl Session {
    /// Begins the transaction; it is over at `until`.
    pub async fn begin(
        client: Client,
        schema: Option<&str>,
        until: Instant,
    ) -> Result<(Session, Server), Why> {
        let mut session = Session { client, until, behind: Duration::ZERO };
        let lock = session.share(20).clamp(LOCK.0, LOCK.1).as_millis();
        let schema =
            schema.map_or_else(String::new, |schema| format!("set local search_path = {};", quoted(schema)));
        // Compiling costs more than what is asked here; servers before 11 have no jit.
        let begin = format!(
            "begin isolation level repeatable read read only;
             set local row_security = off; set local timezone = 'UTC';
             set local lock_timeout = {lock}; {schema}
             select set_config(name, 'off', true) from pg_settings where name = 'jit'"
        );
        let begun = session.client.batch_execute(&begin).await;
        begun.map_err(|error| why::asking(&error, "the transaction"))?;
        let bound = Bound::default();
        let asked = now();
        let rows = session.ask("the server", SERVER, &bound, session.share(4));
        let row = only(rows.await?, "the server")?;
        let there = required_time(&row, 4, "the server's clock")?;
        let version: String = get(&row, 0)?;
        let behind: Option<i64> = get(&row, 3)?;
        let told = behind.map_or_else(
            || Seen::unknown(WhyKind::Missing, "the replica has replayed nothing yet"),
            |ms| Seen::Known(ms.max(0)),
        );
        let server = Server {
            version: version.split(' ').next().unwrap_or_default().to_string(),
            now: required_time(&row, 1, "the server's clock")?,
            clock: Clock::between(asked, there, now(), 0),
            replica_behind_ms: get::<bool>(&row, 2)?.then_some(told),
        };
        session.behind = behind.map_or(Duration::ZERO, |ms| Duration::from_millis(ms.unsigned_abs()));
        Ok((session, server))
    }

    /// One `part`th of the time that is left.
    pub fn share(&self, part: u32) -> Duration {
        self.until.saturating_duration_since(Instant::now()) / part.max(1)
    }

    /// The rows of one statement, which the server stops after `at_most`. Its
    /// columns must have built-in types: for others the driver would prepare
    /// named statements. `what` is what errors call it.
    pub async fn ask(
        &self,
        what: &str,
        sql: &str,
        bound: &Bound,
        at_most: Duration,
    ) -> Result<Vec<Row>, Why> {
        self.rows(sql, bound, at_most).await.map_err(|error| why::asking(&error, what))
    }

    /// Whether the server would run a statement: it is planned, and not run. `Ok` is
    /// its refusal, if it has refused.
    pub async fn prepare(&self, sql: &str, bound: &Bound) -> Result<Option<Refused>, Why> {
        const PLAN: &str = "explain ";
        let planned = self.rows(&format!("{PLAN}{sql}"), bound, self.share(4)).await;
        let Err(error) = planned else { return Ok(None) };
        let Some(refusal) = error.as_db_error() else { return Err(why::asking(&error, "the statement")) };
        let at = match refusal.position() {
            Some(ErrorPosition::Original(at)) => (*at as usize).checked_sub(1 + PLAN.len()),
            _ => None,
        };
        Ok(Some(Refused {
            code: refusal.code().code().to_string(),
            say: redact(refusal.message()),
            hint: refusal.hint().map(redact),
            at,
        }))
    }

    async fn rows(&self, sql: &str, bound: &Bound, at_most: Duration) -> Result<Vec<Row>, Error> {
        let at_most = at_most.as_millis().max(50);
        let guard = format!("savepoint asked; set local statement_timeout = {at_most}");
        let values: Vec<_> =
            bound.0.iter().map(|(value, of)| (value.as_ref() as &(dyn ToSql + Sync), of.clone())).collect();
        // Both are sent at once, in this order: one round trip.
        let guard = self.client.batch_execute(&guard);
        let (guarded, rows) = join(guard, self.client.query_typed(sql, &values)).await;
        match guarded.and(rows) {
            Ok(rows) => Ok(rows),
            Err(error) => {
                // If this fails the connection has gone, and the next statement says so.
                let back = self.client.batch_execute("rollback to savepoint asked");
                let _ = back.await;
                Err(error)
            }
        }
    }

    /// Ends the transaction, so that a pooler can go on using the connection.
    pub async fn end(self) {
        let _ = timeout(FAREWELL, self.client.batch_execute("rollback")).await;
    }

    /// Stops what the server is still doing for us; the transaction is lost.
    pub async fn cancel(self, tls: &MakeRustlsConnect) {
        let token = self.client.cancel_token();
        let _ = timeout(FAREWELL, token.cancel_query(tls.clone())).await;
    }
}

/// A name as SQL takes it literally.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A value of a row.
pub fn get<T: FromSqlOwned>(row: &Row, column: usize) -> Result<T, Why> {
    row.try_get(column).map_err(|error| {
        let name = row.columns().get(column).map_or("?", |column| column.name());
        Why::new(WhyKind::Failed, format!("column {name}: {error}"))
    })
}

/// A time (timestamptz) of a row; `None` for null.
pub fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, Why> {
    get::<Option<SystemTime>>(row, column)?.map(timestamp).transpose()
}

/// A time of a row; null is a reason, in which `what` is the row.
pub fn required_time(row: &Row, column: usize, what: &str) -> Result<Timestamp, Why> {
    time(row, column)?.ok_or_else(|| Why::new(WhyKind::Failed, format!("{what}: a row without its time")))
}

/// PostgreSQL's times reach further than those of any event: `infinity`.
pub fn timestamp(time: SystemTime) -> Result<Timestamp, Why> {
    Timestamp::try_from(time).map_err(|_| Why::new(WhyKind::Failed, "a time beyond the year 9999"))
}

/// The only row of an answer.
pub fn only(rows: Vec<Row>, what: &str) -> Result<Row, Why> {
    rows.into_iter().next().ok_or_else(|| Why::new(WhyKind::Failed, format!("{what}: no row")))
}
