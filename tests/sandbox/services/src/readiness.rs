//! The file that the container's health check of a worker looks for.

const READY: &str = "/tmp/ready";

/// The worker works: it was given partitions, or has asked for work.
pub fn announce() {
    // A container that cannot write there stays unhealthy, and says so itself.
    let _ = std::fs::write(READY, "");
}

/// Not yet: what is there is left over from before a restart of the container.
pub fn withdraw() {
    let _ = std::fs::remove_file(READY);
}
