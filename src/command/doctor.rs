//! Commands of this program itself, with the flags of the run.

use crate::command::model::Process;
use crate::command::target::Target;

const PROGRAM: &str = "pipeline-doctor";

/// The same run once more.
pub fn again(target: &Target) -> Process {
    Process::new(PROGRAM).args(&target.id).args(target.flags.iter().cloned())
}

/// A run that asks for an event.
pub fn ask(id: &str) -> Process {
    Process::new(PROGRAM).arg(id)
}

/// Prints the remedy of a cause: `--yaml`, `--offsets`, `--sql` or `--records`.
pub fn remedy(target: &Target, cause: &str, flag: &str) -> Process {
    let process = Process::new(PROGRAM).args(["explain", cause]).args(&target.id);
    process.args(target.flags.iter().cloned()).arg(flag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::shell;

    #[test]
    fn the_flags_of_the_run_are_repeated() {
        let mut target = Target::in_general();
        assert_eq!(shell::process(&again(&target)), "pipeline-doctor ID");
        target.id = Some("a b".into());
        target.flags = shell::read("-f x.yml --postgres \"$POSTGRES_URL\"");
        let flags = "-f x.yml --postgres \"$POSTGRES_URL\"";
        assert_eq!(shell::process(&again(&target)), format!("pipeline-doctor 'a b' {flags}"));
        let expected = format!("pipeline-doctor explain c 'a b' {flags} --yaml > w.yml");
        assert_eq!(shell::line(&remedy(&target, "c", "--yaml").command().write("w.yml")), expected);
    }
}
