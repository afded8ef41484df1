//! Who else is connected, and what they hold (`pg_stat_activity`, `pg_locks`).

use crate::collect::database::postgres::session::{Bound, Session, get, only, time};
use crate::evidence::{HeldLock, IdleSession, Sessions, Why};
use crate::pipeline::Marks;
use std::time::Duration;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

/// Views of the server's own memory answer at once or not at all.
const AT_MOST: Duration = Duration::from_secs(1);

/// What a role may not see of others is null: their kind and state, not whose they are. Who
/// is in another database holds nothing of this one.
const USED: &str = "select
    (select count(*) from pg_stat_activity where datid is not null and usesysid is not null),
    (select count(*) from pg_stat_activity where datname = current_database() and usesysid is not null
        and state is null and pid <> pg_backend_pid()),
    current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8,
    clock_timestamp()";

/// Locks that keep readers or writers of a table of this database waiting.
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

/// Transactions that somebody began and left open.
const IDLE: &str = "select pid, coalesce(usename::text, ''), coalesce(application_name, ''), state_change
    from pg_stat_activity
   where state like 'idle in transaction%' and pid <> pg_backend_pid()
     and state_change < clock_timestamp() - interval '1 minute'
   order by state_change limit 20";

/// Looks at the other sessions. What a role may not see of them is left out by
/// the server (names and times of others' sessions, without pg_read_all_stats).
pub async fn look(session: &Session) -> Result<Sessions, Why> {
    let none = Bound::default();
    let what = "the server's sessions";
    let row = only(session.ask(what, USED, &none, AT_MOST).await?, what)?;
    let (used, hidden, most): (i64, i64, i64) = (get(&row, 0)?, get(&row, 1)?, get(&row, 2)?);
    let locks = session.ask("the server's locks", LOCKS, &none, AT_MOST).await?;
    let idle = session.ask(what, IDLE, &none, AT_MOST).await?;
    Ok(Sessions {
        used: used.unsigned_abs(),
        most: most.unsigned_abs(),
        hidden: hidden.unsigned_abs(),
        now: time(&row, 3)?,
        locks: locks.iter().map(lock).collect::<Result<_, _>>()?,
        idle: idle.iter().map(idle_session).collect::<Result<_, _>>()?,
    })
}

fn lock(row: &Row) -> Result<HeldLock, Why> {
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

fn idle_session(row: &Row) -> Result<IdleSession, Why> {
    let (pid, user, application) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
    Ok(IdleSession { pid, user, application, since: time(row, 3)? })
}

/// Whether an index begins with the id's column of the marks table: without
/// one each look-up reads the whole table.
pub async fn indexed(session: &Session, marks: &Marks) -> Result<bool, Why> {
    let mut bound = Bound::default();
    let table = bound.bind(marks.table.clone(), Type::TEXT);
    let column = bound.bind(marks.id.clone(), Type::TEXT);
    let sql = format!(
        "select exists (select from pg_index i
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
           where i.indrelid = to_regclass({table}) and a.attname = {column} and i.indisvalid)"
    );
    let what = "the indexes of the marks table";
    get(&only(session.ask(what, &sql, &bound, AT_MOST).await?, what)?, 0)
}
