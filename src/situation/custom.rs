//! What was observed for a team's own facts.

use crate::evidence::{Custom, Log, Seen, Why, WhyKind};
use crate::runbook::own::{Kind, Logged, OwnFact};
use crate::runbook::value::Value;
use crate::situation::answers::{describe, holds, is_good};
use crate::situation::logs::whole;
use crate::situation::stages::Event;
use crate::text::plural::count;

const NOT_RECORDED: &str = "not in this recording";

impl Event<'_> {
    /// The value of an own fact, and what was observed.
    pub fn custom_value(&self, fact: &OwnFact) -> Seen<(Value, String)> {
        match &fact.log {
            Some(log) => self.logged(fact, log),
            None => self.answered(fact),
        }
    }

    /// What the database or a service has told.
    fn answered(&self, fact: &OwnFact) -> Seen<(Value, String)> {
        let Some(seen) = self.asked.custom(fact.name()) else {
            return Seen::not_asked(NOT_RECORDED);
        };
        let say = |value: Value| (value.clone(), format!("{}: {value}", fact.doc));
        // A replica that is behind does not have yet what the rows are asked for.
        let row = |value: Value| self.backlog.caught_up().map(|()| say(value));
        seen.and_then(|own| match (own, fact.kind(), &fact.http) {
            (Custom::Answer(answer), Kind::Bool, Some(request)) => {
                let good = is_good(answer) && holds(answer, &request.expect);
                Seen::Known((Value::Bool(good), format!("{}: {}", fact.doc, describe(answer))))
            }
            (Custom::Bool(yes), Kind::Bool, None) => row(Value::Bool(*yes)),
            (Custom::Count(count), Kind::Count, None) => row(Value::Count(*count)),
            (Custom::NoRow, Kind::Count, None) => row(Value::Count(0)),
            (Custom::NoRow, Kind::Bool, None) => {
                Seen::unknown(WhyKind::Missing, format!("{}: no row", fact.doc))
            }
            _ => Seen::not_asked("recorded as a value of another kind"),
        })
    }

    /// How many records of its log count. What was not read may hold more.
    fn logged(&self, fact: &OwnFact, wanted: &Logged) -> Seen<(Value, String)> {
        if let Seen::Known(None) = self.workloads.container(&wanted.part) {
            return Seen::not_asked("no container");
        }
        let id = match (wanted.of_id, self.id()) {
            (false, _) => None,
            (true, Seen::Known(id)) => Some(id),
            (true, unseen) => return unseen.map(|_| (Value::Count(0), String::new())),
        };
        self.logs.of(&wanted.part).and_then(|index| {
            let log = index.log;
            let found = match id {
                Some(id) => index.both(&wanted.pattern, id),
                None => index.matching(&wanted.pattern),
            };
            let found = found.iter().filter(|record| record.at >= log.wanted).count() as u64;
            let say = |value: Value| {
                let read = count(log.read, "record");
                Seen::Known((value.clone(), format!("{}: {value} in {read}", fact.doc)))
            };
            match self.all_read(wanted, log) {
                Ok(()) if self.all_kept(fact, wanted) => say(Value::Count(found)),
                Err(why) if found == 0 => Seen::Unknown(why),
                Ok(()) if found == 0 => Seen::not_asked(NOT_RECORDED),
                _ => say(Value::AtLeast(found)),
            }
        })
    }

    /// Whether all such records were kept when it was looked: those that name the id are.
    fn all_kept(&self, fact: &OwnFact, wanted: &Logged) -> bool {
        let pattern = Seen::Known(Custom::LookedFor(wanted.pattern.0.as_str().to_string()));
        wanted.of_id || self.source.evidence.custom.get(fact.name()) == Some(&pattern)
    }

    /// Whether the log was read as far as it must be for its silence to mean something.
    fn all_read(&self, wanted: &Logged, log: &Log) -> Result<(), Why> {
        if wanted.of_id {
            return self.covers_event(&wanted.part);
        }
        whole(log)
    }
}
