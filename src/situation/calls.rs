//! The documented API call: asked, answered, and what came of it.

use crate::base::states::states;
use crate::evidence::{Log, Record, Seen};
use crate::pipeline::{Call, Stage};
use crate::situation::logs::in_one_line;
use crate::situation::stages::Event;
use crate::text::plural::count;
use regex::Regex;
use std::sync::LazyLock;

states! {
    /// Whether the service has logged the call.
    pub enum Logged {
        NotCalled = "not-called",
        NotNeeded = "not-needed",
        Called = "called",
    }
}

states! {
    /// What the worker logged as the answer.
    pub enum Answer {
        Bad = "bad",
        Good = "good",
    }
}

/// The documented call for the asked event.
pub struct Calls<'a> {
    /// The service that answers it.
    pub service: &'a str,
    /// The stage whose worker makes it.
    pub stage: &'a Stage,
    /// The calls that the service has logged for the id's key, oldest first.
    pub calls: Seen<(&'a Log, Vec<&'a Record>)>,
    /// Whether it has logged one.
    pub logged: Seen<(Logged, String)>,
    /// What the worker logged as the newest answer.
    pub answer: Seen<(Answer, String)>,
    /// Whether the worker's newest call was answered at all.
    pub reached: Seen<(bool, String)>,
    /// Calls that were answered well although the stage's row is absent.
    pub without_row: Seen<(u64, String)>,
}

impl<'a> Calls<'a> {
    /// Those of the pipeline's call, if it declares one.
    pub fn build(event: &Event<'a>) -> Option<Self> {
        let call = event.source.pipeline.call.as_ref()?;
        let stage = event.source.pipeline.stage(call.stage.get_ref())?;
        let calls = calls(event, call);
        let newest = newest_answer(event, call, stage);
        let outcome = newest_outcome(event, call, stage);
        Some(Calls {
            service: call.service.get_ref(),
            stage,
            logged: logged(event, call, stage, &calls, &outcome),
            answer: answer(event, call, stage, &newest),
            reached: reached(event, stage, outcome),
            without_row: without_row(event, call, stage, &newest),
            calls,
        })
    }
}

/// The calls that the service has logged for the id's key, oldest first.
fn calls<'a>(event: &Event<'a>, call: &Call) -> Seen<(&'a Log, Vec<&'a Record>)> {
    event.event_key(&call.key).and_then(|value| {
        event.logs.of(call.service.get_ref()).map(|index| (index.log, index.both(&call.logged, value)))
    })
}

type Outcome<'a> = Seen<(bool, &'a Record)>;

fn logged(
    event: &Event,
    call: &Call,
    stage: &Stage,
    calls: &Seen<(&Log, Vec<&Record>)>,
    outcome: &Outcome,
) -> Seen<(Logged, String)> {
    let has_effect = event.has_effect(stage);
    let seen = calls.as_ref().and_then(|(log, calls)| {
        let read = count(log.read, "record");
        match calls.last() {
            Some(newest) => {
                let times = count(calls.len() as u64, "call");
                Seen::Known((Logged::Called, format!("{times}, {}", newest.at.strftime("%H:%M:%S"))))
            }
            None if has_effect => {
                Seen::Known((Logged::NotNeeded, format!("0 calls in {read}; the row is there")))
            }
            None => Seen::from(event.covers_event(call.service.get_ref()))
                .and_then(|()| event.old_enough(stage))
                .map(|()| (Logged::NotCalled, format!("0 calls in {read}, all read"))),
        }
    });
    let unanswered = matches!(outcome, Seen::Known((false, _)));
    match seen {
        // It was called, and did not hear of it.
        Seen::Known((Logged::NotCalled, _)) if unanswered => {
            Seen::not_asked("the worker has called, and nothing answered")
        }
        Seen::Unknown(_) if has_effect => Seen::Known((Logged::NotNeeded, "the row is there".into())),
        seen => seen,
    }
}

/// What the worker logged as the newest answer to the call for the id.
fn newest_answer<'a>(event: &Event<'a>, call: &Call, stage: &Stage) -> Seen<&'a Record> {
    let worker = stage.worker.get_ref();
    let none = || Seen::not_asked(format!("{worker} has logged no answer for this id"));
    event.id().and_then(|id| {
        if event.workloads.container(worker).known().is_some_and(Option::is_none) {
            return none();
        }
        event.logs.of(worker).and_then(|index| match index.both(&call.answered, id).last() {
            Some(record) => Seen::Known(*record),
            None if event.has_effect(stage) => none(),
            None => Seen::from(event.covers_event(worker)).and_then(|()| none()),
        })
    })
}

fn answer(event: &Event, call: &Call, stage: &Stage, newest: &Seen<&Record>) -> Seen<(Answer, String)> {
    if newest.known().is_none() && event.has_effect(stage) {
        return Seen::Known((Answer::Good, "the row is there".to_string()));
    }
    newest.clone().map(|record| match call.answered_well.0.is_match(&record.text) {
        true => (Answer::Good, format!("answered well {}", record.at.strftime("%H:%M:%S"))),
        false => (Answer::Bad, format!("logged as the answer: {}", in_one_line(&without_ids(&record.text)))),
    })
}

fn reached(event: &Event, stage: &Stage, outcome: Outcome) -> Seen<(bool, String)> {
    match event.has_effect(stage) {
        true => Seen::Known((true, "the row is there".to_string())),
        false => outcome.map(|(reached, record)| match reached {
            true => (true, format!("answered {}", record.at.strftime("%H:%M:%S"))),
            false => (false, in_one_line(&without_ids(&record.text))),
        }),
    }
}

/// What became of the worker's newest call for the id: answered or not, and the
/// record that says so.
fn newest_outcome<'a>(event: &Event<'a>, call: &Call, stage: &Stage) -> Outcome<'a> {
    let worker = stage.worker.get_ref();
    let Some(unanswered) = &call.unanswered else {
        return Seen::not_asked("the pipeline does not say how an unanswered call is logged");
    };
    event.id().and_then(|id| {
        event.logs.of(worker).and_then(|index| {
            let outcome = index.naming(id).into_iter().rev().find_map(|record| {
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

fn without_row(event: &Event, call: &Call, stage: &Stage, newest: &Seen<&Record>) -> Seen<(u64, String)> {
    let answered = newest.clone().map(|record| call.answered_well.0.is_match(&record.text));
    let seen = match event.has_effect(stage) {
        true => Seen::Known(0),
        false => answered.and_then(|well| match well {
            true => event.effects(stage).and_then(|_| event.old_enough(stage).map(|()| 1)),
            false => Seen::Known(0),
        }),
    };
    seen.map(|count| match count {
        0 => (0, "no answer without its row".to_string()),
        _ => (count, format!("answered well, and no row in {}", stage.effect)),
    })
}

/// The ids in a record's metadata, which say nothing of the answer.
static IDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""\w*[iI]d":"[^"]*",?"#).expect("a constant pattern"));

fn without_ids(text: &str) -> String {
    // With a space behind each comma it can be wrapped.
    IDS.replace_all(text, "").replace(",\"", ", \"")
}
