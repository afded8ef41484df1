//! The file that a worker container's health check looks for.

const READY: &str = "/tmp/ready";

/// Marks the worker as ready, because it has been assigned partitions or has polled for work.
pub fn set() {
    // If the file cannot be written, the container stays unhealthy.
    let _ = std::fs::write(READY, "");
}

/// Marks the worker as not ready. Also removes a file left over from before a restart.
pub fn clear() {
    let _ = std::fs::remove_file(READY);
}
