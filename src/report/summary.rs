//! The line of each step, and the last line.

use crate::base::observed::Seen;
use crate::base::reason::{Why, WhyKind};
use crate::judge::{Finding, Verdict};
use crate::pipeline::Stage;
use crate::report::extent::extent;
use crate::report::material::Material;
use crate::report::model::{FindingShown, InstanceShown, Outcome, Report, Step, StepVerdict, Told};
use crate::report::words;
use crate::report::words::{length, lower_first, minute, time, title};
use crate::runbook::catalog::{About, Step as StepRow};
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::runbook::value::Value;
use crate::text::plural::count;

/// A step with its line and its findings.
pub(super) fn step(material: &Material, row: &StepRow) -> Step {
    let findings: Vec<&Finding> = material.findings.iter().filter(|f| f.step == row.step).collect();
    let mut summary = match row.about {
        About::Workers => workers(material),
        About::Topics => topics(material),
        About::Rows => rows(material, row),
        About::Call => calls(material),
    };
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
    let telling = failed.filter_map(|finding| Some((material.catalog.check(&finding.check)?, finding)));
    let telling = telling.filter(|(check, _)| check.in_summary);
    for (check, finding) in telling {
        // What the lines say already is not said again.
        let failed = finding.instances.iter().filter(|instance| instance.verdict == Verdict::Fail);
        let mut observed = failed.map(|instance| instance.observed.as_str());
        if !observed.all(|observed| summary.iter().any(|line| line.contains(observed))) {
            summary.push(words::sentence(material, check, finding, &[]));
        }
    }
    let mut verdict = verdict(&findings, system_seen(material, row.about));
    if row.about == About::Workers && verdict == StepVerdict::Pass && summary.len() > 1 {
        verdict = StepVerdict::Warn;
    }
    // How many of the workers run, and are declared, is reason enough.
    let counted = row.about == About::Workers && summary.first().is_some_and(|line| line.contains("; "));
    if !counted {
        summary.extend(reason(material, verdict, &findings, &summary));
    }
    if row.about == About::Call && material.pipeline.call.is_none() {
        without_call(material, verdict, &mut summary);
    }
    Step {
        step: row.step,
        title: words::step_title(material.pipeline, row),
        verdict,
        summary: summary.join("\n"),
        by_hand: words::command(material, &row.by_hand, ""),
        findings: findings.iter().map(|finding| shown(material, finding)).collect(),
    }
}

/// Why a step has its sign, where none of its lines says so.
fn reason(
    material: &Material,
    verdict: StepVerdict,
    findings: &[&Finding],
    lines: &[String],
) -> Option<String> {
    let systems = &material.situation.systems;
    let is_reason = |wanted: &Verdict, severity: Severity| match verdict {
        StepVerdict::Fail => *wanted == Verdict::Fail && severity == Severity::Error,
        StepVerdict::Warn => *wanted == Verdict::Fail && severity == Severity::Warn,
        // A whole system that was not seen is told once, below.
        StepVerdict::Unknown => matches!(wanted, Verdict::Unknown(why) if !systems.are_unseen_for(why)),
        StepVerdict::Pass | StepVerdict::NotAsked => false,
    };
    // A line need not say all of it: whom it is about, or how it begins.
    let said = |subject: &str, observed: &str| {
        let begins = observed.split(", ").next().unwrap_or(observed);
        lines.iter().any(|line| line.contains(begins) || line.contains(subject))
    };
    let reasons: Vec<&&Finding> =
        findings.iter().filter(|finding| is_reason(&finding.verdict, finding.severity)).collect();
    let is_said = |finding: &&&Finding| {
        let mut telling = finding.instances.iter().filter(|i| is_reason(&i.verdict, finding.severity));
        telling.any(|i| said(&i.subject, &i.said()))
    };
    let any_said = reasons.iter().any(is_said);
    let first = reasons.first().filter(|_| !any_said)?;
    Some(words::sentence(material, material.catalog.check(&first.check)?, first, &[]))
}

/// Whether the system that a step is about was seen at all, if the pipeline has it.
fn system_seen(material: &Material, about: About) -> bool {
    let systems = &material.situation.systems;
    match about {
        About::Workers | About::Call => systems.has_runtime(),
        About::Topics => systems.has_brokers() || material.pipeline.kafka.is_none(),
        About::Rows => systems.database().known().is_some(),
    }
}

fn verdict(findings: &[&Finding], system_seen: bool) -> StepVerdict {
    let judged = || findings.iter().filter(|finding| finding.severity != Severity::Note);
    let any = |wanted: &dyn Fn(&Finding) -> bool| judged().any(|finding| wanted(finding));
    match () {
        () if any(&|f| f.verdict == Verdict::Fail && f.severity == Severity::Error) => StepVerdict::Fail,
        () if any(&|f| matches!(f.verdict, Verdict::Unknown(_) | Verdict::Blocked(_))) => {
            StepVerdict::Unknown
        }
        () if !system_seen => StepVerdict::Unknown,
        () if any(&|f| f.verdict == Verdict::Fail) => StepVerdict::Warn,
        () if any(&|f| f.verdict == Verdict::Pass) => StepVerdict::Pass,
        () => StepVerdict::NotAsked,
    }
}

fn shown(material: &Material, finding: &Finding) -> FindingShown {
    let check = material.catalog.check(&finding.check);
    let text = |subject: &str, by_hand: bool| {
        check.map_or_else(String::new, |check| match by_hand {
            true => words::command(material, &check.by_hand, subject),
            false => title(material, check, subject),
        })
    };
    FindingShown {
        check: finding.check.clone(),
        verdict: (&finding.verdict).into(),
        severity: finding.severity,
        why: finding.verdict.why(),
        say: check.map(|check| words::sentence(material, check, finding, &[])).unwrap_or_default(),
        instances: finding
            .instances
            .iter()
            .map(|instance| InstanceShown {
                subject: instance.subject.clone(),
                title: text(&instance.subject, false),
                verdict: (&instance.verdict).into(),
                value: instance.value.as_ref().map(ToString::to_string),
                observed: instance.said(),
                expected: check.map(|check| check.expect.get_ref().to_string()).unwrap_or_default(),
                by_hand: text(&instance.subject, true),
            })
            .collect(),
    }
}

fn not_seen(why: &Why) -> String {
    format!("not seen: {}", why.words())
}

/// How many subjects of a scope have this value, of how many.
fn tally(material: &Material, fact: &str, scope: Scope, good: &Value) -> Result<(usize, usize), Why> {
    let subjects = scope.subjects(material.pipeline);
    let mut hits = 0;
    for subject in &subjects {
        match material.facts.get(fact, subject).map(|fact| &fact.value) {
            Some(Seen::Known(value)) if value == good => hits += 1,
            Some(Seen::Unknown(why) | Seen::NotAsked(why)) => return Err(why.clone()),
            _ => {}
        }
    }
    Ok((hits, subjects.len()))
}

fn workers(material: &Material) -> Vec<String> {
    let running = tally(material, "container.rung", Scope::Worker, &Value::Word("running"));
    let (running, all) = match running {
        Ok(tally) => tally,
        Err(why) => return vec![not_seen(&why)],
    };
    let mut line = format!("{running} of {all} running");
    if running == all
        && let Some(lag) = lag_of_all(material)
    {
        line += &format!(", in their groups, lag {lag}");
    }
    if running < all
        && let Ok((declared, all)) =
            tally(material, "compose.declared", Scope::Worker, &Value::Word("declared"))
    {
        let files = material.target.compose.files.iter();
        let files: Vec<&str> = files.map(|file| file.rsplit('/').next().unwrap_or(file)).collect();
        line += &format!("; {declared} of {all} in {}", files.join(" + "));
    }
    let mut lines = vec![line];
    // Those that were never made are counted already.
    let usual = ["advancing", "rebalancing", "not-declared", "not-created"];
    let below = material
        .facts
        .all("worker.rung")
        .iter()
        .filter(|fact| matches!(&fact.value, Seen::Known(Value::Word(word)) if !usual.contains(word)));
    lines.extend(below.map(|fact| format!("{}: {}", fact.subject, fact.say)));
    lines
}

/// The lag of all groups, if every worker is a member of its own.
fn lag_of_all(material: &Material) -> Option<u64> {
    let members = material.facts.all("group.members");
    let joined = members.iter().all(|fact| matches!(fact.value, Seen::Known(Value::Count(n)) if n > 0));
    let lags = material.pipeline.worker.iter().map(|worker| material.situation.progress.of(worker).lag);
    if joined { lags.sum() } else { None }
}

fn topics(material: &Material) -> Vec<String> {
    let (exist, all) = match tally(material, "topic.exists", Scope::Topic, &Value::Bool(true)) {
        Ok(tally) => tally,
        Err(why) => return vec![not_seen(&why)],
    };
    if all == 0 {
        return vec!["the pipeline has none".to_string()];
    }
    let led = tally(material, "topic.led", Scope::Topic, &Value::Bool(true));
    let line = format!("{exist} of {all} exist");
    let missing: Vec<&str> = named(material, "topic.exists", &Value::Bool(false));
    let led_by_none: Vec<&str> = named(material, "topic.led", &Value::Bool(false))
        .into_iter()
        .filter(|t| !missing.contains(t))
        .collect();
    let mut lines = match (missing.is_empty(), led) {
        (true, Ok((led, all))) if led == all => vec![format!("{line}, every partition led")],
        (true, _) => vec![format!("{line}; a partition without a leader: {}", led_by_none.join(", "))],
        (false, _) => vec![format!("{line}; missing: {}", missing.join(", "))],
    };
    lines.extend(strangers(material));
    lines
}

/// "also read by group audit: stable, 1 member".
fn strangers(material: &Material) -> Vec<String> {
    let others = material.situation.topics.other_readers.iter();
    others.map(|(name, state)| format!("also read by group {name}: {state}")).collect()
}

fn named<'a>(material: &'a Material, fact: &str, value: &Value) -> Vec<&'a str> {
    let facts = material.facts.all(fact).iter();
    facts.filter(|fact| fact.value.known() == Some(value)).map(|fact| fact.subject.as_str()).collect()
}

fn rows(material: &Material, row: &StepRow) -> Vec<String> {
    if let Seen::Unknown(why) | Seen::NotAsked(why) = material.situation.systems.database() {
        return vec![not_seen(&why)];
    }
    let mut lines: Vec<String> = material.situation.backlog.replica().into_iter().collect();
    if let Some(line) = all_done(material, row) {
        lines.insert(0, format!("{line}; {}", stuck_line(material)));
        return lines;
    }
    if material.situation.asked.id.is_some() {
        match &material.situation.asked.marks {
            Seen::Unknown(why) => lines.push(not_seen(why)),
            Seen::Known(_) | Seen::NotAsked(_) => {
                lines.extend(material.pipeline.stage.iter().map(|stage| stage_line(material, stage)))
            }
        }
    }
    lines.push(stuck_line(material));
    lines
}

/// "all 3 stages done 10:02:14-10:02:15", if every stage has its row.
fn all_done(material: &Material, row: &StepRow) -> Option<String> {
    let mut times = Vec::new();
    for stage in &material.pipeline.stage {
        let subject = material.pipeline.stage_subject(stage);
        let passed = |check: &Finding| {
            let mut instances = check.instances.iter().filter(|i| i.subject == subject);
            check.step != row.step
                || check.severity == Severity::Note
                || instances.all(|i| match i.verdict {
                    Verdict::Pass => true,
                    Verdict::NotAsked(_) => !is_marked(material, stage),
                    _ => false,
                })
        };
        if !material.findings.iter().all(passed) {
            return None;
        }
        times.push(material.situation.effects(stage).known()?.first()?.at);
    }
    let taken = material.situation.clocks.taken;
    let (first, last) = (times.iter().min()?, times.iter().max()?);
    Some(format!(
        "all {} done, {}-{}",
        count(times.len() as u64, "stage"),
        time(taken, *first),
        time(taken, *last)
    ))
}

/// "ORDERED 10:02:14 by shop (emitter only); no row in orders".
fn stage_line(material: &Material, stage: &Stage) -> String {
    let subject = material.pipeline.stage_subject(stage);
    let fact = |name: &str| material.facts.get(name, &subject);
    let told = |name: &str| match fact(name) {
        Some(fact) if fact.value.known().is_none() => not_seen(fact.value.why().unwrap_or(&no_reason())),
        Some(fact) => fact.say.clone(),
        None => String::new(),
    };
    let only = match fact("stage.mark").and_then(|fact| fact.value.known()) {
        Some(Value::Word("emitter")) => " (emitter only)",
        Some(Value::Word("other" | "foreign")) => " (not its worker)",
        Some(Value::Word("stale")) => " (before the event)",
        _ => "",
    };
    let (mark, effect) = (told("stage.mark"), told("stage.effect"));
    if !is_marked(material, stage) {
        return format!("{}: {effect}", stage.event);
    }
    if mark == effect { format!("{}: {mark}", stage.event) } else { format!("{mark}{only}; {effect}") }
}

/// Whether the stage's worker marks what it has done.
fn is_marked(material: &Material, stage: &Stage) -> bool {
    material.pipeline.marks.is_some() && !stage.marked_by.is_empty()
}

fn no_reason() -> Why {
    Why::new(WhyKind::Failed, "no reason given")
}

/// "0 stuck in 24 h", "37 orders stuck since 10:02".
fn stuck_line(material: &Material) -> String {
    let extent = extent(material);
    let window = length(extent.window_s);
    let least = if extent.complete { "" } else { "at least " };
    let since = extent.since.map(|since| format!(", since {}", time(material.situation.clocks.taken, since)));
    match extent.stuck {
        None => format!("stuck in {window}: not seen"),
        Some(0) if !extent.complete => format!("stuck in {window}: not all seen"),
        Some(0) => format!("0 stuck in {window}"),
        Some(stuck) => {
            let stuck = material.pipeline.count(stuck);
            format!("{least}{stuck} stuck in {window}{}", since.unwrap_or_default())
        }
    }
}

fn calls(material: &Material) -> Vec<String> {
    let Some(row) = &material.pipeline.call else {
        return Vec::new();
    };
    let calls = material.situation.calls.as_ref();
    let mut lines = vec![match calls.map_or_else(Seen::default, |calls| calls.calls.clone()) {
        Seen::Known((log, calls)) => {
            let read = count(log.read, "record");
            let span = match (log.from, log.to) {
                (Some(from), Some(to)) => format!(", {}-{}", from.strftime("%H:%M"), to.strftime("%H:%M")),
                _ => String::new(),
            };
            let all = match material.situation.covers_event(row.service.get_ref()) {
                Ok(()) => ", all read".to_string(),
                Err(why) => format!("; {}", why.words()),
            };
            format!("{} in {read}{span}{all}", count(calls.len() as u64, "call"))
        }
        Seen::Unknown(why) => not_seen(&why),
        Seen::NotAsked(why) => format!("calls not asked for: {}", why.words()),
    }];
    let service = row.service.get_ref();
    // What is as it should be needs no line of its own.
    for (name, good, before) in [
        ("call.answer", Value::Word("good"), ""),
        ("http.health", Value::Word("healthy"), "health: "),
        ("http.contract", Value::Bool(true), "harmless request: "),
    ] {
        match material.facts.get(name, service) {
            Some(fact) if fact.value.known().is_some_and(|value| *value != good) => {
                lines.push(format!("{before}{}", fact.say));
            }
            _ => {}
        }
    }
    lines
}

/// Of a pipeline without a call the logs are told of alone.
fn without_call(material: &Material, verdict: StepVerdict, lines: &mut Vec<String>) {
    if lines.is_empty() {
        let read = material.situation.logs.read();
        lines.push(match verdict {
            StepVerdict::Pass => format!("no trouble in {}", count(read as u64, "log")),
            _ => format!("{} read", count(read as u64, "log")),
        });
    }
}

/// The longest last line.
const HEADLINE: usize = 80;

/// The last line: the verdict.
pub(super) fn headline(material: &Material, report: &Report) -> String {
    let extent = &report.extent;
    let stuck = match (extent.stuck, extent.since) {
        (Some(stuck), Some(since)) if stuck > 0 => {
            let least = if extent.complete { "" } else { "at least " };
            let (stuck, since) = (material.pipeline.count(stuck), minute(report.taken, since));
            format!(" {least}{stuck} stuck since {since}.")
        }
        (Some(0), _) if extent.complete && report.outcome != Outcome::Problem => {
            format!(" 0 stuck in {}.", length(extent.window_s))
        }
        _ => String::new(),
    };
    let forms = match report.outcome {
        Outcome::Healthy => vec![format!("HEALTHY: {}, nothing unseen", passed(material))],
        Outcome::Warning => {
            let all = report.risks.iter().chain(&report.unexplained);
            let said: Vec<String> = all.clone().map(|told| told.say.clone()).collect();
            let mut forms = shorter("WARNING: ", &said);
            forms.extend(shorter("WARNING: failed: ", &told(all)));
            forms
        }
        Outcome::Inconclusive => unclear(report),
        Outcome::Problem => broken(report),
    };
    // The longest form that fits; how many are stuck is said in step 3, too.
    let lines = |tail: &str| forms.iter().map(|form| format!("{form}.{tail}")).collect::<Vec<String>>();
    let mut all = lines(&stuck).into_iter().chain(lines(""));
    let fitting = all.find(|line| line.chars().count() <= HEADLINE);
    fitting.or_else(|| lines("").pop()).unwrap_or_default()
}

/// What was not seen: where only time is lacking, what to wait for; else which systems.
fn unclear(report: &Report) -> Vec<String> {
    let mut systems: Vec<String> = report.unseen.iter().map(|unseen| unseen.system.clone()).collect();
    let whole = systems.clone();
    systems
        .retain(|name| name.split_once(", in part").is_none_or(|(name, _)| !whole.iter().any(|w| w == name)));
    systems.dedup();
    let in_part = whole.iter().all(|name| name.ends_with(", in part"));
    let waits = report.unseen.iter().filter(|unseen| unseen.passes && in_part);
    let waits: Vec<String> = waits.map(|unseen| unseen.why.clone()).collect();
    // One wait is as good as all of them.
    let mut forms: Vec<String> = waits.first().map(|wait| format!("UNCLEAR: {wait}")).into_iter().collect();
    forms.extend(shorter("UNCLEAR: nothing failed; not seen: ", &systems));
    forms
}

/// All names; then fewer and how many more; down to the first.
fn shorter(head: &str, names: &[String]) -> Vec<String> {
    let all = names.len();
    let cut = |shown: usize| match all - shown {
        0 => format!("{head}{}", names.join("; ")),
        more => format!("{head}{} and {more} more", names[..shown].join("; ")),
    };
    (1..=all).rev().map(cut).collect()
}

/// The causes of the likeliest explanation and what no cause explains; with
/// their subjects, then without.
fn broken(report: &Report) -> Vec<String> {
    let best: Vec<_> = report.causes.iter().filter(|cause| cause.best).collect();
    let unexplained = told(report.unexplained.iter());
    let named = |with_subjects: bool| -> Vec<String> {
        let causes = best.iter().map(|cause| {
            let bare = cause.title.split(": ").next().unwrap_or_default();
            let title = if with_subjects { cause.title.as_str() } else { bare };
            format!("{} ({} %)", lower_first(title), cause.confidence)
        });
        causes.chain(unexplained.iter().map(|check| format!("unexplained: {check}"))).collect()
    };
    if best.is_empty() && !report.causes.is_empty() {
        return vec![format!("BROKEN: {} causes are as likely", report.causes.len())];
    }
    if best.is_empty() {
        let failed: Vec<String> = unexplained.into_iter().chain(told(report.risks.iter())).collect();
        return shorter("BROKEN: no known cause explains ", &failed);
    }
    let with: Vec<String> = shorter("BROKEN: ", &named(true));
    let without = shorter("BROKEN: ", &named(false));
    with.into_iter().zip(without).flat_map(|(with, without)| [with, without]).collect()
}

fn passed(material: &Material) -> String {
    let judged = || material.findings.iter().filter(|f| f.severity != Severity::Note);
    let asked = judged().filter(|f| !matches!(f.verdict, Verdict::NotAsked(_))).count();
    let passed = judged().filter(|f| f.verdict == Verdict::Pass).count();
    format!("{passed} of {asked} checks passed")
}

fn told<'a>(told: impl Iterator<Item = &'a Told>) -> Vec<String> {
    told.map(|told| told.id.clone()).collect()
}
