//! identity-worker and credit-worker: each performs its own check on a signup, then emits an
//! event.

use serde_json::json;

use super::notice::{CREDIT_CHECKED, IDENTITY_CHECKED, Notice, SIGNUP_REQUESTED};
use crate::failure::Failure;
use crate::worker::{Clients, Worker};

pub struct IdentityWorker;

impl Worker for IdentityWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "identity-worker";
    const GROUP: &str = "identity-checkers";
    const TOPICS: &[&str] = &[SIGNUP_REQUESTED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, clients: &Clients, signup: &Notice) -> Result<(), Failure> {
        let insert = "INSERT INTO identity_checks (signup_id, result) VALUES ($1, 'passed')
            ON CONFLICT DO NOTHING";
        check::<Self>(clients, signup, insert, IDENTITY_CHECKED).await
    }
}

pub struct CreditWorker;

impl Worker for CreditWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "credit-worker";
    const GROUP: &str = "credit-checkers";
    const TOPICS: &[&str] = &[SIGNUP_REQUESTED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, clients: &Clients, signup: &Notice) -> Result<(), Failure> {
        let insert = "INSERT INTO credit_checks (signup_id, score)
            VALUES ($1, 300 + floor(random() * 550)::int) ON CONFLICT DO NOTHING";
        check::<Self>(clients, signup, insert, CREDIT_CHECKED).await
    }
}

/// Writes the check, sends its event, and only then marks the signup's event as handled.
async fn check<W: Worker<Event = Notice>>(
    clients: &Clients,
    signup: &Notice,
    insert: &str,
    checked: &str,
) -> Result<(), Failure> {
    if signup.is_handled(&*clients.database.client().await?, W::SERVICE).await? {
        W::log("handled before, skipped", signup, &json!({}));
        return Ok(());
    }
    clients.database.client().await?.execute(insert, &[&signup.signup]).await?;
    W::log("check written", signup, &json!({}));
    let next = Notice::new(checked, &signup.signup, W::SERVICE, json!({}));
    let (partition, offset) = next.send(&clients.producer).await?;
    W::log("sent", &next, &json!({ "partition": partition, "offset": offset }));
    signup.mark(&*clients.database.client().await?, W::SERVICE).await?;
    W::log("handled", signup, &json!({}));
    Ok(())
}
