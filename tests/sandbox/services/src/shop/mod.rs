//! The shop: an order and its shipment. Two databases; what one tells the other
//! is written to an outbox first. Logs are lines of JSON.

mod message;
mod notification;
mod order_api;
mod outbox_relay;
mod shipping;

use clap::Subcommand;

use crate::failure::Failure;
use crate::{log, worker};

#[derive(Subcommand)]
pub enum Service {
    /// shop: takes orders and writes them, with a row in the outbox
    OrderApi,
    /// shop: sends what is in the outbox to `orders.placed`
    OutboxRelay,
    /// shop: `orders.placed`: writes the shipment
    ShippingWorker,
    /// shop: `shipments.created`: tells the customer
    NotificationWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::speak(log::Style::JsonLines);
    match service {
        Service::OrderApi => order_api::serve().await,
        Service::OutboxRelay => outbox_relay::run().await,
        Service::ShippingWorker => worker::run(shipping::ShippingWorker::from_environment()).await,
        Service::NotificationWorker => worker::run(notification::NotificationWorker).await,
    }
}
