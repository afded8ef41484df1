//! Docker Compose commands.

use crate::printed_command::process::Process;
use crate::printed_command::recorded_target::Target;

/// Returns `docker compose` with the recorded project and compose files.
pub fn compose(target: &Target) -> Process {
    let compose = &target.compose;
    // Shell variables override those in the project's .env file.
    let unset = compose.unset.iter().flat_map(|name| ["-u", name]);
    let mut process = match compose.unset.is_empty() {
        true => Process::new(&target.docker),
        false => Process::new("env").args(unset).arg(&target.docker),
    };
    process = process.arg("compose");
    if let Some(project) = &compose.project {
        process = process.arg("-p").operands([project]);
    }
    // Without these, the containers would be created with other values.
    for file in &compose.environment_files {
        process = process.arg("--env-file").operands([file]);
    }
    for profile in &compose.profiles {
        process = process.arg("--profile").operands([profile]);
    }
    compose.files.iter().fold(process, |process, file| process.arg("-f").operands([file]))
}

/// Recreates services from the compose files, without their dependencies.
pub fn recreate<'a>(target: &Target, services: impl IntoIterator<Item = &'a str>) -> Process {
    compose(target).args(["up", "-d", "--no-deps"]).operands(services)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printed_command::shell;

    #[test]
    fn uses_the_recorded_project_and_files() {
        let mut target = Target::generic();
        assert_eq!(shell::process(&compose(&target)), "docker compose -f docker-compose.yml");
        target.compose.unset = vec!["KAFKA_BROKERS".into(), "API_URL".into()];
        target.compose.project = Some("my shop".into());
        target.compose.files.push("b c.yml".into());
        target.compose.environment_files.push("prod.env".into());
        assert_eq!(
            shell::process(&recreate(&target, ["api"])),
            "env -u KAFKA_BROKERS -u API_URL docker compose -p 'my shop' --env-file prod.env \
             -f docker-compose.yml -f 'b c.yml' \
             up -d --no-deps api"
        );
    }
}
