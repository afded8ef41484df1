//! Decides whether the value of a key that may be secret is one.

use super::keys::Kind;
use super::statements::is_statement;
use crate::base::uuid::is_uuid;

/// Reports whether a text has been masked: by this program, or by stars.
pub(super) fn is_masked(value: &str) -> bool {
    let value = value.trim();
    let rest = match value.split_once("<secret:") {
        Some((before, after)) => {
            format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        None if value.contains("***") => value.to_string(),
        None => return value.chars().all(|letter| "*•.xX#-_?…".contains(letter)),
    };
    rest.chars().filter(char::is_ascii_alphanumeric).count() < 4 || rest.contains("<secret:")
}

/// Reports whether the value refers to a secret instead of being one.
fn is_reference(value: &str) -> bool {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(&b))
    };
    let is_upper = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    let between = |open: &str, close: &str| value.strip_prefix(open).and_then(|v| v.strip_suffix(close));
    value.strip_prefix('$').is_some_and(is_upper)
        || between("${", "}").is_some()
        || between("$(", ")").is_some()
        || between("{{", "}}").is_some()
        || between("%(", ")s").is_some_and(is_name)
        || between("%", "%").is_some_and(is_upper)
        || between("<", ">").is_some_and(|name| is_name(name) && names_a_secret(name))
        || between("[", "]").is_some_and(|name| is_upper(name) || is_statement(name))
        || ["%s", "%v", "%q", "{}", "?", "[]", "()"].contains(&value)
        || ["process.env.", "os.environ", "ENV[", "System.getenv", "env(", "getenv("]
            .iter()
            .any(|prefix| value.starts_with(prefix))
}

/// Reports whether a placeholder names a secret: `<password>`, `<your token>`.
fn names_a_secret(name: &str) -> bool {
    super::keys::classify(name).is_some() || name.starts_with("your") || is_statement(name)
}

/// Reports whether a value is a path to a file, which a secret may be read from.
fn is_path(value: &str) -> bool {
    let rooted = ["/", "./", "../", "~/"].iter().any(|prefix| value.starts_with(prefix))
        || value.as_bytes().get(1..3) == Some(b":\\");
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-~\\: ".contains(&b));
    rooted && plain && value.bytes().filter(|b| b"/\\".contains(b)).count() >= 2
}

/// Reports whether a value looks like words: lower-case or capitalised ones, joined by
/// punctuation, with numbers of their own.
pub(super) fn is_words(value: &str) -> bool {
    value.split(|letter: char| "-_./: ,()".contains(letter)).all(|word| {
        let lower = word.strip_prefix(|letter: char| letter.is_ascii_uppercase()).unwrap_or(word);
        lower.bytes().all(|byte| byte.is_ascii_lowercase())
            || word.bytes().all(|byte| byte.is_ascii_uppercase()) && word.len() <= 6
            || word.bytes().all(|byte| byte.is_ascii_digit()) && word.len() <= 4
            || is_statement(word)
    })
}

/// Reports whether a text is long and mixed enough for a generated secret.
pub(super) fn looks_random(value: &str, min: usize) -> bool {
    let has = |is: fn(&u8) -> bool| value.as_bytes().iter().any(is);
    let kinds = [has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit)];
    value.len() >= min
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+/=.~%".contains(&b))
        && kinds.iter().filter(|has| **has).count() >= 2
        && has(u8::is_ascii_alphabetic)
        && !is_words(value)
}

/// Reports whether a text is a sentence about a secret.
fn is_sentence(value: &str) -> bool {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    words.len() >= 2
        && words.iter().all(|word| {
            word.bytes().all(|byte| byte.is_ascii_alphabetic() || b".,:;'!?-()".contains(&byte))
                || word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit())
        })
        && 2 * words.iter().filter(|word| is_statement(word)).count() >= words.len()
}

/// Reports whether a value is a type or an expression, as in `session: &mut Session`.
fn is_code(value: &str) -> bool {
    value.starts_with(['&', '|']) || value.contains(['(', '<']) || value.contains("::")
}

/// Reports whether a value is a number of something, with or without a unit.
fn is_count(value: &str, max_digits: usize) -> bool {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let unit = &value[digits..];
    digits > 0
        && digits <= max_digits
        && ["", "%", "ms", "s", "m", "h", "d", "kb", "mb", "b", "/s"]
            .contains(&unit.to_ascii_lowercase().as_str())
}

/// Reports whether a key of this kind makes the value a secret.
pub(super) fn is_secret(kind: Kind, value: &str) -> bool {
    let trimmed = value.trim().trim_end_matches(['.', ',', ';', '!']);
    if trimmed.is_empty()
        || is_masked(trimmed)
        || is_statement(trimmed)
        || is_reference(trimmed)
        || is_path(trimmed)
        || is_sentence(trimmed)
        || !trimmed.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) && trimmed.len() < 4
    {
        return false;
    }
    match kind {
        Kind::Password | Kind::Secret => !is_count(trimmed, 3),
        Kind::Token => !is_count(trimmed, 5) && trimmed.len() >= 2,
        Kind::Weak => {
            trimmed.len() >= 4
                && !is_count(trimmed, 7)
                && !is_words(trimmed)
                && !is_code(trimmed)
                // A UUID names an event more often than a login.
                && !is_uuid(trimmed)
        }
        Kind::Mention => looks_random(trimmed, 16) && trimmed.bytes().any(|b| b.is_ascii_digit()),
        Kind::Authorization | Kind::Cookie => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_references_and_paths_are_no_secrets() {
        for value in [
            "required",
            "missing",
            "true",
            "null",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "{{ pw }}",
            "<password>",
            "/run/secrets/db",
            "must be at least 8 characters",
            "***",
            "<secret:3>",
            "[REDACTED]",
            "%s",
        ] {
            assert!(!is_secret(Kind::Password, value), "{value}");
        }
        for value in ["hunter2", "12345678901", "correct horse battery", "p@ss", "$ecret", "Test"] {
            assert_eq!(is_secret(Kind::Password, value), value != "Test", "{value}");
        }
        assert!(!is_secret(Kind::Weak, "scram-sha-256"));
        assert!(!is_secret(Kind::Weak, "Closed"));
        assert!(is_secret(Kind::Weak, "CNRY12ab"));
    }
}
