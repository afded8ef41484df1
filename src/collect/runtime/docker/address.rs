//! Where the Docker Engine is.

use crate::base::secret::shown_url;
use crate::evidence::{Why, WhyKind};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const USUAL: &str = "unix:///var/run/docker.sock";

/// The engine's address as bollard takes it: what was asked for (`--docker`,
/// DOCKER_HOST), else the current docker context, else the usual socket.
pub(crate) fn address(asked: Option<&str>) -> Result<String, Why> {
    if let Some(asked) = asked {
        return usable(asked);
    }
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = || std::env::home_dir().map(|home| home.join(".docker"));
    let Some(directory) = set("DOCKER_CONFIG").map(PathBuf::from).or_else(home) else {
        return Ok(USUAL.into());
    };
    match context(&directory, set("DOCKER_CONTEXT"))? {
        Some(host) => usable(&host),
        None => Ok(USUAL.into()),
    }
}

/// The address in the one form that is used from here on, with its scheme.
fn usable(address: &str) -> Result<String, Why> {
    let unusable = |what: &str| {
        let say = format!("{} {what}; give --docker unix:///path or tcp://host:port", shown_url(address));
        Err(Why::new(WhyKind::NotConfigured, say))
    };
    match address.split_once("://") {
        None if address.starts_with('/') => Ok(format!("unix://{address}")),
        None => usable(&format!("tcp://{address}")),
        Some(("unix", path)) if path.starts_with('/') => Ok(address.into()),
        Some(("tcp" | "http" | "https", "")) => unusable("names no host"),
        // The port that the docker command takes as well.
        Some(("tcp", host)) if !has_port(host) => Ok(format!("tcp://{host}:2375")),
        Some(("tcp" | "http" | "https", _)) => Ok(address.into()),
        Some(("ssh", _)) => unusable(
            "is reached through ssh, which is not supported: \
             forward its socket (ssh -L /tmp/docker.sock:/var/run/docker.sock HOST)",
        ),
        Some(_) => unusable("is not a Docker address"),
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

/// The address of the context that the docker command would use; `None`: its
/// default. Contexts lie under the hash of their name, so all of them are read.
fn context(directory: &Path, chosen: Option<String>) -> Result<Option<String>, Why> {
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
        let say = format!("docker context `{name}` cannot be read; give --docker ADDRESS");
        return Err(Why::new(WhyKind::Missing, say));
    };
    let certificates = directory.join("contexts/tls").join(hash).join("docker");
    if certificates.is_dir() {
        let say = format!(
            "docker context `{name}` uses certificates, which are not taken from contexts; \
             set DOCKER_HOST={} DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH={}",
            shown_url(&host),
            certificates.display()
        );
        return Err(Why::new(WhyKind::NotConfigured, say));
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
    fn addresses_are_taken_as_the_docker_command_takes_them() {
        for (given, used) in [
            ("/run/d.sock", "unix:///run/d.sock"),
            ("unix:///run/d.sock", "unix:///run/d.sock"),
            ("tcp://build.example", "tcp://build.example:2375"),
            ("tcp://build.example:1", "tcp://build.example:1"),
            ("build.example:1", "tcp://build.example:1"),
            ("http://build.example:1", "http://build.example:1"),
        ] {
            assert_eq!(usable(given).unwrap(), used);
        }
        for wrong in ["ssh://me@build.example", "tcp://", "unix://", "fd://"] {
            let why = usable(wrong).unwrap_err();
            assert!(why.say.contains("give --docker"), "{}", why.say);
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
    fn the_current_context_is_used_unless_another_is_chosen() {
        let directory = with_context("tcp://far:1");
        let host = |chosen: Option<&str>| context(directory.path(), chosen.map(String::from));
        assert_eq!(host(None).unwrap().as_deref(), Some("tcp://far:1"));
        assert_eq!(host(Some("default")).unwrap(), None);
        assert!(host(Some("gone")).unwrap_err().say.contains("`gone`"));
    }

    #[test]
    fn a_context_with_certificates_says_what_to_set() {
        let directory = with_context("tcp://far:2376");
        std::fs::create_dir_all(directory.path().join("contexts/tls/abc/docker")).unwrap();
        let why = context(directory.path(), None).unwrap_err();
        assert!(why.say.contains("DOCKER_CERT_PATH="), "{}", why.say);
    }

    #[test]
    fn without_any_configuration_there_is_no_context() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(context(directory.path(), None).unwrap(), None);
    }
}
