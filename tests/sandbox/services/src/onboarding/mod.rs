//! Signups: two checks beside each other, and an account once both are there.
//! Logs are lines in columns.

mod account;
mod check;
mod notice;
mod signup_api;
mod ulid;

use clap::Subcommand;

use crate::failure::Failure;
use crate::{log, worker};

#[derive(Subcommand)]
pub enum Service {
    /// onboarding: takes signups and emits `signup-requested`
    SignupApi,
    /// onboarding: `signup-requested`: checks who it is
    IdentityWorker,
    /// onboarding: `signup-requested`: checks whether they can pay
    CreditWorker,
    /// onboarding: both checks: opens the account
    AccountWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::speak(log::Style::Columns);
    match service {
        Service::SignupApi => signup_api::serve().await,
        Service::IdentityWorker => worker::run(check::IdentityWorker).await,
        Service::CreditWorker => worker::run(check::CreditWorker).await,
        Service::AccountWorker => worker::run(account::AccountWorker).await,
    }
}
