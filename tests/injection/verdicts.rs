//! Recognises a payload that became more than data.

use crate::payloads::{HARMLESS, MARK};
use crate::support::jail::Deeds;
use crate::support::outputs::{Kind, Output};
use pipeline_doctor::base::visible_text::is_hidden;
use pipeline_doctor::text::sql_literal::literal;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::Value;

/// Returns what is wrong with a printed text.
pub fn of_output(output: &Output, is_sql: bool) -> Option<String> {
    if let Some(letter) = output.text.chars().find(|letter| is_hidden(*letter) && *letter != '\n') {
        return Some(format!("raw {letter:?}"));
    }
    if output.text.lines().any(|line| line.starts_with("HEALTHY: PWNED") || line.starts_with(MARK)) {
        return Some("a forged line".to_string());
    }
    match output.kind {
        Kind::Sql if !is_sql => of_sql(&output.text),
        Kind::Markdown => of_markdown(&output.text),
        Kind::Json => serde_json::from_str::<Value>(&output.text).err().map(|error| error.to_string()),
        _ => None,
    }
}

/// Returns what is wrong with SQL that contains a payload, for both values of
/// `standard_conforming_strings`.
pub fn of_sql(sql: &str) -> Option<String> {
    [true, false].into_iter().find_map(|conforming| match outside_of_quotes(sql, conforming) {
        Some(code) if code.contains(MARK) => Some(format!("SQL outside of quotes ({conforming}): {code}")),
        Some(_) => None,
        None => Some(format!("SQL with an open quote ({conforming})")),
    })
}

/// Returns the SQL without its quoted texts and comments; `None` if one of them has no end.
fn outside_of_quotes(sql: &str, conforming: bool) -> Option<String> {
    let mut code = String::new();
    let mut rest = sql;
    while let Some(letter) = rest.chars().next() {
        let escapes = match rest.get(..2) {
            Some("E'" | "e'") if !code.ends_with(|c: char| c.is_alphanumeric()) => true,
            _ => !conforming && letter == '\'',
        };
        let length = match letter {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/")? + 2,
            '$' if rest.starts_with("$$") => rest.get(2..)?.find("$$")? + 4,
            '"' => rest.get(1..)?.find('"')? + 2,
            '\'' | 'E' | 'e' if letter == '\'' || escapes => quoted_length(rest, escapes)?,
            _ => {
                code.push(letter);
                letter.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Some(code)
}

/// Returns the length of a string constant.
fn quoted_length(sql: &str, escapes: bool) -> Option<usize> {
    let open = sql.find('\'')? + 1;
    let mut letters = sql[open..].char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if escapes => drop(letters.next()),
            '\'' if letters.next_if(|(_, next)| *next == '\'').is_some() => {}
            '\'' => return Some(open + at + 1),
            _ => {}
        }
    }
    None
}

/// Returns what is wrong with Markdown that contains a payload.
fn of_markdown(text: &str) -> Option<String> {
    let mut in_code = false;
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Html(html) | Event::InlineHtml(html)
                if !["<br>", "<code>", "</code>"].contains(&html.as_ref()) =>
            {
                return Some(format!("HTML: {html}"));
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                return Some(format!("a link: {dest_url}"));
            }
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if !in_code => {
                for linked in ["@PWNED", "://PWNED"] {
                    if text.contains(linked) {
                        return Some(format!("{linked} outside of code: {text}"));
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns what is wrong with the deeds of a command that contains a payload. `payload` must have
/// arrived as one word, or as part of one.
pub fn of_deeds(deeds: &Deeds, payload: &str, is_sql: bool) -> Option<String> {
    if let Some(file) = deeds.files.first() {
        return Some(format!("wrote {file}"));
    }
    if let Some(call) = deeds.calls.iter().find(|call| ["touch", MARK].contains(&call[0].as_str())) {
        return Some(format!("ran {call:?}"));
    }
    if !deeds.errors.is_empty() || deeds.code != Some(0) {
        return Some(format!("the shell failed with {:?}: {}", deeds.code, deeds.errors));
    }
    for call in &deeds.calls {
        let words = call.iter().filter(|word| word.contains(MARK));
        for word in words {
            if word.starts_with('-') && payload.starts_with('-') && !word.contains(&format!("={payload}")) {
                return Some(format!("an option: {call:?}"));
            }
            let quoted = literal(payload);
            let quoted = quoted.trim_start_matches('E').trim_matches('\'');
            // In an address, a query or fragment begins there.
            let in_address = payload.split(['?', '#']).next().unwrap_or_default();
            let is_whole = [payload, quoted].iter().any(|whole| word.contains(whole));
            let is_cut = in_address.contains(MARK) && word.ends_with(in_address);
            if !is_sql && !is_whole && !is_cut {
                return Some(format!("not one word: {call:?}"));
            }
        }
        let runs_sql = call.iter().any(|word| word == "psql");
        let sql = call.iter().skip_while(|word| !matches!(word.as_str(), "-c" | "-qAtc" | "-Atc")).nth(1);
        if let Some(wrong) = sql.filter(|_| runs_sql && !is_sql).and_then(|sql| of_sql(sql)) {
            return Some(wrong);
        }
    }
    None
}

/// Returns how a Compose file with a payload differs from the one with a harmless name.
pub fn of_compose(hostile: &str, harmless: &str, payload: &str) -> Option<String> {
    let parsed = |text: &str| serde_saphyr::from_str::<Value>(text).map_err(|error| error.to_string());
    let (hostile, harmless) = match (parsed(hostile), parsed(harmless)) {
        (Ok(hostile), Ok(harmless)) => (hostile, harmless),
        (Err(error), _) | (_, Err(error)) => return Some(format!("no YAML: {error}")),
    };
    let found = with_harmless_name(&interpolated(&hostile), payload);
    let expected = interpolated(&harmless);
    (found != expected).then(|| format!("{found} instead of {expected}"))
}

/// Returns the document as Compose sees it after it has replaced variables.
fn interpolated(document: &Value) -> Value {
    map(document, &|text| {
        let escaped = text.replace("$$", "\u{0}");
        // Only variables that the file demands.
        let is_demanded = escaped.starts_with("${") && escaped.ends_with(":?set it in .env}");
        let shown = if is_demanded { escaped } else { escaped.replace('$', "<variable>") };
        shown.replace('\u{0}', "$")
    })
}

/// Returns the document with the harmless name instead of the payload.
pub fn with_harmless_name(document: &Value, payload: &str) -> Value {
    map(document, &|text| text.replace(payload, HARMLESS))
}

fn map(document: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match document {
        Value::String(text) => change(text).into(),
        Value::Array(items) => items.iter().map(|item| map(item, change)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (change(key), map(value, change))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn an_injection_is_recognised() {
    assert_eq!(of_sql("select 'PWNED'''"), None);
    assert_eq!(of_sql(r"select E'\'PWNED' -- PWNED"), None);
    assert!(of_sql(r"select 'a\'; drop table PWNED; --'").is_some());
    assert!(of_sql("select ''; drop table PWNED; --'").is_some());
    let markdown = |text: &str| of_markdown(text).is_some();
    assert!(markdown("<b>PWNED</b>") && markdown("[a](//PWNED)") && markdown("hi @PWNED"));
    assert!(!markdown("`@PWNED`\n\n```sh\n@PWNED\n```"));
    assert!(of_compose("a: {b: c}", "a: b", "PWNED").is_some());
    assert_eq!(of_compose("PWNED: '$$PWNED'", "harmless-name: '$$harmless-name'", "PWNED"), None);
}
