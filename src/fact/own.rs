//! Facts of the user's own.

use crate::evidence::{Custom, Log, Seen, Why, WhyKind};
use crate::fact::{Fact, Value, systems};
use crate::runbook::own::{Kind as OwnKind, Logged, OwnFact};
use crate::situation::Situation;
use crate::situation::logs::whole;

const NOT_RECORDED: &str = "not in this recording";

/// Its value about its subject.
pub(super) fn derive(s: &Situation, fact: &OwnFact) -> Vec<Fact> {
    let subjects = fact.scopes().iter().flat_map(|scope| scope.subjects(s.pipeline));
    let told = match &fact.log {
        Some(log) => logged(s, fact, log),
        None => told(s, fact),
    };
    subjects.map(|subject| Fact::of(subject, told.clone(), |told| told)).collect()
}

/// What the database or a service has told.
fn told(s: &Situation, fact: &OwnFact) -> Seen<(Value, String)> {
    let Some(seen) = s.custom(fact.name()) else {
        return Seen::not_asked(NOT_RECORDED);
    };
    let say = |value: Value| (value.clone(), format!("{}: {value}", fact.doc));
    // A replica that is behind does not have yet what the rows are asked for.
    let row = |value: Value| s.backlog.caught_up().map(|()| say(value));
    seen.and_then(|own| match (own, fact.kind(), &fact.http) {
        (Custom::Answer(answer), OwnKind::Bool, Some(request)) => {
            let good = systems::is_good(answer) && systems::holds(answer, &request.expect);
            Seen::Known((Value::Bool(good), format!("{}: {}", fact.doc, systems::in_words(answer))))
        }
        (Custom::Bool(yes), OwnKind::Bool, None) => row(Value::Bool(*yes)),
        (Custom::Count(count), OwnKind::Count, None) => row(Value::Count(*count)),
        (Custom::NoRow, OwnKind::Count, None) => row(Value::Count(0)),
        (Custom::NoRow, OwnKind::Bool, None) => {
            Seen::unknown(WhyKind::Missing, format!("{}: no row", fact.doc))
        }
        _ => Seen::not_asked("recorded as a value of another kind"),
    })
}

/// How many records of its log count. What was not read may hold more.
fn logged(s: &Situation, fact: &OwnFact, wanted: &Logged) -> Seen<(Value, String)> {
    if let Seen::Known(None) = s.workloads.container(&wanted.part) {
        return Seen::not_asked("no container");
    }
    let id = match (wanted.of_id, s.id()) {
        (false, _) => None,
        (true, Seen::Known(id)) => Some(id),
        (true, unseen) => return unseen.map(|_| (Value::Count(0), String::new())),
    };
    s.logs.of(&wanted.part).and_then(|index| {
        let log = index.log;
        let found = match id {
            Some(id) => index.both(&wanted.pattern, id),
            None => index.matching(&wanted.pattern),
        };
        let count = found.iter().filter(|record| record.at >= log.wanted).count() as u64;
        let say = |value: Value| {
            let read = crate::text::plural::count(log.read, "record");
            Seen::Known((value.clone(), format!("{}: {value} in {read}", fact.doc)))
        };
        match all_read(s, wanted, log) {
            Ok(()) if kept(s, fact, wanted) => say(Value::Count(count)),
            Err(why) if count == 0 => Seen::Unknown(why),
            Ok(()) if count == 0 => Seen::not_asked(NOT_RECORDED),
            _ => say(Value::AtLeast(count)),
        }
    })
}

/// Whether all such records were kept when it was looked: those that name the id are.
fn kept(s: &Situation, fact: &OwnFact, wanted: &Logged) -> bool {
    let pattern = Seen::Known(Custom::LookedFor(wanted.pattern.0.as_str().to_string()));
    wanted.of_id || s.source.evidence.custom.get(fact.name()) == Some(&pattern)
}

/// Whether the log was read as far as it must be for its silence to mean something.
fn all_read(s: &Situation, wanted: &Logged, log: &Log) -> Result<(), Why> {
    if wanted.of_id {
        return s.covers_event(&wanted.part);
    }
    whole(log)
}
