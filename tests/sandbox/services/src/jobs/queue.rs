//! A job queue in a table: workers claim a job, do it, and mark it as done.

use serde_json::{Value, json};
use tokio_postgres::Transaction;

use crate::database::Database;
use crate::failure::Failure;
use crate::{log, poll};

/// The number of attempts after which a job counts as failed.
const ATTEMPTS: i32 = 5;

/// A kind of job.
pub trait Job {
    /// The name of the job's worker in Compose and in `jobs.locked_by`.
    const SERVICE: &str;
    /// The name in `jobs.kind`.
    const KIND: &str;

    /// Does the work for a report. The transaction is rolled back on failure.
    async fn work(&self, transaction: &Transaction<'_>, report: i64) -> Result<(), Failure>;
}

struct ClaimedJob {
    id: i64,
    report: i64,
    attempts: i32,
}

/// Claims and performs jobs until the process is asked to stop.
pub async fn run<J: Job>(job: &J) -> Result<(), Failure> {
    let database = Database::from_environment(J::SERVICE)?;
    poll::run(J::SERVICE, async || {
        let Some(claimed) = claim::<J>(&database).await? else { return Ok(false) };
        log::info("job taken", claimed.log_fields::<J>());
        if let Err(failure) = complete(job, &database, &claimed).await {
            requeue::<J>(&database, &claimed, &failure).await?;
            return Ok(false);
        }
        log::info("job done", claimed.log_fields::<J>());
        Ok(true)
    })
    .await
}

/// Claims the oldest job of this kind. This includes a job that the worker left running when
/// it stopped, as there is only one worker per kind.
async fn claim<J: Job>(database: &Database) -> Result<Option<ClaimedJob>, Failure> {
    let update = "UPDATE jobs SET state = 'running', locked_by = $2, attempts = attempts + 1
        WHERE id = (SELECT id FROM jobs
            WHERE kind = $1 AND (state = 'queued' OR (state = 'running' AND locked_by = $2))
            ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, report_id, attempts";
    let row = database.client().await?.query_opt(update, &[&J::KIND, &J::SERVICE]).await?;
    Ok(row.map(|row| ClaimedJob { id: row.get(0), report: row.get(1), attempts: row.get(2) }))
}

async fn complete<J: Job>(job: &J, database: &Database, claimed: &ClaimedJob) -> Result<(), Failure> {
    let mut client = database.client().await?;
    let transaction = client.transaction().await?;
    job.work(&transaction, claimed.report).await?;
    let update = "UPDATE jobs SET state = 'done', error = NULL, done_at = now() WHERE id = $1";
    transaction.execute(update, &[&claimed.id]).await?;
    transaction.commit().await?;
    Ok(())
}

/// Requeues a job after a failed attempt, or marks it as failed after the last one.
async fn requeue<J: Job>(
    database: &Database,
    claimed: &ClaimedJob,
    failure: &Failure,
) -> Result<(), Failure> {
    let state = if claimed.attempts < ATTEMPTS { "queued" } else { "failed" };
    let mut meta = claimed.log_fields::<J>();
    meta["error"] = json!(failure.to_string());
    meta["state"] = json!(state);
    log::error(&format!("attempt {} of {ATTEMPTS} failed", claimed.attempts), meta);
    let update = "UPDATE jobs SET state = $2, locked_by = NULL, error = $3 WHERE id = $1";
    database.client().await?.execute(update, &[&claimed.id, &state, &failure.to_string()]).await?;
    Ok(())
}

/// Adds a job to the queue.
pub async fn push(transaction: &Transaction<'_>, kind: &str, report: i64) -> Result<(), Failure> {
    let insert = "INSERT INTO jobs (report_id, kind) VALUES ($1, $2)";
    transaction.execute(insert, &[&report, &kind]).await?;
    Ok(())
}

impl ClaimedJob {
    fn log_fields<J: Job>(&self) -> Value {
        json!({ "job": self.id, "kind": J::KIND, "report": self.report })
    }
}
