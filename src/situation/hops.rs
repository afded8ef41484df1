//! The hops of the requested event, in the pipeline's order: whether, when and where each
//! hop was observed.

use crate::evidence::{Log, Observed, Reason, ReasonKind, Record};
use crate::pipeline::{HopKind, Line, Pipeline, Stage, Worker};
use crate::situation::api_calls::ApiCalls;
use crate::situation::clock::ClockOf;
use crate::situation::delivery::{self, Consumption, Deliveries, RecordConsumption};
use crate::situation::logs::message_of;
use crate::situation::stages::{self, Event};
use crate::text::plural::count;
use jiff::{SignedDuration, Timestamp};
use std::ops::Deref;

/// One hop of one event.
#[derive(Debug, Clone)]
pub struct Hop {
    /// The stage that the hop belongs to.
    pub stage: String,
    /// The kind of the hop.
    pub kind: HopKind,
    /// The component that performs the hop.
    pub by: String,
    /// The hop's title, such as "sent" or "received".
    pub title: String,
    /// The source that was searched for evidence: a table, a topic, a group or a log.
    pub source: String,
    /// Whether and when the hop was observed.
    pub state: State,
    /// The minimum error of the clock that timestamped the hop, in milliseconds (positive: ahead).
    /// If it is not 0, the hop has no local time.
    pub skew_ms: i64,
    /// The record's value, if it was requested and is JSON.
    pub value: Option<String>,
}

/// Whether a hop was observed.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The hop was observed.
    Observed {
        /// When it happened, by the clock of the system where it was observed, if known.
        at: Option<Timestamp>,
        /// The same time by this machine's clock.
        local_time: Option<Timestamp>,
        /// A description of what was observed.
        message: String,
    },
    /// The hop was not found although all relevant evidence was read. Holds what was observed
    /// instead.
    Missing(String),
    /// The hop was not found, but the event continued without it.
    Skipped(String),
    /// The hop could not be checked, or it is too early to judge.
    Unknown(Reason),
}

impl Hop {
    /// Reports whether the hop was observed.
    pub fn is_seen(&self) -> bool {
        matches!(self.state, State::Observed { .. })
    }

    /// Returns when the hop happened by this machine's clock, if that is known.
    pub fn local_time(&self) -> Option<Timestamp> {
        match &self.state {
            State::Observed { local_time, .. } => *local_time,
            _ => None,
        }
    }

    /// Reports whether the hop is on the event's main path. Branches and dead letters are not.
    pub fn is_on_main_path(&self) -> bool {
        !matches!(self.kind, HopKind::Branch | HopKind::DeadLetter)
    }
}

/// The evidence that hops are built from.
struct HopContext<'w, 'a> {
    event: &'w Event<'a>,
    deliveries: &'w Deliveries<'a>,
    calls: Option<&'w ApiCalls<'a>>,
}

impl<'a> Deref for HopContext<'_, 'a> {
    type Target = Event<'a>;

    fn deref(&self) -> &Event<'a> {
        self.event
    }
}

/// Builds all hops of the requested event, in order.
pub fn build<'a>(event: &Event<'a>, deliveries: &Deliveries<'a>, calls: Option<&ApiCalls<'a>>) -> Vec<Hop> {
    let context = &HopContext { event, deliveries, calls };
    let mut hops: Vec<Hop> =
        context.pipeline.stage.iter().flat_map(|stage| hops_of_stage(context, stage)).collect();
    // A mark does not prove that the work was done.
    let proves_progress = |hop: &Hop| hop.is_on_main_path() && hop.is_seen() && hop.kind != HopKind::Mark;
    let proofs: Vec<(usize, String)> = hops
        .iter()
        .enumerate()
        .filter(|(_, hop)| proves_progress(hop))
        .map(|(at, hop)| (at, hop.stage.clone()))
        .collect();
    // A later hop was observed at the same stage or at a downstream stage.
    let has_later_proof = |at: usize, stage: &str| {
        proofs.iter().any(|(proof, proof_stage)| match proof_stage == stage {
            true => *proof > at,
            false => is_downstream(context.pipeline, proof_stage, stage),
        })
    };
    let arrived = has_arrived(event);
    // A missing effect counts as skipped only if the event has arrived, because downstream
    // stages then worked without it.
    let is_skipped = |hop: &Hop| hop.is_on_main_path() && (arrived || hop.kind != HopKind::Effect);
    for (at, hop) in hops.iter_mut().enumerate().filter(|(_, hop)| is_skipped(hop)) {
        if let State::Missing(message) = &mut hop.state
            && has_later_proof(at, &hop.stage)
        {
            hop.state = State::Skipped(std::mem::take(message));
        }
    }
    flag_impossible_stamps(context, &mut hops);
    hops
}

fn is_downstream(pipeline: &Pipeline, later: &str, earlier: &str) -> bool {
    let stages = pipeline.stage(later).zip(pipeline.stage(earlier));
    stages.is_some_and(|(later, earlier)| pipeline.comes_after(later, earlier))
}

/// A record's timestamp may differ from log and row times by this much without being wrong.
const STAMP_TOLERANCE_MS: i64 = 1_000;

/// Producers timestamp records with their own clock. If a timestamp contradicts the hops before and
/// after it, the producer's clock is wrong, so the skew is recorded and the local time is dropped.
fn flag_impossible_stamps(context: &HopContext, hops: &mut [Hop]) {
    let is_reliable = |hop: &Hop| hop.is_on_main_path() && hop.kind != HopKind::Record;
    let local_time = |hop: &Hop| hop.local_time().filter(|_| is_reliable(hop));
    for at in 0..hops.len() {
        let Some(stamp) = hops[at].local_time().filter(|_| hops[at].kind == HopKind::Record) else {
            continue;
        };
        let before = hops[..at].iter().filter_map(local_time).max();
        let after = hops[at..].iter().filter_map(local_time).min().unwrap_or(context.clocks.observed_at);
        let late = stamp.as_millisecond() - after.as_millisecond();
        let early = before.map_or(0, |before| before.as_millisecond() - stamp.as_millisecond());
        let skew = match (late > STAMP_TOLERANCE_MS, early > STAMP_TOLERANCE_MS) {
            (true, _) => late,
            (_, true) => -early,
            _ => continue,
        };
        let hop = &mut hops[at];
        hop.skew_ms = skew;
        if let State::Observed { local_time, .. } = &mut hop.state {
            *local_time = None;
        }
    }
}

/// Returns the last observed hop of the main path before the first missing one.
pub fn furthest(hops: &[Hop]) -> Option<usize> {
    let missing = hops.iter().position(|hop| hop.is_on_main_path() && matches!(hop.state, State::Missing(_)));
    let before = &hops[..missing.unwrap_or(hops.len())];
    before.iter().rposition(|hop| hop.is_on_main_path() && hop.is_seen())
}

/// Reports whether the event has completed the last stage of every branch.
pub fn has_arrived(event: &Event) -> bool {
    let mut ends = event.pipeline.final_stages().peekable();
    ends.peek().is_some() && ends.all(|last| matches!(effect(event, last), State::Observed { .. }))
}

fn hops_of_stage(context: &HopContext, stage: &Stage) -> Vec<Hop> {
    let lines: Vec<&Line> =
        context.pipeline.line.iter().filter(|line| *line.stage.get_ref() == stage.name).collect();
    let mut hops: Vec<Hop> = match stage.hops.is_empty() {
        true => default_hops(context, stage, &lines),
        false => stage
            .hops
            .iter()
            .filter_map(|name| declared_hop(context, stage, &lines, name.get_ref()))
            .collect(),
    };
    let worker = stage.worker.get_ref();
    let others = context.pipeline.worker.iter().filter(|other| other.name != *worker);
    let is_other_reader = |other: &&Worker| {
        // A worker that handles the record at its own stage is listed there.
        let mut stages = context.pipeline.stage.iter();
        let handles = |other_stage: &Stage, other: &Worker| {
            *other_stage.worker.get_ref() == other.name && other_stage.topic_name() == stage.topic_name()
        };
        other.consumes(stage.topic_name()) && !stages.any(|of| handles(of, other))
    };
    let branches = others.filter(is_other_reader);
    hops.extend(branches.map(|other| consumption_hop(context, stage, &other.name, HopKind::Branch)));
    hops.extend(dead_letter(context, stage));
    hops
}

/// Returns the default hops of a stage that declares none.
fn default_hops(context: &HopContext, stage: &Stage, lines: &[&Line]) -> Vec<Hop> {
    let of = |component: &str| {
        let lines: Vec<&Line> =
            lines.iter().copied().filter(|line| line.component.get_ref() == component).collect();
        lines.into_iter().map(|line| log_hop(context, stage, line)).collect::<Vec<Hop>>()
    };
    let one = |kind| hop(context, stage, kind);
    let row = stage.recorded_by_emitter.then(|| one(HopKind::Row));
    let calls = context.pipeline.call.as_ref().filter(|call| *call.stage.get_ref() == stage.name);
    let (emitter, worker) = (of(stage.emitter.get_ref()), of(stage.worker.get_ref()));
    let by_topic = stage.topic.is_some();
    let consumption =
        by_topic.then(|| [one(HopKind::Record), one(HopKind::Consumption)]).into_iter().flatten();
    let marks = context.pipeline.marks.is_some() && !stage.marked_by.is_empty();
    let done = [one(HopKind::Effect)].into_iter().chain(marks.then(|| one(HopKind::Mark)));
    let called = calls.map(|_| one(HopKind::Call));
    row.into_iter().chain(emitter).chain(consumption).chain(worker).chain(called).chain(done).collect()
}

fn declared_hop(context: &HopContext, stage: &Stage, lines: &[&Line], name: &str) -> Option<Hop> {
    let kind = HopKind::NAMED.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    match kind {
        Some(kind) => Some(hop(context, stage, kind)),
        None => lines.iter().find(|line| line.name == name).map(|line| log_hop(context, stage, line)),
    }
}

fn hop(context: &HopContext, stage: &Stage, kind: HopKind) -> Hop {
    let (emitter, worker) = (stage.emitter.get_ref().clone(), stage.worker.get_ref().clone());
    let topic = stage.topic_name().to_string();
    let table = context.pipeline.marks.as_ref().map(|marks| marks.table.clone()).unwrap_or_default();
    let (by, title, source, state) = match kind {
        HopKind::Row => (emitter, "recorded".to_string(), table, row(context)),
        HopKind::Record => (emitter, "sent".to_string(), topic, record(context, stage)),
        HopKind::Call => called(context, stage),
        HopKind::Effect => (worker, "row written".to_string(), stage.effect.clone(), effect(context, stage)),
        HopKind::Mark => (worker, "marked".to_string(), table, mark(context, stage)),
        _ => return consumption_hop(context, stage, &worker, HopKind::Consumption),
    };
    Hop {
        stage: stage.name.clone(),
        kind,
        by,
        title,
        source,
        state,
        skew_ms: 0,
        value: value_of(context, stage, kind),
    }
}

/// Returns an observed state whose time is converted from a system's clock to this machine's.
fn seen(event: &Event, system: ClockOf, at: Option<Timestamp>, message: impl Into<String>) -> State {
    let ahead = event.clocks.surely_ahead_ms(system);
    let local_time = at.and_then(|at| at.checked_sub(SignedDuration::from_millis(ahead)).ok());
    State::Observed { at, local_time, message: message.into() }
}

fn value_of(context: &HopContext, stage: &Stage, kind: HopKind) -> Option<String> {
    let record = (kind == HopKind::Record).then(|| &context.deliveries.of(stage).record);
    record?.known().copied().flatten()?.value.clone()
}

/// Returns an observed state with a timestamp set by the producer.
fn stamped(at: Option<Timestamp>, message: String) -> State {
    State::Observed { at, local_time: at, message }
}

/// Returns `Missing` once the event's grace period at the stage is over.
fn missing(event: &Event, stage: &Stage, message: impl Into<String>) -> State {
    match event.old_enough(stage) {
        Observed::Known(()) => State::Missing(message.into()),
        Observed::Unknown(why) | Observed::NotAsked(why) => State::Unknown(why),
    }
}

fn unavailable<T>(seen: Observed<T>) -> State {
    match seen {
        Observed::Unknown(why) | Observed::NotAsked(why) => State::Unknown(why),
        Observed::Known(_) => State::Unknown(Reason::new(ReasonKind::Failed, "not derived")),
    }
}

fn row(context: &HopContext) -> State {
    match context.lookup.row.clone() {
        Observed::Known(event) => seen(context, ClockOf::Postgres, Some(event.at), "row found"),
        Observed::Unknown(why) if why.kind == ReasonKind::Missing => {
            State::Missing("no row with this id".into())
        }
        other => unavailable(other),
    }
}

fn log_hop(context: &HopContext, stage: &Stage, line: &Line) -> Hop {
    let component = line.component.get_ref();
    let records = context.id().and_then(|id| {
        context.logs.of(component).map(|index| (index.log, index.matching_and_naming(&line.pattern, id)))
    });
    let state = in_log(context, stage, component, "not", records);
    Hop {
        stage: stage.name.clone(),
        kind: HopKind::Line,
        by: component.clone(),
        title: line.name.clone(),
        source: format!("log of {component}"),
        state,
        skew_ms: 0,
        value: None,
    }
}

/// Returns the state of a hop from its log records. If there are no records, the message starts
/// with `not`.
fn in_log(
    context: &HopContext,
    stage: &Stage,
    component: &str,
    not: &str,
    records: Observed<(&Log, Vec<&Record>)>,
) -> State {
    let (log, records) = match records {
        Observed::Known(found) => found,
        other => return unavailable(other),
    };
    match (records.first(), context.covers_event(component)) {
        (Some(first), _) => seen(context, ClockOf::Docker, first.at, describe_records(&records)),
        (None, Ok(())) => missing(context, stage, format!("{not} in {}", count(log.read, "record"))),
        (None, Err(why)) => State::Unknown(why),
    }
}

/// Returns the message of the first record, and how often it was logged.
fn describe_records(records: &[&Record]) -> String {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return String::new() };
    let message = message_of(&first.text);
    // The component is shown in its own column.
    let message = message
        .split_once("] ")
        .filter(|(component, _)| component.starts_with('['))
        .map_or(&*message, |(_, m)| m);
    match records.len() {
        1 => message.to_string(),
        times => format!("{message}; {times} times, the last at {}", last.time_of_day().trim()),
    }
}

fn record(context: &HopContext, stage: &Stage) -> State {
    match context.deliveries.of(stage).record.clone() {
        Observed::Known(Some(found)) => {
            let message = format!(
                "partition {} offset {}, {}",
                found.partition,
                found.offset,
                count(found.size, "byte")
            );
            stamped(found.at, message)
        }
        Observed::Known(None) => {
            missing(context, stage, delivery::describe_read(context, stage.topic_name()))
        }
        // A missing topic holds no records.
        Observed::NotAsked(why)
            if context.inputs.topic(stage.topic_name()).known().is_some_and(|t| !t.exists) =>
        {
            missing(context, stage, why.message)
        }
        other => unavailable(other),
    }
}

fn consumption(context: &HopContext, stage: &Stage, worker: &Worker) -> State {
    let group = worker.group_name();
    match context.deliveries.record_consumption(context, stage, worker) {
        Observed::Known(RecordConsumption { consumption: Consumption::Passed, committed, .. }) => {
            seen(context, ClockOf::Kafka, None, format!("{group} committed {committed}"))
        }
        Observed::Known(RecordConsumption { committed, .. }) => {
            missing(context, stage, format!("{group} has committed {committed}"))
        }
        Observed::NotAsked(why) if context.deliveries.of(stage).record.known() == Some(&None) => {
            missing(context, stage, why.message)
        }
        other => unavailable(other),
    }
}

fn called(context: &HopContext, stage: &Stage) -> (String, String, String, State) {
    let Some(declared) = &context.pipeline.call else {
        let why = Reason::new(ReasonKind::NotConfigured, "the pipeline declares no call");
        return (stage.worker.get_ref().clone(), "called".into(), String::new(), State::Unknown(why));
    };
    let service = declared.service.get_ref();
    let state = in_log(
        context,
        stage,
        service,
        "no call",
        context.calls.map_or_else(Observed::default, |calls| calls.calls.clone()),
    );
    (service.clone(), format!("{} called", declared.name), format!("log of {service}"), state)
}

fn effect(event: &Event, stage: &Stage) -> State {
    let rows = match event.effects(stage) {
        Observed::Known(rows) => rows,
        // A table that does not exist anywhere has no rows.
        Observed::Unknown(why) if why.kind == ReasonKind::Schema && !has_tables_elsewhere(event) => {
            return missing(event, stage, why.describe());
        }
        other => return unavailable(other),
    };
    let Some(last) = rows.last() else { return missing(event, stage, format!("no row in {}", stage.effect)) };
    let status = last.status.as_deref().unwrap_or_default();
    let is = |wanted: &[String]| wanted.iter().any(|wanted| wanted == status);
    let message = match (rows.len(), status) {
        (1, "") => "1 row".to_string(),
        (1, status) => format!("1 row, {status}"),
        (all, "") => format!("{all} rows"),
        (all, status) => format!("{all} rows, the last {status}"),
    };
    if is(&stage.waiting_status) || !(stage.good_status.is_empty() || is(&stage.good_status)) {
        return State::Missing(format!("its row is {status}"));
    }
    let at = (!stage.undated).then_some(last.at);
    seen(event, ClockOf::Postgres, at, message)
}

/// Reports whether any table that was not found exists in another schema.
fn has_tables_elsewhere(event: &Event) -> bool {
    event
        .inputs
        .database()
        .known()
        .is_some_and(|rows| rows.elsewhere.values().any(|schemas| !schemas.is_empty()))
}

fn mark(context: &HopContext, stage: &Stage) -> State {
    let marks = match context.marks(stage) {
        Observed::Known(marks) => marks,
        other => return unavailable(other),
    };
    let owned = marks.iter().rfind(|mark| stages::is_owner_mark(stage, mark));
    match (owned, marks.last()) {
        (Some(mark), _) if !context.is_fresh(mark) => {
            let at = mark.processed_at.map(|at| format!(", {}", at.strftime("%F %H:%M:%S")));
            missing(context, stage, format!("marked before the event existed{}", at.unwrap_or_default()))
        }
        (Some(mark), _) => {
            let by = mark.source.as_deref().unwrap_or("unknown source");
            seen(context, ClockOf::Postgres, mark.processed_at, format!("{} by {by}", stage.event))
        }
        (None, Some(mark)) => missing(
            context,
            stage,
            format!("marked by {}", mark.source.as_deref().unwrap_or("unknown source")),
        ),
        (None, None) => missing(context, stage, format!("{} never marked", stage.event)),
    }
}

/// Builds the hop in which a worker's group passes the record on the stage's topic.
fn consumption_hop(context: &HopContext, stage: &Stage, worker: &str, kind: HopKind) -> Hop {
    let reader = context.pipeline.worker(worker);
    let group = reader.map_or("", |reader| reader.group_name());
    let none = || State::Unknown(Reason::new(ReasonKind::Missing, format!("no worker {worker}")));
    Hop {
        stage: stage.name.clone(),
        kind,
        by: worker.to_string(),
        title: "consumed".to_string(),
        source: format!("group {group}"),
        state: reader.map_or_else(none, |reader| consumption(context, stage, reader)),
        skew_ms: 0,
        value: None,
    }
}

/// Builds the hop for the event's dead letter, if the stage's worker sent one.
fn dead_letter(context: &HopContext, stage: &Stage) -> Option<Hop> {
    let declared = context.pipeline.dead_letters.as_ref()?;
    let worker = stage.worker.get_ref();
    let letter = context.deliveries.dead_letter_of(context, worker)?;
    let reason = declared.reason_of(&letter.headers).unwrap_or("no reason given");
    let message = format!("partition {} offset {}: {reason}", letter.partition, letter.offset);
    Some(Hop {
        stage: stage.name.clone(),
        kind: HopKind::DeadLetter,
        by: worker.clone(),
        title: "dead-lettered".to_string(),
        source: declared.topic.clone(),
        state: stamped(letter.at, message),
        skew_ms: 0,
        value: None,
    })
}
