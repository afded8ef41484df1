//! The jobs pipeline: reports that are rendered and mailed by jobs in a table, without
//! Kafka. Logs in `key=value` format.

mod mail;
mod queue;
mod render;
mod report_api;

use clap::Subcommand;

use crate::failure::Failure;
use crate::log;

#[derive(Subcommand)]
pub enum Service {
    /// jobs: accepts report requests and queues render jobs
    ReportApi,
    /// jobs: renders reports and queues mail jobs
    RenderWorker,
    /// jobs: mails reports
    MailWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::set_style(log::Style::KeyValue);
    match service {
        Service::ReportApi => report_api::serve().await,
        Service::RenderWorker => queue::run(&render::Render::from_environment()?).await,
        Service::MailWorker => queue::run(&mail::Mail).await,
    }
}
