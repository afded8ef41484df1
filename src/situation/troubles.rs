//! Trouble that logs tell of: whether it is of now, and what silence proves.

use crate::evidence::{Seen, Why};
use crate::runbook::signature::Signature;
use crate::situation::Situation;
use crate::situation::logs::{LogIndex, Trouble, in_one_line, quoted, whole};
use crate::situation::settling::Outage;
use crate::text::plural;

impl Situation<'_> {
    /// Whether the log of a component is clear of a signature; the newest record of it is
    /// quoted.
    pub fn clear_of(&self, part: &str, signature: &Signature) -> Seen<(bool, String)> {
        // What has no container has no log.
        let told = match self.workloads.container(part) {
            Seen::Known(None) => Seen::not_asked("no container"),
            _ => self.logs.of(part).and_then(|log| self.log_clear_of(part, log, signature)),
        };
        // What a worker gives up, it says why, too.
        match self.deliveries.reason_given_by(self, part) {
            Some((at, reason))
                if signature.pattern.0.is_match(reason) && !matches!(told, Seen::Known((false, _))) =>
            {
                Seen::Known((false, format!("{at}{}", in_one_line(reason))))
            }
            _ => told,
        }
    }

    fn log_clear_of(&self, part: &str, log: &LogIndex, signature: &Signature) -> Seen<(bool, String)> {
        match log.trouble(signature).filter(|trouble| self.is_current(part, trouble)) {
            Some(Trouble { record, outage, .. }) => {
                let say = format!("{} {}", record.at.strftime("%H:%M:%S"), quoted(&record.text, signature));
                match outage {
                    Outage::Ending(why) => Seen::unknown(why.kind, format!("{say}; {}", why.words())),
                    Outage::No | Outage::Over => Seen::Known((false, say)),
                }
            }
            None => Seen::from(self.silence_proves(part, log)).map(|()| {
                let read = plural::count(log.log.read, "record");
                (true, format!("nothing of it in {read}"))
            }),
        }
    }

    /// Whether the trouble is not over.
    fn is_current(&self, part: &str, trouble: &Trouble) -> bool {
        let of_event = self.id().known().is_some_and(|id| trouble.record.names(id));
        let arrived = || self.pipeline.stage.iter().all(|stage| self.has_effect(stage));
        match of_event {
            // It tried again, and it went well.
            true => !arrived(),
            false => !self.workloads.runs(part) || self.is_stuck_at(part) || !trouble.healed,
        }
    }

    /// Whether nothing in the log means that there was nothing: where the event is
    /// stuck, since the event.
    fn silence_proves(&self, part: &str, log: &LogIndex) -> Result<(), Why> {
        match () {
            () if self.is_stuck_at(part) => {
                self.covers_event(part)?;
                whole(log.log)
            }
            () if !self.workloads.runs(part) => whole(log.log),
            () => log.is_silent_of_late(self.clocks.docker_now),
        }
    }
}
