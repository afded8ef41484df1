//! The values of custom facts.

use crate::evidence::{CustomObservation, Log, Observed, Reason, ReasonKind};
use crate::runbook::custom_fact::{CustomFact, Kind, Logged};
use crate::runbook::fact_value::Value;
use crate::situation::http_answers::{describe, is_success, matches};
use crate::situation::logs::complete_and_untruncated;
use crate::situation::stages::Event;
use crate::text::plural::count;

const NOT_RECORDED: &str = "not in this recording";

impl Event<'_> {
    /// Returns the value of a custom fact, with a description of what was observed.
    pub fn custom_value(&self, fact: &CustomFact) -> Observed<(Value, String)> {
        match &fact.log {
            Some(log) => self.logged_value(fact, log),
            None => self.answered_value(fact),
        }
    }

    /// Returns the value that the database or a service returned.
    fn answered_value(&self, fact: &CustomFact) -> Observed<(Value, String)> {
        let Some(seen) = self.lookup.custom(fact.name()) else {
            return Observed::not_asked(NOT_RECORDED);
        };
        let message = |value: Value| (value.clone(), format!("{}: {value}", fact.doc));
        // A lagging replica may not have the rows yet.
        let row = |value: Value| self.backlog.caught_up().map(|()| message(value));
        seen.and_then(|observed| match (observed, fact.kind(), &fact.http) {
            (CustomObservation::Answer(answer), Kind::Bool, Some(request)) => {
                let good = is_success(answer) && matches(answer, &request.expect);
                Observed::Known((Value::Bool(good), format!("{}: {}", fact.doc, describe(answer))))
            }
            (CustomObservation::Bool(yes), Kind::Bool, None) => row(Value::Bool(*yes)),
            (CustomObservation::Count(count), Kind::Count, None) => row(Value::Count(*count)),
            (CustomObservation::NoRow, Kind::Count, None) => row(Value::Count(0)),
            (CustomObservation::NoRow, Kind::Bool, None) => {
                Observed::unknown(ReasonKind::Missing, format!("{}: no row", fact.doc))
            }
            _ => Observed::not_asked("recorded with a different kind of value"),
        })
    }

    /// Counts the matching records in the component's log. If parts of the log were not
    /// read, the count is a lower bound.
    fn logged_value(&self, fact: &CustomFact, wanted: &Logged) -> Observed<(Value, String)> {
        if let Observed::Known(None) = self.workloads.container(&wanted.component) {
            return Observed::not_asked("no container");
        }
        let id = match (wanted.of_id, self.id()) {
            (false, _) => None,
            (true, Observed::Known(id)) => Some(id),
            (true, unavailable) => return unavailable.map(|_| (Value::Count(0), String::new())),
        };
        self.logs.of(&wanted.component).and_then(|index| {
            let log = index.log;
            let found = match id {
                Some(id) => index.matching_and_naming(&wanted.pattern, id),
                None => index.matching(&wanted.pattern),
            };
            let found =
                found.iter().filter(|record| record.at.is_none_or(|at| at >= log.wanted)).count() as u64;
            let message = |value: Value| {
                let read = count(log.read, "record");
                Observed::Known((value.clone(), format!("{}: {value} in {read}", fact.doc)))
            };
            match self.all_read(wanted, log) {
                Ok(()) if self.all_kept(fact, wanted) => message(Value::Count(found)),
                Err(why) if found == 0 => Observed::Unknown(why),
                Ok(()) if found == 0 => Observed::not_asked(NOT_RECORDED),
                _ => message(Value::AtLeast(found)),
            }
        })
    }

    /// Reports whether all matching records were kept during collection. Records that contain the
    /// id are always kept.
    fn all_kept(&self, fact: &CustomFact, wanted: &Logged) -> bool {
        let pattern = Observed::Known(CustomObservation::LookedFor(wanted.pattern.0.as_str().to_string()));
        wanted.of_id || self.inputs.evidence.custom.get(fact.name()) == Some(&pattern)
    }

    /// Succeeds if enough of the log was read for a missing record to be conclusive.
    fn all_read(&self, wanted: &Logged, log: &Log) -> Result<(), Reason> {
        if wanted.of_id {
            return self.covers_event(&wanted.component);
        }
        complete_and_untruncated(log)
    }
}
