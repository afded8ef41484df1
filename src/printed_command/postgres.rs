//! `psql` commands.

use crate::base::name::MAIN_DATABASE;
use crate::printed_command::docker::{ExecOptions, exec};
use crate::printed_command::process::{Command, Process, Word};
use crate::printed_command::recorded_target::Target;

/// Connects `psql` to a database: inside the database's container if the address points to it, or
/// else with the address in an environment variable.
pub fn psql(target: &Target, database: &str) -> Process {
    let database = target.database(database);
    match &database.login {
        Some(login) => {
            let process =
                Process::new("psql").arg("-U").operands([&login.user]).arg("-d").operands([&login.database]);
            exec(target, &login.container, ExecOptions { stdin: true, user: None }, process)
        }
        None => Process::new("psql").arg(Word::Variable(database.variable)),
    }
}

/// Connects `psql` as the superuser. If the server has a container, runs `psql` there as the
/// operating system user `postgres`.
pub fn as_superuser(target: &Target) -> Process {
    match &target.database(MAIN_DATABASE).container {
        Some(container) => exec(
            target,
            container,
            ExecOptions { user: Some("postgres"), stdin: false },
            Process::new("psql"),
        ),
        None => psql(target, MAIN_DATABASE),
    }
}

/// Runs the statements in a file and stops at the first error.
pub fn run_file(target: &Target, database: &str, file: &str) -> Command {
    psql(target, database).args(["-v", "ON_ERROR_STOP=1"]).command().read(file)
}

/// Prints the rows of a query, without headers.
pub fn query_rows(target: &Target, database: &str, query: &str) -> Process {
    psql(target, database).args(["-qAtc", query])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::recorded_target::{Database, Login};
    use crate::printed_command::shell;

    #[test]
    fn connects_through_the_container_or_the_variable() {
        let mut target = Target::generic();
        assert_eq!(
            shell::line(&run_file(&target, MAIN_DATABASE, "a.sql")),
            "psql \"$POSTGRES_URL\" -v ON_ERROR_STOP=1 < a.sql"
        );
        assert_eq!(shell::process(&psql(&target, "my-mail")), "psql \"$POSTGRES_URL_MY_MAIL\"");
        assert_eq!(shell::process(&as_superuser(&target)), "docker exec -u postgres CONTAINER psql");
        let login = Login { container: "db".into(), user: String::new(), database: "a b".into() };
        let database = Database { login: Some(login), container: None, variable: "POSTGRES_URL".into() };
        target.databases.insert(MAIN_DATABASE.to_string(), database);
        let expected = "docker exec -i db psql -U '' -d 'a b'";
        assert_eq!(shell::process(&psql(&target, MAIN_DATABASE)), expected);
        assert_eq!(shell::process(&as_superuser(&target)), expected);
        let rows = shell::process(&query_rows(&target, MAIN_DATABASE, "select 'x'"));
        assert_eq!(rows, format!(r"{expected} -qAtc 'select '\''x'\'''"));
    }
}
