//! Finds the address of the Docker Engine.

use crate::base::secret::redact_url;
use crate::evidence::{Reason, ReasonKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const DEFAULT_SOCKET: &str = "unix:///var/run/docker.sock";

/// Returns the engine's address in the form that bollard accepts. This is the address in
/// the configuration (`--docker`, DOCKER_HOST), the current Docker context's address, or the
/// default socket, in that order of preference.
pub(crate) fn address(configured: Option<&str>) -> Result<String, Reason> {
    if let Some(configured) = configured {
        return normalize(configured);
    }
    let Some(directory) = cli_directory() else {
        return Ok(DEFAULT_SOCKET.into());
    };
    let context = std::env::var("DOCKER_CONTEXT").ok().filter(|value| !value.is_empty());
    match context_host(&directory, context)? {
        Some(host) => normalize(&host),
        None => Ok(DEFAULT_SOCKET.into()),
    }
}

/// Returns the directory with the docker CLI's configuration.
pub(crate) fn cli_directory() -> Option<PathBuf> {
    let set = std::env::var_os("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
    set.or_else(|| std::env::home_dir().map(|home| home.join(".docker")))
}

/// Normalizes an address to a URL with a scheme that bollard supports.
fn normalize(address: &str) -> Result<String, Reason> {
    let unsupported = |problem: &str| {
        let message =
            format!("{} {problem}; use --docker unix:///path or tcp://host:port", redact_url(address));
        Err(Reason::new(ReasonKind::NotConfigured, message))
    };
    match address.split_once("://") {
        None if address.starts_with('/') => Ok(format!("unix://{address}")),
        None => normalize(&format!("tcp://{address}")),
        Some(("unix", path)) if path.starts_with('/') => Ok(address.into()),
        Some(("tcp" | "http" | "https", "")) => unsupported("does not name a host"),
        // The docker command's default port.
        Some(("tcp", host)) if !has_port(host) => Ok(format!("tcp://{host}:2375")),
        Some(("tcp" | "http" | "https", _)) => Ok(address.into()),
        Some(("ssh", _)) => unsupported(
            "uses ssh, which is not supported: \
             forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST)",
        ),
        Some(_) => unsupported("is not a Docker address"),
    }
}

fn has_port(host: &str) -> bool {
    host.trim_end_matches('/').rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
}

#[derive(Deserialize)]
struct CliConfig {
    #[serde(rename = "currentContext")]
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Endpoint,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    host: String,
}

/// Returns the address of the context that the docker command would use, or `None` for the
/// default context. Context directories are named after a hash, so all of them are read.
fn context_host(directory: &Path, chosen: Option<String>) -> Result<Option<String>, Reason> {
    let current = || read::<CliConfig>(&directory.join("config.json"))?.current_context;
    let name = match chosen.or_else(current) {
        Some(name) if !name.is_empty() && name != "default" => name,
        _ => return Ok(None),
    };
    let entries = std::fs::read_dir(directory.join("contexts/meta"));
    let found = entries.into_iter().flatten().flatten().find_map(|entry| {
        let context: Context = read(&entry.path().join("meta.json"))?;
        (context.name == name).then(|| (entry.file_name(), context.endpoints.docker.host))
    });
    let Some((hash, host)) = found else {
        let message = format!("docker context `{name}` cannot be read; use --docker ADDRESS");
        return Err(Reason::new(ReasonKind::Missing, message));
    };
    let certificates = directory.join("contexts/tls").join(hash).join("docker");
    if certificates.is_dir() {
        let message = format!(
            "docker context `{name}` uses TLS certificates, which are not read from contexts; \
             set DOCKER_HOST={} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH={}",
            redact_url(&host),
            certificates.display()
        );
        return Err(Reason::new(ReasonKind::NotConfigured, message));
    }
    Ok(Some(host))
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_same_addresses_as_docker_command() {
        for (given, used) in [
            ("/run/d.sock", "unix:///run/d.sock"),
            ("unix:///run/d.sock", "unix:///run/d.sock"),
            ("tcp://build.example", "tcp://build.example:2375"),
            ("tcp://build.example:1", "tcp://build.example:1"),
            ("build.example:1", "tcp://build.example:1"),
            ("http://build.example:1", "http://build.example:1"),
        ] {
            assert_eq!(normalize(given).unwrap(), used);
        }
        for wrong in ["ssh://me@build.example", "tcp://", "unix://", "fd://"] {
            let why = normalize(wrong).unwrap_err();
            assert!(why.message.contains("use --docker"), "{}", why.message);
        }
    }

    fn with_context(host: &str) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let meta = directory.path().join("contexts/meta/abc");
        std::fs::create_dir_all(&meta).unwrap();
        let context =
            format!(r#"{{"Name":"far","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
        std::fs::write(meta.join("meta.json"), context).unwrap();
        let config = r#"{"auths":{},"currentContext":"far"}"#;
        std::fs::write(directory.path().join("config.json"), config).unwrap();
        directory
    }

    #[test]
    fn chosen_context_overrides_current_one() {
        let directory = with_context("tcp://far:1");
        let host = |chosen: Option<&str>| context_host(directory.path(), chosen.map(String::from));
        assert_eq!(host(None).unwrap().as_deref(), Some("tcp://far:1"));
        assert_eq!(host(Some("default")).unwrap(), None);
        assert!(host(Some("gone")).unwrap_err().message.contains("`gone`"));
    }

    #[test]
    fn context_with_certificates_says_which_variables_to_set() {
        let directory = with_context("tcp://far:2376");
        std::fs::create_dir_all(directory.path().join("contexts/tls/abc/docker")).unwrap();
        let why = context_host(directory.path(), None).unwrap_err();
        assert!(why.message.contains("DOCKER_CERT_PATH="), "{}", why.message);
    }

    #[test]
    fn returns_no_context_without_configuration() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(context_host(directory.path(), None).unwrap(), None);
    }
}
