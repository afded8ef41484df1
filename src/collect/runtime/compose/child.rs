//! Runs `docker compose`, with bounds on its output, and ends everything that it has started.

use crate::collect::runtime::compose::{Files, plugin};
use crate::evidence::{NamedBy, Reason, ReasonKind};
use std::collections::BTreeSet;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// The most bytes of output that are read, separately for stdout and stderr.
const MAX_OUTPUT: u64 = 4 << 20;

/// What a finished child has printed.
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Runs `docker compose …`, or returns `None` if there is no such program. Dropping the future ends
/// the process and all that it has started.
pub(crate) async fn run(files: Option<&Files>, arguments: &[&str]) -> Option<Result<Output, Reason>> {
    let mut command = command(files);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().ok()?;
    let _group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take()?, child.stderr.take()?);
    let (stdout, stderr) = match tokio::join!(read(stdout), read(stderr)) {
        (Some(stdout), Some(stderr)) => (stdout, stderr),
        _ => return Some(Err(too_much())),
    };
    let status = child.wait().await.ok()?;
    Some(Ok(Output { status, stdout, stderr }))
}

fn too_much() -> Reason {
    let message = format!("docker compose printed more than {} MiB, which is not read", MAX_OUTPUT >> 20);
    Reason::new(ReasonKind::Limit, message)
}

/// Reads everything, or returns `None` if it is too much.
async fn read(stream: impl AsyncRead + Unpin) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut stream = stream.take(MAX_OUTPUT + 1);
    stream.read_to_end(&mut bytes).await.ok()?;
    (bytes.len() as u64 <= MAX_OUTPUT).then_some(bytes)
}

/// Builds `docker compose` with the files.
fn command(files: Option<&Files>) -> Command {
    let mut command = match plugin::program() {
        Some(program) => Command::new(program),
        None => {
            let mut docker = Command::new("docker");
            docker.arg("compose");
            docker
        }
    };
    command.env("GIT_TERMINAL_PROMPT", "0");
    if files.is_none_or(|files| files.named_by != NamedBy::Asked) {
        forbid_remote_files(&mut command);
    }
    let Some(files) = files else { return command };
    if let Some(project) = &files.project {
        command.args(["-p", project]);
    }
    if !files.directory.as_os_str().is_empty() {
        command.arg("--project-directory").arg(&files.directory);
    }
    for path in &files.environment_files {
        command.arg("--env-file").arg(path);
    }
    for path in &files.paths {
        command.arg("-f").arg(path);
    }
    // In this shell, these variables hold addresses for this machine, not for containers.
    for name in &files.ignored_variables {
        command.env_remove(name);
    }
    command
}

/// Keeps Compose from fetching files. The variables are set, because `.env` beside the file sets
/// those that are not.
fn forbid_remote_files(command: &mut Command) {
    let is_cleaned = |name: &str| name.starts_with("GIT_") || name.starts_with("COMPOSE_EXPERIMENTAL");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_cleaned)) {
        command.env_remove(name);
    }
    command.env("GIT_TERMINAL_PROMPT", "0");
    for kind in ["GIT", "OCI"] {
        command.env(format!("COMPOSE_EXPERIMENTAL_{kind}_REMOTE"), "false");
    }
}

/// The process groups that are running, by the number of their leader.
static RUNNING: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// A child's process group, which ends when this is dropped. Compose starts its plugin, and that
/// starts others, which outlive it.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Group {
        let leader = child.id();
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).extend(leader);
        Group(leader)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = self.0.filter(|leader| running.remove(leader)) {
            end(leader);
        }
    }
}

/// Ends all children and what they have started, because tasks that hold them are abandoned at the
/// deadline.
pub(crate) fn end_all() {
    let running = std::mem::take(&mut *RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
    running.into_iter().for_each(end);
}

#[cfg(unix)]
fn end(leader: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // It may have ended already.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_leader: u32) {}
