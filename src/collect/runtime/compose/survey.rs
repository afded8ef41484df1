//! Compose files of a pipeline that nobody has described: each service, with all
//! that tells what it is.

use crate::base::secret::{Secret, redact};
use crate::collect::discovery::Part;
use crate::collect::runtime::compose::interpolate::Variables;
use crate::collect::runtime::compose::{Files, plugin, readable, which};
use crate::collect::runtime::docker::{early, shown_path};
use crate::config::Config;
use crate::evidence::{Name, Runtime, Seen, Why, WhyKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tokio::time::Instant;

/// What the files declare.
pub struct Declared {
    /// The files, as shown.
    pub files: Vec<String>,
    /// The project's name, where it is said.
    pub project: Option<Name>,
    /// Their services.
    pub parts: Vec<Part>,
}

/// Reads the files of `-f`, else those that the project's labels name, else those
/// of this directory.
pub async fn survey(config: &Config, docker: Option<&Runtime>, until: Instant) -> Seen<Declared> {
    let variables = |directory: &Path| Variables::new(std::env::vars(), directory);
    let Some(files) = which(config, docker, &variables(Path::new(""))) else {
        return Seen::not_asked("no compose file here; name it with -f");
    };
    if let Err(why) = readable(&files.paths) {
        return Seen::Unknown(why);
    }
    let plugin = plugin::document(&files, early(until)).await;
    let document = plugin.map_or_else(|| by_hand(&files, &variables(&files.directory)), Ok);
    Seen::from(document.map(|document| Declared {
        files: files.paths.iter().map(|path| shown_path(path)).collect(),
        project: document.get("name").and_then(Value::as_str).map(String::from),
        parts: parts(&document),
    }))
}

/// The files without the plugin: later ones add to earlier ones.
fn by_hand(files: &Files, variables: &Variables) -> Result<Value, Why> {
    let mut whole = Value::Object(serde_json::Map::new());
    for path in &files.paths {
        let failed =
            |what: String| Why::new(WhyKind::Failed, redact(&format!("{}: {what}", shown_path(path))));
        let text = std::fs::read_to_string(path)
            .map_err(|error| crate::collect::runtime::compose::unreadable(path, &error))?;
        // Excerpts of the file in an error could hold anything.
        let options = serde_saphyr::options! { with_snippet: false };
        let read: Value = serde_saphyr::from_str_with_options(&text, options)
            .map_err(|error| failed(error.without_snippet().to_string()))?;
        over(&mut whole, filled(read, variables).map_err(failed)?);
    }
    Ok(whole)
}

fn filled(value: Value, variables: &Variables) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(variables.fill(&text)?),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| filled(item, variables)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let map = map.into_iter().map(|(name, value)| Ok((name, filled(value, variables)?)));
            Value::Object(map.collect::<Result<_, String>>()?)
        }
        other => other,
    })
}

fn over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                over(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

fn parts(document: &Value) -> Vec<Part> {
    let services = document.get("services").and_then(Value::as_object);
    services.into_iter().flatten().map(|(name, service)| part(name, service)).collect()
}

fn part(name: &str, service: &Value) -> Part {
    let text = |key: &str| service.get(key).and_then(Value::as_str).map(String::from);
    let published: BTreeSet<u16> = items(service, "ports").filter_map(port).collect();
    let exposed = items(service, "expose").filter_map(port);
    let test = service.get("healthcheck").and_then(|check| check.get("test"));
    let once = ["no", "on-failure"].contains(&text("restart").unwrap_or_default().as_str());
    Part {
        name: name.into(),
        container: text("container_name"),
        image: text("image").unwrap_or_default(),
        command: words(service.get("command")),
        declared: true,
        ended: once && name.ends_with("init"),
        variables: variables(service.get("environment")),
        ports: exposed.chain(published.iter().copied()).collect(),
        published,
        healthcheck: Some(words(test).join(" ")).filter(|test| !test.is_empty()),
        ..Part::default()
    }
}

fn items<'a>(service: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    service.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// `3007`, `"8080:3007"`, `"127.0.0.1:8080:3007/tcp"`, `{ target: 3007 }`: the port inside.
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

/// `environment:` as a mapping or as a list of `NAME=value`.
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
    fn services_are_read_in_all_forms_that_compose_has() {
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
        let parts = parts(&filled(document, &variables).unwrap());
        assert_eq!(parts[0].published, [80, 3007, 9000].into());
        assert_eq!(parts[0].variable("DATABASE_URL"), Some("postgres://db/shop"));
        assert_eq!(parts[0].healthcheck.as_deref(), Some("CMD curl http://localhost:3007/healthz"));
        assert_eq!(parts[1].variable("KAFKA_BROKERS"), Some("events:9092"));
        assert_eq!(parts[1].variable("N"), Some("3"));
        assert_eq!(parts[1].command, ["run", "packer"]);
    }
}
