//! The services of the purchase pipeline, small but real: they talk to Kafka,
//! to PostgreSQL and to each other, and log as the reference deployment does.

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
mod kafka;
mod kafka_init;
mod log;
mod payment;
mod purchase;
mod session;
mod setting;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use failure::Failure;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

/// The services of the purchase pipeline.
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
    KafkaInit,
    /// Sends one purchase through payment-service and waits for its sessions
    Buy(buy::Arguments),
    /// Sends purchases at a steady rate, for so long
    Load(buy::Load),
    /// Fills a topic with records of events that nobody asks about
    Flood(flood::Arguments),
    /// Exits 0 if the service on this port of this container is healthy
    Health { port: u16 },
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
        Command::KafkaInit => kafka_init::run().await,
        Command::Buy(arguments) => buy::run(&arguments).await,
        Command::Load(arguments) => buy::load(&arguments).await,
        Command::Flood(arguments) => flood::run(&arguments).await,
        Command::Health { port } => http::check_health(port).await,
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
