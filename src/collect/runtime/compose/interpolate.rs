//! Interpolates variables in compose files. Supports `.env` and expressions such as
//! `${NAME:-default}`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Variables from the environment and, with lower precedence, from the project's `.env`.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Merges the environment over `.env` in `directory`. A missing or unreadable `.env`
    /// counts as empty.
    pub(crate) fn new(environment: impl IntoIterator<Item = (String, String)>, directory: &Path) -> Self {
        let mut variables = Variables(environment.into_iter().collect());
        let file = std::fs::read_to_string(directory.join(".env"));
        variables.add_defaults(&file.unwrap_or_default());
        variables
    }

    /// Merges the environment over the variables in the files that a project was started with, or else
    /// over those of `.env` in `directory`.
    pub(crate) fn of_project(
        environment: impl IntoIterator<Item = (String, String)>,
        files: &[PathBuf],
        directory: &Path,
    ) -> Self {
        if files.is_empty() {
            return Variables::new(environment, directory);
        }
        let mut variables = Variables(environment.into_iter().collect());
        // Later files override earlier ones.
        for file in files.iter().rev() {
            variables.add_defaults(&std::fs::read_to_string(file).unwrap_or_default());
        }
        variables
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn add_defaults(&mut self, file: &str) {
        for line in file.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let value = self.env_file_value(value.trim());
            self.0.entry(name.trim().into()).or_insert(value);
        }
    }

    /// Parses a value from `.env`. Single-quoted values are literal; others may refer to
    /// variables defined earlier.
    fn env_file_value(&self, text: &str) -> String {
        let quoted = |quote| text.strip_prefix(quote).and_then(|rest| rest.split(quote).next());
        if let Some(literal) = quoted('\'') {
            return literal.into();
        }
        let plain = || text.split(" #").next().unwrap_or_default().trim_end();
        let value = quoted('"').unwrap_or_else(plain);
        self.interpolate(value).unwrap_or_else(|_| value.into())
    }

    /// Replaces the variables in a string. Unset variables become empty. The error names a
    /// required variable that is not set.
    pub(crate) fn interpolate(&self, text: &str) -> Result<String, String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            result.push_str(&rest[..start]);
            rest = &rest[start + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                result.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let end = closing_brace(after).ok_or_else(|| format!("missing }} in `{text}`"))?;
                result.push_str(&self.expression(&after[..end])?);
                rest = &after[end + 1..];
            } else {
                let length = name_length(rest);
                let value = self.get(&rest[..length]).unwrap_or_default();
                result.push_str(if length == 0 { "$" } else { &value });
                rest = &rest[length..];
            }
        }
        result.push_str(rest);
        Ok(result)
    }

    /// Evaluates the expression between the braces.
    fn expression(&self, text: &str) -> Result<String, String> {
        let (name, rest) = text.split_at(name_length(text));
        let value = self.get(name);
        // With a colon, an empty value counts as unset.
        let (value, rest) = match rest.strip_prefix(':') {
            Some(rest) => (value.filter(|value| !value.is_empty()), rest),
            None => (value, rest),
        };
        let mut characters = rest.chars();
        let operator = characters.next();
        let word = characters.as_str();
        match (operator, value) {
            (None, value) => Ok(value.unwrap_or_default()),
            (Some('-' | '?'), Some(value)) => Ok(value),
            (Some('-'), None) => self.interpolate(word),
            (Some('?'), None) => Err(format!("required variable {name} is not set")),
            (Some('+'), Some(_)) => self.interpolate(word),
            (Some('+'), None) => Ok(String::new()),
            _ => Err(format!("`${{{text}}}` is not supported")),
        }
    }
}

fn name_length(text: &str) -> usize {
    let is_name = |character: char| character == '_' || character.is_ascii_alphanumeric();
    text.find(|character| !is_name(character)).unwrap_or(text.len())
}

/// Finds the brace that closes the one opened before the text.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(index),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(file: &str) -> Variables {
        let mut variables = Variables::default();
        variables.0.insert("SET".into(), "s".into());
        variables.0.insert("EMPTY".into(), String::new());
        variables.add_defaults(file);
        variables
    }

    #[test]
    fn interpolates_variables_like_compose() {
        for (text, expected) in [
            ("a ${SET} $SET-b", "a s s-b"),
            ("${EMPTY:-d} ${EMPTY-d} ${NONE-d}", "d  d"),
            ("${NONE:-${SET}x}", "sx"),
            ("${SET:+y}${NONE:+y}", "y"),
            ("$$SET ${NONE} 5$", "$SET  5$"),
            ("${SET:?must}", "s"),
        ] {
            assert_eq!(variables("").interpolate(text).unwrap(), expected, "{text}");
        }
        for wrong in ["${NONE:?secret words}", "${SET", "${SET!}"] {
            let error = variables("").interpolate(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn environment_overrides_env_file() {
        let file = "# comment\nexport A=1 # one\nSET=file\nB=\"$A ${A}\"\nC='$A'\n";
        let variables = variables(file);
        for (name, value) in [("A", "1"), ("SET", "s"), ("B", "1 1"), ("C", "$A")] {
            assert_eq!(variables.get(name).as_deref(), Some(value), "{name}");
        }
    }
}
