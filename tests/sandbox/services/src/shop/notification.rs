//! notification-worker: handles `shipments.created` and mails the customer.

use serde_json::json;

use super::message::{DEAD_LETTERS, Message};
use crate::failure::Failure;
use crate::worker::{Clients, Worker};

pub struct NotificationWorker;

impl Worker for NotificationWorker {
    const NAME: &str = "NotificationWorker";
    const SERVICE: &str = "notification-worker";
    const GROUP: &str = "notifications";
    const TOPICS: &[&str] = &["shipments.created"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Message;

    async fn handle(&self, clients: &Clients, shipment: &Message) -> Result<(), Failure> {
        if shipment.is_handled(clients, Self::SERVICE).await? {
            Self::log("Handled before, skipped", shipment, &json!({}));
            return Ok(());
        }
        let insert = "INSERT INTO logistics.notifications (order_no, channel, state)
            VALUES ($1, 'mail', 'sent') ON CONFLICT DO NOTHING";
        clients.database.client().await?.execute(insert, &[&shipment.order_no]).await?;
        Self::log("Customer notified", shipment, &json!({ "channel": "mail" }));
        shipment.mark(clients, Self::SERVICE).await?;
        Self::log("Handled", shipment, &json!({}));
        Ok(())
    }
}
