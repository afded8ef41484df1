//! Gathers evidence from the systems or from a recording.

use crate::base::error::Error;
use crate::collect;
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
    let runtime = runtime()?;
    let evidence = collect::gather_evidence(config, runtime.handle());
    // Tasks that still hang are abandoned, so that they do not delay the report.
    runtime.shutdown_background();
    Ok(evidence)
}

/// Runs an asynchronous operation to completion. The operation enforces its own deadline.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = runtime()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result)
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("the async runtime could not be started: {error}")))
}
