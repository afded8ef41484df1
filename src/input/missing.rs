//! What else a row lacks, beside the first field that is missing: the deserializer tells
//! of one at a time.

use crate::input::message::{missing_field, unknown_name};
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

/// No row has more.
const MOST: usize = 20;

/// A value of each kind, to stand in for one that is missing.
const KINDS: &str =
    "text = ''\nnumber = 1\npair = ['', '']\nlist = []\nrow = {}\nexpected = { is = true }\nyes = false\n";

/// The fields that are missing in the same row as the first one.
pub fn beside<T: DeserializeOwned>(table: &Spanned<DeTable<'_>>, first: &Error) -> Vec<Error> {
    let mut found = Vec::new();
    let Some(at) = first.span() else { return found };
    let mut filled = table.clone();
    let mut missing = first.clone();
    for _ in 0..MOST {
        let Some(field) = missing_field(missing.message()).map(String::from) else { break };
        let Some((with, error)) = with_stand_in::<T>(&filled, &at, &field) else { break };
        filled = with;
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

/// The table with a value for a missing field that its row takes, and what is wrong then.
fn with_stand_in<'a, T: DeserializeOwned>(
    table: &Spanned<DeTable<'a>>,
    at: &Range<usize>,
    field: &str,
) -> Option<(Spanned<DeTable<'a>>, Option<Error>)> {
    let mut open: Vec<DeValue<'a>> = Vec::new();
    let (kinds, _) = DeTable::parse_recoverable(KINDS);
    for name in ["yes", "expected", "row", "pair", "list", "number", "text"] {
        open.extend(kinds.get_ref().get(name).map(|value| value.get_ref().clone()));
    }
    while let Some(value) = open.pop() {
        let mut with = table.clone();
        let stand_in = Spanned::new(at.clone(), value);
        row_at(&mut with, at)?.insert(Spanned::new(at.clone(), Cow::Owned(field.to_string())), stand_in);
        let Err(error) = T::deserialize(with.clone().into_deserializer()) else { return Some((with, None)) };
        let is_here = error.span().is_none_or(|span| span == *at);
        let is_about_it = is_here && missing_field(error.message()).is_none();
        if !is_about_it {
            return Some((with, Some(error)));
        }
        // One of several words.
        if let Some((_, words)) = unknown_name(error.message())
            && let Some(word) = words.first()
        {
            open = vec![DeValue::String(Cow::Owned((*word).to_string()))];
        }
    }
    None
}

/// The table that stands at a place.
fn row_at<'t, 'a>(table: &'t mut Spanned<DeTable<'a>>, at: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
    if table.span() == *at {
        return Some(table.get_mut());
    }
    table.get_mut().iter_mut().find_map(|(_, value)| within(value, at))
}

fn within<'t, 'a>(value: &'t mut Spanned<DeValue<'a>>, at: &Range<usize>) -> Option<&'t mut DeTable<'a>> {
    let is_here = value.span() == *at;
    match value.get_mut() {
        DeValue::Table(table) => match is_here {
            true => Some(table),
            false => table.iter_mut().find_map(|(_, value)| within(value, at)),
        },
        DeValue::Array(items) => items.iter_mut().find_map(|item| within(item, at)),
        _ => None,
    }
}
