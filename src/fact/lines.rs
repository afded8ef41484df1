//! Facts about the diagnostic lines of the runbook: what a healthy way leaves in the logs.

use crate::evidence::{Seen, Why};
use crate::fact::{Fact, Value};
use crate::pipeline::{Line, Stage};
use crate::situation::Situation;

/// What is known of one line.
enum State {
    Present(String),
    /// Not there, and the stage's effect is: it works another way.
    NotNeeded,
    Absent,
    Unknown(Why),
}

/// Per part: how many of its lines are absent; each line with its state in words.
pub(super) fn absent(s: &Situation) -> Vec<Fact> {
    let parts = s.pipeline.parts().map(|(part, _)| part);
    let with_lines = parts.filter(|part| lines_of(s, part).next().is_some());
    with_lines.map(|part| Fact::of(part, of_part(s, part), |told| told)).collect()
}

fn lines_of<'a>(s: &Situation<'a>, part: &str) -> impl Iterator<Item = &'a Line> {
    let part = part.to_string();
    s.pipeline.line.iter().filter(move |line| *line.part.get_ref() == part)
}

fn of_part(s: &Situation, part: &str) -> Seen<(Value, String)> {
    s.id().and_then(|id| {
        let reached =
            |line: &&Line| s.pipeline.stage(line.stage.get_ref()).is_some_and(|stage| s.reached(stage));
        let states: Vec<(&str, State)> = lines_of(s, part)
            .filter(reached)
            .filter_map(|line| Some((line.name.as_str(), state(s, id, line)?)))
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

fn state(s: &Situation, id: &str, line: &Line) -> Option<State> {
    let stage = s.pipeline.stage(line.stage.get_ref())?;
    let part = line.part.get_ref();
    let found = match s.logs.of(part) {
        Seen::Known(log) => log.both(&line.pattern, id).first().copied(),
        Seen::Unknown(why) | Seen::NotAsked(why) => return Some(State::Unknown(why)),
    };
    Some(match found {
        Some(record) => State::Present(record.at.strftime("%H:%M:%S").to_string()),
        None if s.has_effect(stage) => State::NotNeeded,
        None => match absence(s, part, stage) {
            Ok(()) => State::Absent,
            Err(why) => State::Unknown(why),
        },
    })
}

/// Whether the line is absent although the log was read completely, and long
/// enough after the event.
fn absence(s: &Situation, part: &str, stage: &Stage) -> Result<(), Why> {
    s.covers_event(part)?;
    match s.old_enough(stage) {
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
