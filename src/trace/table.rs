//! The hops of one event for a terminal.

use crate::pipeline::HopKind;
use crate::report::format::table;
use crate::report::layout::{Screen, Sign, columns};
use crate::trace::length::length;
use crate::trace::model::{HopShown, HopState, Outcome, StageShown, Trace, Traces};
use colored::Colorize;
use std::io::{self, Write};

/// What the names of hops, of parts and the times take.
const FIXED: [u16; 3] = [16, 18, 10];

/// Writes the trace as text, the verdict on its last line.
pub fn render(trace: &Trace, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    render_head(trace, out)?;
    for stage in &trace.stages {
        let hops: Vec<(usize, &HopShown)> = of_stage(trace, stage).collect();
        let gap = trace.first_missing.is_some_and(|gap| hops.iter().any(|(at, _)| *at == gap));
        render_stage(stage, out)?;
        if !(stage.reached || gap || screen.verbose) {
            writeln!(out, " - not reached: nothing of it was seen")?;
            continue;
        }
        let mut part = "";
        for (at, hop) in hops {
            let by = if hop.by == part { "" } else { hop.by.as_str() };
            part = &hop.by;
            render_hop(hop, by, trace.first_missing == Some(at), screen, out)?;
        }
    }
    render_end(trace, screen, out)
}

fn render_head(trace: &Trace, out: &mut dyn Write) -> io::Result<()> {
    let taken = trace.taken.strftime("%d %b %H:%MZ");
    writeln!(out, "trace  {}  {}  {taken}", trace.pipeline.bold(), trace.id.bold())
}

fn render_stage(stage: &StageShown, out: &mut dyn Write) -> io::Result<()> {
    let on = stage.topic.as_ref().map(|topic| format!(" on {topic}")).unwrap_or_default();
    writeln!(out, "\n {}  {}{on}", stage.stage.bold(), stage.event)
}

fn of_stage<'a>(trace: &'a Trace, stage: &'a StageShown) -> impl Iterator<Item = (usize, &'a HopShown)> {
    trace.hops.iter().enumerate().filter(|(_, hop)| hop.stage == stage.stage)
}

/// What has been seen since the look before: the head, where there was none.
pub fn render_news(
    trace: &Trace,
    before: Option<&Trace>,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if before.is_none() {
        render_head(trace, out)?;
    }
    // A dead letter is a hop only once it is there: places in the list may shift.
    let same = |one: &HopShown, other: &HopShown| {
        (&one.stage, one.kind, &one.by, &one.title) == (&other.stage, other.kind, &other.by, &other.title)
    };
    let was_seen = |hop: &HopShown| {
        let mut hops = before.into_iter().flat_map(|before| &before.hops);
        hops.any(|other| other.state == HopState::Seen && same(hop, other))
    };
    let is_new = |(_, hop): &(usize, &HopShown)| hop.state == HopState::Seen && !was_seen(hop);
    for stage in &trace.stages {
        let begun = of_stage(trace, stage).any(|(_, hop)| was_seen(hop));
        for (i, (_, hop)) in of_stage(trace, stage).filter(is_new).enumerate() {
            if i == 0 && !begun {
                render_stage(stage, out)?;
            }
            render_hop(hop, &hop.by, false, screen, out)?;
        }
    }
    Ok(())
}

/// What stands below the hops.
pub fn render_end(trace: &Trace, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    render_timeline(trace, screen, out)?;
    if !trace.clocks.is_empty() {
        table::render_told("CLOCKS", &trace.clocks, screen, out)?;
    }
    table::render_actions(&trace.actions, screen, out)?;
    render_headline(&trace.headline, trace.outcome, screen, out)
}

/// The verdict: one sentence, the last thing on the screen.
fn render_headline(text: &str, outcome: Outcome, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    for line in columns(screen.width, &[], [vec![text.to_string()]].into_iter()) {
        let line = match outcome {
            Outcome::Arrived => line.green().bold(),
            Outcome::Stopped => line.red().bold(),
            Outcome::UnderWay | Outcome::Unclear => line.yellow().bold(),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Writes one line for each of several events, and where they stop.
pub fn render_all(traces: &Traces, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let taken = traces.taken.map(|taken| taken.strftime("  %d %b %H:%MZ").to_string()).unwrap_or_default();
    writeln!(out, "trace  {}{taken}\n", traces.pipeline.bold())?;
    let longest = traces.traces.iter().map(|trace| trace.id.chars().count()).max().unwrap_or(0).min(40);
    let longest = u16::try_from(longest).unwrap_or(40) + 2;
    for trace in &traces.traces {
        let sign = match trace.outcome {
            Outcome::Arrived => Sign::Pass,
            Outcome::Stopped => Sign::Fail,
            Outcome::UnderWay | Outcome::Unclear => Sign::Unknown,
        };
        let row = vec![trace.id.clone(), in_short(trace)];
        let lines = columns(screen.width - 3, &[longest], [row].into_iter());
        table::render_signed(sign, &lines, 1, screen, out)?;
    }
    if !traces.stops.is_empty() {
        writeln!(out, "\n {}", "WHERE THEY STOP".bold())?;
        let rows = traces.stops.iter().map(|stop| {
            let cause = stop.cause.as_ref().map(|(cause, confidence)| format!("; {cause} ({confidence} %)"));
            let seen = stop.seen.as_deref().map(|seen| format!("after \"{seen}\", ")).unwrap_or_default();
            let say =
                format!("{}: {seen}before \"{}\"{}", stop.component, stop.missing, cause.unwrap_or_default());
            vec![stop.ids.len().to_string(), say]
        });
        for line in columns(screen.width - 1, &[5], rows) {
            writeln!(out, " {line}")?;
        }
        let most = traces.traces.iter().find(|trace| Some(&trace.id) == traces.stops[0].ids.first());
        table::render_actions(most.map_or(&[], |trace| trace.actions.as_slice()), screen, out)?;
    }
    render_headline(&traces.headline, traces.outcome, screen, out)
}

/// One event in a few words.
fn in_short(trace: &Trace) -> String {
    let title = |hop: Option<usize>| hop.map_or("-", |hop| trace.hops[hop].title.as_str());
    let at = trace.component.as_deref().unwrap_or("-");
    match trace.outcome {
        Outcome::Arrived => format!("arrived in {}", trace.took_ms.map_or("-".to_string(), length)),
        outcome => format!(
            "{} at {at}: after \"{}\", before \"{}\"",
            outcome.words(),
            title(trace.last_seen),
            title(trace.first_missing)
        ),
    }
}

/// Of the missing ones the first has its sign: whatever follows it is missing, too.
fn render_hop(hop: &HopShown, by: &str, is_gap: bool, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let sign = match (hop.state, hop.kind) {
        (HopState::Seen, HopKind::DeadLetter) => Sign::Fail,
        (HopState::Seen, _) => Sign::Pass,
        (HopState::Unknown, _) => Sign::Unknown,
        (HopState::Missing, HopKind::Branch) => Sign::Fail,
        (HopState::Missing, _) if is_gap => Sign::Fail,
        (HopState::Missing | HopState::Skipped, _) => Sign::Nothing,
    };
    let after = hop.after_ms.map(|after| match (after, hop.slowest) {
        (0, _) => "0 ms".to_string(),
        (after, true) => format!("{} <", signed(after)),
        (after, false) => signed(after),
    });
    let row = vec![hop.title.clone(), by.to_string(), after.unwrap_or_default(), hop.say.clone()];
    let lines = columns(screen.width - 3, &FIXED, [row].into_iter());
    table::render_signed(sign, &lines, 1, screen, out)?;
    if let Some(value) = &hop.value {
        // With a space behind each comma it can be wrapped.
        let text = value.replace(",\"", ", \"");
        for line in columns(screen.width - 5, &[], [vec![text]].into_iter()) {
            writeln!(out, "     {line}")?;
        }
    }
    Ok(())
}

/// One line for each stage, on one axis of time.
fn render_timeline(trace: &Trace, screen: Screen, out: &mut dyn Write) -> io::Result<()> {
    let Some(took) = trace.took_ms.filter(|took| *took > 0) else { return Ok(()) };
    let names = trace.hops.iter().map(|hop| hop.stage.chars().count()).max().unwrap_or(0);
    let width = usize::from(screen.width).saturating_sub(names + 16).clamp(10, 60);
    let place = |after: i64| {
        let place = i128::from(after.clamp(0, took)) * (width as i128 - 1) / i128::from(took);
        usize::try_from(place).unwrap_or(0)
    };
    let bar = if screen.unicode { '━' } else { '=' };
    writeln!(out)?;
    for stage in trace.hops.chunk_by(|one, other| one.stage == other.stage) {
        let times: Vec<i64> = stage.iter().filter_map(|hop| hop.after_ms).collect();
        let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else { continue };
        let (begin, end) = (place(*from), place(*to));
        let line: String = (0..width).map(|at| if (begin..=end).contains(&at) { bar } else { ' ' }).collect();
        writeln!(out, " {:names$} |{line}| {:>9}", stage[0].stage, length(to - from))?;
    }
    if let Some(slowest) = trace.hops.iter().find(|hop| hop.slowest) {
        let step = length(slowest.step_ms.unwrap_or_default());
        let text =
            format!("< slowest: \"{}\" of {}, {step} after the hop before it", slowest.title, slowest.by);
        for line in columns(screen.width - 1, &[], [vec![text]].into_iter()) {
            writeln!(out, " {line}")?;
        }
    }
    Ok(())
}

fn signed(ms: i64) -> String {
    if ms < 0 { length(ms) } else { format!("+{}", length(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn hop(kind: HopKind, title: &str, state: HopState) -> HopShown {
        HopShown {
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
            say: String::new(),
            value: None,
        }
    }

    fn trace(hops: Vec<HopShown>) -> Trace {
        let stage = StageShown {
            stage: "order".into(),
            event: "ORDERED".into(),
            topic: Some("orders".into()),
            reached: true,
        };
        Trace {
            schema_version: 1,
            tool: String::new(),
            pipeline: "shop".into(),
            id: "ORD-1".into(),
            taken: Timestamp::UNIX_EPOCH,
            outcome: Outcome::Stopped,
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
            unseen: vec![],
        }
    }

    #[test]
    fn a_dead_letter_that_appears_is_news_and_what_was_seen_is_not() {
        let taken = || hop(HopKind::Taken, "taken", HopState::Seen);
        let before = trace(vec![taken(), hop(HopKind::Mark, "marked", HopState::Missing)]);
        let letter = hop(HopKind::DeadLetter, "given up", HopState::Seen);
        let now = trace(vec![taken(), hop(HopKind::Mark, "marked", HopState::Missing), letter]);
        let screen = Screen { width: 80, unicode: false, verbose: false };
        let mut news = Vec::new();
        render_news(&now, Some(&before), screen, &mut news).unwrap();
        assert_eq!(String::from_utf8(news).unwrap().trim(), "x given up        order-worker");
    }
}
