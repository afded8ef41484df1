//! Discovers the services that the compose files declare, with everything that helps
//! classify them.

use crate::base::secret::{Secret, redact};
use crate::collect::discovered::Component;
use crate::collect::runtime::compose::collect::environment_variables;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::{
    Files, check_readable, plugin_reader, remote_includes, select_files, unreadable, yaml,
};
use crate::collect::runtime::docker::{before_deadline, shown_path};
use crate::config::Config;
use crate::evidence::{Name, Observed, Reason, ReasonKind, Runtime};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::time::Instant;

/// Services declared by the compose files.
pub struct Declared {
    /// Display paths of the files.
    pub files: Vec<String>,
    /// The project name, if declared.
    pub project: Option<Name>,
    /// The services.
    pub components: Vec<Component>,
}

/// Reads the files from the first source that has any: `-f`, the labels of the running
/// project, or the current directory.
pub async fn discover(config: &Config, docker: Option<&Runtime>, until: Instant) -> Observed<Declared> {
    let shell = Variables::new(environment_variables(), Path::new(""));
    let Some(files) = select_files(config, docker, &shell) else {
        return Observed::not_asked("no compose file in this directory; name one with -f");
    };
    let variables = files.variables(environment_variables());
    if let Err(why) = check_readable(&files.paths) {
        return Observed::Unknown(why);
    }
    if let Err(why) = remote_includes::refuse(&files, &variables) {
        return Observed::Unknown(why);
    }
    let plugin = plugin_reader::document(&files, before_deadline(until)).await;
    let document = plugin.map_or_else(|| merge_files(&files, &variables), Ok);
    Observed::from(document.map(|document| Declared {
        files: files.paths.iter().map(|path| shown_path(path)).collect(),
        project: document.get("name").and_then(Value::as_str).map(String::from),
        components: components(&document),
    }))
}

/// Reads the files without the plugin. Later files are merged over earlier ones.
fn merge_files(files: &Files, variables: &Variables) -> Result<Value, Reason> {
    let mut merged = Value::Object(serde_json::Map::new());
    for path in &files.paths {
        let failed = |message: String| {
            Reason::new(ReasonKind::Failed, redact(&format!("{}: {message}", shown_path(path))))
        };
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        let read: Value = yaml::parse(&text).map_err(|error| failed(error.without_snippet().to_string()))?;
        merge(&mut merged, interpolated(read, variables).map_err(failed)?);
    }
    Ok(merged)
}

fn interpolated(value: Value, variables: &Variables) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(variables.interpolate(&text)?),
        Value::Array(items) => Value::Array(
            items.into_iter().map(|item| interpolated(item, variables)).collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => {
            let map = map.into_iter().map(|(name, value)| Ok((name, interpolated(value, variables)?)));
            Value::Object(map.collect::<Result<_, String>>()?)
        }
        other => other,
    })
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

fn components(document: &Value) -> Vec<Component> {
    let services = document.get("services").and_then(Value::as_object);
    services.into_iter().flatten().map(|(name, service)| component(name, service)).collect()
}

fn component(name: &str, service: &Value) -> Component {
    let text = |key: &str| service.get(key).and_then(Value::as_str).map(String::from);
    let published: BTreeSet<u16> = items(service, "ports").filter_map(port).collect();
    let exposed = items(service, "expose").filter_map(port);
    let test = service.get("healthcheck").and_then(|check| check.get("test"));
    let once = ["no", "on-failure"].contains(&text("restart").unwrap_or_default().as_str());
    Component {
        name: name.into(),
        container: text("container_name"),
        image: text("image").unwrap_or_default(),
        command: words(service.get("command")),
        declared: true,
        one_shot: once && name.ends_with("init"),
        variables: variables(service.get("environment")),
        ports: exposed.chain(published.iter().copied()).collect(),
        published,
        healthcheck: Some(words(test).join(" ")).filter(|test| !test.is_empty()),
        profiles: words(service.get("profiles")),
        ..Component::default()
    }
}

fn items<'a>(service: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    service.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Returns the container port from `3007`, `"8080:3007"`, `"127.0.0.1:8080:3007/tcp"` or
/// `{ target: 3007 }`.
fn port(value: &Value) -> Option<u16> {
    let target = value.get("target").unwrap_or(value);
    if let Some(number) = target.as_u64() {
        return u16::try_from(number).ok();
    }
    let text = target.as_str()?;
    let text = text.strip_suffix("/tcp").unwrap_or(text);
    text.rsplit(':').next()?.parse().ok()
}

fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(String::from).collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(String::from).collect(),
        _ => Vec::new(),
    }
}

/// Reads `environment:`, which is a mapping or a list of `NAME=value` entries.
fn variables(value: Option<&Value>) -> BTreeMap<Name, Secret> {
    let scalar = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    match value {
        Some(Value::Object(map)) => {
            map.iter().map(|(name, value)| (name.clone(), Secret::new(scalar(value)))).collect()
        }
        Some(Value::Array(items)) => {
            let pairs = items.iter().filter_map(Value::as_str).filter_map(|item| item.split_once('='));
            pairs.map(|(name, value)| (name.to_string(), Secret::new(value))).collect()
        }
        _ => BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_short_and_long_forms_of_services() {
        let text = "
services:
  api:
    image: shop/api
    ports: ['127.0.0.1:8080:3007/tcp', { target: 9000 }, 80]
    environment: ['DATABASE_URL=postgres://db/shop', 'EMPTY']
    healthcheck: { test: ['CMD', 'curl', 'http://localhost:3007/healthz'] }
  packer:
    command: run packer
    environment: { KAFKA_BROKERS: '${BROKERS:-events:9092}', N: 3 }
";
        let document: Value = serde_saphyr::from_str(text).unwrap();
        let variables = Variables::new(std::iter::empty(), Path::new("/nonexistent"));
        let components = components(&interpolated(document, &variables).unwrap());
        assert_eq!(components[0].published, [80, 3007, 9000].into());
        assert_eq!(components[0].variable("DATABASE_URL"), Some("postgres://db/shop"));
        assert_eq!(components[0].healthcheck.as_deref(), Some("CMD curl http://localhost:3007/healthz"));
        assert_eq!(components[1].variable("KAFKA_BROKERS"), Some("events:9092"));
        assert_eq!(components[1].variable("N"), Some("3"));
        assert_eq!(components[1].command, ["run", "packer"]);
    }
}
