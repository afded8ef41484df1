//! Reports that are rendered and mailed by jobs of a table; no Kafka. Logs are
//! lines of `key=value`.

mod mail;
mod queue;
mod render;
mod report_api;

use clap::Subcommand;

use crate::failure::Failure;
use crate::log;

#[derive(Subcommand)]
pub enum Service {
    /// jobs: takes requests of reports and queues the rendering
    ReportApi,
    /// jobs: renders reports and queues the mail
    RenderWorker,
    /// jobs: mails reports
    MailWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::speak(log::Style::KeyValue);
    match service {
        Service::ReportApi => report_api::serve().await,
        Service::RenderWorker => queue::run(&render::Render::from_environment()?).await,
        Service::MailWorker => queue::run(&mail::Mail).await,
    }
}
