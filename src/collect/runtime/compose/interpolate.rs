//! Variables in compose files: `.env`, and `${NAME:-default}` with its kin.

use std::collections::BTreeMap;
use std::path::Path;

/// The environment, and below it the project's `.env`.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// The given environment comes before what `.env` in `directory` says. One
    /// that is not there or not readable says nothing.
    pub(crate) fn new(environment: impl IntoIterator<Item = (String, String)>, directory: &Path) -> Self {
        let mut variables = Variables(environment.into_iter().collect());
        let file = std::fs::read_to_string(directory.join(".env"));
        variables.add_below(&file.unwrap_or_default());
        variables
    }

    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn add_below(&mut self, file: &str) {
        for line in file.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let Some((name, value)) = line.split_once('=') else {
                continue;
            };
            let value = self.value(value.trim());
            self.0.entry(name.trim().into()).or_insert(value);
        }
    }

    /// A value of `.env`: single quotes are literal, everything else may use
    /// what stands above it.
    fn value(&self, text: &str) -> String {
        let quoted = |quote| text.strip_prefix(quote).and_then(|rest| rest.split(quote).next());
        if let Some(literal) = quoted('\'') {
            return literal.into();
        }
        let plain = || text.split(" #").next().unwrap_or_default().trim_end();
        let value = quoted('"').unwrap_or_else(plain);
        self.fill(value).unwrap_or_else(|_| value.into())
    }

    /// The text with its variables filled in; unset ones are empty. The error
    /// says which required variable is not set.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            filled.push_str(&rest[..start]);
            rest = &rest[start + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                filled.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let end = closing(after).ok_or_else(|| format!("no }} in `{text}`"))?;
                filled.push_str(&self.expression(&after[..end])?);
                rest = &after[end + 1..];
            } else {
                let length = name_length(rest);
                let value = self.get(&rest[..length]).unwrap_or_default();
                filled.push_str(if length == 0 { "$" } else { &value });
                rest = &rest[length..];
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// What stands between the braces.
    fn expression(&self, text: &str) -> Result<String, String> {
        let (name, rest) = text.split_at(name_length(text));
        let value = self.get(name);
        // With a colon, empty counts as not set.
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
            (Some('-'), None) => self.fill(word),
            (Some('?'), None) => Err(format!("required variable {name} is not set")),
            (Some('+'), Some(_)) => self.fill(word),
            (Some('+'), None) => Ok(String::new()),
            _ => Err(format!("`${{{text}}}` is not understood")),
        }
    }
}

fn name_length(text: &str) -> usize {
    let is_name = |character: char| character == '_' || character.is_ascii_alphanumeric();
    text.find(|character| !is_name(character)).unwrap_or(text.len())
}

/// Where the brace ends that was opened before the text.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(place),
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
        variables.add_below(file);
        variables
    }

    #[test]
    fn variables_are_filled_in_as_compose_does() {
        for (text, expected) in [
            ("a ${SET} $SET-b", "a s s-b"),
            ("${EMPTY:-d} ${EMPTY-d} ${NONE-d}", "d  d"),
            ("${NONE:-${SET}x}", "sx"),
            ("${SET:+y}${NONE:+y}", "y"),
            ("$$SET ${NONE} 5$", "$SET  5$"),
            ("${SET:?must}", "s"),
        ] {
            assert_eq!(variables("").fill(text).unwrap(), expected, "{text}");
        }
        for wrong in ["${NONE:?secret words}", "${SET", "${SET!}"] {
            let error = variables("").fill(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let file = "# comment\nexport A=1 # one\nSET=file\nB=\"$A ${A}\"\nC='$A'\n";
        let variables = variables(file);
        for (name, value) in [("A", "1"), ("SET", "s"), ("B", "1 1"), ("C", "$A")] {
            assert_eq!(variables.get(name).as_deref(), Some(value), "{name}");
        }
    }
}
