//! Facts about what logs say.

use crate::evidence::{Seen, Why};
use crate::fact::{Fact, Value};
use crate::runbook::signature::Signature;
use crate::situation::Situation;
use crate::situation::logs::{LogIndex, Trouble, in_one_line, quoted, whole};
use crate::situation::settling::Outage;
use crate::text::plural;

/// Whether each log is clear of a signature; the newest record of it is quoted.
pub(super) fn clear(s: &Situation, signature: &Signature) -> Vec<Fact> {
    let tell = |part| {
        // What has no container has no log.
        let told = match s.workloads.container(part) {
            Seen::Known(None) => Seen::not_asked("no container"),
            _ => s.logs.of(part).and_then(|log| clear_of(s, part, log, signature)),
        };
        // What a worker gives up, it says why, too.
        let told = match s.deliveries.reason_given_by(s, part) {
            Some((at, reason)) if signature.pattern.0.is_match(reason) && !is_failure(&told) => {
                Seen::Known((Value::Bool(false), format!("{at}{}", in_one_line(reason))))
            }
            _ => told,
        };
        Fact::of(part, told, |told| told)
    };
    s.logs.parts().map(tell).collect()
}

fn clear_of(s: &Situation, part: &str, log: &LogIndex, signature: &Signature) -> Seen<(Value, String)> {
    match log.trouble(signature).filter(|trouble| is_current(s, part, trouble)) {
        Some(Trouble { record, outage, .. }) => {
            let say = format!("{} {}", record.at.strftime("%H:%M:%S"), quoted(&record.text, signature));
            match outage {
                Outage::Ending(why) => Seen::unknown(why.kind, format!("{say}; {}", why.words())),
                Outage::No | Outage::Over => Seen::Known((Value::Bool(false), say)),
            }
        }
        None => Seen::from(silence_proves(s, part, log)).map(|()| {
            let read = plural::count(log.log.read, "record");
            (Value::Bool(true), format!("nothing of it in {read}"))
        }),
    }
}

fn is_failure(told: &Seen<(Value, String)>) -> bool {
    matches!(told, Seen::Known((Value::Bool(false), _)))
}

/// Whether the trouble is not over.
fn is_current(s: &Situation, part: &str, trouble: &Trouble) -> bool {
    let of_event = s.id().known().is_some_and(|id| trouble.record.names(id));
    let arrived = || s.pipeline.stage.iter().all(|stage| s.has_effect(stage));
    match of_event {
        // It tried again, and it went well.
        true => !arrived(),
        false => !s.workloads.runs(part) || s.is_stuck_at(part) || !trouble.healed,
    }
}

/// Whether nothing in the log means that there was nothing: where the event is
/// stuck, since the event.
fn silence_proves(s: &Situation, part: &str, log: &LogIndex) -> Result<(), Why> {
    match () {
        () if s.is_stuck_at(part) => {
            s.covers_event(part)?;
            whole(log.log)
        }
        () if !s.workloads.runs(part) => whole(log.log),
        () => log.is_silent_of_late(s.clocks.docker_now),
    }
}
