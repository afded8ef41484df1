//! shipping-worker: `orders.placed` becomes a shipment.

use serde_json::json;

use super::message::{DEAD_LETTERS, Message};
use crate::failure::Failure;
use crate::setting;
use crate::worker::{Tools, Work};

const SHIPMENTS: &str = "shipments.created";

pub struct ShippingWorker {
    /// True: no carrier takes the order, and it is marked as handled all the same.
    carrier_refuses: bool,
}

impl ShippingWorker {
    pub fn from_environment() -> Self {
        Self { carrier_refuses: setting::switch("CARRIER_REFUSES", false) }
    }
}

impl Work for ShippingWorker {
    const NAME: &str = "ShippingWorker";
    const SERVICE: &str = "shipping-worker";
    const GROUP: &str = "shipping";
    const TOPICS: &[&str] = &["orders.placed"];
    const DEAD_LETTERS: Option<&str> = Some(DEAD_LETTERS);
    type Event = Message;

    async fn handle(&self, tools: &Tools, order: &Message) -> Result<(), Failure> {
        if order.is_handled(tools, Self::SERVICE).await? {
            Self::log("Handled before, skipped", order, &json!({}));
            return Ok(());
        }
        if !self.carrier_refuses {
            let carrier = ship(tools, order).await?;
            Self::log("Shipment created", order, &json!({ "carrier": carrier }));
            let next = shipment(order, &carrier);
            let (partition, offset) = next.send(&tools.producer, SHIPMENTS).await?;
            Self::log("Sent", &next, &json!({ "record": format!("{SHIPMENTS}-{partition}@{offset}") }));
        }
        order.mark(tools, Self::SERVICE).await?;
        Self::log("Handled", order, &json!({}));
        Ok(())
    }
}

/// Writes the shipment, unless it is there. Returns its carrier.
async fn ship(tools: &Tools, order: &Message) -> Result<String, Failure> {
    let insert = "INSERT INTO logistics.shipments (order_no, carrier, state) VALUES ($1, $2, 'created')
        ON CONFLICT (order_no) DO UPDATE SET state = shipments.state RETURNING carrier";
    let carrier = if order.order_no.ends_with(['0', '2', '4', '6', '8']) { "DHL" } else { "GLS" };
    let row = tools.database.client().await?.query_one(insert, &[&order.order_no, &carrier]).await?;
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
