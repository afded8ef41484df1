//! The shop pipeline: orders and their shipments, in two databases connected by an outbox.
//! Logs JSON lines.

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
    /// shop: accepts orders and writes them, each with an outbox row
    OrderApi,
    /// shop: sends the outbox rows to `orders.placed`
    OutboxRelay,
    /// shop: handles `orders.placed`: writes the shipment
    ShippingWorker,
    /// shop: handles `shipments.created`: notifies the customer
    NotificationWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::set_style(log::Style::JsonLines);
    match service {
        Service::OrderApi => order_api::serve().await,
        Service::OutboxRelay => outbox_relay::run().await,
        Service::ShippingWorker => worker::run(shipping::ShippingWorker::from_environment()).await,
        Service::NotificationWorker => worker::run(notification::NotificationWorker).await,
    }
}
