//! Facts about the event that was asked about.

use crate::evidence::{Mark, Seen};
use crate::fact::view::View;
use crate::fact::{Fact, Value};
use crate::text::plural::count;

pub(super) fn recorded(view: &View) -> Vec<Fact> {
    let rows = marks(view).map(|(exact, like)| exact.len() + like.len());
    // The event's row may stand elsewhere.
    let event = view.rows().and_then(|rows| rows.event.as_ref()).known().is_some();
    let rows = match rows {
        Seen::Known(0) | Seen::NotAsked(_) if event => {
            let say = "its own row".to_string();
            return vec![Fact::new(view.pipeline.noun.0.as_str(), Value::Count(1), say)];
        }
        rows => rows,
    };
    let rows = rows.and_then(|rows| match rows {
        0 => view.caught_up().map(|()| 0),
        rows => Seen::Known(rows),
    });
    vec![Fact::of(view.pipeline.noun.0.as_str(), rows, |rows| {
        let table = view.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
        (Value::Count(rows as u64), format!("{} in {table}", count(rows as u64, "row")))
    })]
}

pub(super) fn exact(view: &View) -> Vec<Fact> {
    vec![Fact::of(view.pipeline.noun.0.as_str(), marks(view), |(exact, like)| {
        match like.first().filter(|_| exact.is_empty()) {
            Some(mark) => {
                let stored = if mark.correlation_id.len() > mark.event_id.len() {
                    &mark.correlation_id
                } else {
                    &mark.event_id
                };
                (Value::Bool(false), format!("only LIKE finds it: stored as {stored}"))
            }
            None => (Value::Bool(true), "found by =".to_string()),
        }
    })]
}

/// The id's rows, found by `=` and by `LIKE` alone. Where `LIKE` could not be
/// looked at, it matters only if `=` found nothing.
fn marks<'a>(view: &View<'a>) -> Seen<(&'a [Mark], &'a [Mark])> {
    let rows = view.rows();
    let exact = rows.as_ref().and_then(|rows| rows.marks.as_ref());
    let like = rows.and_then(|rows| rows.marks_like.as_ref());
    view.id().and_then(|_| {
        exact.and_then(|exact: &'a Vec<Mark>| match like {
            Seen::Known(like) => Seen::Known((exact.as_slice(), like.as_slice())),
            _ if !exact.is_empty() => Seen::Known((exact.as_slice(), &[])),
            other => other.map(|like: &'a Vec<Mark>| (exact.as_slice(), like.as_slice())),
        })
    })
}
