//! mail-worker: mails the document to the person who requested the report.

use tokio_postgres::Transaction;

use super::queue::Job;
use crate::failure::Failure;

pub const KIND: &str = "mail";

pub struct Mail;

impl Job for Mail {
    const SERVICE: &str = "mail-worker";
    const KIND: &str = KIND;

    async fn work(&self, transaction: &Transaction<'_>, report: i64) -> Result<(), Failure> {
        let insert = "INSERT INTO mails (report_id, recipient, status)
            SELECT r.id, r.requested_by, 'sent' FROM reports r JOIN documents d ON d.report_id = r.id
            WHERE r.id = $1";
        if transaction.execute(insert, &[&report]).await? == 0 {
            return Err(Failure::error(&format!("report {report} has no document")));
        }
        Ok(())
    }
}
