//! The queue that is a table: a job is taken, done, and marked as done.

use serde_json::{Value, json};
use tokio_postgres::Transaction;

use crate::database::Database;
use crate::failure::Failure;
use crate::{log, poll};

/// After so many a job has failed.
const ATTEMPTS: i32 = 5;

/// One kind of job.
pub trait Job {
    /// As compose and `jobs.locked_by` name its worker.
    const SERVICE: &str;
    /// As `jobs.kind` names it.
    const KIND: &str;

    /// Does the work for a report. What it writes stays only if the job is done.
    async fn work(&self, transaction: &Transaction<'_>, report: i64) -> Result<(), Failure>;
}

struct Taken {
    id: i64,
    report: i64,
    attempts: i32,
}

/// Takes jobs for ever.
pub async fn run<J: Job>(job: &J) -> Result<(), Failure> {
    let database = Database::from_environment(J::SERVICE)?;
    poll::run(J::SERVICE, async || {
        let Some(taken) = take::<J>(&database).await? else { return Ok(false) };
        log::info("job taken", taken.about::<J>());
        if let Err(failure) = finish(job, &database, &taken).await {
            put_back::<J>(&database, &taken, &failure).await?;
            return Ok(false);
        }
        log::info("job done", taken.about::<J>());
        Ok(true)
    })
    .await
}

/// The oldest job of the kind. One that this worker left running when it ended is
/// taken again: there is one worker of each kind.
async fn take<J: Job>(database: &Database) -> Result<Option<Taken>, Failure> {
    let update = "UPDATE jobs SET state = 'running', locked_by = $2, attempts = attempts + 1
        WHERE id = (SELECT id FROM jobs
            WHERE kind = $1 AND (state = 'queued' OR (state = 'running' AND locked_by = $2))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, report_id, attempts";
    let row = database.client().await?.query_opt(update, &[&J::KIND, &J::SERVICE]).await?;
    Ok(row.map(|row| Taken { id: row.get(0), report: row.get(1), attempts: row.get(2) }))
}

async fn finish<J: Job>(job: &J, database: &Database, taken: &Taken) -> Result<(), Failure> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    job.work(&transaction, taken.report).await?;
    let update = "UPDATE jobs SET state = 'done', error = NULL, done_at = now() WHERE id = $1";
    transaction.execute(update, &[&taken.id]).await?;
    transaction.commit().await?;
    Ok(())
}

/// For another attempt, if there is one left.
async fn put_back<J: Job>(database: &Database, taken: &Taken, failure: &Failure) -> Result<(), Failure> {
    let state = if taken.attempts < ATTEMPTS { "queued" } else { "failed" };
    let mut meta = taken.about::<J>();
    meta["error"] = json!(failure.to_string());
    meta["state"] = json!(state);
    log::error(&format!("attempt {} of {ATTEMPTS} failed", taken.attempts), meta);
    let update = "UPDATE jobs SET state = $2, locked_by = NULL, error = $3 WHERE id = $1";
    database.client().await?.execute(update, &[&taken.id, &state, &failure.to_string()]).await?;
    Ok(())
}

/// Puts a job into the queue.
pub async fn push(transaction: &Transaction<'_>, kind: &str, report: i64) -> Result<(), Failure> {
    let insert = "INSERT INTO jobs (report_id, kind) VALUES ($1, $2)";
    transaction.execute(insert, &[&report, &kind]).await?;
    Ok(())
}

impl Taken {
    fn about<J: Job>(&self) -> Value {
        json!({ "job": self.id, "kind": J::KIND, "report": self.report })
    }
}
