//! Parses correlation ids typed by users.

use crate::base::error::Mistake;
use crate::base::uuid::is_uuid;
use crate::pipeline::model::{IdForm, Pipeline};
use crate::text::printable::is_printable;

impl Pipeline {
    /// Returns the canonical form of a typed id. Whitespace is trimmed, and a UUID is lower-cased
    /// and stripped of its braces. Returns a mistake if the id does not match the pipeline's format.
    pub fn canonical_id(&self, typed: &str) -> Result<String, Mistake> {
        let (trimmed, bare) =
            (typed.trim(), typed.trim().trim_start_matches('{').trim_end_matches('}').trim());
        let pattern = self.id.pattern.as_ref();
        match self.id.format {
            IdForm::Uuid if is_uuid(bare) => Ok(bare.to_ascii_lowercase()),
            IdForm::Ulid if is_ulid(bare) => Ok(bare.to_ascii_uppercase()),
            IdForm::Number => match bare.parse::<i64>() {
                Ok(number) if bare.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number.to_string()),
                _ => Err(self.invalid_id(typed)),
            },
            IdForm::Text if is_text(trimmed) && pattern.is_none_or(|pattern| pattern.0.is_match(trimmed)) => {
                Ok(trimmed.to_string())
            }
            _ => Err(self.invalid_id(typed)),
        }
    }

    /// Reports whether an id from a row or a recording has the pipeline's format. Any other text is
    /// never printed in a command.
    pub fn is_id(&self, id: &str) -> bool {
        self.canonical_id(id).is_ok_and(|canonical| canonical.eq_ignore_ascii_case(id))
    }

    /// Reports whether rows may be selected by a stored id: it must be an id, alone or with a plain
    /// prefix or suffix, which some writers add.
    pub fn is_stored_id(&self, stored: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
        let is_affixed = || {
            let has_id = |part: Option<&str>| part.is_some_and(|part| self.is_id(part));
            let at_ends = |length: usize| {
                has_id(stored.get(..length))
                    || has_id(stored.len().checked_sub(length).and_then(|at| stored.get(at..)))
            };
            match self.id.format {
                IdForm::Uuid => at_ends(36),
                IdForm::Ulid => at_ends(26),
                IdForm::Number | IdForm::Text => stored.split([':', '/', '_']).any(|part| has_id(Some(part))),
            }
        };
        self.is_id(stored)
            || (stored.len() <= 200
                && !stored.starts_with('-')
                && stored.bytes().all(is_plain)
                && is_affixed())
    }

    fn invalid_id(&self, typed: &str) -> Mistake {
        let shown: String = typed.chars().take(60).flat_map(char::escape_debug).collect();
        let expected = match (self.id.format, &self.id.pattern) {
            (IdForm::Uuid, _) => "expected a UUID such as 1fa90c93-ea40-4ba9-a7bf-4ed47e735b91".to_string(),
            (IdForm::Ulid, _) => "expected a ULID such as 01ARZ3NDEKTSV4RRFFQ69G5FAV".to_string(),
            (IdForm::Number, _) => format!("expected a number from 0 to {}", i64::MAX),
            (IdForm::Text, Some(pattern)) => format!("expected a string that matches {}", pattern.0),
            (IdForm::Text, None) => {
                "expected 1 to 200 printable characters, the first of them no dash".to_string()
            }
        };
        Mistake::new(format!("id `{shown}`"), format!("not a {}", self.id.name)).help(expected)
    }
}

/// Reports whether a string is a ULID. A ULID has 128 bits, so its first digit is at most 7.
fn is_ulid(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() && !b"ILOU".contains(&byte.to_ascii_uppercase());
    text.len() == 26
        && text.bytes().all(digit)
        && text.starts_with(|first: char| ('0'..='7').contains(&first))
}

fn is_text(text: &str) -> bool {
    // Programs would treat an id with a leading dash as an option.
    !text.is_empty() && text.chars().count() <= 200 && is_printable(text) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Source;

    fn pipeline(format: &str) -> Pipeline {
        let text = include_str!("../../tests/support/shop.toml");
        let text = text.replace("format = \"uuid\"", format);
        let mut mistakes = Vec::new();
        let pipeline = Pipeline::read(&Source { name: "shop.toml".into(), text }, &mut mistakes);
        assert_eq!(mistakes, []);
        pipeline.unwrap()
    }

    #[test]
    fn normalizes_typed_ids() {
        for (format, typed, canonical) in [
            (
                "format = \"uuid\"",
                "1FA90C93-EA40-4BA9-A7BF-4ED47E735B91",
                "1fa90c93-ea40-4ba9-a7bf-4ed47e735b91",
            ),
            (
                "format = \"uuid\"",
                " {1fa90c93-ea40-4ba9-a7bf-4ed47e735b91} ",
                "1fa90c93-ea40-4ba9-a7bf-4ed47e735b91",
            ),
            ("format = \"ulid\"", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("format = \"number\"", " 0042 ", "42"),
            ("format = \"text\"", " {x}'; drop table y ", "{x}'; drop table y"),
            ("format = \"text\"\npattern = '^ORD-\\d{4}-\\d{6}$'", "ORD-2026-000123", "ORD-2026-000123"),
        ] {
            assert_eq!(pipeline(format).canonical_id(typed).unwrap(), canonical, "{format}");
        }
    }

    #[test]
    fn recognizes_ids_of_rows() {
        let id = "1fa90c93-ea40-4ba9-a7bf-4ed47e735b91";
        assert!(
            pipeline("format = \"uuid\"").is_id(id)
                && pipeline("format = \"uuid\"").is_id(&id.to_uppercase())
        );
        for other in
            [format!("{{{id}}}"), format!(" {id}"), format!("{id}'; drop table t; --"), String::new()]
        {
            assert!(!pipeline("format = \"uuid\"").is_id(&other), "{other}");
        }
        assert!(!pipeline("format = \"number\"").is_id("1 or true"));
        for (format, stored) in
            [("uuid", format!("payment:{id}")), ("uuid", format!("{id}/1")), ("number", "no:7".into())]
        {
            assert!(pipeline(&format!("format = \"{format}\"")).is_stored_id(&stored), "{stored}");
        }
        for stored in [format!("'; --{id}"), format!("$(x){id}"), format!("-{id}"), "x".into()] {
            assert!(!pipeline("format = \"uuid\"").is_stored_id(&stored), "{stored}");
        }
        assert!(pipeline("format = \"text\"").is_id("it's") && !pipeline("format = \"text\"").is_id("a\nb"));
    }

    #[test]
    fn rejects_invalid_ids_and_says_what_was_expected() {
        for (format, invalid) in [
            ("format = \"uuid\"", "1fa90c93ea404ba9a7bf4ed47e735b91"),
            ("format = \"uuid\"", "x'; drop table y"),
            ("format = \"ulid\"", "81ARZ3NDEKTSV4RRFFQ69G5FAV"),
            ("format = \"ulid\"", "01ARZ3NDEKTSV4RRFFQ69G5FAI"),
            ("format = \"number\"", "-1"),
            ("format = \"number\"", "99999999999999999999"),
            ("format = \"text\"", "a\u{1b}[2J"),
            ("format = \"text\"", "a\u{202e}b"),
            ("format = \"text\"", "--records"),
            ("format = \"text\"", ""),
            ("format = \"text\"\npattern = '^ORD-\\d+$'", "ord-1"),
        ] {
            let mistake = pipeline(format).canonical_id(invalid).unwrap_err();
            assert!(mistake.help.is_some_and(|help| help.starts_with("expected")), "{format} {invalid}");
        }
    }
}
