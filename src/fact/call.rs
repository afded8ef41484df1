//! Facts about the documented API call: asked, answered, and what came of it.

use crate::evidence::{Log, Record, Seen};
use crate::fact::logs::whole;
use crate::fact::view::View;
use crate::fact::{Fact, Value};
use crate::pipeline::{Call, Stage};
use crate::text::plural::count;
use regex::Regex;
use std::sync::LazyLock;

/// The call and the stage whose worker makes it.
fn call_of<'a>(view: &View<'a>) -> Option<(&'a Call, &'a Stage)> {
    let call = view.pipeline.call.as_ref()?;
    let stage = view.pipeline.stage(call.stage.get_ref())?;
    Some((call, stage))
}

/// The calls that the service has logged for the id's key, oldest first.
pub fn calls<'a>(view: &View<'a>, call: &Call) -> Seen<(&'a Log, Vec<&'a Record>)> {
    view.event_key(&call.key).and_then(|value| {
        view.log(call.service.get_ref()).map(|log| {
            let hits = log.records.iter().filter(|record| call.logged.0.is_match(&record.text));
            (log, hits.filter(|record| record.names(value)).collect())
        })
    })
}

pub(super) fn logged(view: &View) -> Vec<Fact> {
    let Some((call, stage)) = call_of(view) else {
        return Vec::new();
    };
    let has_effect = view.has_effect(stage);
    let calls = calls(view, call);
    let seen = calls.and_then(|(log, calls)| {
        let read = count(log.read, "record");
        match calls.last() {
            Some(newest) => {
                let times =
                    if calls.len() == 1 { "1 call".to_string() } else { format!("{} calls", calls.len()) };
                Seen::Known((Value::Word("called"), format!("{times}, {}", newest.at.strftime("%H:%M:%S"))))
            }
            None if has_effect => {
                Seen::Known((Value::Word("not-needed"), format!("0 calls in {read}; the row is there")))
            }
            None => Seen::from(view.covers_event(call.service.get_ref(), log))
                .and_then(|()| view.old_enough(stage))
                .map(|()| (Value::Word("not-called"), format!("0 calls in {read}, all read"))),
        }
    });
    let unanswered = matches!(newest_outcome(view, call, stage), Seen::Known((false, _)));
    let seen = match seen {
        // It was called, and did not hear of it.
        Seen::Known((Value::Word("not-called"), _)) if unanswered => {
            Seen::not_asked("the worker has called, and nothing answered")
        }
        Seen::Unknown(_) if has_effect => Seen::Known((Value::Word("not-needed"), "the row is there".into())),
        seen => seen,
    };
    vec![Fact::of(call.service.get_ref().as_str(), seen, |told| told)]
}

/// What the worker logged as the newest answer to the call for the id.
fn newest_answer<'a>(view: &View<'a>, call: &Call, stage: &Stage) -> Seen<&'a Record> {
    let worker = stage.worker.get_ref();
    let none = || Seen::not_asked(format!("{worker} has logged no answer for this id"));
    view.id().and_then(|id| {
        if view.container(worker).known().is_some_and(Option::is_none) {
            return none();
        }
        view.log(worker).and_then(|log| {
            let mut answers =
                log.records.iter().rev().filter(|record| call.answered.0.is_match(&record.text));
            match answers.find(|record| record.names(id)) {
                Some(record) => Seen::Known(record),
                None if view.has_effect(stage) => none(),
                None => Seen::from(view.covers_event(worker, log)).and_then(|()| none()),
            }
        })
    })
}

pub(super) fn answer(view: &View) -> Vec<Fact> {
    let Some((call, stage)) = call_of(view) else {
        return Vec::new();
    };
    let service = call.service.get_ref().as_str();
    let newest = newest_answer(view, call, stage);
    if newest.known().is_none() && view.has_effect(stage) {
        return vec![Fact::new(service, Value::Word("good"), "the row is there")];
    }
    vec![Fact::of(service, newest, |record| match call.answered_well.0.is_match(&record.text) {
        true => (Value::Word("good"), format!("answered well {}", record.at.strftime("%H:%M:%S"))),
        false => (Value::Word("bad"), format!("logged as the answer: {}", whole(&without_ids(&record.text)))),
    })]
}

/// Whether the worker's newest call for the id was answered at all.
pub(super) fn reached(view: &View) -> Vec<Fact> {
    let Some((call, stage)) = call_of(view) else {
        return Vec::new();
    };
    let seen = match view.has_effect(stage) {
        true => Seen::Known((true, "the row is there".to_string())),
        false => newest_outcome(view, call, stage).map(|(reached, record)| match reached {
            true => (true, format!("answered {}", record.at.strftime("%H:%M:%S"))),
            false => (false, whole(&without_ids(&record.text))),
        }),
    };
    let tell = |(reached, say): (bool, String)| (Value::Bool(reached), say);
    vec![Fact::of(view.pipeline.stage_subject(stage), seen, tell)]
}

/// What became of the worker's newest call for the id: answered or not, and the
/// record that says so.
fn newest_outcome<'a>(view: &View<'a>, call: &Call, stage: &Stage) -> Seen<(bool, &'a Record)> {
    let worker = stage.worker.get_ref();
    let Some(unanswered) = &call.unanswered else {
        return Seen::not_asked("the pipeline does not say how an unanswered call is logged");
    };
    view.id().and_then(|id| {
        view.log(worker).and_then(|log| {
            let outcome = log.records.iter().rev().filter(|record| record.names(id)).find_map(|record| {
                let not = unanswered.0.is_match(&record.text);
                (not || call.answered.0.is_match(&record.text)).then_some((!not, record))
            });
            match outcome {
                Some(outcome) => Seen::Known(outcome),
                None => Seen::not_asked(format!("{worker} has logged no call for this id")),
            }
        })
    })
}

/// The ids in a record's metadata, which say nothing of the answer.
static IDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""\w*[iI]d":"[^"]*",?"#).expect("a constant pattern"));

fn without_ids(text: &str) -> String {
    // With a space behind each comma it can be wrapped.
    IDS.replace_all(text, "").replace(",\"", ", \"")
}

pub(super) fn answered_without_row(view: &View) -> Vec<Fact> {
    let Some((call, stage)) = call_of(view) else {
        return Vec::new();
    };
    let answered = newest_answer(view, call, stage).map(|record| call.answered_well.0.is_match(&record.text));
    let effects = view.effects(stage);
    let seen = match view.has_effect(stage) {
        true => Seen::Known(0),
        false => answered.and_then(|well| match well {
            true => effects.and_then(|_| view.old_enough(stage).map(|()| 1)),
            false => Seen::Known(0),
        }),
    };
    vec![Fact::of(view.pipeline.stage_subject(stage), seen, |count| {
        let say = match count {
            0 => "no answer without its row".to_string(),
            _ => format!("answered well, and no row in {}", stage.effect),
        };
        (Value::Count(count), say)
    })]
}
