//! The services of the sandbox's pipelines, small but real: they use Kafka, PostgreSQL and
//! each other. The services of the purchase pipeline are in this directory and log like
//! the reference deployment; other pipelines have their own directories.

mod admin;
mod allocation_worker;
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
mod session_worker;
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
    /// Handles `PURCHASE_CONFIRMED`: writes the purchase
    PurchaseWorker,
    /// Handles `PURCHASE_CREATED`: asks admin-service for a trainer
    AllocationWorker,
    /// Handles `TRAINER_ALLOCATED`: schedules the sessions
    SessionWorker,
    /// Handles `PURCHASE_CREATED` and `TRAINER_ALLOCATED`: invalidates caches
    CacheWorker,
    /// Creates the topics and exits
    KafkaInit(kafka_init::Arguments),
    /// Makes one purchase through payment-service and waits for its sessions
    Buy(buy::Arguments),
    /// Makes purchases at a steady rate for some time
    Load(buy::Load),
    /// Fills a topic with records of unrelated events
    Flood(flood::Arguments),
    /// Exits with 0 if the service on this port of this container is healthy
    Health { port: u16 },
    /// Sends a POST request to this port of this container and prints the answer
    Post { port: u16, path: String },
    #[command(flatten)]
    Shop(shop::Service),
    #[command(flatten)]
    Jobs(jobs::Service),
    #[command(flatten)]
    Onboarding(onboarding::Service),
}

/// How long a service may take to finish its current work at shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

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
        Command::AllocationWorker => {
            worker::run(allocation_worker::AllocationWorker::from_environment()?).await
        }
        Command::SessionWorker => worker::run(session_worker::SessionWorker).await,
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

/// Runs a service until it ends or a signal arrives. Dropping the service makes its
/// consumer leave the group. PID 1 in a container has no default action for SIGTERM.
async fn until_terminated(service: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let stop = |kind| signal(kind).map_err(|error| Failure::error(&error));
    let (mut terminate, mut interrupt) = (stop(SignalKind::terminate())?, stop(SignalKind::interrupt())?);
    let mut service = std::pin::pin!(service);
    tokio::select! {
        result = &mut service => return result,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Without a broker, leaving the group could take as long as Kafka's timeouts.
    std::thread::spawn(|| {
        std::thread::sleep(Duration::from_millis(1500));
        std::process::exit(143);
    });
    worker::stop();
    let ended = tokio::time::timeout(SHUTDOWN_TIMEOUT, service).await;
    ended.unwrap_or(Ok(()))
}
