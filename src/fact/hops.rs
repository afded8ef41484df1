//! The hops of the asked event, in the pipeline's order: what was seen of each,
//! when and where.

use crate::evidence::{Log, Record, Seen, Why, WhyKind};
use crate::fact::records::{self, Standing, Taken};
use crate::fact::view::View;
use crate::fact::{call, clocks, stages};
use crate::pipeline::{HopKind, Line, Pipeline, Stage, Worker};
use crate::text::plural::count;
use jiff::{SignedDuration, Timestamp};

/// One hop of one event.
#[derive(Debug, Clone)]
pub struct Hop {
    /// The stage that it belongs to.
    pub stage: String,
    /// What kind it is.
    pub kind: HopKind,
    /// The service or worker whose doing it is.
    pub by: String,
    /// What it is called: "sent", "received".
    pub title: String,
    /// Where it was looked for: a table, a topic, a group, a log.
    pub source: String,
    /// Whether it was seen, and when.
    pub state: State,
    /// By how much the clock that stamped it is surely wrong, in milliseconds;
    /// positive: ahead. Then it does not tell when it happened here.
    pub skew_ms: i64,
    /// The record's value, if that was asked for and is JSON.
    pub value: Option<String>,
}

/// What is known of a hop.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It was seen.
    Seen {
        /// When, by the clock of where it was seen, where that tells.
        at: Option<Timestamp>,
        /// The same by this machine's clock.
        here: Option<Timestamp>,
        /// What was seen, in words.
        say: String,
    },
    /// It was not, although everything that could show it was looked at; what
    /// was seen instead.
    Missing(String),
    /// It was not seen, and need not be: the event came further.
    Skipped(String),
    /// It could not be looked at, or it is too early to say.
    Unknown(Why),
}

impl Hop {
    /// Whether it was seen.
    pub fn is_seen(&self) -> bool {
        matches!(self.state, State::Seen { .. })
    }

    /// When it happened by this machine's clock, if it was seen and that is told.
    pub fn here(&self) -> Option<Timestamp> {
        match &self.state {
            State::Seen { here, .. } => *here,
            _ => None,
        }
    }

    /// Whether the event passes it on its way: other readers and dead letters are
    /// beside the way.
    pub fn on_the_way(&self) -> bool {
        !matches!(self.kind, HopKind::Branch | HopKind::DeadLetter)
    }
}

/// All hops of the asked event, in order.
pub fn hops(view: &View) -> Vec<Hop> {
    let mut hops: Vec<Hop> = view.pipeline.stage.iter().flat_map(|stage| of_stage(view, stage)).collect();
    // A mark only says that the work was done.
    let is_proof = |hop: &Hop| hop.on_the_way() && hop.is_seen() && hop.kind != HopKind::Mark;
    let proofs: Vec<(usize, String)> = hops
        .iter()
        .enumerate()
        .filter(|(_, hop)| is_proof(hop))
        .map(|(at, hop)| (at, hop.stage.clone()))
        .collect();
    // What was seen later at the same stage, or at one behind it.
    let came_further = |at: usize, stage: &str| {
        proofs.iter().any(|(proof, further)| match further == stage {
            true => *proof > at,
            false => is_behind(view.pipeline, further, stage),
        })
    };
    let arrived = has_arrived(view);
    // Whoever went on without the effect went on with nothing.
    let is_skipped = |hop: &Hop| hop.on_the_way() && (arrived || hop.kind != HopKind::Effect);
    for (at, hop) in hops.iter_mut().enumerate().filter(|(_, hop)| is_skipped(hop)) {
        if let State::Missing(say) = &mut hop.state
            && came_further(at, &hop.stage)
        {
            hop.state = State::Skipped(std::mem::take(say));
        }
    }
    distrust(view, &mut hops);
    hops
}

fn is_behind(pipeline: &Pipeline, later: &str, earlier: &str) -> bool {
    let stages = pipeline.stage(later).zip(pipeline.stage(earlier));
    stages.is_some_and(|(later, earlier)| pipeline.is_behind(later, earlier))
}

/// What a stamp may be off beside the log and the rows without anybody's fault.
const SLACK_MS: i64 = 1_000;

/// Records are stamped by whoever sends them: a stamp that cannot be, given what
/// was logged and written before and after it, tells of the sender's clock alone.
fn distrust(view: &View, hops: &mut [Hop]) {
    let is_sure = |hop: &Hop| hop.on_the_way() && hop.kind != HopKind::Record;
    let here = |hop: &Hop| hop.here().filter(|_| is_sure(hop));
    for at in 0..hops.len() {
        let Some(stamp) = hops[at].here().filter(|_| hops[at].kind == HopKind::Record) else { continue };
        let before = hops[..at].iter().filter_map(here).max();
        let after = hops[at..].iter().filter_map(here).min().unwrap_or(view.evidence.taken);
        let late = stamp.as_millisecond() - after.as_millisecond();
        let early = before.map_or(0, |before| before.as_millisecond() - stamp.as_millisecond());
        let skew = match (late > SLACK_MS, early > SLACK_MS) {
            (true, _) => late,
            (_, true) => -early,
            _ => continue,
        };
        let hop = &mut hops[at];
        hop.skew_ms = skew;
        if let State::Seen { here, .. } = &mut hop.state {
            *here = None;
        }
    }
}

/// The last hop on the way that was seen, but for marks behind what is missing.
pub fn furthest(hops: &[Hop]) -> Option<usize> {
    let missing = hops.iter().position(|hop| hop.on_the_way() && matches!(hop.state, State::Missing(_)));
    let before = &hops[..missing.unwrap_or(hops.len())];
    before.iter().rposition(|hop| hop.on_the_way() && hop.is_seen())
}

/// Whether the event has come through the last stage of each of its ways.
pub fn has_arrived(view: &View) -> bool {
    let mut ends = view.pipeline.ends().peekable();
    ends.peek().is_some() && ends.all(|last| matches!(effect(view, last), State::Seen { .. }))
}

fn of_stage(view: &View, stage: &Stage) -> Vec<Hop> {
    let lines: Vec<&Line> =
        view.pipeline.line.iter().filter(|line| *line.stage.get_ref() == stage.name).collect();
    let mut hops: Vec<Hop> = match stage.hops.is_empty() {
        true => usual(view, stage, &lines),
        false => stage.hops.iter().filter_map(|name| named(view, stage, &lines, name.get_ref())).collect(),
    };
    let worker = stage.worker.get_ref();
    let others = view.pipeline.worker.iter().filter(|other| other.name != *worker);
    let beside = |other: &&Worker| {
        // One that handles the record at a stage of its own is told there.
        let mut stages = view.pipeline.stage.iter();
        let handles = |other_stage: &Stage, other: &Worker| {
            *other_stage.worker.get_ref() == other.name && other_stage.topic_name() == stage.topic_name()
        };
        other.consumes(stage.topic_name()) && !stages.any(|of| handles(of, other))
    };
    let branches = others.filter(beside);
    hops.extend(branches.map(|other| reading(view, stage, &other.name, HopKind::Branch)));
    hops.extend(dead_letter(view, stage));
    hops
}

/// The hops of a stage that does not declare them.
fn usual(view: &View, stage: &Stage, lines: &[&Line]) -> Vec<Hop> {
    let of = |part: &str| {
        let lines: Vec<&Line> = lines.iter().copied().filter(|line| line.part.get_ref() == part).collect();
        lines.into_iter().map(|line| logged(view, stage, line)).collect::<Vec<Hop>>()
    };
    let one = |kind| hop(view, stage, kind);
    let row = stage.recorded_by_emitter.then(|| one(HopKind::Row));
    let calls = view.pipeline.call.as_ref().filter(|call| *call.stage.get_ref() == stage.name);
    let (emitter, worker) = (of(stage.emitter.get_ref()), of(stage.worker.get_ref()));
    let by_topic = stage.topic.is_some();
    let taken = by_topic.then(|| [one(HopKind::Record), one(HopKind::Taken)]).into_iter().flatten();
    let marks = view.pipeline.marks.is_some() && !stage.marked_by.is_empty();
    let done = [one(HopKind::Effect)].into_iter().chain(marks.then(|| one(HopKind::Mark)));
    let called = calls.map(|_| one(HopKind::Call));
    row.into_iter().chain(emitter).chain(taken).chain(worker).chain(called).chain(done).collect()
}

fn named(view: &View, stage: &Stage, lines: &[&Line], name: &str) -> Option<Hop> {
    let kind = HopKind::NAMED.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match kind {
        Some(kind) => Some(hop(view, stage, kind)),
        None => lines.iter().find(|line| line.name == name).map(|line| logged(view, stage, line)),
    }
}

fn hop(view: &View, stage: &Stage, kind: HopKind) -> Hop {
    let (emitter, worker) = (stage.emitter.get_ref().clone(), stage.worker.get_ref().clone());
    let topic = stage.topic_name().to_string();
    let table = view.pipeline.marks.as_ref().map(|marks| marks.table.clone()).unwrap_or_default();
    let (by, title, source, state) = match kind {
        HopKind::Row => (emitter, "recorded".to_string(), table, row(view)),
        HopKind::Record => (emitter, "sent".to_string(), topic, record(view, stage)),
        HopKind::Call => called(view, stage),
        HopKind::Effect => (worker, "row written".to_string(), stage.effect.clone(), effect(view, stage)),
        HopKind::Mark => (worker, "marked".to_string(), table, mark(view, stage)),
        _ => return reading(view, stage, &worker, HopKind::Taken),
    };
    Hop {
        stage: stage.name.clone(),
        kind,
        by,
        title,
        source,
        state,
        skew_ms: 0,
        value: value_of(view, stage, kind),
    }
}

/// Seen at a time of a system's clock, which is told beside this machine's.
fn seen(view: &View, system: &str, at: Option<Timestamp>, say: impl Into<String>) -> State {
    let clock = clocks::all(view).into_iter().find(|(name, _)| *name == system);
    let ahead = clock.and_then(|(_, clock)| Some(clock.known()?.surely_ahead_ms())).unwrap_or(0);
    let here = at.and_then(|at| at.checked_sub(SignedDuration::from_millis(ahead)).ok());
    State::Seen { at, here, say: say.into() }
}

fn value_of(view: &View, stage: &Stage, kind: HopKind) -> Option<String> {
    let record = (kind == HopKind::Record).then(|| records::record_of(view, stage));
    record?.known().copied().flatten()?.value.clone()
}

/// Seen at a time that whoever sent it has stamped on it.
fn stamped(at: Option<Timestamp>, say: String) -> State {
    State::Seen { at, here: at, say }
}

/// What was not seen: missing where that is sure, and time enough has passed.
fn missing(view: &View, stage: &Stage, say: impl Into<String>) -> State {
    match view.old_enough(stage) {
        Seen::Known(()) => State::Missing(say.into()),
        Seen::Unknown(why) | Seen::NotAsked(why) => State::Unknown(why),
    }
}

fn unseen<T>(seen: Seen<T>) -> State {
    match seen {
        Seen::Unknown(why) | Seen::NotAsked(why) => State::Unknown(why),
        Seen::Known(_) => State::Unknown(Why::new(WhyKind::Failed, "not derived")),
    }
}

fn row(view: &View) -> State {
    match view.rows().and_then(|rows| rows.event.as_ref()) {
        Seen::Known(event) => seen(view, "PostgreSQL", Some(event.at), "its row"),
        Seen::Unknown(why) if why.kind == WhyKind::Missing => State::Missing("no row of this id".into()),
        other => unseen(other),
    }
}

fn logged(view: &View, stage: &Stage, line: &Line) -> Hop {
    let part = line.part.get_ref();
    let records = view.id().and_then(|id| {
        view.log(part).map(|log| {
            let records = log.records.iter().filter(|record| line.pattern.0.is_match(&record.text));
            (log, records.filter(|record| record.names(id)).collect())
        })
    });
    let state = in_log(view, stage, part, "not", records);
    Hop {
        stage: stage.name.clone(),
        kind: HopKind::Line,
        by: part.clone(),
        title: line.name.clone(),
        source: format!("log of {part}"),
        state,
        skew_ms: 0,
        value: None,
    }
}

/// The first of a log's records of a hop; `not` begins what is said where there is none.
fn in_log(view: &View, stage: &Stage, part: &str, not: &str, records: Seen<(&Log, Vec<&Record>)>) -> State {
    let (log, records) = match records {
        Seen::Known(found) => found,
        other => return unseen(other),
    };
    match (records.first(), view.covers_event(part, log)) {
        (Some(first), _) => seen(view, "Docker", Some(first.at), said(&records)),
        (None, Ok(())) => missing(view, stage, format!("{not} in {}", count(log.read, "record"))),
        (None, Err(why)) => State::Unknown(why),
    }
}

/// What the first of some records says, and how often it was said.
fn said(records: &[&Record]) -> String {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return String::new() };
    let message = crate::fact::logs::message(&first.text);
    // The part is named beside it.
    let message =
        message.split_once("] ").filter(|(part, _)| part.starts_with('[')).map_or(&*message, |(_, m)| m);
    match records.len() {
        1 => message.to_string(),
        times => format!("{message}; {times} times, the last {}", last.at.strftime("%H:%M:%S")),
    }
}

fn record(view: &View, stage: &Stage) -> State {
    match records::record_of(view, stage) {
        Seen::Known(Some(found)) => {
            let say = format!(
                "partition {} offset {}, {}",
                found.partition,
                found.offset,
                count(found.size, "byte")
            );
            stamped(found.at, say)
        }
        Seen::Known(None) => missing(view, stage, records::read_in_words(view, stage.topic_name())),
        // A topic that is not there holds nothing.
        Seen::NotAsked(why) if view.topic(stage.topic_name()).known().is_some_and(|t| !t.exists) => {
            missing(view, stage, why.say)
        }
        other => unseen(other),
    }
}

fn taken(view: &View, stage: &Stage, worker: &Worker) -> State {
    let group = worker.group_name();
    match records::standing(view, stage, worker) {
        Seen::Known(Standing { taken: Taken::Passed, committed, .. }) => {
            seen(view, "Kafka", None, format!("{group} committed {committed}"))
        }
        Seen::Known(Standing { committed, .. }) => {
            missing(view, stage, format!("{group} has committed {committed}"))
        }
        Seen::NotAsked(why) if records::record_of(view, stage).known() == Some(&None) => {
            missing(view, stage, why.say)
        }
        other => unseen(other),
    }
}

fn called(view: &View, stage: &Stage) -> (String, String, String, State) {
    let Some(declared) = &view.pipeline.call else {
        let why = Why::new(WhyKind::NotConfigured, "the pipeline declares no call");
        return (stage.worker.get_ref().clone(), "called".into(), String::new(), State::Unknown(why));
    };
    let service = declared.service.get_ref();
    let state = in_log(view, stage, service, "no call", call::calls(view, declared));
    (service.clone(), format!("{} called", declared.name), format!("log of {service}"), state)
}

fn effect(view: &View, stage: &Stage) -> State {
    let rows = match view.effects(stage) {
        Seen::Known(rows) => rows,
        // Nobody has written into a table that is nowhere.
        Seen::Unknown(why) if why.kind == WhyKind::Schema && !is_elsewhere(view) => {
            return missing(view, stage, why.words());
        }
        other => return unseen(other),
    };
    let Some(last) = rows.last() else { return missing(view, stage, format!("no row in {}", stage.effect)) };
    let status = last.status.as_deref().unwrap_or_default();
    let is = |wanted: &[String]| wanted.iter().any(|wanted| wanted == status);
    let say = match (rows.len(), status) {
        (1, "") => "1 row".to_string(),
        (1, status) => format!("1 row, {status}"),
        (all, "") => format!("{all} rows"),
        (all, status) => format!("{all} rows, the last {status}"),
    };
    if is(&stage.waiting_status) || !(stage.good_status.is_empty() || is(&stage.good_status)) {
        return State::Missing(format!("its row is {status}"));
    }
    let at = (!stage.undated).then_some(last.at);
    seen(view, "PostgreSQL", at, say)
}

/// Whether a table that was not found stands in another schema.
fn is_elsewhere(view: &View) -> bool {
    view.postgres().known().is_some_and(|rows| rows.elsewhere.values().any(|schemas| !schemas.is_empty()))
}

fn mark(view: &View, stage: &Stage) -> State {
    let marks = match view.marks(stage) {
        Seen::Known(marks) => marks,
        other => return unseen(other),
    };
    let owned = marks.iter().rfind(|mark| stages::is_owners(stage, mark));
    match (owned, marks.last()) {
        (Some(mark), _) if !stages::is_fresh(view, mark) => {
            let at = mark.processed_at.map(|at| format!(", {}", at.strftime("%F %H:%M:%S")));
            missing(view, stage, format!("marked before the event was there{}", at.unwrap_or_default()))
        }
        (Some(mark), _) => {
            let by = mark.source.as_deref().unwrap_or("nobody named");
            seen(view, "PostgreSQL", mark.processed_at, format!("{} by {by}", stage.event))
        }
        (None, Some(mark)) => {
            missing(view, stage, format!("marked by {}", mark.source.as_deref().unwrap_or("nobody named")))
        }
        (None, None) => missing(view, stage, format!("{} never marked", stage.event)),
    }
}

/// That a worker which reads the stage's topic has come past the record.
fn reading(view: &View, stage: &Stage, worker: &str, kind: HopKind) -> Hop {
    let reader = view.pipeline.worker(worker);
    let group = reader.map_or("", |reader| reader.group_name());
    let none = || State::Unknown(Why::new(WhyKind::Missing, format!("no worker {worker}")));
    Hop {
        stage: stage.name.clone(),
        kind,
        by: worker.to_string(),
        title: "taken".to_string(),
        source: format!("group {group}"),
        state: reader.map_or_else(none, |reader| taken(view, stage, reader)),
        skew_ms: 0,
        value: None,
    }
}

/// That the stage's worker gave the event up: only where it did.
fn dead_letter(view: &View, stage: &Stage) -> Option<Hop> {
    let declared = view.pipeline.dead_letters.as_ref()?;
    let worker = stage.worker.get_ref();
    let letter = records::letter_of(view, worker)?;
    let reason = letter.headers.get(&declared.reason).map_or("no reason given", String::as_str);
    let say = format!("partition {} offset {}: {reason}", letter.partition, letter.offset);
    Some(Hop {
        stage: stage.name.clone(),
        kind: HopKind::DeadLetter,
        by: worker.clone(),
        title: "given up".to_string(),
        source: declared.topic.clone(),
        state: stamped(letter.at, say),
        skew_ms: 0,
        value: None,
    })
}
