//! Grammars for the names of objects in other systems.

use crate::text::printable::is_printable;

/// A grammar and its description.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// Reports whether a name matches the grammar.
    pub fits: fn(&str) -> bool,
    /// The description of valid names.
    pub expected: &'static str,
}

/// Names of containers.
pub const CONTAINER: Grammar =
    Grammar { fits: is_container, expected: "expected letters, digits, dots, dashes and underscores" };
/// Names of Compose services and projects, and of objects named after them.
pub const SERVICE: Grammar = CONTAINER;
/// Names of Kafka topics.
pub const TOPIC: Grammar = Grammar {
    fits: is_topic,
    expected: "expected at most 249 letters, digits, dots, dashes and underscores, as Kafka allows",
};
/// References to container images.
pub const IMAGE: Grammar =
    Grammar { fits: is_image, expected: "expected an image such as registry.example/team/worker:1.2" };
/// Names of variables in a container's environment. Dots and dashes are unusual, but valid.
pub const ENVIRONMENT: Grammar =
    Grammar { fits: is_environment_name, expected: "expected letters, digits, underscores, dots and dashes" };
/// Names of environment variables that a shell can use.
pub const VARIABLE: Grammar =
    Grammar { fits: is_variable, expected: "expected letters, digits and underscores" };
/// Names of tables and columns, as written in SQL.
pub const SQL_IDENTIFIER: Grammar = Grammar {
    fits: is_sql_identifier,
    expected: "expected a name as SQL spells it: done, shop.done or \"Done\"",
};
/// Names that may contain any printable character.
pub const PRINTABLE: Grammar =
    Grammar { fits: is_printable_name, expected: "expected printable characters, the first of them no dash" };

fn is_container(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_topic(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=249).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !name.starts_with('-')
        && ![".", ".."].contains(&name)
}

fn is_image(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/:@".contains(&byte);
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.bytes().all(is_allowed)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_environment_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !name.is_empty() && !name.starts_with('-') && name.bytes().all(is_allowed)
}

fn is_printable_name(name: &str) -> bool {
    is_printable(name) && !name.starts_with('-')
}

/// Reports whether a string is one name, or several names joined by dots. A quoted name may contain
/// any printable character that neither psql nor a shell interprets inside quotes.
fn is_sql_identifier(name: &str) -> bool {
    let mut rest = name;
    loop {
        let length = match rest.strip_prefix('"') {
            Some(quoted) => match quoted_length(quoted) {
                Some(length) => length + 1,
                None => return false,
            },
            None => rest.find(|c: char| !(c.is_alphanumeric() || "_$".contains(c))).unwrap_or(rest.len()),
        };
        let starts_well = !rest.starts_with(|c: char| c.is_ascii_digit() || c == '$');
        if length == 0 || !starts_well {
            return false;
        }
        match rest.get(length..).unwrap_or_default() {
            "" => return true,
            more => match more.strip_prefix('.') {
                Some(next) => rest = next,
                None => return false,
            },
        }
    }
}

/// Returns the length of a quoted name after its opening quote, including the closing quote.
fn quoted_length(quoted: &str) -> Option<usize> {
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.next_if(|(_, next)| *next == '"').is_some() => {}
            '"' => return (at > 0).then_some(at + 1),
            '`' | '\\' => return None,
            c if !is_printable(c.encode_utf8(&mut [0; 4])) => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 12] = [
        "",
        "-x",
        "--rm",
        "a b; touch x",
        "$(touch x)",
        "`touch x`",
        "a\nb",
        "a'b",
        "x: {privileged: true}",
        "a\u{2028}b",
        "a|b",
        "a&b",
    ];

    #[test]
    fn each_grammar_accepts_what_its_system_allows() {
        for (grammar, names) in [
            (CONTAINER, &["kafka", "shop-kafka-1", "a_b.c", "0"][..]),
            (TOPIC, &["orders", "shop.orders-v2", "_schemas", "__consumer_offsets"]),
            (IMAGE, &["shop/worker", "localhost:5000/a_b:1.2", "a@sha256:0f"]),
            (ENVIRONMENT, &["KAFKA_BROKERS", "_x1", "spring.datasource.url"]),
            (VARIABLE, &["KAFKA_BROKERS", "_x1"]),
            (SQL_IDENTIFIER, &["done", "shop.done", "\"Done\"", "shop.\"It\"\"s done\"", "größe", "a$1"]),
            (PRINTABLE, &["orders", "group with $(x) and 'quotes'"]),
        ] {
            for name in names {
                assert!((grammar.fits)(name), "{name}");
            }
        }
    }

    #[test]
    fn names_of_systems_contain_no_code() {
        for grammar in [CONTAINER, TOPIC, IMAGE, ENVIRONMENT, VARIABLE, SQL_IDENTIFIER] {
            for name in HOSTILE {
                assert!(!(grammar.fits)(name), "{name:?}");
            }
        }
        for name in ["a\"", "\"a", "\"\"", "a.", ".a", "a;b", "a--b", "\"a`b\"", "\"a\\b\"", "1a", "a b"] {
            assert!(!is_sql_identifier(name), "{name}");
        }
        for name in ["a\u{1b}[2J", "--group", "a\nb"] {
            assert!(!is_printable_name(name), "{name:?}");
        }
        assert!(!is_topic(".") && !is_topic(&"x".repeat(250)));
    }
}
