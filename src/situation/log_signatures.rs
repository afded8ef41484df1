//! Errors in logs, found by their signatures: whether they are current, and whether their
//! absence is conclusive.

use crate::evidence::{Observed, Reason};
use crate::runbook::log_signature::Signature;
use crate::situation::Situation;
use crate::situation::logs::{LogIndex, Trouble, complete_and_untruncated, in_one_line, quoted};
use crate::situation::settling::Outage;
use crate::text::plural;

impl Situation<'_> {
    /// Reports whether a component's log is clear of a signature, quoting the newest matching
    /// record.
    pub fn is_clear_of(&self, component: &str, signature: &Signature) -> Observed<(bool, String)> {
        // Without a container there is no log.
        let finding = match self.workloads.container(component) {
            Observed::Known(None) => Observed::not_asked("no container"),
            _ => self.logs.of(component).and_then(|log| self.log_clear_of(component, log, signature)),
        };
        // A dead letter states its reason, which may match as well.
        match self.deliveries.dead_letter_reason(self, component) {
            Some((at, reason))
                if signature.pattern.0.is_match(reason)
                    && !matches!(finding, Observed::Known((false, _))) =>
            {
                Observed::Known((false, format!("{at}{}", in_one_line(reason))))
            }
            _ => finding,
        }
    }

    fn log_clear_of(
        &self,
        component: &str,
        log: &LogIndex,
        signature: &Signature,
    ) -> Observed<(bool, String)> {
        match log.trouble(signature).filter(|trouble| self.is_current(component, trouble)) {
            Some(Trouble { record, outage, .. }) => {
                let message =
                    format!("{} {}", record.at.strftime("%H:%M:%S"), quoted(&record.text, signature));
                match outage {
                    Outage::Ending(why) => {
                        Observed::unknown(why.kind, format!("{message}; {}", why.describe()))
                    }
                    Outage::No | Outage::Over => Observed::Known((false, message)),
                }
            }
            None => Observed::from(self.check_silence(component, log)).map(|()| {
                let read = plural::count(log.log.read, "record");
                (true, format!("no match in {read}"))
            }),
        }
    }

    /// Reports whether the error is still unresolved.
    fn is_current(&self, component: &str, trouble: &Trouble) -> bool {
        let names_event = self.id().known().is_some_and(|id| trouble.record.names(id));
        let arrived = || self.pipeline.stage.iter().all(|stage| self.has_effect(stage));
        match names_event {
            // If the event has arrived, a retry succeeded.
            true => !arrived(),
            false => !self.workloads.runs(component) || self.is_stuck_at(component) || !trouble.resolved,
        }
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
}
