//! The checks and causes as data: read, and every mistake in them reported.

use super::expect::{Expect, Scalar};
use super::rows::{self, Origins};
use super::schema;
use crate::config::{in_words, read_file};
use crate::error::{Error, Mistake, by_line};
use crate::evidence::Name;
use crate::fact::Scope;
use crate::pipeline::{Pipeline, Stage};
use crate::schema::ID;
use crate::signature::Signature;
use crate::toml_input::Source;
use crate::toml_input::document::Document;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use toml::Spanned;

/// The rows that are built in, in the runbook's order.
const BUILT_IN: &[(&str, &str)] = &[
    ("1-workers.toml", include_str!("../../checks/1-workers.toml")),
    ("2-kafka.toml", include_str!("../../checks/2-kafka.toml")),
    ("3-processed-events.toml", include_str!("../../checks/3-processed-events.toml")),
    ("4-admin-service.toml", include_str!("../../checks/4-admin-service.toml")),
    ("logs.toml", include_str!("../../checks/logs.toml")),
    ("causes.toml", include_str!("../../checks/causes.toml")),
];

/// Everything that is judged and concluded, in the runbook's order.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The runbook's steps.
    pub steps: Vec<Step>,
    /// The checks.
    pub checks: Vec<Check>,
    /// What logs say of trouble; each is one of the checks, too.
    pub signatures: Vec<Signature>,
    /// The causes, in declaration order.
    pub causes: Vec<Cause>,
    /// The files that all of it was read from.
    pub sources: Vec<Source>,
}

/// One file of the catalog: any number of steps, checks, signatures and causes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The runbook's steps.
    #[serde(default)]
    step: Vec<Step>,
    /// What is judged.
    #[serde(default)]
    check: Vec<Check>,
    /// What logs say of trouble; each is a check, too.
    #[serde(default)]
    signature: Vec<Signature>,
    /// What explains failed checks.
    #[serde(default)]
    cause: Vec<Cause>,
}

/// A step of the runbook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its number.
    pub step: u8,
    /// What it looks at, as the report's line begins.
    pub title: String,
    /// What its line sums up.
    pub about: About,
    /// How the runbook does it by hand.
    pub by_hand: String,
}

/// What a step's line sums up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// Containers of the workers, and their groups.
    Workers,
    /// Topics.
    Topics,
    /// Marks and effect rows.
    Rows,
    /// The documented call.
    Call,
}

/// One check.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = schema::fitting()))]
pub struct Check {
    /// Stable kebab-case id.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// True when healthy. `{subject}` is its subject.
    pub title: String,
    /// The runbook's step that it belongs to.
    #[schemars(with = "u8")]
    pub step: Spanned<u8>,
    /// What a failure means for the exit code.
    #[serde(default)]
    pub severity: Severity,
    /// It can fail on a healthy pipeline: a leak of .05 instead of .01.
    #[serde(default)]
    pub noisy: bool,
    /// It tells of the asked event alone, and so of the time when that passed.
    #[serde(default)]
    pub of_event: bool,
    /// A failure has a line of its own under its step.
    #[serde(default)]
    pub in_summary: bool,
    /// What it is asked of.
    #[schemars(with = "Scope")]
    pub for_each: Spanned<Scope>,
    /// The fact that it judges.
    #[schemars(schema_with = "schema::fact")]
    pub fact: Spanned<String>,
    /// What the fact must be.
    #[schemars(with = "Expect")]
    pub expect: Spanned<Expect>,
    /// Checks without whose pass a pass of this one would be empty.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub pass_needs: Vec<Spanned<String>>,
    /// The same by hand.
    pub by_hand: String,
}

/// What a failed check means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A problem: exit code 3.
    #[default]
    Error,
    /// Worth knowing; exit code 4 with `--fail-on warn`.
    Warn,
    /// No fault by itself: shown beside a cause of the same subject, and nowhere else.
    Note,
}

/// One cause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = schema::links_or_members)]
pub struct Cause {
    /// Stable kebab-case id.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// What it is called.
    pub title: String,
    /// What it means, in one or two sentences.
    pub means: String,
    /// Its ceiling in per cent: the runbook's number, or the tool's own.
    #[schemars(with = "u16", range(min = 1, max = 99))]
    pub confidence: Spanned<u16>,
    /// The runbook's name for it: `root cause 1`; absent: the tool's own.
    pub documented: Option<String>,
    /// Checks that always fail when it is true (.98).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub always: Vec<Spanned<String>>,
    /// Checks that usually fail when it is true (.90).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub usually: Vec<Spanned<String>>,
    /// Checks that sometimes fail when it is true (.50).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub sometimes: Vec<Spanned<String>>,
    /// In place of links: causes of which one must be true, if this is. It is
    /// named where they cannot be told apart.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub any_of: Vec<Spanned<String>>,
    /// Of a group: checks of which one must have failed for it to be named, as it
    /// says what they saw.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub seen: Vec<Spanned<String>>,
    /// Whom it is about, where that is not whom its checks name.
    #[serde(default)]
    pub about: Whom,
    /// What to do, in order.
    pub actions: Vec<Action>,
}

/// Whom a cause is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// The subjects of its checks.
    #[default]
    Subjects,
    /// Those who send what the subjects of its checks should handle.
    Emitters,
}

impl Cause {
    /// Whom the cause is about, where its checks name these.
    pub fn whom(&self, pipeline: &Pipeline, subjects: &[Name]) -> Vec<Name> {
        if self.about == Whom::Subjects {
            return subjects.to_vec();
        }
        let named = |stage: &&Stage| subjects.contains(&pipeline.stage_subject(stage));
        let mut emitters: Vec<Name> =
            pipeline.stage.iter().filter(named).map(|stage| stage.emitter.get_ref().clone()).collect();
        emitters.dedup();
        emitters
    }
}

/// One thing to do. Exactly one of `run`, `generate` and neither (a sentence).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["run", "generate"] }))]
pub struct Action {
    /// What it does.
    pub kind: ActionKind,
    /// What to say of it; with neither `run` nor `generate` it is all there is.
    pub say: Option<String>,
    /// A command, with placeholders.
    pub run: Option<String>,
    /// A generator that makes the commands from what was seen.
    pub generate: Option<Generator>,
    /// Printed even where there is nothing to generate yet: what it is for comes
    /// of the actions before it.
    #[serde(default)]
    pub later: bool,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Puts it right.
    Mend,
    /// Sends the stuck events on.
    ReDrive,
    /// Shows that it is right again.
    Prove,
}

/// What makes commands from what was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// The compose fragment of the missing workers.
    ComposeFragment,
    /// The groups' offsets, set to the stuck events.
    GroupOffsets,
    /// The topics that are missing.
    CreateTopics,
    /// The brokers of the project that do not run.
    StartBrokers,
    /// The SQL that removes marks without effect, to review.
    RemoveMarks,
    /// The stuck events' records, sent once more.
    SendRecords,
}

impl Catalog {
    /// Reads the rows of a directory (`--checks DIR`, every `.toml` in it), or
    /// the built-in ones. All mistakes are put into `mistakes`.
    pub fn read(directory: Option<&Path>, mistakes: &mut Vec<Mistake>) -> Result<Catalog, Error> {
        let sources = match directory {
            Some(directory) => directory_sources(directory)?,
            None => built_in_sources(),
        };
        Ok(Self::from_sources(&sources, mistakes))
    }

    /// Reads rows from sources, in their order.
    pub fn from_sources(sources: &[Source], mistakes: &mut Vec<Mistake>) -> Catalog {
        let mut own: Vec<Mistake> = Vec::new();
        let mut catalog = Catalog::default();
        let mut origins = Origins::default();
        for source in sources {
            if let Some(file) = source.read::<File>(&mut own) {
                origins.checks.extend(file.check.iter().map(|_| source));
                origins.checks.extend(file.signature.iter().map(|_| source));
                origins.causes.extend(file.cause.iter().map(|_| source));
                catalog.steps.extend(file.step);
                catalog.checks.extend(file.check);
                catalog.checks.extend(file.signature.iter().map(check_of));
                catalog.signatures.extend(file.signature);
                catalog.causes.extend(file.cause);
            }
        }
        let files: Vec<Option<Document>> = sources.iter().map(Document::of).collect();
        rows::check(&files, &catalog, &origins, &mut own);
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        by_line(&mut own, &names);
        mistakes.append(&mut own);
        catalog.sources = sources.to_vec();
        catalog.steps.sort_by_key(|step| step.step);
        catalog
    }

    /// The check of that id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id.get_ref() == id)
    }

    /// The cause of that id.
    pub fn cause(&self, id: &str) -> Option<&Cause> {
        self.causes.iter().find(|cause| cause.id.get_ref() == id)
    }

    /// Every id that `explain` knows, in declaration order.
    pub fn names(&self) -> Vec<&str> {
        let checks = self.checks.iter().map(|check| check.id.get_ref().as_str());
        checks.chain(self.causes.iter().map(|cause| cause.id.get_ref().as_str())).collect()
    }
}

/// The check of a signature. Logs are noisy: what went wrong once may have
/// gone well since.
fn check_of(signature: &Signature) -> Check {
    let at = signature.id.span();
    Check {
        id: Spanned::new(at.clone(), format!("log-{}", signature.id.get_ref())),
        title: signature.title.clone(),
        step: Spanned::new(at.clone(), LOGS),
        severity: Severity::Warn,
        noisy: true,
        of_event: false,
        in_summary: false,
        for_each: Spanned::new(at.clone(), Scope::Part),
        fact: Spanned::new(at.clone(), signature.fact()),
        expect: Spanned::new(at, Expect::Is(Scalar::Bool(true))),
        pass_needs: Vec::new(),
        by_hand: "docker logs --tail 200 {container}".into(),
    }
}

/// The step of the runbook that reads logs.
const LOGS: u8 = 4;

fn built_in_sources() -> Vec<Source> {
    BUILT_IN
        .iter()
        .map(|(name, text)| Source { name: format!("built-in/{name}"), text: (*text).to_string() })
        .collect()
}

fn directory_sources(directory: &Path) -> Result<Vec<Source>, Error> {
    let place = format!("--checks {}", directory.display());
    let wrong = |what: String| {
        Error::usage(
            Mistake::new(&place, what).help("expected a directory with .toml files of checks and causes"),
        )
    };
    let entries = std::fs::read_dir(directory).map_err(|error| wrong(in_words(&error)))?;
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    // A pipeline beside the checks is `--config`'s, not a file of rows.
    files.retain(|file| file.extension().is_some_and(|e| e == "toml") && !file.ends_with("pipeline.toml"));
    files.sort();
    if files.is_empty() {
        return Err(wrong("holds no .toml file".into()));
    }
    files
        .iter()
        .map(|file| {
            let text = read_file("--checks", file, "checks and causes in TOML")?;
            Ok(Source { name: file.display().to_string(), text })
        })
        .collect()
}
