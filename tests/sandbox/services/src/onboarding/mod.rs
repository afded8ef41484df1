//! The onboarding pipeline: signups with two parallel checks, and an account that is opened once
//! both are done. Logs in columns.

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
    /// onboarding: accepts signups and emits `signup-requested`
    SignupApi,
    /// onboarding: handles `signup-requested`: checks the person's identity
    IdentityWorker,
    /// onboarding: handles `signup-requested`: checks the person's credit
    CreditWorker,
    /// onboarding: handles both checks: opens the account
    AccountWorker,
}

pub async fn run(service: &Service) -> Result<(), Failure> {
    log::set_style(log::Style::Columns);
    match service {
        Service::SignupApi => signup_api::serve().await,
        Service::IdentityWorker => worker::run(check::IdentityWorker).await,
        Service::CreditWorker => worker::run(check::CreditWorker).await,
        Service::AccountWorker => worker::run(account::AccountWorker).await,
    }
}
