//! Looks at the systems, or at a recording of them.

use crate::base::error::Error;
use crate::collect;
use crate::config::Config;
use crate::evidence::Evidence;
use crate::run::recording::recorded;

/// probes → evidence, or a recording of it; without what is to be left out.
pub(super) fn see(config: &Config) -> Result<Evidence, Error> {
    let mut evidence = looked_at(config)?;
    config.without.iter().for_each(|system| evidence.leave_out(*system));
    Ok(evidence)
}

fn looked_at(config: &Config) -> Result<Evidence, Error> {
    if let Some(file) = &config.replay {
        return recorded(config, file);
    }
    waited_for(collect::gather(config))
}

/// What a probe finds, within its deadline.
pub(super) fn waited_for<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::Internal(format!("no runtime: {error}")))?;
    let found = runtime.block_on(work);
    // Whatever still hangs is left behind: it must not keep the report.
    runtime.shutdown_background();
    Ok(found)
}
