//! Container engine commands.

use crate::printed_command::process::Process;
use crate::printed_command::recorded_target::Target;

/// Starts containers.
pub fn start<'a>(target: &Target, containers: impl IntoIterator<Item = &'a str>) -> Process {
    Process::new(&target.docker).arg("start").operands(containers)
}

/// Stops a container.
pub fn stop(target: &Target, container: &str) -> Process {
    Process::new(&target.docker).arg("stop").operands([container])
}

/// Options for running a process in a container.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExecOptions<'a> {
    /// The user to run as; the container's default user if absent.
    pub user: Option<&'a str>,
    /// Whether to forward standard input.
    pub stdin: bool,
}

/// Runs a process in a container.
pub fn exec(target: &Target, container: &str, options: ExecOptions, process: Process) -> Process {
    let mut exec = Process::new(&target.docker).arg("exec");
    if options.stdin {
        exec = exec.arg("-i");
    }
    if let Some(user) = options.user {
        exec = exec.arg("-u").arg(user);
    }
    exec.operands([container]).args(process.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::shell;

    #[test]
    fn quotes_container_names() {
        let target = Target::generic();
        assert_eq!(shell::process(&start(&target, ["a", "b c"])), "docker start a 'b c'");
        assert_eq!(shell::process(&stop(&target, "a")), "docker stop a");
        let inner = || Process::new("psql").arg("-c").arg("select 1");
        let exec = |options| shell::process(&exec(&target, "db", options, inner()));
        assert_eq!(exec(ExecOptions::default()), "docker exec db psql -c 'select 1'");
        let options = ExecOptions { user: Some("postgres"), stdin: true };
        assert_eq!(exec(options), "docker exec -i -u postgres db psql -c 'select 1'");
    }
}
