//! The checks and causes as data, as a directory of rows and the built-in ones give them.

use crate::base::schema::ID;
use crate::input::Source;
use crate::pipeline::{Pipeline, Stage};
use crate::runbook::expect::Expect;
use crate::runbook::known::Known;
use crate::runbook::overrides::{Override, RowKind, Switched, SwitchedOff};
use crate::runbook::own::OwnFact;
use crate::runbook::schema;
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::runbook::signature::{self, Signature};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

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
    /// Facts of the user's own.
    pub facts: Vec<OwnFact>,
    /// What is known of the program's own facts.
    pub registry: Vec<Known<'static>>,
    /// What the user's rows say of other rows.
    pub overrides: Vec<Override>,
    /// Where the user's own checks and causes stand, by id.
    pub own: BTreeMap<String, OwnRow>,
    /// What overrides mean at the time of [`Catalog::at`].
    pub switched: Switched,
    /// The files that all of it was read from.
    pub sources: Vec<Source>,
}

/// A check or cause that is the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// `file:line`.
    pub place: String,
    /// Whether it stands in the place of a built-in one.
    pub replaces: bool,
}

/// One file of the catalog: any number of steps, checks, signatures and causes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The runbook's steps.
    #[serde(default)]
    pub step: Vec<Step>,
    /// What is judged.
    #[serde(default)]
    pub check: Vec<Check>,
    /// What logs say of trouble; each is a check, too.
    #[serde(default)]
    pub signature: Vec<Signature>,
    /// What explains failed checks.
    #[serde(default)]
    pub cause: Vec<Cause>,
    /// Facts of your own, for checks of your own.
    #[serde(default)]
    pub fact: Vec<OwnFact>,
    /// Other severities, and what is switched off for a while.
    #[serde(default)]
    pub r#override: Vec<Override>,
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
#[schemars(extend("allOf" = schema::by_fact()))]
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
    pub fn whom(&self, pipeline: &Pipeline, subjects: &[String]) -> Vec<String> {
        if self.about == Whom::Subjects {
            return subjects.to_vec();
        }
        let named = |stage: &&Stage| subjects.contains(&pipeline.stage_subject(stage));
        let mut emitters: Vec<String> =
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
    /// The same as it is at a time: what is switched off, and what no longer is.
    #[must_use]
    pub fn at(&self, taken: Timestamp) -> Catalog {
        let kind = |id: &str| if self.check(id).is_some() { RowKind::Check } else { RowKind::Cause };
        Catalog { switched: Switched::at(&self.overrides, kind, taken), ..self.clone() }
    }

    /// The switch of a check or cause, where it is off.
    pub fn switched_off(&self, id: &str) -> Option<&SwitchedOff> {
        self.switched.off.iter().find(|off| off.id == id)
    }

    /// The causes that are not switched off, in declaration order.
    pub fn ranked(&self) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(|cause| self.switched_off(cause.id.get_ref()).is_none())
    }

    /// What is known of the fact of that name: one of the registry, of a log signature,
    /// or of the user's own.
    pub fn fact<'a>(&'a self, name: &'a str) -> Option<Known<'a>> {
        let own = || self.facts.iter().find(|fact| fact.name() == name).map(OwnFact::known);
        let built_in = || self.registry.iter().find(|known| known.name == name).copied();
        signature::known(name).or_else(built_in).or_else(own)
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
