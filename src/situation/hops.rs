//! The hops of the asked event, in the pipeline's order: what was seen of each,
//! when and where.

use crate::evidence::{Log, Record, Seen, Why, WhyKind};
use crate::pipeline::{HopKind, Line, Pipeline, Stage, Worker};
use crate::situation::calls::Calls;
use crate::situation::clock::ClockOf;
use crate::situation::delivery::{self, Deliveries, Standing, Taken};
use crate::situation::logs::message_of;
use crate::situation::stages::{self, Event};
use crate::text::plural::count;
use jiff::{SignedDuration, Timestamp};
use std::ops::Deref;

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

/// What hops are told from.
struct Way<'w, 'a> {
    event: &'w Event<'a>,
    deliveries: &'w Deliveries<'a>,
    calls: Option<&'w Calls<'a>>,
}

impl<'a> Deref for Way<'_, 'a> {
    type Target = Event<'a>;

    fn deref(&self) -> &Event<'a> {
        self.event
    }
}

/// All hops of the asked event, in order.
pub fn build<'a>(event: &Event<'a>, deliveries: &Deliveries<'a>, calls: Option<&Calls<'a>>) -> Vec<Hop> {
    let way = &Way { event, deliveries, calls };
    let mut hops: Vec<Hop> = way.pipeline.stage.iter().flat_map(|stage| of_stage(way, stage)).collect();
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
            false => is_behind(way.pipeline, further, stage),
        })
    };
    let arrived = has_arrived(event);
    // Whoever went on without the effect went on with nothing.
    let is_skipped = |hop: &Hop| hop.on_the_way() && (arrived || hop.kind != HopKind::Effect);
    for (at, hop) in hops.iter_mut().enumerate().filter(|(_, hop)| is_skipped(hop)) {
        if let State::Missing(say) = &mut hop.state
            && came_further(at, &hop.stage)
        {
            hop.state = State::Skipped(std::mem::take(say));
        }
    }
    distrust(way, &mut hops);
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
fn distrust(way: &Way, hops: &mut [Hop]) {
    let is_sure = |hop: &Hop| hop.on_the_way() && hop.kind != HopKind::Record;
    let here = |hop: &Hop| hop.here().filter(|_| is_sure(hop));
    for at in 0..hops.len() {
        let Some(stamp) = hops[at].here().filter(|_| hops[at].kind == HopKind::Record) else { continue };
        let before = hops[..at].iter().filter_map(here).max();
        let after = hops[at..].iter().filter_map(here).min().unwrap_or(way.clocks.taken);
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
pub fn has_arrived(event: &Event) -> bool {
    let mut ends = event.pipeline.ends().peekable();
    ends.peek().is_some() && ends.all(|last| matches!(effect(event, last), State::Seen { .. }))
}

fn of_stage(way: &Way, stage: &Stage) -> Vec<Hop> {
    let lines: Vec<&Line> =
        way.pipeline.line.iter().filter(|line| *line.stage.get_ref() == stage.name).collect();
    let mut hops: Vec<Hop> = match stage.hops.is_empty() {
        true => usual(way, stage, &lines),
        false => stage.hops.iter().filter_map(|name| named(way, stage, &lines, name.get_ref())).collect(),
    };
    let worker = stage.worker.get_ref();
    let others = way.pipeline.worker.iter().filter(|other| other.name != *worker);
    let beside = |other: &&Worker| {
        // One that handles the record at a stage of its own is told there.
        let mut stages = way.pipeline.stage.iter();
        let handles = |other_stage: &Stage, other: &Worker| {
            *other_stage.worker.get_ref() == other.name && other_stage.topic_name() == stage.topic_name()
        };
        other.consumes(stage.topic_name()) && !stages.any(|of| handles(of, other))
    };
    let branches = others.filter(beside);
    hops.extend(branches.map(|other| reading(way, stage, &other.name, HopKind::Branch)));
    hops.extend(dead_letter(way, stage));
    hops
}

/// The hops of a stage that does not declare them.
fn usual(way: &Way, stage: &Stage, lines: &[&Line]) -> Vec<Hop> {
    let of = |part: &str| {
        let lines: Vec<&Line> = lines.iter().copied().filter(|line| line.part.get_ref() == part).collect();
        lines.into_iter().map(|line| logged(way, stage, line)).collect::<Vec<Hop>>()
    };
    let one = |kind| hop(way, stage, kind);
    let row = stage.recorded_by_emitter.then(|| one(HopKind::Row));
    let calls = way.pipeline.call.as_ref().filter(|call| *call.stage.get_ref() == stage.name);
    let (emitter, worker) = (of(stage.emitter.get_ref()), of(stage.worker.get_ref()));
    let by_topic = stage.topic.is_some();
    let taken = by_topic.then(|| [one(HopKind::Record), one(HopKind::Taken)]).into_iter().flatten();
    let marks = way.pipeline.marks.is_some() && !stage.marked_by.is_empty();
    let done = [one(HopKind::Effect)].into_iter().chain(marks.then(|| one(HopKind::Mark)));
    let called = calls.map(|_| one(HopKind::Call));
    row.into_iter().chain(emitter).chain(taken).chain(worker).chain(called).chain(done).collect()
}

fn named(way: &Way, stage: &Stage, lines: &[&Line], name: &str) -> Option<Hop> {
    let kind = HopKind::NAMED.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match kind {
        Some(kind) => Some(hop(way, stage, kind)),
        None => lines.iter().find(|line| line.name == name).map(|line| logged(way, stage, line)),
    }
}

fn hop(way: &Way, stage: &Stage, kind: HopKind) -> Hop {
    let (emitter, worker) = (stage.emitter.get_ref().clone(), stage.worker.get_ref().clone());
    let topic = stage.topic_name().to_string();
    let table = way.pipeline.marks.as_ref().map(|marks| marks.table.clone()).unwrap_or_default();
    let (by, title, source, state) = match kind {
        HopKind::Row => (emitter, "recorded".to_string(), table, row(way)),
        HopKind::Record => (emitter, "sent".to_string(), topic, record(way, stage)),
        HopKind::Call => called(way, stage),
        HopKind::Effect => (worker, "row written".to_string(), stage.effect.clone(), effect(way, stage)),
        HopKind::Mark => (worker, "marked".to_string(), table, mark(way, stage)),
        _ => return reading(way, stage, &worker, HopKind::Taken),
    };
    Hop {
        stage: stage.name.clone(),
        kind,
        by,
        title,
        source,
        state,
        skew_ms: 0,
        value: value_of(way, stage, kind),
    }
}

/// Seen at a time of a system's clock, which is told beside this machine's.
fn seen(event: &Event, system: ClockOf, at: Option<Timestamp>, say: impl Into<String>) -> State {
    let ahead = event.clocks.surely_ahead_ms(system);
    let here = at.and_then(|at| at.checked_sub(SignedDuration::from_millis(ahead)).ok());
    State::Seen { at, here, say: say.into() }
}

fn value_of(way: &Way, stage: &Stage, kind: HopKind) -> Option<String> {
    let record = (kind == HopKind::Record).then(|| &way.deliveries.of(stage).record);
    record?.known().copied().flatten()?.value.clone()
}

/// Seen at a time that whoever sent it has stamped on it.
fn stamped(at: Option<Timestamp>, say: String) -> State {
    State::Seen { at, here: at, say }
}

/// What was not seen: missing where that is sure, and time enough has passed.
fn missing(event: &Event, stage: &Stage, say: impl Into<String>) -> State {
    match event.old_enough(stage) {
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

fn row(way: &Way) -> State {
    match way.asked.row.clone() {
        Seen::Known(event) => seen(way, ClockOf::Postgres, Some(event.at), "its row"),
        Seen::Unknown(why) if why.kind == WhyKind::Missing => State::Missing("no row of this id".into()),
        other => unseen(other),
    }
}

fn logged(way: &Way, stage: &Stage, line: &Line) -> Hop {
    let part = line.part.get_ref();
    let records =
        way.id().and_then(|id| way.logs.of(part).map(|index| (index.log, index.both(&line.pattern, id))));
    let state = in_log(way, stage, part, "not", records);
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
fn in_log(way: &Way, stage: &Stage, part: &str, not: &str, records: Seen<(&Log, Vec<&Record>)>) -> State {
    let (log, records) = match records {
        Seen::Known(found) => found,
        other => return unseen(other),
    };
    match (records.first(), way.covers_event(part)) {
        (Some(first), _) => seen(way, ClockOf::Docker, Some(first.at), said(&records)),
        (None, Ok(())) => missing(way, stage, format!("{not} in {}", count(log.read, "record"))),
        (None, Err(why)) => State::Unknown(why),
    }
}

/// What the first of some records says, and how often it was said.
fn said(records: &[&Record]) -> String {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return String::new() };
    let message = message_of(&first.text);
    // The part is named beside it.
    let message =
        message.split_once("] ").filter(|(part, _)| part.starts_with('[')).map_or(&*message, |(_, m)| m);
    match records.len() {
        1 => message.to_string(),
        times => format!("{message}; {times} times, the last {}", last.at.strftime("%H:%M:%S")),
    }
}

fn record(way: &Way, stage: &Stage) -> State {
    match way.deliveries.of(stage).record.clone() {
        Seen::Known(Some(found)) => {
            let say = format!(
                "partition {} offset {}, {}",
                found.partition,
                found.offset,
                count(found.size, "byte")
            );
            stamped(found.at, say)
        }
        Seen::Known(None) => missing(way, stage, delivery::describe_read(way, stage.topic_name())),
        // A topic that is not there holds nothing.
        Seen::NotAsked(why) if way.source.topic(stage.topic_name()).known().is_some_and(|t| !t.exists) => {
            missing(way, stage, why.say)
        }
        other => unseen(other),
    }
}

fn taken(way: &Way, stage: &Stage, worker: &Worker) -> State {
    let group = worker.group_name();
    match way.deliveries.standing(way, stage, worker) {
        Seen::Known(Standing { taken: Taken::Passed, committed, .. }) => {
            seen(way, ClockOf::Kafka, None, format!("{group} committed {committed}"))
        }
        Seen::Known(Standing { committed, .. }) => {
            missing(way, stage, format!("{group} has committed {committed}"))
        }
        Seen::NotAsked(why) if way.deliveries.of(stage).record.known() == Some(&None) => {
            missing(way, stage, why.say)
        }
        other => unseen(other),
    }
}

fn called(way: &Way, stage: &Stage) -> (String, String, String, State) {
    let Some(declared) = &way.pipeline.call else {
        let why = Why::new(WhyKind::NotConfigured, "the pipeline declares no call");
        return (stage.worker.get_ref().clone(), "called".into(), String::new(), State::Unknown(why));
    };
    let service = declared.service.get_ref();
    let state = in_log(
        way,
        stage,
        service,
        "no call",
        way.calls.map_or_else(Seen::default, |calls| calls.calls.clone()),
    );
    (service.clone(), format!("{} called", declared.name), format!("log of {service}"), state)
}

fn effect(event: &Event, stage: &Stage) -> State {
    let rows = match event.effects(stage) {
        Seen::Known(rows) => rows,
        // Nobody has written into a table that is nowhere.
        Seen::Unknown(why) if why.kind == WhyKind::Schema && !is_elsewhere(event) => {
            return missing(event, stage, why.words());
        }
        other => return unseen(other),
    };
    let Some(last) = rows.last() else { return missing(event, stage, format!("no row in {}", stage.effect)) };
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
    seen(event, ClockOf::Postgres, at, say)
}

/// Whether a table that was not found stands in another schema.
fn is_elsewhere(event: &Event) -> bool {
    event
        .source
        .database()
        .known()
        .is_some_and(|rows| rows.elsewhere.values().any(|schemas| !schemas.is_empty()))
}

fn mark(way: &Way, stage: &Stage) -> State {
    let marks = match way.marks(stage) {
        Seen::Known(marks) => marks,
        other => return unseen(other),
    };
    let owned = marks.iter().rfind(|mark| stages::is_owners(stage, mark));
    match (owned, marks.last()) {
        (Some(mark), _) if !way.is_fresh(mark) => {
            let at = mark.processed_at.map(|at| format!(", {}", at.strftime("%F %H:%M:%S")));
            missing(way, stage, format!("marked before the event was there{}", at.unwrap_or_default()))
        }
        (Some(mark), _) => {
            let by = mark.source.as_deref().unwrap_or("nobody named");
            seen(way, ClockOf::Postgres, mark.processed_at, format!("{} by {by}", stage.event))
        }
        (None, Some(mark)) => {
            missing(way, stage, format!("marked by {}", mark.source.as_deref().unwrap_or("nobody named")))
        }
        (None, None) => missing(way, stage, format!("{} never marked", stage.event)),
    }
}

/// That a worker which reads the stage's topic has come past the record.
fn reading(way: &Way, stage: &Stage, worker: &str, kind: HopKind) -> Hop {
    let reader = way.pipeline.worker(worker);
    let group = reader.map_or("", |reader| reader.group_name());
    let none = || State::Unknown(Why::new(WhyKind::Missing, format!("no worker {worker}")));
    Hop {
        stage: stage.name.clone(),
        kind,
        by: worker.to_string(),
        title: "taken".to_string(),
        source: format!("group {group}"),
        state: reader.map_or_else(none, |reader| taken(way, stage, reader)),
        skew_ms: 0,
        value: None,
    }
}

/// That the stage's worker gave the event up: only where it did.
fn dead_letter(way: &Way, stage: &Stage) -> Option<Hop> {
    let declared = way.pipeline.dead_letters.as_ref()?;
    let worker = stage.worker.get_ref();
    let letter = way.deliveries.letter_of(way, worker)?;
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
