//! Finds all missing fields in a row, because the deserializer reports only the first one.

use crate::input::deserializer_message::{missing_field, unknown_name};
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// The maximum number of missing fields per row.
const LIMIT: usize = 20;

/// One default value of each kind, used in place of a missing value.
const DEFAULTS: &str =
    "text = ''\nnumber = 1\npair = ['', '']\nlist = []\nrow = {}\nexpected = { is = true }\nyes = false\n";

/// Returns errors for the other missing fields in the row of the first error.
pub fn other_missing_fields<T: DeserializeOwned>(table: &Spanned<DeTable<'_>>, first: &Error) -> Vec<Error> {
    let mut found = Vec::new();
    let Some(at) = first.span() else { return found };
    let mut filled = table.clone();
    let mut missing = first.clone();
    for _ in 0..LIMIT {
        let Some(field) = missing_field(missing.message()).map(String::from) else { break };
        let Some((with_default, error)) = insert_default::<T>(&filled, &at, &field) else { break };
        filled = with_default;
        match error {
            Some(next) if next.span().as_ref() == Some(&at) && missing_field(next.message()).is_some() => {
                found.push(next.clone());
                missing = next;
            }
            _ => break,
        }
    }
    found
}

/// Inserts a default value of the right type for a missing field. Returns the new table and
/// the next error in it.
fn insert_default<'a, T: DeserializeOwned>(
    table: &Spanned<DeTable<'a>>,
    at: &Range<usize>,
    field: &str,
) -> Option<(Spanned<DeTable<'a>>, Option<Error>)> {
    let mut candidates: Vec<DeValue<'a>> = Vec::new();
    let (defaults, _) = DeTable::parse_recoverable(DEFAULTS);
    for name in ["yes", "expected", "row", "pair", "list", "number", "text"] {
        candidates.extend(defaults.get_ref().get(name).map(|value| value.get_ref().clone()));
    }
    while let Some(value) = candidates.pop() {
        let mut filled = table.clone();
        let default = Spanned::new(at.clone(), value);
        row_at(&mut filled, at)?.insert(Spanned::new(at.clone(), Cow::Owned(field.to_string())), default);
        let Err(error) = T::deserialize(filled.clone().into_deserializer()) else {
            return Some((filled, None));
        };
        let is_here = error.span().is_none_or(|span| span == *at);
        let is_wrong_type = is_here && missing_field(error.message()).is_none();
        if !is_wrong_type {
            return Some((filled, Some(error)));
        }
        // The field is an enum, so use its first valid variant.
        if let Some((_, variants)) = unknown_name(error.message())
            && let Some(variant) = variants.first()
        {
            candidates = vec![DeValue::String(Cow::Owned((*variant).to_string()))];
        }
    }
    None
}

/// Returns the table at the given byte range.
fn row_at<'t, 'a>(table: &'t mut Spanned<DeTable<'a>>, at: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
    if table.span() == *at {
        return Some(table.get_mut());
    }
    table.get_mut().iter_mut().find_map(|(_, value)| table_at(value, at))
}

fn table_at<'t, 'a>(value: &'t mut Spanned<DeValue<'a>>, at: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
    let is_here = value.span() == *at;
    match value.get_mut() {
        DeValue::Table(table) => match is_here {
            true => Some(table),
            false => table.iter_mut().find_map(|(_, value)| table_at(value, at)),
        },
        DeValue::Array(items) => items.iter_mut().find_map(|item| table_at(item, at)),
        _ => None,
    }
}
