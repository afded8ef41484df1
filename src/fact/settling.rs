//! What has been started just now: what depends on it may still be on its way, and
//! what waited meanwhile is late for that reason alone.

use crate::evidence::{GroupState, InstanceState, Seen, Why, WhyKind};
use crate::fact::view::View;
use crate::fact::{Fact, Value, containers, for_workers, groups};
use crate::pipeline::{Stage, Worker};
use jiff::{SignedDuration, Timestamp};

/// So long after its start a worker may still be on its way into its group, a
/// database recover, and a broker not listen yet.
const START: SignedDuration = SignedDuration::from_secs(25);

/// So long after its start a process may not have said anything to the broker, and
/// its group still show the one before it.
const BOOT: SignedDuration = SignedDuration::from_secs(10);

/// So long after a broker's start those that were there before may not be back: they
/// notice when their session is over, 45 s by the default of Kafka 3, and join once
/// more. Meanwhile the broker may count them as members.
const RETURN: SignedDuration = SignedDuration::from_secs(60);

/// A container that was started just now.
struct Started {
    part: String,
    /// For how long it is up.
    age: SignedDuration,
    /// Since when it was away: when the run before ended, else its start.
    away_since: Timestamp,
    /// When it was started.
    at: Timestamp,
}

impl Started {
    fn words(&self) -> String {
        format!("{} was started {} s ago", self.part, self.age.as_secs())
    }
}

/// The container of a part, if it is up and was started at all.
fn start_of(view: &View, part: &str) -> Option<Started> {
    let container = view.container(part).known().copied().flatten()?;
    let taken = view.docker_now();
    if containers::rung_of(container, taken) != "running" {
        return None;
    }
    // Between the first look and the second it came up, or was started anew.
    let again = container.again.as_ref().filter(|again| again.state == InstanceState::Running);
    let anew =
        again.and_then(|again| again.started).filter(|anew| container.started.is_none_or(|at| *anew > at));
    let back = container.state != InstanceState::Running || anew.is_some();
    let at = anew.or(container.started.filter(|_| !back)).unwrap_or(taken);
    let ended = container.finished.filter(|ended| *ended <= at && !back);
    Some(Started {
        part: part.to_string(),
        age: taken.duration_since(at).max(SignedDuration::ZERO),
        away_since: ended.unwrap_or(at.min(taken)),
        at,
    })
}

/// For how long a part's container is up, in words, if it was started so short a
/// time ago that it may not do its work yet.
pub(super) fn just_started(view: &View, part: &str) -> Option<String> {
    let started = start_of(view, part).filter(|started| started.age < START)?;
    Some(format!("{} s", started.age.as_secs()))
}

/// A system that was started just now, and to which the worker may not have come back,
/// or only now to what was left meanwhile. Whoever does not run does not come back.
fn left_by(view: &View, worker: &str, system: &str, settled: SignedDuration) -> Option<Started> {
    let system = start_of(view, system).filter(|system| system.age < settled)?;
    let has_ended = system.away_since < system.at;
    let left = match start_of(view, worker) {
        Some(worker) => worker.age >= system.age || (has_ended && worker.age < START),
        None => !matches!(view.container(worker), Seen::Known(_)),
    };
    left.then_some(system)
}

/// The broker, if the worker may not be back with it.
fn broker_left_by(view: &View, worker: &str) -> Option<Started> {
    view.pipeline.brokers().into_iter().find_map(|broker| left_by(view, worker, broker, RETURN))
}

/// What a worker's work waits for, and was started just now.
fn unsettled(view: &View, worker: &Worker) -> Option<Started> {
    let name = worker.name.as_str();
    let joining = on_its_way(view, worker).is_some();
    let own = || start_of(view, name).filter(|own| own.age < if joining { START } else { BOOT });
    let databases = || view.pipeline.databases().into_iter();
    let database = || databases().find_map(|database| left_by(view, name, database, START));
    broker_left_by(view, name).or_else(own).or_else(database)
}

/// A worker that is not settled in its group, because it or the broker has just
/// been started: since when, in words.
pub(super) fn on_its_way(view: &View, worker: &Worker) -> Option<String> {
    let group = groups::group_of(view, worker);
    let settled =
        group.known().is_none_or(|group| group.state == GroupState::Stable && !group.members.is_empty());
    if settled || groups::member_elsewhere(view, worker).is_some() {
        return None;
    }
    if let Some(age) = just_started(view, &worker.name) {
        return Some(format!("started {age} ago, not yet in its group"));
    }
    let broker = broker_left_by(view, &worker.name).filter(|_| containers::runs(view, &worker.name))?;
    Some(format!("not yet back in its group: {}", broker.words()))
}

/// Whether a worker is where it works, as far as it has had the time.
pub(super) fn settling(view: &View) -> Vec<Fact> {
    for_workers(view, |worker| match on_its_way(view, worker) {
        Some(say) => Seen::Known((Value::Word("starting"), say)),
        None => Seen::Known((Value::Word("settled"), "was not started just now".to_string())),
    })
}

/// Why nothing can be concluded yet from a worker that does not move.
pub(super) fn may_move_yet(view: &View, worker: &Worker) -> Result<(), Why> {
    match unsettled(view, worker) {
        Some(started) => Err(Why::new(WhyKind::Young, started.words())),
        None => Ok(()),
    }
}

/// Why what came to a stage at this time may still arrive: something that it waits
/// for was away then, or came up a moment ago.
pub(super) fn late_for_now(view: &View, stage: &Stage, came: Timestamp) -> Result<(), Why> {
    let worker = view.pipeline.worker.iter().find(|worker| worker.name == *stage.worker.get_ref());
    let Some(started) = worker.and_then(|worker| unsettled(view, worker)) else {
        return Ok(());
    };
    let grace = SignedDuration::from_secs(i64::try_from(stage.grace_s).unwrap_or(i64::MAX));
    let before = view.apart("Docker", "PostgreSQL").saturating_add(grace);
    let meanwhile = started.away_since.saturating_sub(before).is_ok_and(|before| came >= before);
    match meanwhile {
        true => Err(Why::new(WhyKind::Young, format!("{}: ask again", started.words()))),
        false => Ok(()),
    }
}

/// What a record of a lost connection tells when the broker or the database was
/// away at its time.
pub(super) enum Outage {
    /// Neither was.
    No,
    /// It is over.
    Over,
    /// It may be over: what was started is not settled.
    Ending(Why),
}

/// Whether a lost connection at this time belongs to a restart of the broker or of
/// the database.
pub(super) fn outage(view: &View, at: Timestamp) -> Outage {
    let brokers = view.pipeline.brokers().into_iter().map(|broker| (broker.as_str(), RETURN));
    let databases = view.pipeline.databases().into_iter().map(|database| (database.as_str(), START));
    let told = brokers.chain(databases).find_map(|(part, settled)| {
        let started = start_of(view, part)?;
        let from = started.away_since.saturating_sub(SignedDuration::from_secs(1)).ok()?;
        let until = started.at.saturating_add(settled).ok()?;
        let meanwhile = from <= at && at < until && started.away_since < started.at;
        meanwhile.then_some((started, settled))
    });
    match told {
        None => Outage::No,
        Some((started, settled)) if started.age >= settled => Outage::Over,
        Some((started, _)) => Outage::Ending(Why::new(WhyKind::Young, started.words())),
    }
}
