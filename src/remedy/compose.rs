//! Generates the compose fragment that declares missing workers.

use crate::pipeline::Worker;
use crate::remedy::Remedy;
use crate::text::names::VARIABLE;
use crate::text::printable::is_invisible;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Generates `services:` with one entry per worker in the remedy, in the networks and with the files of variables
/// that its siblings have.
pub(crate) fn fragment(remedy: &Remedy) -> Option<String> {
    let workers: Vec<&Worker> =
        remedy.subjects.iter().filter_map(|name| remedy.situation.pipeline.worker(name)).collect();
    if workers.is_empty() {
        return None;
    }
    let mut yaml = String::from("services:\n");
    for worker in workers {
        let _ = write!(yaml, "{}", service(remedy, worker));
    }
    Some(yaml)
}

fn service(remedy: &Remedy, worker: &Worker) -> String {
    let mut yaml = format!("  {}:\n", key(&worker.name));
    let Some(deploy) = &worker.deploy else {
        let _ = writeln!(yaml, "    image: # not declared in the pipeline file");
        return yaml;
    };
    let _ = writeln!(yaml, "    image: {}", quoted(&image(remedy, &deploy.image)));
    let layout = remedy.situation.sibling_layout(&worker.name, &deploy.image);
    if let Some(build) = &layout.build {
        let mut fields = vec![format!("context: {}", quoted(&build.context))];
        fields.extend(build.dockerfile.iter().map(|file| format!("dockerfile: {}", quoted(file))));
        fields.extend(build.target.iter().map(|target| format!("target: {}", quoted(target))));
        let _ = writeln!(yaml, "    build: {{{}}}", fields.join(", "));
    }
    if let Some(container) = &worker.container {
        let _ = writeln!(yaml, "    container_name: {}", quoted(container));
    }
    if !deploy.command.is_empty() {
        let words: Vec<String> = deploy.command.iter().map(|word| quoted(word)).collect();
        let _ = writeln!(yaml, "    command: [{}]", words.join(", "));
    }
    write_list(&mut yaml, "networks", &layout.networks);
    write_list(&mut yaml, "env_file", &layout.env_files);
    if layout.env_files.is_empty() {
        write_environment(&mut yaml, &deploy.environment);
    }
    let _ = writeln!(yaml, "    restart: unless-stopped");
    yaml
}

fn write_list(yaml: &mut String, field: &str, items: &[String]) {
    if !items.is_empty() {
        let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
        let _ = writeln!(yaml, "    {field}: [{}]", items.join(", "));
    }
}

/// Writes the variables, whose values stay in the project's `.env` file.
fn write_environment(yaml: &mut String, variables: &[String]) {
    if !variables.is_empty() {
        let _ = writeln!(yaml, "    environment:");
    }
    let mut written = BTreeSet::new();
    for variable in variables.iter().filter(|variable| written.insert(*variable)) {
        let value = match (VARIABLE.fits)(variable) {
            true => format!("${{{variable}:?set it in .env}}"),
            // Compose cannot substitute a variable with such a name.
            false => "\"\" # set it".to_string(),
        };
        let _ = writeln!(yaml, "      {}: {value}", key(variable));
    }
}

/// Returns the image with the tag that running siblings use, or else the declared image.
fn image(remedy: &Remedy, declared: &str) -> String {
    remedy.situation.image_with_tag(declared).unwrap_or(declared).to_string()
}

/// Returns text as a YAML key, quoted unless it means the same without quotes.
fn key(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match is_plain && !YAML_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        true => text.to_string(),
        false => quoted(text),
    }
}

/// Words that YAML does not read as strings.
const YAML_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Returns text as a double-quoted YAML scalar in which Compose substitutes no variables.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for c in serde_json::Value::from(text).to_string().chars() {
        match c {
            '$' => quoted.push_str("$$"),
            // YAML allows these characters only as escapes.
            c if is_invisible(c) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn any_text_stays_one_key_and_one_value() {
        for text in [
            "worker",
            "x: {privileged: true}",
            "a\n    privileged: true",
            "no",
            "null",
            "1",
            "&a",
            "*a",
            "!!int 1",
            "- x",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{9b}b",
            "\"}; privileged: true",
            "a # b",
            "~",
            "<<",
            "\\x41",
            "{}",
            "a'b",
            "",
        ] {
            let yaml = format!("{}: {}\n", key(text), quoted(text));
            let parsed: BTreeMap<String, String> =
                serde_saphyr::from_str(&yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
            assert_eq!(parsed, BTreeMap::from([(text.to_string(), text.to_string())]), "{yaml}");
        }
        assert_eq!(
            (key("order-worker"), key("KAFKA_BROKERS")),
            ("order-worker".into(), "KAFKA_BROKERS".into())
        );
        assert_eq!(quoted("${POSTGRES_PASSWORD}"), "\"$${POSTGRES_PASSWORD}\"");
    }
}
