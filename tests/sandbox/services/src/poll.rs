//! Polling: the main loop of workers that look for work in a table.

use std::time::Duration;

use serde_json::json;

use crate::failure::Failure;
use crate::{log, readiness, worker};

const PAUSE: Duration = Duration::from_millis(200);
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Runs `work` repeatedly, without pausing as long as it finds something to do.
pub async fn run(name: &str, mut work: impl AsyncFnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    readiness::clear();
    log::info(&format!("[{name}] Started"), json!({}));
    loop {
        let pause = match work().await {
            Ok(found) => {
                readiness::set();
                if found { Duration::ZERO } else { PAUSE }
            }
            Err(failure) => {
                log::error(&format!("[{name}] {failure}"), failure.meta());
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = worker::stopping() => return Ok(()),
        }
    }
}
