//! account-worker: joins the two branches. Opens the account when the second check arrives.

use serde_json::json;
use tokio_postgres::Transaction;

use super::notice::{CREDIT_CHECKED, IDENTITY_CHECKED, Notice};
use crate::failure::Failure;
use crate::worker::{Clients, Worker};

pub struct AccountWorker;

impl Worker for AccountWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "account-worker";
    const GROUP: &str = "account-openers";
    const TOPICS: &[&str] = &[IDENTITY_CHECKED, CREDIT_CHECKED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, clients: &Clients, checked: &Notice) -> Result<(), Failure> {
        let mut client = clients.database.client().await?;
        let transaction = client.transaction().await?;
        // Lock the signup, so that concurrent workers see each other's marks.
        let lock = "SELECT FROM signups WHERE id = $1 FOR UPDATE";
        transaction.execute(lock, &[&checked.signup]).await?;
        checked.mark(&transaction, Self::SERVICE).await?;
        let opened = open(&transaction, checked).await?;
        transaction.commit().await?;
        Self::log("handled", checked, &json!({}));
        let message = if opened { "account opened" } else { "nothing to open yet, or opened before" };
        Self::log(message, checked, &json!({}));
        Ok(())
    }
}

/// Opens the account if both checks have been handled and it is not open yet. Returns whether
/// it opened the account.
async fn open(transaction: &Transaction<'_>, checked: &Notice) -> Result<bool, Failure> {
    let insert = "INSERT INTO accounts (signup_id, status)
        SELECT $1, 'open' FROM handled_events WHERE signup_id = $1 AND handler = $2
        HAVING count(DISTINCT event_type) = 2
        ON CONFLICT DO NOTHING";
    Ok(transaction.execute(insert, &[&checked.signup, &AccountWorker::SERVICE]).await? > 0)
}
