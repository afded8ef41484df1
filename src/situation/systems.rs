//! Which systems were observed, and why the others were not.

use crate::base::name::{MAIN_DATABASE, Name};
use crate::evidence::{Observed, Reason, ReasonKind, Runtime};
use crate::situation::inputs::Inputs;

/// A system that evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceSource<'a> {
    /// The compose file.
    Declared,
    /// The container runtime.
    Docker,
    /// A broker, by its name in the pipeline.
    Broker(&'a str),
    /// The main database, which holds the events. The report covers the others separately.
    Database,
    /// The services that are queried over HTTP.
    Http,
    /// All logs together.
    Logs,
}

/// Which systems were observed.
pub struct Systems<'a> {
    /// In the order of [`EvidenceSource`].
    all: Vec<(EvidenceSource<'a>, Observed<()>)>,
    /// Whether any of the systems that were asked answers; `None` if fewer than two were asked.
    pub anything_answers: Option<bool>,
}

impl<'a> Systems<'a> {
    /// Checks which systems were observed.
    pub fn build(inputs: Inputs<'a>) -> Self {
        let evidence = inputs.evidence;
        let runtime = evidence.runtimes.get(Runtime::DOCKER).map(availability);
        let brokers = evidence.brokers.iter();
        let brokers =
            brokers.map(|(name, seen): (&Name, _)| (EvidenceSource::Broker(name), availability(seen)));
        let database = evidence.databases.get(MAIN_DATABASE).map(availability);
        let declared = [(EvidenceSource::Declared, availability(&evidence.declared))].into_iter();
        let runtime = runtime.map(|seen| (EvidenceSource::Docker, seen));
        let database = database.map(|seen| (EvidenceSource::Database, seen));
        let http = (EvidenceSource::Http, availability(&evidence.http));
        let logs = (EvidenceSource::Logs, logs_availability(inputs));
        let all = declared.chain(runtime).chain(brokers).chain(database).chain([http, logs]).collect();
        Systems { all, anything_answers: inputs.anything_answers() }
    }

    /// Returns the systems that could not be observed, with the reasons.
    pub fn unknown(&self) -> impl Iterator<Item = (EvidenceSource<'a>, &Reason)> {
        self.all.iter().filter_map(|(system, seen)| match seen {
            Observed::Unknown(why) => Some((*system, why)),
            Observed::Known(()) | Observed::NotAsked(_) => None,
        })
    }

    /// Returns the systems that the runbook needs but for which no address is configured. A
    /// system that was skipped for lack of an address must not count as healthy.
    pub fn without_address(&self) -> impl Iterator<Item = (EvidenceSource<'a>, &Reason)> {
        self.all.iter().filter(|(system, _)| is_needed(*system)).filter_map(|(system, seen)| match seen {
            Observed::NotAsked(why) if why.kind != ReasonKind::NotInPipeline => Some((*system, why)),
            _ => None,
        })
    }

    /// Reports whether a system that the runbook needs is entirely unavailable for this reason.
    pub fn unavailable_because(&self, why: &Reason) -> bool {
        let mut needed = self.all.iter().filter(|(system, _)| is_needed(*system));
        why.kind != ReasonKind::NotInPipeline && needed.any(|(_, seen)| seen.reason() == Some(why))
    }

    /// Returns why the main database was not observed, or `Known` if it was.
    pub fn database(&self) -> Observed<()> {
        let mut all = self.all.iter();
        let database = all.find(|(system, _)| *system == EvidenceSource::Database);
        database.map_or_else(|| Observed::not_asked("no database was queried"), |(_, seen)| seen.clone())
    }

    /// Reports whether the container runtime was observed.
    pub fn has_runtime(&self) -> bool {
        self.all.iter().any(|(system, seen)| *system == EvidenceSource::Docker && seen.known().is_some())
    }

    /// Reports whether all brokers were observed.
    pub fn has_brokers(&self) -> bool {
        let mut brokers = self.all.iter().filter(|(system, _)| matches!(system, EvidenceSource::Broker(_)));
        brokers.all(|(_, seen)| seen.known().is_some())
    }
}

fn is_needed(system: EvidenceSource) -> bool {
    matches!(system, EvidenceSource::Docker | EvidenceSource::Broker(_) | EvidenceSource::Database)
}

fn availability<T>(seen: &Observed<T>) -> Observed<()> {
    seen.as_ref().map(|_| ())
}

/// Returns the reason if every log is unavailable for the same reason. A missing runtime
/// does not count because no logs are expected without one.
fn logs_availability(inputs: Inputs) -> Observed<()> {
    let mut reasons = inputs.evidence.logs.values().map(Observed::reason);
    let common = reasons.next().flatten().filter(|first| reasons.all(|why| why == Some(*first)));
    match common.filter(|why| inputs.runtime().reason() != Some(*why)) {
        Some(why) => Observed::Unknown(why.clone()),
        None => Observed::Known(()),
    }
}
