//! Commands of PostgreSQL's client.

use crate::base::name::MAIN_DATABASE;
use crate::command::docker::{Exec, exec};
use crate::command::model::{Command, Process, Word};
use crate::command::target::Target;

/// `psql` at a database: in its container, if the address led there,
/// else by the address in its variable.
pub fn psql(target: &Target, database: &str) -> Process {
    let database = target.database(database);
    match &database.login {
        Some(login) => {
            let process = Process::new("psql").args(["-U", &login.user, "-d", &login.database]);
            exec(target, &login.container, Exec { stdin: true, user: None }, process)
        }
        None => Process::new("psql").arg(Word::Variable(database.variable)),
    }
}

/// `psql` as the server's superuser: in its container, where that runs, as its operating
/// system's user of that name.
pub fn as_superuser(target: &Target) -> Process {
    match &target.database(MAIN_DATABASE).container {
        Some(container) => {
            exec(target, container, Exec { user: Some("postgres"), stdin: false }, Process::new("psql"))
        }
        None => psql(target, MAIN_DATABASE),
    }
}

/// Runs the statements of a file, up to the first that fails.
pub fn run(target: &Target, database: &str, file: &str) -> Command {
    psql(target, database).args(["-v", "ON_ERROR_STOP=1"]).command().read(file)
}

/// Prints the rows of a query, and nothing else.
pub fn rows(target: &Target, database: &str, query: &str) -> Process {
    psql(target, database).args(["-qAtc", query])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::shell;
    use crate::command::target::{Database, Login};

    #[test]
    fn a_login_is_by_container_or_by_variable() {
        let mut target = Target::in_general();
        assert_eq!(
            shell::line(&run(&target, MAIN_DATABASE, "a.sql")),
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
        let rows = shell::process(&rows(&target, MAIN_DATABASE, "select 'x'"));
        assert_eq!(rows, format!(r"{expected} -qAtc 'select '\''x'\'''"));
    }
}
