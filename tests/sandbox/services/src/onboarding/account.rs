//! account-worker: where the two branches join. Whichever check comes second
//! opens the account.

use serde_json::json;
use tokio_postgres::Transaction;

use super::notice::{CREDIT_CHECKED, IDENTITY_CHECKED, Notice};
use crate::failure::Failure;
use crate::worker::{Tools, Work};

pub struct AccountWorker;

impl Work for AccountWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "account-worker";
    const GROUP: &str = "account-openers";
    const TOPICS: &[&str] = &[IDENTITY_CHECKED, CREDIT_CHECKED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, tools: &Tools, checked: &Notice) -> Result<(), Failure> {
        let mut client = tools.database.client().await?;
        let transaction = client.transaction().await?;
        // So that of two workers one sees what the other has marked.
        let lock = "SELECT FROM signups WHERE id = $1 FOR UPDATE";
        transaction.execute(lock, &[&checked.signup]).await?;
        checked.mark(&transaction, Self::SERVICE).await?;
        let opened = open(&transaction, checked).await?;
        transaction.commit().await?;
        Self::log("handled", checked, &json!({}));
        let told = if opened { "account opened" } else { "nothing to open yet, or opened before" };
        Self::log(told, checked, &json!({}));
        Ok(())
    }
}

/// Opens the account if both checks were handled and none is open. Returns whether
/// it did.
async fn open(transaction: &Transaction<'_>, checked: &Notice) -> Result<bool, Failure> {
    let insert = "INSERT INTO accounts (signup_id, status)
        SELECT $1, 'open' FROM handled_events WHERE signup_id = $1 AND handler = $2
        HAVING count(DISTINCT event_type) = 2
        ON CONFLICT DO NOTHING";
    Ok(transaction.execute(insert, &[&checked.signup, &AccountWorker::SERVICE]).await? > 0)
}
