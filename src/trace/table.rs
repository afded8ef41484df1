//! Renders traces for a terminal.

use crate::base::interruption::Interruption;
use crate::pipeline::HopKind;
use crate::report::format::table;
use crate::report::lines::{Lines, pad, shorten, width};
use crate::report::terminal::{Screen, Sign, columns};
use crate::situation::event_progress::EventOutcome;
use crate::trace::duration::format_duration;
use crate::trace::model::{HopState, Trace, TracedHop, TracedStage, Traces};
use colored::Colorize;
use std::io::{self, Write};

/// The widths of the columns for hops, components and times.
const COLUMN_WIDTHS: [u16; 3] = [16, 18, 10];
/// The maximum widths, in columns, of a name in a heading and of a stage's name in the timeline.
const MAX_NAME: usize = 60;
const MAX_STAGE: usize = 30;

/// Writes the trace as text, with the verdict on the last line.
pub fn render(trace: &Trace, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Lines::new(out);
    render_head(trace, out)?;
    for stage in &trace.stages {
        let hops: Vec<(usize, &TracedHop)> = of_stage(trace, stage).collect();
        let gap = trace.first_missing.is_some_and(|gap| hops.iter().any(|(at, _)| *at == gap));
        render_stage(stage, out)?;
        if !(stage.reached || gap || screen.verbose) {
            out.plain(" - not reached: the event was not seen here")?;
            continue;
        }
        let mut component = "";
        for (at, hop) in hops {
            let by = if hop.by == component { "" } else { hop.by.as_str() };
            component = &hop.by;
            render_hop(hop, by, trace.first_missing == Some(at), screen, out)?;
        }
    }
    render_conclusion(trace, screen, out)
}

fn render_head(trace: &Trace, out: &mut Lines) -> io::Result<()> {
    let observed_at = trace.observed_at.strftime("%d %b %H:%MZ");
    let [pipeline, id] = [&trace.pipeline, &trace.id].map(|name| shorten(name, MAX_NAME).bold());
    out.line(["trace  ".into(), pipeline, "  ".into(), id, format!("  {observed_at}").into()])
}

fn render_stage(stage: &TracedStage, out: &mut Lines) -> io::Result<()> {
    let name = |name: &str| shorten(name, MAX_NAME);
    let on = stage.topic.as_ref().map(|topic| format!(" on {}", name(topic))).unwrap_or_default();
    out.blank()?;
    out.line([" ".into(), name(&stage.stage).bold(), format!("  {}{on}", name(&stage.event)).into()])
}

fn of_stage<'a>(trace: &'a Trace, stage: &'a TracedStage) -> impl Iterator<Item = (usize, &'a TracedHop)> {
    trace.hops.iter().enumerate().filter(|(_, hop)| hop.stage == stage.stage)
}

/// Writes the hops that are new since the previous trace. If there is no previous trace, also
/// writes the heading.
pub fn render_new_hops(
    trace: &Trace,
    previous: Option<&Trace>,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Lines::new(out);
    if previous.is_none() {
        render_head(trace, out)?;
    }
    // A dead letter adds a hop, so positions in the list may shift.
    let same = |one: &TracedHop, other: &TracedHop| {
        (&one.stage, one.kind, &one.by, &one.title) == (&other.stage, other.kind, &other.by, &other.title)
    };
    let was_seen = |hop: &TracedHop| {
        let mut hops = previous.into_iter().flat_map(|previous| &previous.hops);
        hops.any(|other| other.state == HopState::Observed && same(hop, other))
    };
    let is_new = |(_, hop): &(usize, &TracedHop)| hop.state == HopState::Observed && !was_seen(hop);
    for stage in &trace.stages {
        let started = of_stage(trace, stage).any(|(_, hop)| was_seen(hop));
        for (i, (_, hop)) in of_stage(trace, stage).filter(is_new).enumerate() {
            if i == 0 && !started {
                render_stage(stage, out)?;
            }
            render_hop(hop, &hop.by, false, screen, out)?;
        }
    }
    Ok(())
}

/// Writes the part below the hops.
pub fn render_end(trace: &Trace, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    render_conclusion(trace, screen, &mut Lines::new(out))
}

fn render_conclusion(trace: &Trace, screen: Screen, out: &mut Lines) -> io::Result<()> {
    render_timeline(trace, screen, out)?;
    if !trace.clocks.is_empty() {
        table::render_statements("CLOCKS", &trace.clocks, screen, out)?;
    }
    table::render_actions(&trace.actions, screen, out)?;
    render_headline(&trace.headline, (trace.outcome, trace.interrupted), screen, out)
}

/// Writes the verdict, the last sentence of the output.
fn render_headline(
    text: &str,
    (outcome, interrupted): (EventOutcome, Option<Interruption>),
    screen: Screen,
    out: &mut Lines,
) -> io::Result<()> {
    out.blank()?;
    table::render_interruption(interrupted, screen, out)?;
    let colour = |line: String| match outcome {
        EventOutcome::Arrived => line.green().bold(),
        EventOutcome::Stopped => line.red().bold(),
        EventOutcome::UnderWay | EventOutcome::Unclear => line.yellow().bold(),
    };
    table::verdict(text, screen).into_iter().try_for_each(|line| out.line([colour(line)]))
}

/// Writes one line per event, then where events stopped.
pub fn render_all(traces: &Traces, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Lines::new(out);
    let observed_at = traces
        .observed_at
        .map(|observed_at| observed_at.strftime("  %d %b %H:%MZ").to_string())
        .unwrap_or_default();
    out.line(["trace  ".into(), shorten(&traces.pipeline, MAX_NAME).bold(), observed_at.into()])?;
    out.blank()?;
    let longest = traces.traces.iter().map(|trace| width(&trace.id)).max().unwrap_or(0).min(40);
    let longest = u16::try_from(longest).unwrap_or(40) + 2;
    for trace in &traces.traces {
        let sign = match trace.outcome {
            EventOutcome::Arrived => Sign::Pass,
            EventOutcome::Stopped => Sign::Fail,
            EventOutcome::UnderWay | EventOutcome::Unclear => Sign::Unknown,
        };
        let row = vec![trace.id.clone(), summary_line(trace)];
        let lines = columns(screen.width - 3, &[longest], [row].into_iter());
        table::render_signed(sign, &lines, 1, screen, out)?;
    }
    if !traces.stops.is_empty() {
        out.blank()?;
        out.line([" ".into(), "WHERE THEY STOP".bold()])?;
        let rows = traces.stops.iter().map(|stop| {
            let cause = stop.cause.as_ref().map(|(cause, confidence)| format!("; {cause} ({confidence} %)"));
            let seen = stop.seen.as_deref().map(|seen| format!("after \"{seen}\", ")).unwrap_or_default();
            let message =
                format!("{}: {seen}before \"{}\"{}", stop.component, stop.missing, cause.unwrap_or_default());
            vec![stop.ids.len().to_string(), message]
        });
        for line in columns(screen.width - 1, &[5], rows) {
            out.plain(&format!(" {line}"))?;
        }
        let most_frequent = traces.traces.iter().find(|trace| Some(&trace.id) == traces.stops[0].ids.first());
        table::render_actions(most_frequent.map_or(&[], |trace| trace.actions.as_slice()), screen, out)?;
    }
    render_headline(&traces.headline, (traces.outcome, traces.interrupted), screen, out)
}

/// Summarises an event in one line.
fn summary_line(trace: &Trace) -> String {
    let title = |hop: Option<usize>| hop.map_or("-", |hop| trace.hops[hop].title.as_str());
    let at = trace.component.as_deref().unwrap_or("-");
    match trace.outcome {
        EventOutcome::Arrived => {
            format!("arrived in {}", trace.took_ms.map_or("-".to_string(), format_duration))
        }
        outcome => format!(
            "{} at {at}: after \"{}\", before \"{}\"",
            outcome.describe(),
            title(trace.last_seen),
            title(trace.first_missing)
        ),
    }
}

/// Writes a hop. Only the first missing hop is marked as failed, because all later hops are
/// missing, too.
fn render_hop(hop: &TracedHop, by: &str, is_gap: bool, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let sign = match (hop.state, hop.kind) {
        (HopState::Observed, HopKind::DeadLetter) => Sign::Fail,
        (HopState::Observed, _) => Sign::Pass,
        (HopState::Unknown, _) => Sign::Unknown,
        (HopState::Missing, HopKind::Branch) => Sign::Fail,
        (HopState::Missing, _) if is_gap => Sign::Fail,
        (HopState::Missing | HopState::Skipped, _) => Sign::Neutral,
    };
    let after = hop.after_ms.map(|after| match (after, hop.slowest) {
        (0, _) => "0 ms".to_string(),
        (after, true) => format!("{} <", signed(after)),
        (after, false) => signed(after),
    });
    let row = vec![hop.title.clone(), by.to_string(), after.unwrap_or_default(), hop.message.clone()];
    let lines = columns(screen.width - 3, &COLUMN_WIDTHS, [row].into_iter());
    table::render_signed(sign, &lines, 1, screen, out)?;
    if let Some(value) = &hop.value {
        // A space after each comma lets the value wrap.
        let text = value.replace(",\"", ", \"");
        for line in columns(screen.width - 5, &[], [vec![text]].into_iter()) {
            out.plain(&format!("     {line}"))?;
        }
    }
    Ok(())
}

/// Writes one bar per stage on a common time axis.
fn render_timeline(trace: &Trace, screen: Screen, out: &mut Lines) -> io::Result<()> {
    let Some(took) = trace.took_ms.filter(|took| *took > 0) else { return Ok(()) };
    let name_width = trace.hops.iter().map(|hop| width(&hop.stage)).max().unwrap_or(0).min(MAX_STAGE);
    let width = usize::from(screen.width).saturating_sub(name_width + 16).clamp(10, 60);
    let column = |after: i64| {
        let column = i128::from(after.clamp(0, took)) * (width as i128 - 1) / i128::from(took);
        usize::try_from(column).unwrap_or(0)
    };
    let bar = if screen.unicode { '━' } else { '=' };
    out.blank()?;
    for stage in trace.hops.chunk_by(|one, other| one.stage == other.stage) {
        let times: Vec<i64> = stage.iter().filter_map(|hop| hop.after_ms).collect();
        let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else { continue };
        let (begin, end) = (column(*from), column(*to));
        let line: String = (0..width).map(|at| if (begin..=end).contains(&at) { bar } else { ' ' }).collect();
        let name = pad(&shorten(&stage[0].stage, MAX_STAGE), name_width);
        out.plain(&format!(" {name} |{line}| {:>9}", format_duration(to - from)))?;
    }
    if let Some(slowest) = trace.hops.iter().find(|hop| hop.slowest) {
        let step = format_duration(slowest.step_ms.unwrap_or_default());
        let text =
            format!("< slowest: \"{}\" of {}, {step} after the previous hop", slowest.title, slowest.by);
        for line in columns(screen.width - 1, &[], [vec![text]].into_iter()) {
            out.plain(&format!(" {line}"))?;
        }
    }
    Ok(())
}

fn signed(ms: i64) -> String {
    if ms < 0 { format_duration(ms) } else { format!("+{}", format_duration(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::SCHEMA_VERSION;
    use jiff::Timestamp;

    fn hop(kind: HopKind, title: &str, state: HopState) -> TracedHop {
        TracedHop {
            stage: "order".into(),
            kind,
            by: "order-worker".into(),
            title: title.into(),
            source: String::new(),
            state,
            at: None,
            after_ms: None,
            step_ms: None,
            slowest: false,
            message: String::new(),
            value: None,
        }
    }

    fn trace(hops: Vec<TracedHop>) -> Trace {
        let stage = TracedStage {
            stage: "order".into(),
            event: "ORDERED".into(),
            topic: Some("orders".into()),
            reached: true,
        };
        Trace {
            schema_version: SCHEMA_VERSION,
            tool: String::new(),
            pipeline: "shop".into(),
            id: "ORD-1".into(),
            observed_at: Timestamp::UNIX_EPOCH,
            interrupted: None,
            outcome: EventOutcome::Stopped,
            exit_code: 3,
            headline: String::new(),
            last_seen: None,
            first_missing: None,
            component: None,
            took_ms: None,
            stages: vec![stage],
            hops,
            clocks: vec![],
            causes: vec![],
            actions: vec![],
            unavailable: vec![],
        }
    }

    #[test]
    fn shows_a_new_dead_letter_and_omits_known_hops() {
        let observed_at = || hop(HopKind::Consumption, "taken", HopState::Observed);
        let previous = trace(vec![observed_at(), hop(HopKind::Mark, "marked", HopState::Missing)]);
        let letter = hop(HopKind::DeadLetter, "given up", HopState::Observed);
        let now = trace(vec![observed_at(), hop(HopKind::Mark, "marked", HopState::Missing), letter]);
        let screen = Screen { width: 80, unicode: false, verbose: false };
        let mut output = Vec::new();
        render_new_hops(&now, Some(&previous), screen, &mut output).unwrap();
        assert_eq!(String::from_utf8(output).unwrap().trim(), "x given up        order-worker");
    }
}
