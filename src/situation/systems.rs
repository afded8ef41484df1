//! The systems as wholes: which were looked at, and why the others were not.

use crate::base::name::{MAIN_DATABASE, Name};
use crate::evidence::{Runtime, Seen, Why, WhyKind};
use crate::situation::source::Source;

/// A system as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole<'a> {
    /// The compose file.
    Declared,
    /// The runtime.
    Docker,
    /// A broker, by the pipeline's name for it.
    Broker(&'a str),
    /// The database with the events. The others have parts of their own in the report.
    Database,
    /// Services that answer by HTTP.
    Http,
    /// All logs together.
    Logs,
}

/// Which systems were looked at.
pub struct Systems<'a>(Vec<(Whole<'a>, Seen<()>)>);

impl<'a> Systems<'a> {
    /// Looks through them, in the order of [`Whole`].
    pub fn build(source: Source<'a>) -> Self {
        let evidence = source.evidence;
        let runtime = evidence.runtimes.get(Runtime::DOCKER).map(nothing);
        let brokers = evidence.brokers.iter();
        let brokers = brokers.map(|(name, seen): (&Name, _)| (Whole::Broker(name), nothing(seen)));
        let database = evidence.databases.get(MAIN_DATABASE).map(nothing);
        let declared = [(Whole::Declared, nothing(&evidence.declared))].into_iter();
        let runtime = runtime.map(|seen| (Whole::Docker, seen));
        let database = database.map(|seen| (Whole::Database, seen));
        let http = (Whole::Http, nothing(&evidence.http));
        let logs = (Whole::Logs, all_logs(source));
        Systems(declared.chain(runtime).chain(brokers).chain(database).chain([http, logs]).collect())
    }

    /// Those that could not be looked at.
    pub fn unknown(&self) -> impl Iterator<Item = (Whole<'a>, &Why)> {
        self.0.iter().filter_map(|(system, seen)| match seen {
            Seen::Unknown(why) => Some((*system, why)),
            Seen::Known(()) | Seen::NotAsked(_) => None,
        })
    }

    /// Those that the runbook needs and that nobody told the address of: what is not
    /// looked at for want of an address is no proof of health.
    pub fn without_address(&self) -> impl Iterator<Item = (Whole<'a>, &Why)> {
        self.0.iter().filter(|(system, _)| is_needed(*system)).filter_map(|(system, seen)| match seen {
            Seen::NotAsked(why) if why.kind != WhyKind::NoPart => Some((*system, why)),
            _ => None,
        })
    }

    /// Whether this is why a system that the runbook needs was not seen at all.
    pub fn are_unseen_for(&self, why: &Why) -> bool {
        let mut needed = self.0.iter().filter(|(system, _)| is_needed(*system));
        why.kind != WhyKind::NoPart && needed.any(|(_, seen)| seen.why() == Some(why))
    }

    /// Why there is nothing of the database with the events, where there is nothing.
    pub fn database(&self) -> Seen<()> {
        let mut all = self.0.iter();
        let database = all.find(|(system, _)| *system == Whole::Database);
        database.map_or_else(|| Seen::not_asked("no database was asked"), |(_, seen)| seen.clone())
    }

    /// Whether the runtime was seen.
    pub fn has_runtime(&self) -> bool {
        self.0.iter().any(|(system, seen)| *system == Whole::Docker && seen.known().is_some())
    }

    /// Whether all brokers were seen.
    pub fn has_brokers(&self) -> bool {
        let mut brokers = self.0.iter().filter(|(system, _)| matches!(system, Whole::Broker(_)));
        brokers.all(|(_, seen)| seen.known().is_some())
    }
}

fn is_needed(system: Whole) -> bool {
    matches!(system, Whole::Docker | Whole::Broker(_) | Whole::Database)
}

fn nothing<T>(seen: &Seen<T>) -> Seen<()> {
    seen.as_ref().map(|_| ())
}

/// Not seen where no log was, all for the same reason. Without a runtime there are none.
fn all_logs(source: Source) -> Seen<()> {
    let mut whys = source.evidence.logs.values().map(Seen::why);
    let shared = whys.next().flatten().filter(|first| whys.all(|why| why == Some(*first)));
    match shared.filter(|why| source.runtime().why() != Some(*why)) {
        Some(why) => Seen::Unknown(why.clone()),
        None => Seen::Known(()),
    }
}
