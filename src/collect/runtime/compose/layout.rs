//! Reads from a service in a compose file what a new service beside it needs as well: its networks, files
//! with variables, and build instructions.

use crate::base::name::Name;
use crate::base::secret::redact;
use crate::evidence::{Build, Layout};
use serde_json::Value;
use std::collections::BTreeMap;

/// The variables of a service by name; a value is `None` if it is passed on from the shell.
pub(crate) type Environment = BTreeMap<String, Option<String>>;

/// Replaces the variables in the fields `networks`, `env_file` and `build` of a service. Items of any other shape
/// than Compose allows are left out.
pub(crate) fn layout<E>(
    [networks, env_file, build]: [Option<&Value>; 3],
    interpolate: impl Fn(&str) -> Result<String, E>,
) -> Result<Layout, E> {
    let text = |value: &Value| value.as_str().map(&interpolate).transpose();
    let mut names: Vec<Name> = Vec::new();
    for item in items(networks) {
        match &item {
            Value::Object(map) => names.extend(map.keys().cloned()),
            item => names.extend(text(item)?),
        }
    }
    names.sort();
    names.dedup();
    // Where a service without networks is.
    if names == ["default"] {
        names.clear();
    }
    let mut env_files = Vec::new();
    for item in items(env_file) {
        env_files.extend(text(item.get("path").unwrap_or(&item))?);
    }
    let build = match build {
        Some(Value::Object(map)) => {
            let field = |name| map.get(name).map_or(Ok(None), text);
            let context = field("context")?.unwrap_or_else(|| ".".into());
            Some(Build {
                context: redact(&context),
                dockerfile: field("dockerfile")?,
                target: field("target")?,
            })
        }
        Some(value) => {
            let context = text(value)?;
            context.map(|context| Build { context: redact(&context), dockerfile: None, target: None })
        }
        None => None,
    };
    Ok(Layout { networks: names, env_files, build })
}

/// Replaces the variables in the field `environment` of a service. Of a variable that occurs several times, the
/// last value counts.
pub(crate) fn environment<E>(
    declared: Option<&Value>,
    interpolate: impl Fn(&str) -> Result<String, E>,
) -> Result<Environment, E> {
    let mut variables = Environment::new();
    for item in items(declared) {
        match item {
            Value::Object(map) => {
                for (name, value) in map {
                    let value = match value {
                        Value::Null => None,
                        Value::String(text) => Some(interpolate(&text)?),
                        other => Some(other.to_string()),
                    };
                    variables.insert(name, value);
                }
            }
            Value::String(text) => {
                let text = interpolate(&text)?;
                let variable = text.split_once('=').map(|(name, value)| (name.into(), Some(value.into())));
                let (name, value) = variable.unwrap_or((text, None));
                variables.insert(name, value);
            }
            _ => {}
        }
    }
    Ok(variables)
}

/// Returns the items of a list, or a single value itself.
fn items(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        value => value.cloned().into_iter().collect(),
    }
}

/// Returns the items of both, as Compose merges lists.
pub(crate) fn appended(base: Option<Value>, over: Option<Value>) -> Option<Value> {
    match (base, over) {
        (Some(base), Some(over)) => {
            let mut all = items(Some(&base));
            all.extend(items(Some(&over)));
            Some(Value::Array(all))
        }
        (base, over) => over.or(base),
    }
}
