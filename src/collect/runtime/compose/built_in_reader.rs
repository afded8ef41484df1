//! Reads each service's image, name, profiles and replicas from compose files, without the
//! docker compose plugin.

use crate::base::secret::{redact, redact_image};
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::layout::{Environment, appended, environment, layout};
use crate::collect::runtime::compose::{Files, ReadFiles, unreadable, yaml};
use crate::collect::runtime::docker::shown_path;
use crate::evidence::{Declaration, Name, NamedBy, Reason, ReasonKind};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Maximum depth of `extends`.
const MAX_EXTENDS_DEPTH: usize = 16;

#[derive(Deserialize)]
struct Document {
    name: Option<String>,
    services: Option<BTreeMap<Name, Option<Service>>>,
    include: Option<serde::de::IgnoredAny>,
}

/// The fields of a service that are read. All other fields are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    profiles: Option<Vec<String>>,
    deploy: Option<Deploy>,
    scale: Option<String>,
    extends: Option<Extends>,
    networks: Option<Value>,
    env_file: Option<Value>,
    build: Option<Value>,
    environment: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Deploy {
    replicas: Option<String>,
}

#[derive(Debug, Clone)]
struct Extends {
    service: Name,
    file: Option<String>,
}

/// Reads the files. Later files override earlier ones.
pub(crate) fn read(files: &Files, variables: &Variables) -> Result<ReadFiles, Reason> {
    read_with_environments(files, variables).map(|(read, _)| read)
}

/// Like [`read`], but also returns the variables of each service, unless one that is required is not set.
pub(crate) fn read_with_environments(
    files: &Files,
    variables: &Variables,
) -> Result<(ReadFiles, BTreeMap<Name, Environment>), Reason> {
    let mut name = None;
    let mut services: BTreeMap<Name, Service> = BTreeMap::new();
    for path in &files.paths {
        let document = document(path)?;
        name = document.name.clone().or(name);
        for (name, service) in services_of(document, path, variables)? {
            let base = services.remove(&name).unwrap_or_default();
            services.insert(name, service.merged_over(base));
        }
    }
    let enabled = active_profiles(variables);
    let interpolate =
        |text: &str| variables.interpolate(text).map_err(|message| failed(&files.paths[0], &message));
    let environments = services.iter().filter_map(|(name, service)| {
        Some((name.clone(), environment(service.environment.as_ref(), interpolate).ok()?))
    });
    let environments = environments.collect();
    let services: Result<BTreeMap<_, _>, Reason> = services
        .into_iter()
        .map(|(name, service)| Ok((name, service.into_declaration(&interpolate, &enabled)?)))
        .collect();
    let name = name.as_deref().map(interpolate).transpose()?;
    let named = files.project.clone().or_else(|| variables.get("COMPOSE_PROJECT_NAME"));
    let read = ReadFiles {
        project: named.or(name).or_else(|| default_project_name(&files.directory)),
        reader: "built-in reader".into(),
        services: services?,
    };
    Ok((read, environments))
}

/// Returns the profiles that `COMPOSE_PROFILES` enables.
pub(crate) fn active_profiles(variables: &Variables) -> BTreeSet<String> {
    let listed = variables.get("COMPOSE_PROFILES").unwrap_or_default();
    listed.split(',').map(|name| name.trim().to_string()).collect()
}

/// Reports whether a service with these profiles is started without being named.
pub(crate) fn is_active(profiles: &[String], enabled: &BTreeSet<String>) -> bool {
    profiles.is_empty() || enabled.contains("*") || profiles.iter().any(|profile| enabled.contains(profile))
}

/// Reads one file, with the variables in the `.env` beside it, and returns its services.
pub fn services(file: &Path) -> Result<BTreeMap<Name, Declaration>, Reason> {
    let directory = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let variables = Variables::new([], &directory);
    let files = Files {
        paths: vec![file.to_path_buf()],
        environment_files: Vec::new(),
        named_by: NamedBy::Asked,
        directory,
        project: None,
        ignored_variables: Vec::new(),
    };
    read(&files, &variables).map(|read| read.services)
}

fn failed(path: &Path, message: &str) -> Reason {
    Reason::new(ReasonKind::Failed, redact(&format!("{}: {message}", shown_path(path))))
}

fn document(path: &Path) -> Result<Document, Reason> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    if let Some(tag) = merge_tag(&text) {
        return Err(failed(path, &format!("`{tag}` requires the docker compose plugin; install it")));
    }
    yaml::parse(&text).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        let text = error.without_snippet().to_string();
        let message = text.lines().next().unwrap_or_default();
        let message = message.split(" at line ").next().unwrap_or_default();
        Reason::new(ReasonKind::Failed, redact(&format!("{}:{line}: {message}", shown_path(path))))
    })
}

/// Returns the first tag that changes how Compose merges files, which this reader does not support.
fn merge_tag(text: &str) -> Option<&'static str> {
    let lines = || text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let has = |tag: &str| {
        let is_tag = |word: &str| word == tag;
        lines().any(|line| line.split([' ', '\t', '[', '{', ',']).any(is_tag))
    };
    ["!reset", "!override"].into_iter().find(|tag| has(tag))
}

/// Returns the services of a file with `extends` resolved.
fn services_of(
    document: Document,
    path: &Path,
    variables: &Variables,
) -> Result<BTreeMap<Name, Service>, Reason> {
    if document.include.is_some() {
        return Err(failed(path, "`include` requires the docker compose plugin; install it"));
    }
    let services = document.services.unwrap_or_default();
    let resolve = |name: &Name| {
        Ok((name.clone(), resolve_extends(&services, name, path, variables, MAX_EXTENDS_DEPTH)?))
    };
    services.keys().map(resolve).collect()
}

fn resolve_extends(
    services: &BTreeMap<Name, Option<Service>>,
    name: &str,
    path: &Path,
    variables: &Variables,
    depth: usize,
) -> Result<Service, Reason> {
    let missing =
        || failed(path, &format!("service `{name}` does not exist, but another service extends it"));
    let mut service = services.get(name).ok_or_else(missing)?.clone().unwrap_or_default();
    let Some(extends) = service.extends.take() else {
        return Ok(service);
    };
    if depth == 0 {
        return Err(failed(path, &format!("service `{name}` extends itself")));
    }
    let interpolate = |text: &str| variables.interpolate(text).map_err(|message| failed(path, &message));
    let base_name = interpolate(&extends.service)?;
    let base = match extends.file {
        None => resolve_extends(services, &base_name, path, variables, depth - 1)?,
        Some(file) => {
            let file = path.parent().unwrap_or(Path::new("")).join(interpolate(&file)?);
            let services = document(&file)?.services.unwrap_or_default();
            resolve_extends(&services, &base_name, &file, variables, depth - 1)?
        }
    };
    Ok(service.merged_over(base))
}

impl Service {
    /// Merges this service over `base`; fields that are set here take precedence.
    fn merged_over(self, base: Service) -> Service {
        let mut profiles = base.profiles.unwrap_or_default();
        for profile in self.profiles.into_iter().flatten() {
            if !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        Service {
            image: self.image.or(base.image),
            container_name: self.container_name.or(base.container_name),
            profiles: Some(profiles),
            deploy: self.deploy.filter(|deploy| deploy.replicas.is_some()).or(base.deploy),
            scale: self.scale.or(base.scale),
            extends: None,
            networks: appended(base.networks, self.networks),
            env_file: appended(base.env_file, self.env_file),
            build: self.build.or(base.build),
            // Of a variable in both, the later value applies.
            environment: appended(base.environment, self.environment),
        }
    }

    fn into_declaration(
        self,
        interpolate: &impl Fn(&str) -> Result<String, Reason>,
        enabled: &BTreeSet<String>,
    ) -> Result<Declaration, Reason> {
        let interpolated = |text: Option<String>| text.as_deref().map(interpolate).transpose();
        let profiles: Result<Vec<String>, Reason> =
            self.profiles.iter().flatten().map(|profile| interpolate(profile)).collect();
        let profiles = profiles?;
        let replicas = interpolated(self.deploy.and_then(|deploy| deploy.replicas))?;
        let replicas = replicas.or(interpolated(self.scale)?);
        Ok(Declaration {
            image: interpolated(self.image)?.as_deref().map(redact_image),
            container_name: interpolated(self.container_name)?,
            active: is_active(&profiles, enabled),
            profiles,
            replicas: replicas.and_then(|count| count.trim().parse().ok()).unwrap_or(1),
            config_hash: None,
            other_variables: None,
            layout: layout(
                [self.networks.as_ref(), self.env_file.as_ref(), self.build.as_ref()],
                interpolate,
            )?,
        })
    }
}

/// Returns the project name that compose derives from the directory.
fn default_project_name(directory: &Path) -> Option<Name> {
    let directory = std::path::absolute(match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    });
    let name = directory.ok()?.file_name()?.to_string_lossy().to_lowercase();
    let is_allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let name: String = name.chars().filter(is_allowed).collect();
    Some(name.trim_start_matches(['_', '-']).to_string()).filter(|name| !name.is_empty())
}

/// Accepts `extends: base` and `extends: { service: base, file: other.yaml }`.
impl<'de> Deserialize<'de> for Extends {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExtendsVisitor)
    }
}

struct ExtendsVisitor;

impl<'de> serde::de::Visitor<'de> for ExtendsVisitor {
    type Value = Extends;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a service name or a mapping with `service`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Extends, E> {
        Ok(Extends { service: name.into(), file: None })
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Extends, A::Error> {
        let (mut service, mut file) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "service" => service = Some(map.next_value()?),
                "file" => file = Some(map.next_value()?),
                _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
            }
        }
        let service = service.ok_or_else(|| serde::de::Error::missing_field("service"))?;
        Ok(Extends { service, file })
    }
}
