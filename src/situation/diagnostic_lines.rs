//! The runbook's diagnostic lines, which healthy components log about an event.

use crate::evidence::{Observed, Reason};
use crate::pipeline::{Line, Stage};
use crate::situation::Situation;

/// Whether a line was found in the log.
enum State {
    Present(String),
    /// The line is absent, but the stage's effect exists.
    NotNeeded,
    Absent,
    Unknown(Reason),
}

impl<'a> Situation<'a> {
    /// Reports whether the pipeline declares diagnostic lines for a component.
    pub fn has_lines(&self, component: &str) -> bool {
        self.lines_of(component).next().is_some()
    }

    fn lines_of(&self, component: &str) -> impl Iterator<Item = &'a Line> {
        let component = component.to_string();
        self.pipeline.line.iter().filter(move |line| *line.component.get_ref() == component)
    }

    /// Counts a component's missing lines and describes the state of each line.
    pub fn absent_lines(&self, component: &str) -> Observed<(u64, String)> {
        self.id().and_then(|id| {
            let reached = |line: &&Line| {
                self.pipeline.stage(line.stage.get_ref()).is_some_and(|stage| self.has_reached(stage))
            };
            let states: Vec<(&str, State)> = self
                .lines_of(component)
                .filter(reached)
                .filter_map(|line| Some((line.name.as_str(), self.state(id, line)?)))
                .collect();
            if states.is_empty() {
                return Observed::not_asked("the event has not reached this stage");
            }
            let unknown = states.iter().find_map(|(_, state)| match state {
                State::Unknown(why) => Some(why.clone()),
                _ => None,
            });
            let absent = states.iter().filter(|(_, state)| matches!(state, State::Absent)).count();
            match unknown {
                Some(why) if absent == 0 => Observed::Unknown(why),
                _ => Observed::Known((absent as u64, describe(&states))),
            }
        })
    }

    fn state(&self, id: &str, line: &Line) -> Option<State> {
        let stage = self.pipeline.stage(line.stage.get_ref())?;
        let component = line.component.get_ref();
        let found = match self.logs.of(component) {
            Observed::Known(log) => log.matching_and_naming(&line.pattern, id).first().copied(),
            Observed::Unknown(why) | Observed::NotAsked(why) => return Some(State::Unknown(why)),
        };
        Some(match found {
            Some(record) => State::Present(record.time_of_day().trim().to_string()),
            None if self.has_effect(stage) => State::NotNeeded,
            None => match self.check_absence(component, stage) {
                Ok(()) => State::Absent,
                Err(why) => State::Unknown(why),
            },
        })
    }

    /// Succeeds if the absence of a line is conclusive, that is, if the log was read back
    /// to the event and the grace period is over.
    fn check_absence(&self, component: &str, stage: &Stage) -> Result<(), Reason> {
        self.covers_event(component)?;
        match self.old_enough(stage) {
            Observed::Unknown(why) | Observed::NotAsked(why) => Err(why),
            Observed::Known(()) => Ok(()),
        }
    }
}

fn describe(states: &[(&str, State)]) -> String {
    let message = |(name, state): &(&str, State)| match state {
        State::Present(at) => format!("has \"{name}\" at {at}"),
        State::NotNeeded => format!("does not need \"{name}\""),
        State::Absent => format!("lacks \"{name}\""),
        State::Unknown(_) => format!("may have \"{name}\""),
    };
    format!("its log {}", states.iter().map(message).collect::<Vec<_>>().join(", "))
}
