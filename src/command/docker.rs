//! Commands of the container engine.

use crate::command::model::Process;
use crate::command::target::Target;

/// Starts containers.
pub fn start<'a>(target: &Target, containers: impl IntoIterator<Item = &'a str>) -> Process {
    Process::new(&target.docker).arg("start").args(containers)
}

/// Stops a container.
pub fn stop(target: &Target, container: &str) -> Process {
    Process::new(&target.docker).arg("stop").arg(container)
}

/// Who a process in a container is, and whether it reads what it is given.
#[derive(Debug, Clone, Copy, Default)]
pub struct Exec<'a> {
    /// The user; else the container's own.
    pub user: Option<&'a str>,
    /// It reads standard input.
    pub stdin: bool,
}

/// A process in a container.
pub fn exec(target: &Target, container: &str, how: Exec, process: Process) -> Process {
    let mut exec = Process::new(&target.docker).arg("exec");
    if how.stdin {
        exec = exec.arg("-i");
    }
    if let Some(user) = how.user {
        exec = exec.arg("-u").arg(user);
    }
    exec.arg(container).args(process.words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::shell;

    #[test]
    fn containers_are_words() {
        let target = Target::in_general();
        assert_eq!(shell::process(&start(&target, ["a", "b c"])), "docker start a 'b c'");
        assert_eq!(shell::process(&stop(&target, "a")), "docker stop a");
        let inner = || Process::new("psql").arg("-c").arg("select 1");
        let exec = |how| shell::process(&exec(&target, "db", how, inner()));
        assert_eq!(exec(Exec::default()), "docker exec db psql -c 'select 1'");
        let how = Exec { user: Some("postgres"), stdin: true };
        assert_eq!(exec(how), "docker exec -i -u postgres db psql -c 'select 1'");
    }
}
