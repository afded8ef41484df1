//! Commands that run pipeline-doctor again, with this run's flags.

use crate::printed_command::process::Process;
use crate::printed_command::recorded_target::Target;

const PROGRAM: &str = "pipeline-doctor";

/// Repeats this run.
pub fn rerun(target: &Target) -> Process {
    Process::new(PROGRAM).operands(&target.id).args(target.flags.iter().cloned())
}

/// Diagnoses one event.
pub fn diagnose_event(id: &str) -> Process {
    Process::new(PROGRAM).operands([id])
}

/// Prints the remedy for a cause; `flag` is `--yaml`, `--offsets`, `--sql` or `--records`.
pub fn explain_cause(target: &Target, cause: &str, flag: &str) -> Process {
    let process = Process::new(PROGRAM).arg("explain").operands([cause]).operands(&target.id);
    process.args(target.flags.iter().cloned()).arg(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::shell;

    #[test]
    fn repeats_the_flags_of_the_run() {
        let mut target = Target::generic();
        assert_eq!(shell::process(&rerun(&target)), "pipeline-doctor ID");
        target.id = Some("a b".into());
        target.flags = shell::parse_words("-f x.yml --postgres \"$POSTGRES_URL\"");
        let flags = "-f x.yml --postgres \"$POSTGRES_URL\"";
        assert_eq!(shell::process(&rerun(&target)), format!("pipeline-doctor 'a b' {flags}"));
        let expected = format!("pipeline-doctor explain c 'a b' {flags} --yaml > w.yml");
        assert_eq!(shell::line(&explain_cause(&target, "c", "--yaml").command().write("w.yml")), expected);
    }
}
