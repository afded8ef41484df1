//! The services of the sandbox's pipelines, small but real: they talk to Kafka, to
//! PostgreSQL and to each other. Those of the purchase pipeline, which log as the
//! reference deployment does, lie beside this file, others in their directories.

mod admin;
mod allocation;
mod buy;
mod cache;
mod clock;
mod database;
mod event;
mod failure;
mod flood;
mod http;
mod jobs;
mod kafka;
mod kafka_init;
mod log;
mod marks;
mod onboarding;
mod payment;
mod poll;
mod purchase;
mod readiness;
mod session;
mod setting;
mod shop;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use failure::Failure;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// The services of the sandbox's pipelines.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Takes payments and emits `PURCHASE_CONFIRMED`
    PaymentService,
    /// Assigns trainers
    AdminService,
    /// `PURCHASE_CONFIRMED`: writes the purchase
    PurchaseWorker,
    /// `PURCHASE_CREATED`: asks admin-service for a trainer
    AllocationWorker,
    /// `TRAINER_ALLOCATED`: schedules the sessions
    SessionWorker,
    /// Follows both, to drop stale caches
    CacheWorker,
    /// Creates the topics and exits
    KafkaInit(kafka_init::Arguments),
    /// Sends one purchase through payment-service and waits for its sessions
    Buy(buy::Arguments),
    /// Sends purchases at a steady rate, for so long
    Load(buy::Load),
    /// Fills a topic with records of events that nobody asks about
    Flood(flood::Arguments),
    /// Exits 0 if the service on this port of this container is healthy
    Health { port: u16 },
    /// Asks the service on this port of this container; prints what it answers
    Post { port: u16, path: String },
    #[command(flatten)]
    Shop(shop::Service),
    #[command(flatten)]
    Jobs(jobs::Service),
    #[command(flatten)]
    Onboarding(onboarding::Service),
}

/// What is under way gets so long to be finished.
const TO_FINISH: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            log::error(&format!("cannot start: {error}"), json!({}));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(until_terminated(run(command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error(&failure.to_string(), failure.meta());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::PaymentService => payment::serve().await,
        Command::AdminService => admin::serve().await,
        Command::PurchaseWorker => worker::run(purchase::PurchaseWorker::from_environment()).await,
        Command::AllocationWorker => worker::run(allocation::AllocationWorker::from_environment()?).await,
        Command::SessionWorker => worker::run(session::SessionWorker).await,
        Command::CacheWorker => worker::run(cache::CacheWorker::from_environment()).await,
        Command::KafkaInit(arguments) => kafka_init::run(&arguments).await,
        Command::Buy(arguments) => buy::run(&arguments).await,
        Command::Load(arguments) => buy::load(&arguments).await,
        Command::Flood(arguments) => flood::run(&arguments).await,
        Command::Health { port } => http::check_health(port).await,
        Command::Post { port, path } => http::post(port, &path).await,
        Command::Shop(service) => shop::run(&service).await,
        Command::Jobs(service) => jobs::run(&service).await,
        Command::Onboarding(service) => onboarding::run(&service).await,
    }
}

/// Runs a service until it ends or is told to. Dropping it is what makes a
/// consumer leave its group. Needed because PID 1 of a container has no default
/// action for SIGTERM.
async fn until_terminated(service: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let stop = |kind| signal(kind).map_err(|error| Failure::refused(&error));
    let (mut terminate, mut interrupt) = (stop(SignalKind::terminate())?, stop(SignalKind::interrupt())?);
    let mut service = std::pin::pin!(service);
    tokio::select! {
        result = &mut service => return result,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // With the broker away, leaving the group can take as long as its timeouts.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(1500));
        std::process::exit(143);
    });
    worker::stop();
    let ended = tokio::time::timeout(TO_FINISH, service).await;
    ended.unwrap_or(Ok(()))
}
