//! The diagnostic lines of the runbook: what a healthy way leaves in the logs.

use crate::evidence::{Seen, Why};
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

impl<'a> Situation<'a> {
    /// Whether a component should log such lines.
    pub fn has_lines(&self, part: &str) -> bool {
        self.lines_of(part).next().is_some()
    }

    fn lines_of(&self, part: &str) -> impl Iterator<Item = &'a Line> {
        let part = part.to_string();
        self.pipeline.line.iter().filter(move |line| *line.part.get_ref() == part)
    }

    /// How many lines of a component are absent; each line with its state in words.
    pub fn absent_lines(&self, part: &str) -> Seen<(u64, String)> {
        self.id().and_then(|id| {
            let reached = |line: &&Line| {
                self.pipeline.stage(line.stage.get_ref()).is_some_and(|stage| self.reached(stage))
            };
            let states: Vec<(&str, State)> = self
                .lines_of(part)
                .filter(reached)
                .filter_map(|line| Some((line.name.as_str(), self.state(id, line)?)))
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
                _ => Seen::Known((absent as u64, in_words(&states))),
            }
        })
    }

    fn state(&self, id: &str, line: &Line) -> Option<State> {
        let stage = self.pipeline.stage(line.stage.get_ref())?;
        let part = line.part.get_ref();
        let found = match self.logs.of(part) {
            Seen::Known(log) => log.both(&line.pattern, id).first().copied(),
            Seen::Unknown(why) | Seen::NotAsked(why) => return Some(State::Unknown(why)),
        };
        Some(match found {
            Some(record) => State::Present(record.at.strftime("%H:%M:%S").to_string()),
            None if self.has_effect(stage) => State::NotNeeded,
            None => match self.absence(part, stage) {
                Ok(()) => State::Absent,
                Err(why) => State::Unknown(why),
            },
        })
    }

    /// Whether the line is absent although the log was read completely, and long
    /// enough after the event.
    fn absence(&self, part: &str, stage: &Stage) -> Result<(), Why> {
        self.covers_event(part)?;
        match self.old_enough(stage) {
            Seen::Unknown(why) | Seen::NotAsked(why) => Err(why),
            Seen::Known(()) => Ok(()),
        }
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
