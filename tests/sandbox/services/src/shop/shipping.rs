//! shipping-worker: handles `orders.placed` and writes the shipment.

use serde_json::json;

use super::message::{DEAD_LETTERS, Message};
use crate::failure::Failure;
use crate::setting;
use crate::worker::{Clients, Worker};

const SHIPMENTS: &str = "shipments.created";

pub struct ShippingWorker {
    /// If true, no carrier accepts the order, but the worker still marks it as handled.
    carrier_refuses: bool,
}

impl ShippingWorker {
    pub fn from_environment() -> Self {
        Self { carrier_refuses: setting::switch("CARRIER_REFUSES", false) }
    }
}

impl Worker for ShippingWorker {
    const NAME: &str = "ShippingWorker";
    const SERVICE: &str = "shipping-worker";
    const GROUP: &str = "shipping";
    const TOPICS: &[&str] = &["orders.placed"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Message;

    async fn handle(&self, clients: &Clients, order: &Message) -> Result<(), Failure> {
        if order.is_handled(clients, Self::SERVICE).await? {
            Self::log("Handled before, skipped", order, &json!({}));
            return Ok(());
        }
        if !self.carrier_refuses {
            let carrier = ship(clients, order).await?;
            Self::log("Shipment created", order, &json!({ "carrier": carrier }));
            let next = shipment(order, &carrier);
            let (partition, offset) = next.send(&clients.producer, SHIPMENTS).await?;
            Self::log("Sent", &next, &json!({ "record": format!("{SHIPMENTS}-{partition}@{offset}") }));
        }
        order.mark(clients, Self::SERVICE).await?;
        Self::log("Handled", order, &json!({}));
        Ok(())
    }
}

/// Writes the shipment unless it exists. Returns its carrier.
async fn ship(clients: &Clients, order: &Message) -> Result<String, Failure> {
    let insert = "INSERT INTO logistics.shipments (order_no, carrier, state) VALUES ($1, $2, 'created')
        ON CONFLICT (order_no) DO UPDATE SET state = shipments.state RETURNING carrier";
    let carrier = if order.order_no.ends_with(['0', '2', '4', '6', '8']) { "DHL" } else { "GLS" };
    let row = clients.database.client().await?.query_one(insert, &[&order.order_no, &carrier]).await?;
    Ok(row.get(0))
}

fn shipment(order: &Message, carrier: &str) -> Message {
    Message {
        order_no: order.order_no.clone(),
        message_id: format!("shipment-{}", order.order_no),
        kind: "shipment-created".to_owned(),
        body: json!({ "orderNo": order.order_no, "customer": order.body["customer"], "carrier": carrier }),
    }
}
