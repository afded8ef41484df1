//! Gathers evidence from the systems or from a recording.

use crate::base::error::Error;
use crate::base::interruption::Interruption;
use crate::collect::{self, interrupt};
use crate::config::Config;
use crate::evidence::Evidence;
use crate::run::recording::read_recording;
use tokio::runtime::{Builder, Runtime};

/// Returns the evidence, without the systems excluded by `--without`.
pub(super) fn gather_evidence(config: &Config) -> Result<Evidence, Error> {
    let mut evidence = collect_or_replay(config)?;
    config.without.iter().for_each(|system| evidence.leave_out(*system));
    Ok(evidence)
}

fn collect_or_replay(config: &Config) -> Result<Evidence, Error> {
    if let Some(file) = &config.replay {
        return read_recording(config, file);
    }
    interrupt::listen();
    let runtime = runtime()?;
    let evidence = collect::gather_evidence(config, runtime.handle());
    collect::end_children();
    // Tasks that still hang are abandoned, so that they do not delay the report.
    runtime.shutdown_background();
    Ok(evidence)
}

/// Runs an asynchronous operation to completion, or until a signal ends the run. The operation
/// enforces its own deadline, and ends soon after a signal with what it has.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    interrupt::listen();
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            result = work => Ok(result),
            interruption = given_up() => {
                let signal = interruption.signal.name();
                Err(Error::Internal(format!("interrupted by {signal} before any system had answered")))
            }
        }
    });
    collect::end_children();
    runtime.shutdown_background();
    result
}

/// Returns the signal that has ended the run, after the time to hand over what was seen.
async fn given_up() -> Interruption {
    loop {
        tokio::time::sleep(interrupt::POLL_INTERVAL).await;
        if let Some(interruption) = interrupt::interruption() {
            tokio::time::sleep(interrupt::HANDOVER).await;
            return interruption;
        }
    }
}

fn runtime() -> Result<Runtime, Error> {
    collect::own_limit::check_threads().map_err(Error::usage)?;
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("the async runtime could not be started: {error}")))
}
