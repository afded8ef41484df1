//! render-worker: renders a report as a document and queues a mail job.

use tokio_postgres::Transaction;

use super::mail;
use super::queue::{self, Job};
use crate::failure::Failure;
use crate::setting;

pub const KIND: &str = "render";

pub struct Render {
    pages: i32,
}

impl Render {
    pub fn from_environment() -> Result<Self, Failure> {
        let template = setting::required("RENDER_TEMPLATE")?;
        Ok(Self { pages: if template == "short" { 1 } else { 12 } })
    }
}

impl Job for Render {
    const SERVICE: &str = "render-worker";
    const KIND: &str = KIND;

    async fn work(&self, transaction: &Transaction<'_>, report: i64) -> Result<(), Failure> {
        let insert = "INSERT INTO documents (report_id, pages) VALUES ($1, $2)";
        transaction.execute(insert, &[&report, &self.pages]).await?;
        queue::push(transaction, mail::KIND, report).await
    }
}
