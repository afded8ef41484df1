//! Facts about the requested event.

use crate::base::observed::Observed;
use crate::fact::{Fact, Value};
use crate::situation::Situation;
use crate::text::plural::count;

pub(super) fn recorded(s: &Situation) -> Vec<Fact> {
    let rows = s.exact_and_like_marks().map(|(exact, like)| exact.len() + like.len());
    // The event may have its own row outside the marks table.
    let event = s.lookup.row.known().is_some();
    let rows = match rows {
        Observed::Known(0) | Observed::NotAsked(_) if event => {
            let message = "event row found".to_string();
            return vec![Fact::new(s.pipeline.noun.0.as_str(), Value::Count(1), message)];
        }
        rows => rows,
    };
    let rows = rows.and_then(|rows| match rows {
        0 => s.backlog.caught_up().map(|()| 0),
        rows => Observed::Known(rows),
    });
    vec![Fact::of(s.pipeline.noun.0.as_str(), rows, |rows| {
        let table = s.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
        (Value::Count(rows as u64), format!("{} in {table}", count(rows as u64, "row")))
    })]
}

pub(super) fn exact(s: &Situation) -> Vec<Fact> {
    vec![Fact::of(s.pipeline.noun.0.as_str(), s.exact_and_like_marks(), |(exact, like)| {
        match like.first().filter(|_| exact.is_empty()) {
            Some(mark) => {
                let stored = if mark.correlation_id.len() > mark.event_id.len() {
                    &mark.correlation_id
                } else {
                    &mark.event_id
                };
                (Value::Bool(false), format!("only LIKE finds it; stored as {stored}"))
            }
            None => (Value::Bool(true), "found by =".to_string()),
        }
    })]
}
