//! identity-worker and credit-worker: each makes its own check of a signup, and
//! tells that it is made.

use serde_json::json;

use super::notice::{CREDIT_CHECKED, IDENTITY_CHECKED, Notice, SIGNUP_REQUESTED};
use crate::failure::Failure;
use crate::worker::{Tools, Work};

pub struct IdentityWorker;

impl Work for IdentityWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "identity-worker";
    const GROUP: &str = "identity-checkers";
    const TOPICS: &[&str] = &[SIGNUP_REQUESTED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, tools: &Tools, signup: &Notice) -> Result<(), Failure> {
        let insert = "INSERT INTO identity_checks (signup_id, result) VALUES ($1, 'passed')
            ON CONFLICT DO NOTHING";
        check::<Self>(tools, signup, insert, IDENTITY_CHECKED).await
    }
}

pub struct CreditWorker;

impl Work for CreditWorker {
    const NAME: &str = Self::SERVICE;
    const SERVICE: &str = "credit-worker";
    const GROUP: &str = "credit-checkers";
    const TOPICS: &[&str] = &[SIGNUP_REQUESTED];
    const DEAD_LETTERS: Option<&str> = None;
    type Event = Notice;

    async fn handle(&self, tools: &Tools, signup: &Notice) -> Result<(), Failure> {
        let insert = "INSERT INTO credit_checks (signup_id, score)
            VALUES ($1, 300 + floor(random() * 550)::int) ON CONFLICT DO NOTHING";
        check::<Self>(tools, signup, insert, CREDIT_CHECKED).await
    }
}

/// Writes the check, sends the event of it, and only then marks the signup's.
async fn check<W: Work<Event = Notice>>(
    tools: &Tools,
    signup: &Notice,
    insert: &str,
    checked: &str,
) -> Result<(), Failure> {
    if signup.is_handled(&*tools.database.client().await?, W::SERVICE).await? {
        W::log("handled before, skipped", signup, &json!({}));
        return Ok(());
    }
    tools.database.client().await?.execute(insert, &[&signup.signup]).await?;
    W::log("check written", signup, &json!({}));
    let next = Notice::new(checked, &signup.signup, W::SERVICE, json!({}));
    let (partition, offset) = next.send(&tools.producer).await?;
    W::log("sent", &next, &json!({ "partition": partition, "offset": offset }));
    signup.mark(&*tools.database.client().await?, W::SERVICE).await?;
    W::log("handled", signup, &json!({}));
    Ok(())
}
