//! One event, hop by hop: how far it came, where it stopped, and why.

pub mod several;
pub mod table;

use crate::base::error::exit;
use crate::evidence::WhyKind;
use crate::pipeline::{HopKind, Stage};
use crate::remedy::Planned;
use crate::report::{Cause, Report, SCHEMA_VERSION, Told, Unseen, words};
use crate::situation::Situation;
use crate::situation::clock::{self, ClockOf};
use crate::situation::hops::{self, Hop, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How far an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Through every stage, branches included.
    Arrived,
    /// A hop is missing, and the time for it is over.
    Stopped,
    /// A hop is missing, and its time is not over.
    UnderWay,
    /// What would tell could not be looked at.
    Unclear,
}

impl Outcome {
    /// All of them, the worst first.
    pub const ALL: [Outcome; 4] = [Outcome::Stopped, Outcome::Unclear, Outcome::UnderWay, Outcome::Arrived];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Outcome::Arrived => "arrived",
            Outcome::Stopped => "stopped",
            Outcome::UnderWay => "under way",
            Outcome::Unclear => "unclear",
        }
    }

    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Outcome::Arrived => exit::HEALTHY,
            Outcome::Stopped => exit::PROBLEM,
            Outcome::UnderWay | Outcome::Unclear => exit::INCONCLUSIVE,
        }
    }
}

/// Everything that is said of one event. Field order is the JSON's.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Trace {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and the version that looked.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The event.
    pub id: String,
    /// When it was looked (UTC).
    pub taken: Timestamp,
    /// How far it came.
    pub outcome: Outcome,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// The last line.
    pub headline: String,
    /// The last hop that was seen, as an index into `hops`.
    pub last_seen: Option<usize>,
    /// The first hop that is missing after it, or the first that could not be
    /// looked at where none is.
    pub first_missing: Option<usize>,
    /// The service or worker between the two.
    pub component: Option<String>,
    /// From the first to the last hop that tell their time, in milliseconds.
    pub took_ms: Option<i64>,
    /// The stages, in order.
    pub stages: Vec<StageShown>,
    /// The hops, in the pipeline's order.
    pub hops: Vec<HopShown>,
    /// Clocks that are surely wrong, by system or by who stamps records; times of
    /// hops are corrected by those of systems, and left out where a stamp is wrong.
    pub clocks: Vec<Told>,
    /// Where it stopped: the listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do then, in order.
    pub actions: Vec<Planned>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageShown {
    /// Its name.
    pub stage: String,
    /// The event's type.
    pub event: String,
    /// The topic on which it arrives, if it comes by one.
    pub topic: Option<String>,
    /// Whether anything of the event was seen here.
    pub reached: bool,
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HopShown {
    /// The stage that it belongs to.
    pub stage: String,
    /// What kind it is.
    pub kind: HopKind,
    /// The service or worker whose doing it is.
    pub by: String,
    /// What it is called.
    pub title: String,
    /// Where it was looked for.
    pub source: String,
    /// seen, missing, skipped (not seen, and the event came further) or unknown.
    #[schemars(extend("enum" = ["seen", "missing", "skipped", "unknown"]))]
    pub state: &'static str,
    /// When, by the clock of where it was seen.
    pub at: Option<Timestamp>,
    /// Milliseconds after the first hop, by this machine's clock.
    pub after_ms: Option<i64>,
    /// Milliseconds after the hop before it that tells its time.
    pub step_ms: Option<i64>,
    /// The longest of these ways led here.
    pub slowest: bool,
    /// What was seen, or why not.
    pub say: String,
    /// The record's value, if that was asked for and is JSON; without secrets, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Traces the event of the situation; `report` is what the runbook says of it.
pub fn trace(situation: &Situation, report: &Report) -> Trace {
    let hops = situation.hops.as_slice();
    let way = Way::of(situation);
    let outcome = way.outcome(hops);
    // What keeps it from being seen may be what is wrong.
    let told = matches!(outcome, Outcome::Stopped | Outcome::Unclear);
    let causes = if told { report.causes.clone() } else { Vec::new() };
    let timed: Vec<Timestamp> = hops.iter().filter(|hop| hop.on_the_way()).filter_map(Hop::here).collect();
    let first = timed.first().copied();
    let took = first.and_then(|first| Some(ms(first, timed.iter().copied().max()?)));
    let at_gap = way.gap.map(|gap| hops[gap].by.clone());
    Trace {
        schema_version: SCHEMA_VERSION,
        tool: report.tool.clone(),
        pipeline: report.pipeline.clone(),
        id: situation.asked.id.unwrap_or_default().to_string(),
        taken: report.taken,
        outcome,
        exit_code: outcome.exit_code(),
        headline: headline(hops, &way, outcome, report, took),
        last_seen: way.last,
        first_missing: way.gap,
        component: at_gap,
        took_ms: took,
        stages: situation.pipeline.stage.iter().map(|stage| stage_shown(stage, hops)).collect(),
        hops: shown(hops, first),
        clocks: wrong_clocks(situation),
        causes,
        actions: if told { report.actions.clone() } else { Vec::new() },
        unseen: report.unseen.clone(),
    }
}

impl Trace {
    /// Says of each record whose value was asked for and is none to show that it is not JSON.
    pub fn tell_unshown_values(&mut self) {
        let is_bare =
            |hop: &&mut HopShown| hop.kind == HopKind::Record && hop.state == "seen" && hop.value.is_none();
        for hop in self.hops.iter_mut().filter(is_bare) {
            hop.say.push_str("; its value is not JSON and is not shown");
        }
    }
}

/// Where the event is on its way.
struct Way {
    arrived: bool,
    /// The last hop that was seen.
    last: Option<usize>,
    /// The first one behind it that is missing, else that could not be looked at;
    /// of one that arrived, a branch that is missing, else an effect that was not seen.
    gap: Option<usize>,
    /// Where the event was given up.
    letter: Option<usize>,
}

impl Way {
    fn of(situation: &Situation) -> Way {
        let hops = situation.hops.as_slice();
        let last = hops::furthest(hops);
        let arrived = situation.has_arrived();
        let behind = last.map_or(0, |last| last + 1);
        let is_missing = |hop: &Hop| matches!(hop.state, State::Missing(_));
        let way = || (behind..hops.len()).filter(|at| hops[*at].on_the_way());
        let young = |at: &usize| is_young(&hops[*at]);
        let branch = hops.iter().position(|hop| !hop.on_the_way() && is_missing(hop));
        let unseen = |hop: &Hop| hop.kind == HopKind::Effect && matches!(hop.state, State::Unknown(_));
        let gap = match arrived {
            true => branch.or_else(|| hops.iter().position(unseen)),
            false => {
                way().find(|at| is_missing(&hops[*at])).or_else(|| way().find(young)).or_else(|| way().next())
            }
        };
        let letter = hops.iter().rposition(|hop| hop.kind == HopKind::DeadLetter);
        Way { arrived, last, gap, letter: letter.filter(|_| !arrived) }
    }

    fn outcome(&self, hops: &[Hop]) -> Outcome {
        let Some(gap) = self.gap.map(|gap| &hops[gap]) else { return Outcome::Arrived };
        match &gap.state {
            _ if self.letter.is_some() => Outcome::Stopped,
            State::Missing(_) => Outcome::Stopped,
            _ if is_young(gap) => Outcome::UnderWay,
            _ => Outcome::Unclear,
        }
    }
}

/// Whether it is too early to say of a hop.
fn is_young(hop: &Hop) -> bool {
    matches!(&hop.state, State::Unknown(why) if why.kind == WhyKind::Young)
}

fn ms(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

fn stage_shown(stage: &Stage, hops: &[Hop]) -> StageShown {
    StageShown {
        stage: stage.name.clone(),
        event: stage.event.clone(),
        topic: stage.topic().known().copied().cloned(),
        reached: hops.iter().any(|hop| hop.stage == stage.name && hop.is_seen()),
    }
}

fn shown(hops: &[Hop], first: Option<Timestamp>) -> Vec<HopShown> {
    let steps = steps(hops);
    let longest = steps.iter().flatten().copied().max().filter(|longest| *longest > 0);
    let slowest = longest.and_then(|longest| steps.iter().position(|step| *step == Some(longest)));
    let one = |(i, hop): (usize, &Hop)| {
        let (state, at, say) = match &hop.state {
            State::Seen { at, say, .. } => ("seen", *at, say.clone()),
            State::Missing(say) => ("missing", None, say.clone()),
            State::Skipped(say) => ("skipped", None, say.clone()),
            State::Unknown(why) => ("unknown", None, why.words()),
        };
        HopShown {
            stage: hop.stage.clone(),
            kind: hop.kind,
            by: hop.by.clone(),
            title: hop.title.clone(),
            source: hop.source.clone(),
            state,
            at,
            after_ms: first.and_then(|first| Some(ms(first, hop.here()?))),
            step_ms: steps[i],
            slowest: slowest == Some(i),
            say,
            value: hop.value.clone(),
        }
    };
    hops.iter().enumerate().map(one).collect()
}

/// How long after the hop before it each hop came, of those that tell their time.
fn steps(hops: &[Hop]) -> Vec<Option<i64>> {
    let mut before = None;
    let step = |hop: &Hop| {
        let at = hop.here().filter(|_| hop.on_the_way())?;
        before.replace(at).map(|before| ms(before, at))
    };
    hops.iter().map(step).collect()
}

/// Clocks that are wrong beyond doubt: of systems, and of those who stamp records.
fn wrong_clocks(situation: &Situation) -> Vec<Told> {
    let of_systems = situation.clocks.all().iter().filter(|(system, _)| *system != ClockOf::Kafka);
    let wrong = of_systems.filter_map(|(system, clock)| Some((system, *clock.known()?)));
    let wrong = wrong.filter(|(_, clock)| clock.surely_ahead_ms() != 0);
    let of_system =
        |(system, clock): (&ClockOf, _)| Told { id: system.to_string(), say: clock::describe(clock) };
    let mut told: Vec<Told> = wrong.map(of_system).collect();
    for hop in situation.hops.iter().filter(|hop| hop.skew_ms != 0) {
        let how = if hop.skew_ms > 0 { "ahead" } else { "behind" };
        let off = length(hop.skew_ms.abs());
        let say = format!("stamps its records at least {off} {how}: their times are left out");
        if !told.iter().any(|told| told.id == hop.by) {
            told.push(Told { id: hop.by.clone(), say });
        }
    }
    told
}

fn headline(hops: &[Hop], way: &Way, outcome: Outcome, report: &Report, took: Option<i64>) -> String {
    let time = |at: Timestamp| words::time(report.taken, at);
    let took = took.map(|took| format!(" in {}", length(took))).unwrap_or_default();
    let Some(gap) = way.gap.map(|gap| &hops[gap]) else {
        return format!("ARRIVED{took}: every stage has done its part.");
    };
    let last = way.last.map_or("nothing of it was seen".to_string(), |last| {
        let last = &hops[last];
        let by = if last.by == gap.by { String::new() } else { format!(" of {}", last.by) };
        let at = last.here().map(|at| format!(" {}", time(at))).unwrap_or_default();
        format!("seen \"{}\"{by}{at}", last.title)
    });
    let by = &gap.by;
    let cause = cause_in_words(report, by);
    let letter = way.letter.map(|letter| &hops[letter]);
    match (outcome, letter) {
        (Outcome::Stopped, Some(letter)) => {
            let at = letter.here().map(|at| format!(" {}", time(at))).unwrap_or_default();
            format!("STOPPED: {} gave it up{at}, to {}.{cause}", letter.by, letter.source)
        }
        (Outcome::Stopped, None) if way.arrived => {
            format!("STOPPED beside its way, which it has come: {by} has not taken it.{cause}")
        }
        (Outcome::Stopped, None) => {
            format!("STOPPED at {by}: {last}, missing \"{}\".{cause}", gap.title)
        }
        _ if way.arrived => {
            format!("ARRIVED{took}; whether {by} has done its part was not seen: {}.", why(gap))
        }
        (Outcome::UnderWay, _) => format!("UNDER WAY to {by}: {last}; {}.", why(gap)),
        _ => format!("UNCLEAR at {by}: {last}; \"{}\" not seen: {}.{cause}", gap.title, why(gap)),
    }
}

/// The likeliest cause, without its subject where that is named already.
fn cause_in_words(report: &Report, by: &str) -> String {
    let Some(cause) = report.causes.iter().find(|cause| cause.best) else { return String::new() };
    let own = cause.title.strip_suffix(by).and_then(|title| title.strip_suffix(": "));
    format!(" {} ({} %).", own.unwrap_or(&cause.title), cause.confidence)
}

fn why(hop: &Hop) -> String {
    match &hop.state {
        State::Unknown(why) => why.words(),
        State::Missing(say) | State::Skipped(say) | State::Seen { say, .. } => say.clone(),
    }
}

/// "17 ms", "2.4 s", "3 min 5 s".
pub(crate) fn length(ms: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    match ms {
        _ if ms.abs() < 1_000 => format!("{ms} ms"),
        _ if ms.abs() < 120_000 => format!("{:.1} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, (ms / 1000 % 60).abs()),
    }
}
