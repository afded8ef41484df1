//! Facts about the diagnostic lines of the runbook: what a healthy way leaves in the logs.

use crate::evidence::{Seen, Why};
use crate::fact::view::View;
use crate::fact::{Fact, Value};
use crate::pipeline::{Line, Stage};

/// What is known of one line.
enum State {
    Present(String),
    /// Not there, and the stage's effect is: it works another way.
    NotNeeded,
    Absent,
    Unknown(Why),
}

/// Per part: how many of its lines are absent; each line with its state in words.
pub(super) fn absent(view: &View) -> Vec<Fact> {
    let parts = view.pipeline.parts().map(|(part, _)| part);
    let with_lines = parts.filter(|part| lines_of(view, part).next().is_some());
    with_lines.map(|part| Fact::of(part, of_part(view, part), |told| told)).collect()
}

fn lines_of<'a>(view: &View<'a>, part: &str) -> impl Iterator<Item = &'a Line> {
    let part = part.to_string();
    view.pipeline.line.iter().filter(move |line| *line.part.get_ref() == part)
}

fn of_part(view: &View, part: &str) -> Seen<(Value, String)> {
    view.id().and_then(|id| {
        let reached =
            |line: &&Line| view.pipeline.stage(line.stage.get_ref()).is_some_and(|s| view.reached(s));
        let states: Vec<(&str, State)> = lines_of(view, part)
            .filter(reached)
            .filter_map(|line| Some((line.name.as_str(), state(view, id, line)?)))
            .collect();
        if states.is_empty() {
            return Seen::not_asked("the event has not come so far");
        }
        let unknown = states.iter().find_map(|(_, state)| match state {
            State::Unknown(why) => Some(why.clone()),
            _ => None,
        });
        let absent = states.iter().filter(|(_, state)| matches!(state, State::Absent)).count();
        match unknown {
            Some(why) if absent == 0 => Seen::Unknown(why),
            _ => Seen::Known((Value::Count(absent as u64), in_words(&states))),
        }
    })
}

fn state(view: &View, id: &str, line: &Line) -> Option<State> {
    let stage = view.pipeline.stage(line.stage.get_ref())?;
    let part = line.part.get_ref();
    let log = match view.log(part) {
        Seen::Known(log) => log,
        Seen::Unknown(why) | Seen::NotAsked(why) => return Some(State::Unknown(why)),
    };
    let mut records = log.records.iter().filter(|record| line.pattern.0.is_match(&record.text));
    let found = records.find(|record| record.names(id));
    Some(match found {
        Some(record) => State::Present(record.at.strftime("%H:%M:%S").to_string()),
        None if view.has_effect(stage) => State::NotNeeded,
        None => match absence(view, part, log, stage) {
            Ok(()) => State::Absent,
            Err(why) => State::Unknown(why),
        },
    })
}

/// Whether the line is absent although the log was read completely, and long
/// enough after the event.
fn absence(view: &View, part: &str, log: &crate::evidence::Log, stage: &Stage) -> Result<(), Why> {
    view.covers_event(part, log)?;
    match view.old_enough(stage) {
        Seen::Unknown(why) | Seen::NotAsked(why) => Err(why),
        Seen::Known(()) => Ok(()),
    }
}

fn in_words(states: &[(&str, State)]) -> String {
    let say = |(name, state): &(&str, State)| match state {
        State::Present(at) => format!("has \"{name}\" {at}"),
        State::NotNeeded => format!("needs no \"{name}\""),
        State::Absent => format!("lacks \"{name}\""),
        State::Unknown(_) => format!("may have \"{name}\""),
    };
    format!("its log {}", states.iter().map(say).collect::<Vec<_>>().join(", "))
}
