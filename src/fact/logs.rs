//! Facts about what logs say.

use crate::evidence::{Log, Record, Seen, Why, WhyKind};
use crate::fact::settling::{self, Outage};
use crate::fact::view::View;
use crate::fact::{Fact, Value, containers, records};
use crate::runbook::signature::Signature;
use crate::text::message;
use jiff::{SignedDuration, Timestamp};

/// Trouble of a running service is over if it has logged something else for so long,
const OVER: SignedDuration = SignedDuration::from_secs(10);
/// or if it has been silent about it for so long.
const LONG_AGO: SignedDuration = SignedDuration::from_mins(5);
/// How much of a record is quoted, in characters.
const QUOTED: usize = 160;

/// Whether each log is clear of a signature; the newest record of it is quoted.
pub(super) fn clear(view: &View, signature: &Signature) -> Vec<Fact> {
    let parts = view.evidence.logs.iter().filter(|(part, _)| view.pipeline.parts().any(|(p, _)| p == *part));
    parts
        .map(|(part, log)| {
            let told = log.as_ref().and_then(|log| match told_by(view, part, log, signature) {
                Some(record) => {
                    let say =
                        format!("{} {}", record.at.strftime("%H:%M:%S"), quoted(&record.text, signature));
                    match outage_of(view, record, signature) {
                        Outage::Ending(why) => Seen::unknown(why.kind, format!("{say}; {}", why.words())),
                        Outage::No | Outage::Over => Seen::Known((Value::Bool(false), say)),
                    }
                }
                None => Seen::from(silence_proves(view, part, log)).map(|()| {
                    let read = crate::text::plural::count(log.read, "record");
                    (Value::Bool(true), format!("nothing of it in {read}"))
                }),
            });
            // What has no container has no log.
            let told = match view.container(part) {
                Seen::Known(None) => Seen::not_asked("no container"),
                _ => told,
            };
            // What a worker gives up, it says why, too.
            let told = match records::reason_given_by(view, part) {
                Some((at, reason)) if signature.pattern.0.is_match(reason) && !is_failure(&told) => {
                    Seen::Known((Value::Bool(false), format!("{at}{}", whole(reason))))
                }
                _ => told,
            };
            Fact::of(part.as_str(), told, |told| told)
        })
        .collect()
}

fn is_failure(told: &Seen<(Value, String)>) -> bool {
    matches!(told, Seen::Known((Value::Bool(false), _)))
}

/// The newest record that tells of the trouble, if that is not over.
fn told_by<'a>(view: &View, part: &str, log: &'a Log, signature: &Signature) -> Option<&'a Record> {
    let found = log.records.iter().rev().find(|record| signature.pattern.0.is_match(&record.text))?;
    let of_event = view.id().known().is_some_and(|id| found.names(id));
    let arrived = view.pipeline.stage.iter().all(|stage| view.has_effect(stage));
    let current = match () {
        // It tried again, and it went well.
        () if of_event && arrived => false,
        () if of_event || !containers::runs(view, part) || stuck_here(view, part) => true,
        () => {
            let last_words = log.to.is_none_or(|to| to.duration_since(found.at) <= OVER);
            let over = matches!(outage_of(view, found, signature), Outage::Over);
            last_words && !over && view.docker_now().duration_since(found.at) <= LONG_AGO
        }
    };
    current.then_some(found)
}

/// Whether a record tells of a connection that was lost because of a restart.
fn outage_of(view: &View, record: &Record, signature: &Signature) -> Outage {
    if signature.connection { settling::outage(view, record.at) } else { Outage::No }
}

/// Whether nothing in the log means that there was nothing: where the event is
/// stuck, since the event.
fn silence_proves(view: &View, part: &str, log: &Log) -> Result<(), Why> {
    if stuck_here(view, part) {
        view.covers_event(part, log)?;
        return if log.cut { Err(cut(log)) } else { Ok(()) };
    }
    if !containers::runs(view, part) {
        View::complete(log)?;
        return if log.cut { Err(cut(log)) } else { Ok(()) };
    }
    // Of a service that runs and keeps nothing waiting, old trouble is over.
    let since = view.docker_now().saturating_sub(LONG_AGO).unwrap_or_default();
    let old = |at: Timestamp| at <= since;
    if !log.from.is_some_and(old) {
        View::complete(log)?;
    }
    // Beside the line of its start, which is kept however old it is.
    let kept_so_far_back = log.records.iter().filter(|record| old(record.at)).count() > 1;
    if log.cut && !kept_so_far_back { Err(cut(log)) } else { Ok(()) }
}

pub(super) fn cut(log: &Log) -> Why {
    Why::new(WhyKind::Limit, format!("more records of {} matched than were kept", log.container))
}

/// Whether the asked event waits for this worker, or was to be sent by this service.
fn stuck_here(view: &View, part: &str) -> bool {
    view.id().known().is_some()
        && view.pipeline.stage.iter().any(|stage| {
            let concerns = stage.worker.get_ref() == part || stage.emitter.get_ref() == part;
            let lacking = view.effects(stage).known().is_some_and(Vec::is_empty);
            concerns && lacking && view.reached(stage) && view.old_enough(stage).known().is_some()
        })
}

/// The record's message: its first line, without what stands around it, cut.
pub(super) fn message(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    whole(&message::of(line))
}

/// The record in one line, without time and level, cut.
pub(super) fn whole(text: &str) -> String {
    let text = message::without_head(text.trim());
    let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// What of a record tells of a signature: its message, or more where that does not.
fn quoted(text: &str, signature: &Signature) -> String {
    let message = message(text);
    if signature.pattern.0.is_match(&message) { message } else { whole(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_quoted_by_its_message() {
        let record = "[2026-01-07 16:55:09] error: [Worker] Attempt 1 failed: no  row\n  Meta: {\"a\":1}";
        assert_eq!(message(record), "[Worker] Attempt 1 failed: no row");
        assert_eq!(message("\nplain"), "plain");
        assert_eq!(message(&"x".repeat(500)).chars().count(), QUOTED + 3);
    }
}
