//! The documented API call: whether it was made, how it was answered, and whether its row
//! exists.

use crate::base::state_enum::state_enum;
use crate::evidence::{Log, Observed, Record};
use crate::pipeline::{Call, Stage};
use crate::situation::logs::in_one_line;
use crate::situation::stages::Event;
use crate::text::plural::count;
use regex::Regex;
use std::sync::LazyLock;

state_enum! {
    /// Whether the service has logged the call.
    pub enum Logged {
        NotCalled = "not-called",
        NotNeeded = "not-needed",
        Called = "called",
    }
}

state_enum! {
    /// Whether the worker logged a successful answer.
    pub enum Answer {
        Bad = "bad",
        Good = "good",
    }
}

/// The documented API call for the requested event.
pub struct ApiCalls<'a> {
    /// The service that answers the call.
    pub service: &'a str,
    /// The stage whose worker makes the call.
    pub stage: &'a Stage,
    /// The calls that the service logged for the event's key, oldest first.
    pub calls: Observed<(&'a Log, Vec<&'a Record>)>,
    /// Whether the service logged any call for the event.
    pub logged: Observed<(Logged, String)>,
    /// The newest answer that the worker logged.
    pub answer: Observed<(Answer, String)>,
    /// Whether the worker's newest call received any answer.
    pub reached: Observed<(bool, String)>,
    /// Calls that were answered successfully although the stage's row is missing.
    pub without_row: Observed<(u64, String)>,
}

impl<'a> ApiCalls<'a> {
    /// Joins the logged calls and answers, if the pipeline declares an API call.
    pub fn build(event: &Event<'a>) -> Option<Self> {
        let call = event.inputs.pipeline.call.as_ref()?;
        let stage = event.inputs.pipeline.stage(call.stage.get_ref())?;
        let calls = calls(event, call);
        let newest = newest_answer(event, call, stage);
        let outcome = newest_outcome(event, call, stage);
        Some(ApiCalls {
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

/// Returns the calls that the service logged for the event's key, oldest first.
fn calls<'a>(event: &Event<'a>, call: &Call) -> Observed<(&'a Log, Vec<&'a Record>)> {
    event.event_key(&call.key).and_then(|value| {
        event
            .logs
            .of(call.service.get_ref())
            .map(|index| (index.log, index.matching_and_naming(&call.logged, value)))
    })
}

type Outcome<'a> = Observed<(bool, &'a Record)>;

fn logged(
    event: &Event,
    call: &Call,
    stage: &Stage,
    calls: &Observed<(&Log, Vec<&Record>)>,
    outcome: &Outcome,
) -> Observed<(Logged, String)> {
    let has_effect = event.has_effect(stage);
    let seen = calls.as_ref().and_then(|(log, calls)| {
        let read = count(log.read, "record");
        match calls.last() {
            Some(newest) => {
                let times = count(calls.len() as u64, "call");
                Observed::Known((Logged::Called, format!("{times}, last at {}", newest.time_of_day().trim())))
            }
            None if has_effect => {
                Observed::Known((Logged::NotNeeded, format!("0 calls in {read}; the row exists")))
            }
            None => Observed::from(event.covers_event(call.service.get_ref()))
                .and_then(|()| event.old_enough(stage))
                .map(|()| (Logged::NotCalled, format!("0 calls in {read}, all read"))),
        }
    });
    let unanswered = matches!(outcome, Observed::Known((false, _)));
    match seen {
        // The call was made but never reached the service.
        Observed::Known((Logged::NotCalled, _)) if unanswered => {
            Observed::not_asked("the worker made the call, but nothing answered")
        }
        Observed::Unknown(_) if has_effect => Observed::Known((Logged::NotNeeded, "the row exists".into())),
        seen => seen,
    }
}

/// Returns the record in which the worker logged the newest answer for the id.
fn newest_answer<'a>(event: &Event<'a>, call: &Call, stage: &Stage) -> Observed<&'a Record> {
    let worker = stage.worker.get_ref();
    let none = || Observed::not_asked(format!("{worker} logged no answer for this id"));
    event.id().and_then(|id| {
        if event.workloads.container(worker).known().is_some_and(Option::is_none) {
            return none();
        }
        event.logs.of(worker).and_then(|index| match index.matching_and_naming(&call.answered, id).last() {
            Some(record) => Observed::Known(*record),
            None if event.has_effect(stage) => none(),
            None => Observed::from(event.covers_event(worker)).and_then(|()| none()),
        })
    })
}

fn answer(
    event: &Event,
    call: &Call,
    stage: &Stage,
    newest: &Observed<&Record>,
) -> Observed<(Answer, String)> {
    if newest.known().is_none() && event.has_effect(stage) {
        return Observed::Known((Answer::Good, "the row exists".to_string()));
    }
    newest.clone().map(|record| match call.answered_well.0.is_match(&record.text) {
        true => (Answer::Good, format!("answered successfully at {}", record.time_of_day().trim())),
        false => (Answer::Bad, format!("logged answer: {}", in_one_line(&without_ids(&record.text)))),
    })
}

fn reached(event: &Event, stage: &Stage, outcome: Outcome) -> Observed<(bool, String)> {
    match event.has_effect(stage) {
        true => Observed::Known((true, "the row exists".to_string())),
        false => outcome.map(|(reached, record)| match reached {
            true => (true, format!("answered at {}", record.time_of_day().trim())),
            false => (false, in_one_line(&without_ids(&record.text))),
        }),
    }
}

/// Returns whether the worker's newest call for the id was answered, and the record that
/// shows it.
fn newest_outcome<'a>(event: &Event<'a>, call: &Call, stage: &Stage) -> Outcome<'a> {
    let worker = stage.worker.get_ref();
    let Some(unanswered) = &call.unanswered else {
        return Observed::not_asked("the pipeline declares no pattern for unanswered calls");
    };
    event.id().and_then(|id| {
        event.logs.of(worker).and_then(|index| {
            let outcome = index.naming(id).into_iter().rev().find_map(|record| {
                let not = unanswered.0.is_match(&record.text);
                (not || call.answered.0.is_match(&record.text)).then_some((!not, record))
            });
            match outcome {
                Some(outcome) => Observed::Known(outcome),
                None => Observed::not_asked(format!("{worker} logged no call for this id")),
            }
        })
    })
}

fn without_row(
    event: &Event,
    call: &Call,
    stage: &Stage,
    newest: &Observed<&Record>,
) -> Observed<(u64, String)> {
    let answered = newest.clone().map(|record| call.answered_well.0.is_match(&record.text));
    let seen = match event.has_effect(stage) {
        true => Observed::Known(0),
        false => answered.and_then(|well| match well {
            true => event.effects(stage).and_then(|_| event.old_enough(stage).map(|()| 1)),
            false => Observed::Known(0),
        }),
    };
    seen.map(|count| match count {
        0 => (0, "no successful answer without its row".to_string()),
        _ => (count, format!("answered successfully, but no row in {}", stage.effect)),
    })
}

/// Ids in a record's metadata, which say nothing about the answer.
static IDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""\w*[iI]d":"[^"]*",?"#).expect("a constant pattern"));

fn without_ids(text: &str) -> String {
    // A space after each comma allows line wrapping.
    IDS.replace_all(text, "").replace(",\"", ", \"")
}
