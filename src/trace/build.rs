//! Traces one event: how far it came, where it stopped, and why.

use crate::base::reason::WhyKind;
use crate::pipeline::{HopKind, Stage};
use crate::report::model::{Conclusions, SCHEMA_VERSION, Told};
use crate::report::words;
use crate::situation::Situation;
use crate::situation::clock::{self, ClockOf};
use crate::situation::hops::{self, Hop, State};
use crate::trace::length::length;
use crate::trace::model::{HopShown, HopState, Outcome, StageShown, Trace};
use jiff::Timestamp;

/// Traces the event of the situation; `conclusions` are what the runbook says of it.
pub fn trace(situation: &Situation, conclusions: Conclusions) -> Trace {
    let hops = situation.hops.as_slice();
    let way = Way::of(situation);
    let outcome = way.outcome(hops);
    // What keeps it from being seen may be what is wrong.
    let told = matches!(outcome, Outcome::Stopped | Outcome::Unclear);
    let timed: Vec<Timestamp> = hops.iter().filter(|hop| hop.on_the_way()).filter_map(Hop::here).collect();
    let first = timed.first().copied();
    let took = first.and_then(|first| Some(ms(first, timed.iter().copied().max()?)));
    let at_gap = way.gap.map(|gap| hops[gap].by.clone());
    let headline = headline(hops, &way, outcome, &conclusions, took);
    let Conclusions { tool, pipeline, taken, causes, actions, unseen } = conclusions;
    Trace {
        schema_version: SCHEMA_VERSION,
        tool,
        pipeline,
        id: situation.asked.id.unwrap_or_default().to_string(),
        taken,
        outcome,
        exit_code: outcome.exit_code(),
        headline,
        last_seen: way.last,
        first_missing: way.gap,
        component: at_gap,
        took_ms: took,
        stages: situation.pipeline.stage.iter().map(|stage| stage_shown(stage, hops)).collect(),
        hops: shown(hops, first),
        clocks: wrong_clocks(situation),
        causes: if told { causes } else { Vec::new() },
        actions: if told { actions } else { Vec::new() },
        unseen,
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
            State::Seen { at, say, .. } => (HopState::Seen, *at, say.clone()),
            State::Missing(say) => (HopState::Missing, None, say.clone()),
            State::Skipped(say) => (HopState::Skipped, None, say.clone()),
            State::Unknown(why) => (HopState::Unknown, None, why.words()),
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

fn headline(
    hops: &[Hop],
    way: &Way,
    outcome: Outcome,
    conclusions: &Conclusions,
    took: Option<i64>,
) -> String {
    let time = |at: Timestamp| words::time(conclusions.taken, at);
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
    let cause = cause_in_words(conclusions, by);
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
fn cause_in_words(conclusions: &Conclusions, by: &str) -> String {
    let Some(cause) = conclusions.causes.iter().find(|cause| cause.best) else { return String::new() };
    let own = cause.title.strip_suffix(by).and_then(|title| title.strip_suffix(": "));
    format!(" {} ({} %).", own.unwrap_or(&cause.title), cause.confidence)
}

fn why(hop: &Hop) -> String {
    match &hop.state {
        State::Unknown(why) => why.words(),
        State::Missing(say) | State::Skipped(say) | State::Seen { say, .. } => say.clone(),
    }
}
