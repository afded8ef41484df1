//! Errors in logs, found by their signatures: whether they are current, and whether their
//! absence is conclusive.

use crate::evidence::{Observed, Reason, Record};
use crate::pipeline::IdForm;
use crate::runbook::log_kinds::LogKinds;
use crate::runbook::log_signature::Signature;
use crate::situation::Situation;
use crate::situation::clock::MAX_CLOCK_SKEW;
use crate::situation::logs::{LogIndex, Trouble, complete_and_untruncated, in_one_line};
use crate::situation::settling::Outage;
use crate::text::log::LogRecord;
use crate::text::plural;

/// What a component's log says about one kind of error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// An error that is not resolved.
    Found {
        /// The time and the part of the record that says what is wrong.
        quote: String,
        /// Whether the record names the requested event, which had enough time to get past this component.
        names_event: bool,
    },
    /// No such error; what was read.
    None(String),
}

impl Situation<'_> {
    /// Returns the newest unresolved error of a signature in a component's log or dead letter.
    pub fn open_error(
        &self,
        component: &str,
        signatures: &LogKinds,
        signature: &Signature,
    ) -> Observed<OpenError> {
        // Without a container there is no log.
        let finding = match (self.workloads.container(component), self.logs.of(component)) {
            (Observed::Known(None), Observed::Unknown(_) | Observed::NotAsked(_)) => {
                Observed::not_asked("no container")
            }
            (_, log) => log.and_then(|log| self.error_in_log(component, log, signature)),
        };
        // A dead letter states its reason, which may match as well.
        match self.deliveries.dead_letter_reason(self, component) {
            Some((at, time, reason))
                if !matches!(finding, Observed::Known(OpenError::Found { .. }))
                    && names(signatures, signature, reason)
                    && self.mended(component, signature.lasting, reason, time).is_none() =>
            {
                Observed::Known(self.found(component, format!("{at}{}", in_one_line(reason)), true))
            }
            _ => finding,
        }
    }

    fn error_in_log(&self, component: &str, log: &LogIndex, signature: &Signature) -> Observed<OpenError> {
        let lasting = signature.lasting;
        let is_mended =
            |trouble: &Trouble| self.mended(component, lasting, &trouble.quote, trouble.record.at).is_some();
        let is_current =
            |trouble: &&Trouble| self.is_current(component, trouble, lasting) && !is_mended(trouble);
        let current: Vec<&Trouble> = log.troubles(signature).iter().filter(is_current).collect();
        let of_event = current.iter().find(|trouble| self.names_event(trouble.record));
        match of_event.or(current.first()) {
            Some(Trouble { record, quote, outage, .. }) => {
                let mut message = format!("{}{quote}", record.time_of_day());
                // The first record often tells more than those that follow from it.
                let first =
                    current.last().filter(|first| of_event.is_none() && !is_alike(&first.quote, quote));
                if let Some(first) = first {
                    message = format!("{message}; first {}{}", first.record.time_of_day(), first.quote);
                }
                match outage {
                    Outage::Ending(why) => {
                        Observed::unknown(why.kind, format!("{message}; {}", why.describe()))
                    }
                    Outage::No | Outage::Over => {
                        Observed::Known(self.found(component, message, of_event.is_some()))
                    }
                }
            }
            None => Observed::from(self.check_silence(component, log)).map(|()| {
                let read = plural::count(log.log.read, "record");
                OpenError::None(format!("no match in {read}"))
            }),
        }
    }

    fn found(&self, component: &str, quote: String, names_event: bool) -> OpenError {
        OpenError::Found { quote, names_event: names_event && !self.is_young_at(component) }
    }

    /// Reports whether the event may still get past this component: its grace period there is not over.
    fn is_young_at(&self, component: &str) -> bool {
        let mut stages = self.pipeline.stage.iter().filter(|stage| stage.worker.get_ref() == component);
        stages.any(|stage| self.old_enough(stage).known().is_none())
    }

    /// Reports whether the error is still unresolved. One that does not last concerns only the events
    /// that it names.
    fn is_current(&self, component: &str, trouble: &Trouble, lasting: bool) -> bool {
        if trouble.destroys {
            return self.concerns_stuck_events(trouble.record);
        }
        if trouble.healed {
            return false;
        }
        let names_event = self.names_event(trouble.record);
        let stages = &self.pipeline.stage;
        let arrived = || !stages.is_empty() && stages.iter().all(|stage| self.has_effect(stage));
        match names_event {
            // If the event has arrived, a retry succeeded.
            true => !arrived(),
            false
                if !lasting
                    && self.names_another_event(trouble)
                    && !self.may_hold_up(component, trouble.record) =>
            {
                false
            }
            false => !self.workloads.runs(component) || self.is_stuck_at(component) || !trouble.resolved,
        }
    }

    /// Reports whether a record names another stuck event, for which records behind it may be waiting.
    fn may_hold_up(&self, component: &str, record: &Record) -> bool {
        let Some(worker) = self.pipeline.worker(component) else { return false };
        let waits = self.progress.of(worker).lag.is_some_and(|lag| lag > 0);
        // It may have its effect here, and lack only the mark.
        waits && self.backlog.newest.iter().any(|stuck| record.names(stuck))
    }

    /// Reports whether something that was lost when the record was written may have been a stuck event.
    fn concerns_stuck_events(&self, record: &Record) -> bool {
        let stages = &self.pipeline.stage;
        let since = match self.id() {
            Observed::Known(_) if !stages.iter().any(|stage| self.lacks_effect(stage)) => None,
            Observed::Known(_) => self.lookup.row.known().map(|row| row.at),
            Observed::Unknown(_) | Observed::NotAsked(_) => self.backlog.since,
        };
        let after = since.zip(record.at).map(|(since, at)| at.duration_since(since));
        after.is_some_and(|after| after > -MAX_CLOCK_SKEW)
    }

    /// Succeeds if a log without matches proves that there was no error. If the event is
    /// stuck at this component, the log must reach back to the event.
    fn check_silence(&self, component: &str, log: &LogIndex) -> Result<(), Reason> {
        match () {
            () if self.is_stuck_at(component) => {
                self.covers_event(component)?;
                complete_and_untruncated(log.log)
            }
            () if !self.workloads.runs(component) => complete_and_untruncated(log.log),
            () => log.check_recent_silence(self.clocks.docker_now),
        }
    }

    /// Reports whether a record names the requested event: its id.
    fn names_event(&self, record: &Record) -> bool {
        self.id().known().is_some_and(|id| record.names(id))
    }

    /// Reports whether an event was requested, and the error names another one: a word that is an id, or
    /// that differs from the requested id in its digits only.
    fn names_another_event(&self, trouble: &Trouble) -> bool {
        let Observed::Known(id) = self.id() else { return false };
        let is_unmistakable = self.pipeline.id.format != IdForm::Number
            && (self.pipeline.id.format != IdForm::Text || self.pipeline.id.pattern.is_some());
        let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let mut words =
            trouble.record.text.split(|c| !is_part(c)).map(|word| word.trim_matches(['-', '_', '.']));
        words.any(|word| {
            !word.eq_ignore_ascii_case(id)
                && (is_unmistakable && self.pipeline.is_id(word)
                    || shape(word).is_some_and(|of_word| shape(id) == Some(of_word)))
        })
    }

    /// Reports whether a record has one of the requested event's keys.
    fn has_event_key(&self, record: &Record) -> bool {
        let keys = self.lookup.row.known().map(|row| row.keys.values());
        keys.into_iter().flatten().any(|key| key.chars().count() >= MIN_KEY_CHARS && record.names(key))
    }

    /// Returns the newest error in a component's log that matches no signature: one that names the
    /// requested event, else one with a key of it, else any if the event is stuck there.
    pub fn unrecognised_error(&self, component: &str) -> Observed<OpenError> {
        self.logs.of(component).map(|log| {
            let is_open = |trouble: &&Trouble| self.is_current(component, trouble, false);
            let troubles = || log.unrecognised().iter().filter(is_open);
            let of_event = troubles().find(|trouble| self.names_event(trouble.record));
            let with_key = || troubles().find(|trouble| self.has_event_key(trouble.record));
            let any = || troubles().next().filter(|_| self.is_stuck_at(component));
            match of_event.or_else(with_key).or_else(any) {
                Some(Trouble { record, quote, .. }) => {
                    self.found(component, format!("{}{quote}", record.time_of_day()), of_event.is_some())
                }
                None => OpenError::None("no other error".to_string()),
            }
        })
    }
}

/// Shorter keys occur in many records by chance.
const MIN_KEY_CHARS: usize = 6;

/// Reports whether two quotes differ in their numbers only, or one contains the other.
fn is_alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphabetic()).collect::<String>();
    let (one, other) = (plain(one), plain(other));
    one.contains(&other) || other.contains(&one)
}

/// Returns a word with each run of digits as one: `order-1001` as `order-0`. A word of digits only, or
/// without any, has no shape of its own.
fn shape(word: &str) -> Option<String> {
    let mut shape = String::new();
    for letter in word.chars() {
        let letter = if letter.is_ascii_digit() { '0' } else { letter.to_ascii_lowercase() };
        if letter != '0' || !shape.ends_with('0') {
            shape.push(letter);
        }
    }
    (shape.contains('0') && shape.len() > 3).then_some(shape)
}

/// Reports whether a text tells of the trouble of a signature.
fn names(signatures: &LogKinds, signature: &Signature, text: &str) -> bool {
    let found = signatures.of(&LogRecord::parse(text));
    found.iter().any(|found| signatures[found.signature].id.get_ref() == signature.id.get_ref())
}
