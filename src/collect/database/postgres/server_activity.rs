//! Other sessions on the server and the locks they hold (`pg_stat_activity`, `pg_locks`).

use crate::collect::database::postgres::session::{Params, Session, get, only, time};
use crate::evidence::{HeldLock, IdleSession, Reason, Sessions};
use std::time::Duration;
use tokio_postgres::Row;

/// Statement timeout. These views read server memory, so queries finish quickly or not at all.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(1);

/// Counts all client sessions, and those in this database whose state is hidden. Without
/// privileges, the type and state of other sessions are null, but their user is not.
/// Sessions in other databases hold no locks in this one.
const SESSION_COUNTS: &str = "select
    (select count(*) from pg_stat_activity where datid is not null and usesysid is not null),
    (select count(*) from pg_stat_activity where datname = current_database() and usesysid is not null
        and state is null and pid <> pg_backend_pid()),
    current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8,
    clock_timestamp()";

/// Locks that block readers or writers of a table in this database.
const LOCKS: &str = "select l.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''),
      a.xact_start, c.relname::text, l.mode, coalesce(a.state, ''),
      (select count(*) from pg_locks w
        where w.relation = l.relation and w.database = l.database and not w.granted)
    from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
    join pg_database d on d.oid = l.database and d.datname = current_database()
    left join pg_stat_activity a on a.pid = l.pid
   where l.granted and l.pid <> pg_backend_pid() and c.relkind in ('r', 'p')
     and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock')
     and n.nspname !~ '^pg_'
   order by a.xact_start nulls last, l.pid, c.relname limit 20";

/// Transactions that have been idle for more than a minute.
const IDLE_TRANSACTIONS: &str =
    "select pid, coalesce(usename::text, ''), coalesce(application_name, ''), state_change
    from pg_stat_activity
   where state like 'idle in transaction%' and pid <> pg_backend_pid()
     and state_change < clock_timestamp() - interval '1 minute'
   order by state_change limit 20";

/// Reads the other sessions. Without pg_read_all_stats, the server hides the application
/// names and times of other roles' sessions.
pub async fn sessions(session: &Session) -> Result<Sessions, Reason> {
    let params = Params::default();
    let subject = "the server's sessions";
    let (counts, locks, idle) = tokio::join!(
        session.query(subject, SESSION_COUNTS, &params, STATEMENT_TIMEOUT),
        session.query("the server's locks", LOCKS, &params, STATEMENT_TIMEOUT),
        session.query(subject, IDLE_TRANSACTIONS, &params, STATEMENT_TIMEOUT),
    );
    let row = only(counts?, subject)?;
    let (used, hidden, max): (i64, i64, i64) = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
    Ok(Sessions {
        used: used.unsigned_abs(),
        most: max.unsigned_abs(),
        hidden: hidden.unsigned_abs(),
        now: time(&row, 3)?,
        locks: locks?.iter().map(read_lock).collect::<Result<_, _>>()?,
        idle: idle?.iter().map(read_idle_session).collect::<Result<_, _>>()?,
    })
}

fn read_lock(row: &Row) -> Result<HeldLock, Reason> {
    Ok(HeldLock {
        pid: get(row, 0)?,
        user: get(row, 1)?,
        application: get(row, 2)?,
        since: time(row, 3)?,
        table: get(row, 4)?,
        mode: get(row, 5)?,
        state: get(row, 6)?,
        waiting: get::<i64>(row, 7)?.unsigned_abs(),
    })
}

fn read_idle_session(row: &Row) -> Result<IdleSession, Reason> {
    let (pid, user, application) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
    Ok(IdleSession { pid, user, application, since: time(row, 3)? })
}
