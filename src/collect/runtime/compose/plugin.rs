//! Finds the program behind `docker compose`. `docker` starts it twice, first to ask for its name, which takes more
//! processor time than the answer.

use crate::collect::runtime::docker::address::cli_directory;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Where the docker CLI looks for plugins after the user's own directory, in its order.
const SYSTEM_DIRECTORIES: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// Returns the plugin that `docker compose` would start, or `None` if only `docker` itself can tell.
pub(crate) fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let docker =
        std::env::split_paths(&path).map(|directory| directory.join("docker")).find(|p| p.is_file())?;
    // A script of this name may do anything.
    if !is_binary(&docker) {
        return None;
    }
    let own = cli_directory()?;
    if has_other_directories(&own) {
        return None;
    }
    let directories = [own.join("cli-plugins")].into_iter().chain(SYSTEM_DIRECTORIES.map(PathBuf::from));
    directories.map(|directory| directory.join("docker-compose")).find(|program| program.is_file())
}

/// Reports whether the configuration names further directories with plugins, or cannot be read.
fn has_other_directories(own: &Path) -> bool {
    match std::fs::read_to_string(own.join("config.json")) {
        Ok(text) => text.contains("cliPluginsExtraDirs"),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Reports whether the file is a Linux program.
fn is_binary(file: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}
