//! Summarises each step of the runbook in a few lines.

use crate::base::observed::Observed;
use crate::base::unavailable_reason::{Reason, ReasonKind};
use crate::judge::{Finding, Verdict};
use crate::pipeline::Stage;
use crate::report::finding_sentence::finding_sentence;
use crate::report::input::ReportInput;
use crate::report::model::{ReportedFinding, ReportedInstance, Step, StepVerdict};
use crate::report::sentences::{format_window, manual_command, step_title, time, title};
use crate::report::stuck_events::stuck_events;
use crate::runbook::catalog::{About, Step as StepRow};
use crate::runbook::fact_value::Value;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::text::plural::count;

/// Returns a step with its summary and findings.
pub(super) fn step(input: &ReportInput, row: &StepRow) -> Step {
    let findings: Vec<&Finding> = input.findings.iter().filter(|f| f.step == row.step).collect();
    let mut summary = match row.about {
        About::Workers => worker_lines(input),
        About::Topics => topic_lines(input),
        About::Rows => row_lines(input, row),
        About::Call => call_lines(input),
    };
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let failed = failed.filter_map(|finding| Some((input.catalog.check(&finding.check)?, finding)));
    for (check, finding) in failed.filter(|(check, _)| check.in_summary) {
        // Skip observations that the lines already contain.
        let failed = finding.instances.iter().filter(|instance| instance.verdict == Verdict::Fail);
        let mut observed = failed.map(|instance| instance.observed.as_str());
        if !observed.all(|observed| summary.iter().any(|line| line.contains(observed))) {
            summary.push(finding_sentence(*check.for_each.get_ref(), finding, &[]));
        }
    }
    let mut verdict = verdict(&findings, system_available(input, row.about));
    if row.about == About::Workers && verdict == StepVerdict::Pass && summary.len() > 1 {
        verdict = StepVerdict::Warn;
    }
    // The count of running and declared workers already gives the reason.
    let has_counts = row.about == About::Workers && summary.first().is_some_and(|line| line.contains("; "));
    if !has_counts {
        summary.extend(reason(input, verdict, &findings, &summary));
    }
    if row.about == About::Call && input.pipeline.call.is_none() {
        add_log_count(input, verdict, &mut summary);
    }
    Step {
        step: row.step,
        title: step_title(input.pipeline, row),
        verdict,
        summary: one_line_each(&summary).join("\n"),
        by_hand: manual_command(input, &row.by_hand, ""),
        findings: findings.iter().map(|finding| reported(input, finding)).collect(),
    }
}

/// Escapes line breaks in names and reasons, so that they cannot add lines to the summary.
fn one_line_each(summary: &[String]) -> Vec<String> {
    summary.iter().map(|line| line.replace('\n', "\\n").replace('\r', "\\r")).collect()
}

/// Returns the reason for a step's verdict, unless its lines already contain it.
fn reason(
    input: &ReportInput,
    verdict: StepVerdict,
    findings: &[&Finding],
    lines: &[String],
) -> Option<String> {
    let systems = &input.situation.systems;
    let is_reason = |candidate: &Verdict, severity: Severity| match verdict {
        StepVerdict::Fail => *candidate == Verdict::Fail && severity == Severity::Error,
        StepVerdict::Warn => *candidate == Verdict::Fail && severity == Severity::Warn,
        // An unavailable system is reported once, under "NOT SEEN".
        StepVerdict::Unknown => {
            matches!(candidate, Verdict::Unknown(why) if !systems.unavailable_because(why))
        }
        StepVerdict::Pass | StepVerdict::NotAsked => false,
    };
    // A line with the subject or the beginning of the observation is enough.
    let is_mentioned = |subject: &str, observed: &str| {
        let beginning = observed.split(", ").next().unwrap_or(observed);
        lines.iter().any(|line| line.contains(beginning) || line.contains(subject))
    };
    let reasons: Vec<&&Finding> =
        findings.iter().filter(|finding| is_reason(&finding.verdict, finding.severity)).collect();
    let is_in_lines = |finding: &&&Finding| {
        let mut instances = finding.instances.iter().filter(|i| is_reason(&i.verdict, finding.severity));
        instances.any(|i| is_mentioned(&i.subject, &i.describe()))
    };
    let any_in_lines = reasons.iter().any(is_in_lines);
    let first = reasons.first().filter(|_| !any_in_lines)?;
    let check = input.catalog.check(&first.check)?;
    Some(finding_sentence(*check.for_each.get_ref(), first, &[]))
}

/// Reports whether a step's system was available or is not part of the pipeline.
fn system_available(input: &ReportInput, about: About) -> bool {
    let systems = &input.situation.systems;
    match about {
        About::Workers | About::Call => systems.has_runtime(),
        About::Topics => systems.has_brokers() || input.pipeline.kafka.is_none(),
        About::Rows => systems.database().known().is_some(),
    }
}

fn verdict(findings: &[&Finding], system_available: bool) -> StepVerdict {
    let judged = || findings.iter().filter(|finding| finding.severity != Severity::Note);
    let any = |matches: &dyn Fn(&Finding) -> bool| judged().any(|finding| matches(finding));
    match () {
        () if any(&|f| f.verdict == Verdict::Fail && f.severity == Severity::Error) => StepVerdict::Fail,
        () if any(&|f| matches!(f.verdict, Verdict::Unknown(_) | Verdict::Blocked(_))) => {
            StepVerdict::Unknown
        }
        () if !system_available => StepVerdict::Unknown,
        () if any(&|f| f.verdict == Verdict::Fail) => StepVerdict::Warn,
        () if any(&|f| f.verdict == Verdict::Pass) => StepVerdict::Pass,
        () => StepVerdict::NotAsked,
    }
}

fn reported(input: &ReportInput, finding: &Finding) -> ReportedFinding {
    let check = input.catalog.check(&finding.check);
    let text = |subject: &str, by_hand: bool| {
        check.map_or_else(String::new, |check| match by_hand {
            true => manual_command(input, &check.by_hand, subject),
            false => title(input, check, subject),
        })
    };
    ReportedFinding {
        check: finding.check.clone(),
        verdict: (&finding.verdict).into(),
        severity: finding.severity,
        why: finding.verdict.reason(),
        message: check
            .map(|check| finding_sentence(*check.for_each.get_ref(), finding, &[]))
            .unwrap_or_default(),
        instances: finding
            .instances
            .iter()
            .map(|instance| ReportedInstance {
                subject: instance.subject.clone(),
                title: text(&instance.subject, false),
                verdict: (&instance.verdict).into(),
                value: instance.value.as_ref().map(ToString::to_string),
                observed: instance.describe(),
                expected: check.map(|check| check.expect.get_ref().to_string()).unwrap_or_default(),
                by_hand: text(&instance.subject, true),
            })
            .collect(),
    }
}

fn not_observed(why: &Reason) -> String {
    format!("not seen: {}", why.describe())
}

/// Returns the number of subjects whose fact has the wanted value, and the total number of
/// subjects.
fn tally(input: &ReportInput, fact: &str, scope: Scope, wanted: &Value) -> Result<(usize, usize), Reason> {
    let subjects = scope.subjects(input.pipeline);
    let mut matching = 0;
    for subject in &subjects {
        match input.facts.get(fact, subject).map(|fact| &fact.value) {
            Some(Observed::Known(value)) if value == wanted => matching += 1,
            Some(Observed::Unknown(why) | Observed::NotAsked(why)) => return Err(why.clone()),
            _ => {}
        }
    }
    Ok((matching, subjects.len()))
}

fn worker_lines(input: &ReportInput) -> Vec<String> {
    let running = tally(input, "container.state", Scope::Worker, &Value::Word("running"));
    let (running, all) = match running {
        Ok(tally) => tally,
        Err(why) => return vec![not_observed(&why)],
    };
    let mut line = format!("{running} of {all} running");
    if running == all
        && let Some(lag) = total_lag(input)
    {
        line += &format!(", in their groups, lag {lag}");
    }
    if running < all
        && let Ok((declared, all)) = tally(input, "compose.declared", Scope::Worker, &Value::Word("declared"))
    {
        let files = input.target.compose.files.iter();
        let files: Vec<&str> = files.map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
        line += &format!("; {declared} of {all} in {}", files.join(" + "));
    }
    let mut lines = vec![line];
    // Workers that were never declared or created are already included in the count.
    let unremarkable = ["advancing", "rebalancing", "not-declared", "not-created"];
    let troubled = input.facts.all("worker.state").iter().filter(
        |fact| matches!(&fact.value, Observed::Known(Value::Word(word)) if !unremarkable.contains(word)),
    );
    lines.extend(troubled.map(|fact| format!("{}: {}", fact.subject, fact.message)));
    lines
}

/// Returns the total lag, if every worker is a member of its group.
fn total_lag(input: &ReportInput) -> Option<u64> {
    let members = input.facts.all("group.members");
    let joined = members.iter().all(|fact| matches!(fact.value, Observed::Known(Value::Count(n)) if n > 0));
    let lags = input.pipeline.worker.iter().map(|worker| input.situation.progress.of(worker).lag);
    if joined { lags.sum() } else { None }
}

fn topic_lines(input: &ReportInput) -> Vec<String> {
    let (exist, all) = match tally(input, "topic.exists", Scope::Topic, &Value::Bool(true)) {
        Ok(tally) => tally,
        Err(why) => return vec![not_observed(&why)],
    };
    if all == 0 {
        return vec!["no topics declared".to_string()];
    }
    let led = tally(input, "topic.led", Scope::Topic, &Value::Bool(true));
    let line = format!("{exist} of {all} exist");
    let missing: Vec<&str> = subjects_with(input, "topic.exists", &Value::Bool(false));
    let leaderless: Vec<&str> = subjects_with(input, "topic.led", &Value::Bool(false))
        .into_iter()
        .filter(|t| !missing.contains(t))
        .collect();
    let mut lines = match (missing.is_empty(), led) {
        (true, Ok((led, all))) if led == all => vec![format!("{line}, every partition led")],
        (true, _) => vec![format!("{line}; topics with a leaderless partition: {}", leaderless.join(", "))],
        (false, _) => vec![format!("{line}; missing: {}", missing.join(", "))],
    };
    lines.extend(other_readers(input));
    lines
}

/// Returns lines such as "also read by group audit: stable, 1 member".
fn other_readers(input: &ReportInput) -> Vec<String> {
    let others = input.situation.topics.other_readers.iter();
    others.map(|(name, state)| format!("also read by group {name}: {state}")).collect()
}

fn subjects_with<'a>(input: &'a ReportInput, fact: &str, value: &Value) -> Vec<&'a str> {
    let facts = input.facts.all(fact).iter();
    facts.filter(|fact| fact.value.known() == Some(value)).map(|fact| fact.subject.as_str()).collect()
}

fn row_lines(input: &ReportInput, row: &StepRow) -> Vec<String> {
    if let Observed::Unknown(why) | Observed::NotAsked(why) = input.situation.systems.database() {
        return vec![not_observed(&why)];
    }
    let mut lines: Vec<String> = input.situation.backlog.replica().into_iter().collect();
    if let Some(line) = all_stages_done(input, row) {
        lines.insert(0, format!("{line}; {}", stuck_line(input)));
        return lines;
    }
    if input.situation.lookup.id.is_some() {
        match &input.situation.lookup.marks {
            Observed::Unknown(why) => lines.push(not_observed(why)),
            Observed::Known(_) | Observed::NotAsked(_) => {
                lines.extend(input.pipeline.stage.iter().map(|stage| stage_line(input, stage)))
            }
        }
    }
    lines.push(stuck_line(input));
    lines
}

/// Returns "all 3 stages done, 10:02:14-10:02:15" if every stage has its row.
fn all_stages_done(input: &ReportInput, row: &StepRow) -> Option<String> {
    let mut times = Vec::new();
    for stage in &input.pipeline.stage {
        let subject = input.pipeline.stage_subject(stage);
        let passed = |check: &Finding| {
            let mut instances = check.instances.iter().filter(|i| i.subject == subject);
            check.step != row.step
                || check.severity == Severity::Note
                || instances.all(|i| match i.verdict {
                    Verdict::Pass => true,
                    Verdict::NotAsked(_) => !is_marked(input, stage),
                    _ => false,
                })
        };
        if !input.findings.iter().all(passed) {
            return None;
        }
        times.push(input.situation.effects(stage).known()?.first()?.at);
    }
    let observed_at = input.situation.clocks.observed_at;
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    Some(format!(
        "all {} done, {}-{}",
        count(times.len() as u64, "stage"),
        time(observed_at, *first),
        time(observed_at, *last)
    ))
}

/// Returns "ORDERED 10:02:14 by shop (emitter only); no row in orders".
fn stage_line(input: &ReportInput, stage: &Stage) -> String {
    let subject = input.pipeline.stage_subject(stage);
    let fact = |name: &str| input.facts.get(name, &subject);
    let observation = |name: &str| match fact(name) {
        Some(fact) if fact.value.known().is_none() => {
            not_observed(fact.value.reason().unwrap_or(&no_reason()))
        }
        Some(fact) => fact.message.clone(),
        None => String::new(),
    };
    let qualifier = match fact("stage.mark").and_then(|fact| fact.value.known()) {
        Some(Value::Word("emitter")) => " (emitter only)",
        Some(Value::Word("other" | "foreign")) => " (not its worker)",
        Some(Value::Word("stale")) => " (before the event)",
        _ => "",
    };
    let (mark, effect) = (observation("stage.mark"), observation("stage.effect"));
    if !is_marked(input, stage) {
        return format!("{}: {effect}", stage.event);
    }
    if mark == effect { format!("{}: {mark}", stage.event) } else { format!("{mark}{qualifier}; {effect}") }
}

/// Reports whether the stage's worker marks processed events.
fn is_marked(input: &ReportInput, stage: &Stage) -> bool {
    input.pipeline.marks.is_some() && !stage.marked_by.is_empty()
}

fn no_reason() -> Reason {
    Reason::new(ReasonKind::Failed, "no reason given")
}

/// Returns "0 stuck in 24 h" or "37 orders stuck in 24 h, since 10:02:14".
fn stuck_line(input: &ReportInput) -> String {
    let extent = stuck_events(input);
    let window = format_window(extent.window_s);
    let at_least = if extent.complete { "" } else { "at least " };
    let since =
        extent.since.map(|since| format!(", since {}", time(input.situation.clocks.observed_at, since)));
    match extent.stuck {
        None => format!("stuck in {window}: not seen"),
        Some(0) if !extent.complete => format!("stuck in {window}: some events not seen"),
        Some(0) => format!("0 stuck in {window}"),
        Some(stuck) => {
            let stuck = input.pipeline.count(stuck);
            format!("{at_least}{stuck} stuck in {window}{}", since.unwrap_or_default())
        }
    }
}

fn call_lines(input: &ReportInput) -> Vec<String> {
    let Some(row) = &input.pipeline.call else {
        return Vec::new();
    };
    let calls = input.situation.calls.as_ref();
    let mut lines = vec![match calls.map_or_else(Observed::default, |calls| calls.calls.clone()) {
        Observed::Known((log, calls)) => {
            let read = count(log.read, "record");
            let span = match (log.from, log.to) {
                (Some(from), Some(to)) => format!(", {}-{}", from.strftime("%H:%M"), to.strftime("%H:%M")),
                _ => String::new(),
            };
            let all = match input.situation.covers_event(row.service.get_ref()) {
                Ok(()) => ", all read".to_string(),
                Err(why) => format!("; {}", why.describe()),
            };
            format!("{} in {read}{span}{all}", count(calls.len() as u64, "call"))
        }
        Observed::Unknown(why) => not_observed(&why),
        Observed::NotAsked(why) => format!("calls not read: {}", why.describe()),
    }];
    let service = row.service.get_ref();
    // Healthy values are not listed.
    for (name, healthy, prefix) in [
        ("call.answer", Value::Word("good"), ""),
        ("http.health", Value::Word("healthy"), "health: "),
        ("http.contract", Value::Bool(true), "harmless request: "),
    ] {
        match input.facts.get(name, service) {
            Some(fact) if fact.value.known().is_some_and(|value| *value != healthy) => {
                lines.push(format!("{prefix}{}", fact.message));
            }
            _ => {}
        }
    }
    lines
}

/// Adds the number of logs read, for a pipeline without a call.
fn add_log_count(input: &ReportInput, verdict: StepVerdict, lines: &mut Vec<String>) {
    if lines.is_empty() {
        let read = input.situation.logs.count();
        lines.push(match verdict {
            StepVerdict::Pass => format!("no trouble in {}", count(read as u64, "log")),
            _ => format!("{} read", count(read as u64, "log")),
        });
    }
}
