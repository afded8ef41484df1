//! Reads what matters of compose files without the docker compose plugin:
//! services, their image, name, profiles and replicas.

use crate::base::secret::redact;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::{Files, Read, unreadable};
use crate::collect::runtime::docker::shown_path;
use crate::evidence::{Declaration, Name, Why, WhyKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// How far services may extend one another.
const DEPTH: usize = 16;

#[derive(Deserialize)]
struct Document {
    name: Option<String>,
    services: Option<BTreeMap<Name, Option<Service>>>,
    include: Option<serde::de::IgnoredAny>,
}

/// The fields that are read; everything else is passed over, unseen.
#[derive(Debug, Clone, Default, Deserialize)]
struct Service {
    image: Option<String>,
    container_name: Option<String>,
    profiles: Option<Vec<String>>,
    deploy: Option<Deploy>,
    scale: Option<String>,
    extends: Option<Extends>,
}

#[derive(Debug, Clone, Deserialize)]
struct Deploy {
    replicas: Option<String>,
}

#[derive(Debug, Clone)]
struct Extends {
    service: Name,
    file: Option<PathBuf>,
}

/// Reads the files; later ones override earlier ones.
pub(crate) fn read(files: &Files, variables: &Variables) -> Result<Read, Why> {
    let mut name = None;
    let mut services: BTreeMap<Name, Service> = BTreeMap::new();
    for path in &files.paths {
        let document = document(path)?;
        name = document.name.clone().or(name);
        for (name, service) in of_document(document, path)? {
            let below = services.remove(&name).unwrap_or_default();
            services.insert(name, service.over(below));
        }
    }
    let active = variables.get("COMPOSE_PROFILES").unwrap_or_default();
    let active: BTreeSet<&str> = active.split(',').map(str::trim).collect();
    let fill = |text: &str| variables.fill(text).map_err(|what| failed(&files.paths[0], &what));
    let services: Result<BTreeMap<_, _>, Why> =
        services.into_iter().map(|(name, service)| Ok((name, service.filled(&fill, &active)?))).collect();
    let name = name.as_deref().map(fill).transpose()?;
    let named = files.project.clone().or_else(|| variables.get("COMPOSE_PROJECT_NAME"));
    Ok(Read {
        project: named.or(name).or_else(|| project_of(&files.directory)),
        by: "built-in reader".into(),
        services: services?,
    })
}

fn failed(path: &Path, what: &str) -> Why {
    Why::new(WhyKind::Failed, redact(&format!("{}: {what}", shown_path(path))))
}

fn document(path: &Path) -> Result<Document, Why> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    // Excerpts of the file in an error could hold anything.
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let line = error.location().map_or(0, |place| place.line());
        let words = error.without_snippet().to_string();
        let what = words.lines().next().unwrap_or_default();
        let what = what.split(" at line ").next().unwrap_or_default();
        Why::new(WhyKind::Failed, redact(&format!("{}:{line}: {what}", shown_path(path))))
    })
}

/// The file's services, each with what it extends.
fn of_document(document: Document, path: &Path) -> Result<BTreeMap<Name, Service>, Why> {
    if document.include.is_some() {
        return Err(failed(path, "`include` is read by the docker compose plugin only; install it"));
    }
    let services = document.services.unwrap_or_default();
    let names = services.keys();
    names.map(|name| Ok((name.clone(), extended(&services, name, path, DEPTH)?))).collect()
}

fn extended(
    services: &BTreeMap<Name, Option<Service>>,
    name: &str,
    path: &Path,
    depth: usize,
) -> Result<Service, Why> {
    let missing = || failed(path, &format!("no service `{name}`, which another one extends"));
    let mut service = services.get(name).ok_or_else(missing)?.clone().unwrap_or_default();
    let Some(extends) = service.extends.take() else {
        return Ok(service);
    };
    if depth == 0 {
        return Err(failed(path, &format!("service `{name}` extends itself")));
    }
    let base = match extends.file {
        None => extended(services, &extends.service, path, depth - 1)?,
        Some(file) => {
            let file = path.parent().unwrap_or(Path::new("")).join(file);
            let services = document(&file)?.services.unwrap_or_default();
            extended(&services, &extends.service, &file, depth - 1)?
        }
    };
    Ok(service.over(base))
}

impl Service {
    /// What this one says, and for the rest what `below` says.
    fn over(self, below: Service) -> Service {
        let mut profiles = below.profiles.unwrap_or_default();
        for profile in self.profiles.into_iter().flatten() {
            if !profiles.contains(&profile) {
                profiles.push(profile);
            }
        }
        Service {
            image: self.image.or(below.image),
            container_name: self.container_name.or(below.container_name),
            profiles: Some(profiles),
            deploy: self.deploy.filter(|deploy| deploy.replicas.is_some()).or(below.deploy),
            scale: self.scale.or(below.scale),
            extends: None,
        }
    }

    fn filled(
        self,
        fill: &impl Fn(&str) -> Result<String, Why>,
        active: &BTreeSet<&str>,
    ) -> Result<Declaration, Why> {
        let filled = |text: Option<String>| text.as_deref().map(fill).transpose();
        let profiles: Result<Vec<String>, Why> =
            self.profiles.iter().flatten().map(|profile| fill(profile)).collect();
        let profiles = profiles?;
        let replicas = filled(self.deploy.and_then(|deploy| deploy.replicas))?;
        let replicas = replicas.or(filled(self.scale)?);
        Ok(Declaration {
            image: filled(self.image)?,
            container_name: filled(self.container_name)?,
            active: profiles.is_empty()
                || active.contains("*")
                || profiles.iter().any(|profile| active.contains(profile.as_str())),
            profiles,
            replicas: replicas.and_then(|count| count.trim().parse().ok()).unwrap_or(1),
            config_hash: None,
            other_variables: None,
        })
    }
}

/// The name that compose gives to a project in that directory.
fn project_of(directory: &Path) -> Option<Name> {
    let directory = std::path::absolute(match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    });
    let name = directory.ok()?.file_name()?.to_string_lossy().to_lowercase();
    let kept = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    let name: String = name.chars().filter(kept).collect();
    Some(name.trim_start_matches(['_', '-']).to_string()).filter(|name| !name.is_empty())
}

/// `extends: base`, or `extends: { service: base, file: other.yaml }`.
impl<'de> Deserialize<'de> for Extends {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExtendsVisitor)
    }
}

struct ExtendsVisitor;

impl<'de> serde::de::Visitor<'de> for ExtendsVisitor {
    type Value = Extends;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a service, or a mapping with `service`")
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
