//! The report: one struct, rendered by every format. Pure.

pub mod explain;
pub mod format;
pub mod placeholders;
pub mod summary;
pub mod switched;
pub mod words;

use crate::base::error::exit;
use crate::diagnosis::{Diagnosed, Diagnosis, RuledOut, Untellable};
use crate::evidence::{Evidence, Seen, WhyKind};
use crate::fact::{Facts, Scope};
use crate::judge::{Finding, Verdict};
use crate::pipeline::Pipeline;
use crate::remedy::{self, Planned};
use crate::runbook::catalog::{About, ActionKind, Catalog, Check, Severity};
use crate::runbook::overrides::{RowKind, SwitchedOff};
use crate::situation::Situation;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the JSON contract.
pub const SCHEMA_VERSION: u32 = 1;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything asked for was looked at and passed.
    Healthy,
    /// A problem was found.
    Problem,
    /// Only warnings.
    Warning,
    /// Nothing failed, but something could not be looked at.
    Inconclusive,
}

impl Outcome {
    /// The exit code; warnings fail only where that is asked for.
    pub fn exit_code(self, fail_on_warnings: bool) -> u8 {
        match self {
            Outcome::Problem => exit::PROBLEM,
            Outcome::Inconclusive => exit::INCONCLUSIVE,
            Outcome::Warning if fail_on_warnings => exit::WARNING,
            Outcome::Healthy | Outcome::Warning => exit::HEALTHY,
        }
    }
}

/// Everything that a report says. Field order is the JSON's.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this contract.
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: u32,
    /// `pipeline-doctor` and the version that looked.
    pub tool: String,
    /// The pipeline's name.
    pub pipeline: String,
    /// The id that was asked about.
    pub id: Option<String>,
    /// When it was looked (UTC).
    pub taken: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// The last line of the report.
    pub headline: String,
    /// How many events are stuck.
    pub extent: Extent,
    /// The runbook's steps.
    pub steps: Vec<Step>,
    /// The listed causes, the likeliest first.
    pub causes: Vec<Cause>,
    /// What to do, in order: the actions of the likeliest explanation, the proof last.
    pub actions: Vec<Planned>,
    /// What is ruled out, and by what.
    pub ruled_out: Vec<Told>,
    /// What could not be told, and what would have told it.
    pub untellable: Vec<Told>,
    /// Failed noisy checks that no cause explains.
    pub risks: Vec<Told>,
    /// Failed checks that no cause explains.
    pub unexplained: Vec<Told>,
    /// What could not be looked at.
    pub unseen: Vec<Unseen>,
    /// The unseen check whose answer would tell most.
    pub next: Option<Next>,
    /// Checks that are not judged and causes that are not ranked, because an override
    /// says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switched_off: Vec<SwitchedOff>,
    /// What an override switched off until its last day was over.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overrides_ended: Vec<Told>,
}

/// How many events of the window are stuck.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Extent {
    /// The window in seconds.
    pub window_s: u64,
    /// Stuck events of the stages that could be counted; absent where none could.
    pub stuck: Option<u64>,
    /// Whether all of them were counted; else there may be more.
    pub complete: bool,
    /// Time of the oldest.
    pub since: Option<Timestamp>,
    /// When the newest effect of any stage was written.
    pub last_good: Option<Timestamp>,
    /// The newest stuck ids, at most [`Extent::SHOWN`].
    #[schemars(description = "The newest stuck ids.", length(max = Extent::SHOWN))]
    pub newest_ids: Vec<String>,
    /// The same, stage by stage.
    pub stages: Vec<StageExtent>,
}

impl Extent {
    /// How many ids are shown.
    pub const SHOWN: usize = 5;
}

/// The stuck events of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StageExtent {
    /// The stage.
    pub stage: String,
    /// Events of the window that reached it.
    pub events: u64,
    /// Those that lack its effect.
    pub stuck: u64,
    /// Whether more events lie in the window than were looked at.
    pub limited: bool,
}

/// One step of the runbook.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// Its number.
    pub step: u8,
    /// Its title.
    pub title: String,
    /// fail, warn, unknown, pass or not-asked.
    #[schemars(extend("enum" = ["fail", "warn", "unknown", "pass", "not-asked"]))]
    pub verdict: String,
    /// Its lines.
    pub summary: String,
    /// The same by hand.
    pub by_hand: String,
    /// Its findings.
    pub findings: Vec<FindingShown>,
}

/// A judged check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct FindingShown {
    /// The check's id.
    pub check: String,
    /// Its verdict.
    #[schemars(extend("enum" = ["pass", "fail", "unknown", "blocked", "not-asked"]))]
    pub verdict: String,
    /// What a failure means.
    pub severity: Severity,
    /// Why it is neither pass nor fail.
    pub why: Option<String>,
    /// What was observed, in one sentence.
    pub say: String,
    /// Its instances.
    pub instances: Vec<InstanceShown>,
}

/// A check judged about one subject.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InstanceShown {
    /// Whom it is about.
    pub subject: String,
    /// What is true when healthy.
    pub title: String,
    /// Its verdict.
    #[schemars(extend("enum" = ["pass", "fail", "unknown", "blocked", "not-asked"]))]
    pub verdict: String,
    /// The fact's value, where it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What was observed.
    pub observed: String,
    /// What the fact must be.
    pub expected: String,
    /// The same by hand.
    pub by_hand: String,
}

/// A listed cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cause {
    /// Its id.
    pub id: String,
    /// What it is called, with its subjects where they are not all.
    pub title: String,
    /// In per cent: the lower one of its posterior and the runbook's number.
    pub confidence: u8,
    /// The runbook's name for it, if it has one.
    pub documented: Option<String>,
    /// Its probability, given what was observed; six digits.
    pub posterior: f64,
    /// Whether it is part of the likeliest explanation.
    pub best: bool,
    /// Whom it is about.
    pub subjects: Vec<String>,
    /// Where it stands for causes that cannot be told apart: those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<Told>,
    /// What speaks for it.
    pub because: Vec<Told>,
    /// What else is seen of its subjects that is no fault by itself.
    pub context: Vec<Told>,
    /// What it explains besides.
    pub also_explains: Vec<Told>,
    /// The same by step, as the table says it.
    pub also_explains_by_step: String,
    /// What speaks against it.
    pub weakened_by: Vec<Told>,
    /// What it should have broken and could not be seen.
    pub could_not_check: Vec<Told>,
    /// What to do, in order.
    pub actions: Vec<Planned>,
}

/// A check or cause, and a sentence about it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Told {
    /// The id of a check or a cause.
    pub id: String,
    /// The sentence.
    pub say: String,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unseen {
    /// The system, or the check.
    pub system: String,
    /// Why.
    pub why: String,
    /// The steps that it leaves open.
    pub steps: Vec<u8>,
    /// Time alone shows it: what was started just now, what came a moment ago.
    #[serde(skip)]
    pub passes: bool,
}

/// What to look at next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Next {
    /// The check.
    pub check: String,
    /// The same by hand.
    pub by_hand: String,
}

/// What a report is made from.
pub struct Material<'a> {
    /// What was seen.
    pub evidence: &'a Evidence,
    /// The same, joined.
    pub situation: &'a Situation<'a>,
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// The checks and causes.
    pub catalog: &'a Catalog,
    /// What was derived.
    pub facts: &'a Facts,
    /// What was judged.
    pub findings: &'a [Finding],
    /// What it means.
    pub diagnosis: &'a Diagnosis,
    /// Whether warnings fail.
    pub fail_on_warnings: bool,
}

/// Puts the report together.
pub fn report(material: &Material) -> Report {
    let Material { evidence, diagnosis, .. } = material;
    let outcome = outcome(material);
    let mut report = Report {
        schema_version: SCHEMA_VERSION,
        tool: format!("pipeline-doctor {}", evidence.tool),
        pipeline: evidence.target.pipeline.clone(),
        id: material.situation.asked.id.map(String::from),
        taken: evidence.taken,
        outcome,
        exit_code: outcome.exit_code(material.fail_on_warnings),
        headline: String::new(),
        actions: Vec::new(),
        extent: extent(material),
        steps: material.catalog.steps.iter().map(|step| summary::step(material, step)).collect(),
        causes: diagnosis.causes.iter().filter_map(|cause| material.cause(cause)).collect(),
        ruled_out: diagnosis.ruled_out.iter().filter_map(|cause| material.ruled_out(cause)).collect(),
        untellable: diagnosis.untellable.iter().filter_map(|cause| material.untellable(cause)).collect(),
        risks: material.told(&diagnosis.risks, &[]),
        unexplained: material.told(&diagnosis.unexplained, &[]),
        unseen: unseen(material),
        next: diagnosis.next.as_deref().and_then(|check| material.next(check)),
        switched_off: material.catalog.switched.off.clone(),
        overrides_ended: material.catalog.switched.ended.iter().map(ended).collect(),
    };
    report.actions = actions(&report);
    report.headline = summary::headline(material, &report);
    report
}

fn ended(row: &SwitchedOff) -> Told {
    let again = match row.kind {
        RowKind::Check => "judged",
        RowKind::Cause => "ranked",
    };
    let say = format!("override of {} ended {}: it is {again} again", row.id, row.until);
    Told { id: row.id.clone(), say }
}

/// A problem wins over what was not seen, and that over warnings.
fn outcome(material: &Material) -> Outcome {
    let findings = material.findings;
    let failed = |severity| findings.iter().any(|f| f.verdict == Verdict::Fail && f.severity == severity);
    let unseen = |f: &Finding| {
        f.instances.iter().any(|i| matches!(i.verdict, Verdict::Unknown(_) | Verdict::Blocked(_)))
    };
    match () {
        () if failed(Severity::Error) => Outcome::Problem,
        () if findings.iter().filter(|f| f.severity != Severity::Note).any(unseen)
            || !missing_systems(material).is_empty() =>
        {
            Outcome::Inconclusive
        }
        () if failed(Severity::Warn) => Outcome::Warning,
        () => Outcome::Healthy,
    }
}

/// Systems that the runbook needs and that nobody told the address of: what is
/// not looked at for want of an address is no proof of health.
fn missing_systems<'a>(material: &Material<'a>) -> Vec<(String, &'a crate::evidence::Why)> {
    let evidence = material.evidence;
    let brokers = evidence.brokers().map(|(name, broker)| (kafka_called(name), not_asked(broker)));
    let systems = [("Docker".to_string(), not_asked(&evidence.docker))].into_iter().chain(brokers);
    let systems = systems.chain([("PostgreSQL".to_string(), not_asked(&evidence.postgres))]);
    systems.filter_map(|(name, why)| Some((name, why?))).collect()
}

/// "Kafka"; of a further broker "Kafka (mail)".
fn kafka_called(broker: Option<&str>) -> String {
    broker.map_or("Kafka".to_string(), |name| format!("Kafka ({name})"))
}

fn not_asked<T>(seen: &Seen<T>) -> Option<&crate::evidence::Why> {
    match seen {
        Seen::NotAsked(why) if why.kind != WhyKind::NoPart => Some(why),
        _ => None,
    }
}

fn extent(material: &Material) -> Extent {
    let backlog = &material.situation.backlog;
    let stages = material.pipeline.stage.iter();
    let seen = stages.filter_map(|stage| Some((stage, *backlog.extent(stage).known()?)));
    Extent {
        window_s: material.evidence.target.window_s,
        complete: backlog.complete,
        stuck: backlog.stuck,
        since: backlog.since,
        last_good: backlog.last_good,
        newest_ids: backlog.newest.iter().take(Extent::SHOWN).map(ToString::to_string).collect(),
        stages: seen
            .map(|(stage, extent)| StageExtent {
                stage: stage.name.clone(),
                events: extent.events,
                stuck: extent.stuck,
                limited: extent.limited,
            })
            .collect(),
    }
}

impl Material<'_> {
    fn finding(&self, check: &str) -> Option<(&Check, &Finding)> {
        let finding = self.findings.iter().find(|finding| finding.check == check)?;
        Some((self.catalog.check(check)?, finding))
    }

    /// A sentence about each of these checks; of these subjects, where it has some of them.
    fn told(&self, checks: &[String], about: &[String]) -> Vec<Told> {
        let told = |check: &String| {
            let (row, finding) = self.finding(check)?;
            Some(Told { id: check.clone(), say: words::sentence(self, row, finding, about) })
        };
        checks.iter().filter_map(told).collect()
    }

    fn cause(&self, diagnosed: &Diagnosed) -> Option<Cause> {
        let row = self.catalog.cause(&diagnosed.cause)?;
        let whom = row.whom(self.pipeline, &diagnosed.subjects);
        Some(Cause {
            id: diagnosed.cause.clone(),
            title: words::cause_title(self, row, &whom),
            confidence: words::per_cent(diagnosed.confidence),
            documented: row.documented.clone(),
            posterior: (diagnosed.posterior * 1e6).round() / 1e6,
            best: diagnosed.best,
            context: self.context(diagnosed, &whom),
            subjects: whom,
            one_of: diagnosed.one_of.iter().filter_map(|id| self.titled(id)).collect(),
            because: self.told(&diagnosed.because, &diagnosed.subjects),
            also_explains: self.told(&diagnosed.also_explains, &diagnosed.subjects),
            also_explains_by_step: words::by_step(self, &diagnosed.also_explains),
            weakened_by: self.told(&diagnosed.weakened_by, &[]),
            could_not_check: self.told(&diagnosed.could_not_check, &[]),
            actions: remedy::plan(self.situation, row, diagnosed),
        })
    }

    /// Failed notes about the containers and logs of a cause's subjects, without
    /// those that speak for it already.
    fn context(&self, diagnosed: &Diagnosed, whom: &[String]) -> Vec<Told> {
        let notes = self.findings.iter().filter(|finding| finding.severity == Severity::Note);
        let of_part = |note: &&Finding| {
            self.catalog.check(&note.check).is_some_and(|check| *check.for_each.get_ref() == Scope::Part)
        };
        let notes = notes.filter(of_part).filter(|note| !diagnosed.because.contains(&note.check));
        let told = |note: &Finding| {
            let about = |i: &&crate::judge::Instance| i.verdict == Verdict::Fail && whom.contains(&i.subject);
            let says = note.instances.iter().filter(about).map(|i| format!("{}: {}", i.subject, i.observed));
            let told = says.map(|say| Told { id: note.check.clone(), say });
            told.collect::<Vec<Told>>()
        };
        notes.flat_map(told).collect()
    }

    /// A cause by what it is called.
    fn titled(&self, cause: &str) -> Option<Told> {
        let title = words::lower_first(&self.catalog.cause(cause)?.title);
        Some(Told { id: cause.to_string(), say: title })
    }

    fn ruled_out(&self, ruled_out: &RuledOut) -> Option<Told> {
        let row = self.catalog.cause(&ruled_out.cause)?;
        let title = words::lower_first(&row.title);
        let by = ruled_out.by.first().map(String::as_str).unwrap_or_default();
        Some(Told { id: ruled_out.cause.clone(), say: format!("{title} ({by} passed)") })
    }

    fn untellable(&self, cause: &Untellable) -> Option<Told> {
        let title = words::lower_first(&self.catalog.cause(&cause.cause)?.title);
        let say = format!("{title} (not seen: {})", cause.unseen.join(", "));
        Some(Told { id: cause.cause.clone(), say })
    }

    fn next(&self, check: &str) -> Option<Next> {
        let (row, finding) = self.finding(check)?;
        // By hand the same system is as unseen.
        let whole = self.evidence.unseen_systems();
        if matches!(&finding.verdict, Verdict::Unknown(why) if whole.contains(&why)) {
            return None;
        }
        let unseen =
            |i: &&crate::judge::Instance| matches!(i.verdict, Verdict::Unknown(_) | Verdict::Blocked(_));
        let subject = finding.instances.iter().find(unseen).map(|i| i.subject.as_str()).unwrap_or_default();
        Some(Next { check: check.to_string(), by_hand: words::fill(self, &row.by_hand, subject) })
    }
}

/// What to do: each thing once, and what sends the stuck events once more when
/// all is mended.
fn actions(report: &Report) -> Vec<Planned> {
    let best = report.causes.iter().filter(|cause| cause.best);
    let of_best: Vec<&Planned> = best.flat_map(|cause| &cause.actions).collect();
    let is_proof = |action: &Planned| action.kind == ActionKind::Prove;
    let comes_later = |i: usize| {
        let script = &of_best[i].script;
        script.is_some() && of_best[i + 1..].iter().any(|later| later.script == *script)
    };
    let came_before = |i: usize| {
        let same = |before: &&Planned| before.run == of_best[i].run && before.say == of_best[i].say;
        of_best[i].script.is_none() && of_best[..i].iter().any(same)
    };
    let others = of_best.iter().enumerate().filter(|(i, action)| !is_proof(action) && !comes_later(*i));
    let others = others.filter(|(i, _)| !came_before(*i)).map(|(_, action)| *action);
    let proof = of_best.iter().copied().find(|action| is_proof(action));
    look_at_one(report).into_iter().chain(others.chain(proof).cloned()).collect()
}

/// Where causes are as likely as each other, one of the stuck events tells more.
fn look_at_one(report: &Report) -> Option<Planned> {
    let id = report.extent.newest_ids.first()?;
    let open = report.id.is_none() && report.causes.iter().all(|cause| !cause.best);
    open.then(|| Planned {
        kind: ActionKind::Prove,
        say: Some("the newest of the stuck ones: what is seen of it tells the causes apart".into()),
        run: vec![format!("pipeline-doctor {}", crate::cli::quoted(id))],
        script: None,
    })
}

/// The systems that were not seen, then whatever else was not.
fn unseen(material: &Material) -> Vec<Unseen> {
    let evidence = material.evidence;
    let mut unseen: Vec<Unseen> = Vec::new();
    let mut system = |name: &str, why: Option<&crate::evidence::Why>| {
        if let Some(why) = why {
            let steps = steps_open(material, &why.words());
            unseen.push(Unseen { system: name.to_string(), why: why.words(), steps, passes: false });
        }
    };
    fn why<T>(seen: &Seen<T>) -> Option<&crate::evidence::Why> {
        match seen {
            Seen::Unknown(why) => Some(why),
            _ => None,
        }
    }
    system("compose file", why(&evidence.compose));
    system("Docker", why(&evidence.docker));
    for (name, broker) in evidence.brokers() {
        system(&kafka_called(name), why(broker));
    }
    system("PostgreSQL", why(&evidence.postgres));
    system("HTTP", why(&evidence.http));
    // Without Docker there are none.
    system("logs", of_all_logs(evidence).filter(|why| evidence.docker.why() != Some(*why)));
    for (name, why) in missing_systems(material) {
        system(&name, Some(why));
    }
    for finding in material.findings.iter().filter(|finding| finding.severity != Severity::Note) {
        for instance in &finding.instances {
            let Verdict::Unknown(why) = &instance.verdict else { continue };
            if unseen.iter().all(|seen| seen.why != why.words()) {
                let steps = steps_open(material, &why.words());
                let system = format!("{}, in part", system_of(material, &why.words()));
                let passes = why.kind == WhyKind::Young;
                unseen.push(Unseen { system, why: why.words(), steps, passes });
            }
        }
    }
    unseen
}

/// The reason that none of the logs was seen, if they share one.
fn of_all_logs(evidence: &Evidence) -> Option<&crate::evidence::Why> {
    let mut whys = evidence.logs.values().map(Seen::why);
    let first = whys.next()??;
    whys.all(|why| why == Some(first)).then_some(first)
}

/// The system that the step is about which has most that is unknown for this reason.
fn system_of(material: &Material, say: &str) -> &'static str {
    let count = |step: &crate::runbook::catalog::Step| {
        let findings = material.findings.iter().filter(|finding| finding.step == step.step);
        let instances = findings.flat_map(|finding| &finding.instances);
        instances.filter(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.words() == say)).count()
    };
    // The last of equals: steps go from what runs to what it left.
    match material.catalog.steps.iter().max_by_key(|step| count(step)).map(|step| step.about) {
        Some(About::Workers) | None => "Docker",
        Some(About::Topics) => "Kafka",
        Some(About::Rows) => "PostgreSQL",
        Some(About::Call) => "logs and HTTP",
    }
}

/// The steps with a finding that is unknown for this reason.
fn steps_open(material: &Material, say: &str) -> Vec<u8> {
    let for_it = |finding: &&Finding| {
        finding.instances.iter().any(|i| matches!(&i.verdict, Verdict::Unknown(why) if why.words() == say))
    };
    let mut steps: Vec<u8> = material.findings.iter().filter(for_it).map(|finding| finding.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}
