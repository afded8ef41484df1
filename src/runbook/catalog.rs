//! The catalog: checks, causes and log signatures as data, from the built-in files and a custom directory.

use crate::base::json_schema::ID;
use crate::base::renamed_ids::current;
use crate::input::Source;
use crate::pipeline::{Pipeline, Stage};
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::expectation::Expect;
use crate::runbook::fact_info::FactInfo;
use crate::runbook::json_schema;
use crate::runbook::log_kinds::LogKinds;
use crate::runbook::log_signature::{self, Signature};
use crate::runbook::overrides::{Override, RowKind, SwitchedOff, SwitchedRows};
use crate::runbook::scope::Scope;
use crate::runbook::severity::Severity;
use crate::text::template::Template;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use toml::Spanned;

/// All steps, checks, causes and overrides, in the runbook's order.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The runbook's steps.
    pub steps: Vec<Step>,
    /// The checks.
    pub checks: Vec<Check>,
    /// The log signatures; each also has a check.
    pub signatures: LogKinds,
    /// The causes, in declaration order.
    pub causes: Vec<Cause>,
    /// The custom facts.
    pub facts: Vec<CustomFact>,
    /// Descriptions of the built-in facts.
    pub registry: Vec<FactInfo<'static>>,
    /// The overrides for checks and causes.
    pub overrides: Vec<Override>,
    /// The custom checks and causes, by id.
    pub custom_rows: BTreeMap<String, CustomRow>,
    /// The rows that are switched off at the time given to [`Catalog::as_of`].
    pub switched: SwitchedRows,
    /// The files that the catalog was read from.
    pub sources: Vec<Source>,
    /// The directory that the custom rows were read from, as its path was given.
    pub custom_directory: Option<String>,
}

/// The origin of a custom check or cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRow {
    /// `file:line`.
    pub place: String,
    /// Whether it replaces a built-in row.
    pub replaces: bool,
}

/// One catalog file: any number of steps, checks, signatures, causes, facts and overrides.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The runbook's steps.
    #[serde(default)]
    pub step: Vec<Step>,
    /// The checks.
    #[serde(default)]
    pub check: Vec<Check>,
    /// The log signatures; each also defines a check.
    #[serde(default)]
    pub signature: Vec<Signature>,
    /// The causes that explain failed checks.
    #[serde(default)]
    pub cause: Vec<Cause>,
    /// Custom facts for custom checks.
    #[serde(default)]
    pub fact: Vec<CustomFact>,
    /// Changed severities, and checks or causes that are switched off for a limited time.
    #[serde(default)]
    pub r#override: Vec<Override>,
}

impl File {
    /// Replaces every old name with its current name.
    #[must_use]
    pub fn with_current_names(mut self) -> Self {
        let causes = self.cause.iter_mut().flat_map(|cause| cause.any_of.iter_mut().chain([&mut cause.id]));
        let facts = self.check.iter_mut().map(|check| &mut check.fact);
        let custom = self.fact.iter_mut().map(|fact| &mut fact.name);
        let overrides = self.r#override.iter_mut().map(|row| &mut row.id);
        for name in causes.chain(facts).chain(custom).chain(overrides) {
            *name.get_mut() = current(name.get_ref()).into_owned();
        }
        self
    }
}

/// A step of the runbook.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Step number.
    pub step: u8,
    /// What the step inspects, printed at the start of its line in the report.
    pub title: Template,
    /// What its line summarises.
    pub about: About,
    /// The runbook's command for performing the step by hand.
    pub by_hand: Template,
}

/// What a step's line summarises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The workers' containers and consumer groups.
    Workers,
    /// Topics.
    Topics,
    /// Processed markers and effect rows.
    Rows,
    /// The API call declared in the pipeline.
    Call,
}

/// One check.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = json_schema::rules_by_fact()))]
pub struct Check {
    /// Stable kebab-case id.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// Statement that is true if all is well. `{subject}` is the check's subject.
    pub title: Template,
    /// Number of the runbook step that it belongs to.
    #[schemars(with = "u8")]
    pub step: Spanned<u8>,
    /// Effect of a failure on the exit code.
    #[serde(default)]
    pub severity: Severity,
    /// Whether it can fail on a healthy pipeline, which raises its leak probability from .01 to
    /// .05.
    #[serde(default)]
    pub noisy: bool,
    /// Whether it covers only the requested event, and thus only the time when that event passed
    /// through the pipeline.
    #[serde(default)]
    pub of_event: bool,
    /// Whether a failure gets its own line under the step.
    #[serde(default)]
    pub in_summary: bool,
    /// Kind of subject; each subject gets its own result.
    #[schemars(with = "Scope")]
    pub for_each: Spanned<Scope>,
    /// Name of the fact that it judges.
    #[schemars(schema_with = "json_schema::fact_name")]
    pub fact: Spanned<String>,
    /// The expected value of the fact.
    #[schemars(with = "Expect")]
    pub expect: Spanned<Expect>,
    /// Checks that must pass before a pass of this check counts.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub pass_needs: Vec<Spanned<String>>,
    /// Command that performs the same check by hand.
    pub by_hand: Template,
}

/// One cause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = json_schema::links_or_members)]
pub struct Cause {
    /// Stable kebab-case id.
    #[schemars(with = "String", regex(pattern = ID))]
    pub id: Spanned<String>,
    /// Short name, as shown in reports.
    pub title: String,
    /// What it means, in one or two sentences.
    pub means: String,
    /// Upper limit for its confidence as a percentage, from the runbook or set by this tool.
    #[schemars(with = "u16", range(min = 1, max = 99))]
    pub confidence: Spanned<u16>,
    /// The runbook's name for it, such as `root cause 1`; missing if the runbook does not list it.
    pub documented: Option<String>,
    /// Checks that always fail when the cause is true (.98).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub always: Vec<Spanned<String>>,
    /// Checks that usually fail when the cause is true (.90).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub usually: Vec<Spanned<String>>,
    /// Checks that sometimes fail when the cause is true (.50).
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub sometimes: Vec<Spanned<String>>,
    /// Whether the cause is considered only if one of its `always` checks has failed. There are too many
    /// kinds of errors in logs to tell them apart by anything else; groups stand for them.
    #[serde(default)]
    pub only_if_seen: bool,
    /// Checks that say more exactly why the subjects of the first `always` check fail it. If they failed for
    /// all of these subjects, because of a record that names the event, or for any of other subjects, the cause is
    /// not considered.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub unless_seen: Vec<Spanned<String>>,
    /// Members of a cause group, which has no links of its own. If the group is true, one of these
    /// causes is true. Reports name the group if its members cannot be distinguished.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub any_of: Vec<Spanned<String>>,
    /// For a cause group: at least one of these checks must have failed before reports name
    /// the group, because its text describes their failure.
    #[serde(default)]
    #[schemars(with = "Vec<String>", inner(regex(pattern = ID)))]
    pub seen: Vec<Spanned<String>>,
    /// The components that the cause is about, unless they are the subjects of its checks.
    #[serde(default)]
    pub about: CauseTarget,
    /// What to do, in order.
    pub actions: Vec<Action>,
}

/// The components that a cause is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CauseTarget {
    /// The subjects of its checks.
    #[default]
    Subjects,
    /// The emitters of the events that the subjects of its checks should process.
    Emitters,
    /// The brokers of the subjects, which are workers.
    Brokers,
}

impl Cause {
    /// Returns the components that the cause is about, given the subjects of its checks.
    pub fn targets(&self, pipeline: &Pipeline, subjects: &[String]) -> Vec<String> {
        let mut targets: Vec<String> = match self.about {
            CauseTarget::Subjects => return subjects.to_vec(),
            CauseTarget::Emitters => {
                let named = |stage: &&Stage| subjects.contains(&pipeline.stage_subject(stage));
                pipeline.stage.iter().filter(named).map(|stage| stage.emitter.get_ref().clone()).collect()
            }
            CauseTarget::Brokers => {
                let workers = subjects.iter().filter_map(|subject| pipeline.worker(subject));
                let brokers = workers.filter_map(|worker| pipeline.broker(pipeline.broker_of(worker)));
                brokers.map(|broker| broker.service.get_ref().clone()).collect()
            }
        };
        targets.dedup();
        targets
    }
}

/// One action: a command (`run`), generated commands (`generate`), or a sentence with neither.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("not" = { "required": ["run", "generate"] }))]
pub struct Action {
    /// Purpose of the action.
    pub kind: ActionKind,
    /// Instruction for the reader; required if there is neither `run` nor `generate`.
    #[serde(rename = "say")]
    pub message: Option<Template>,
    /// Command with placeholders.
    pub run: Option<Template>,
    /// Generator that builds the commands from the evidence.
    pub generate: Option<Generator>,
    /// Whether to print the action even if there is nothing to generate yet, because it depends
    /// on earlier actions.
    #[serde(default)]
    pub later: bool,
}

/// The purpose of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    /// Removes the cause.
    #[serde(alias = "mend")]
    Fix,
    /// Gets the stuck events moving again.
    ReDrive,
    /// Confirms that the pipeline works again.
    #[serde(alias = "prove")]
    Verify,
}

/// A generator that builds commands from the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// A compose fragment that declares the missing workers.
    ComposeFragment,
    /// Commands that set the groups' offsets to the stuck events.
    GroupOffsets,
    /// Commands that create the missing topics.
    CreateTopics,
    /// Commands that start the project's stopped brokers.
    StartBrokers,
    /// Commands that start the stopped replicas of the subjects.
    StartReplicas,
    /// Commands that abort the transactions that were left open.
    AbortTransactions,
    /// SQL, to be reviewed first, that removes marks without an effect row.
    RemoveMarks,
    /// Commands that send the records of the stuck events again.
    SendRecords,
}

impl Catalog {
    /// Returns the catalog with its overrides applied as of a point in time.
    #[must_use]
    pub fn as_of(&self, observed_at: Timestamp) -> Catalog {
        let kind = |id: &str| if self.check(id).is_some() { RowKind::Check } else { RowKind::Cause };
        Catalog { switched: SwitchedRows::at(&self.overrides, kind, observed_at), ..self.clone() }
    }

    /// Returns the override that switches off a check or cause, if there is one.
    pub fn switched_off(&self, id: &str) -> Option<&SwitchedOff> {
        self.switched.off.iter().find(|off| off.id == id)
    }

    /// Returns the causes that are not switched off, in declaration order.
    pub fn ranked(&self) -> impl Iterator<Item = &Cause> {
        self.causes.iter().filter(|cause| self.switched_off(cause.id.get_ref()).is_none())
    }

    /// Returns the description of a fact, which may be built in, custom or from a log signature.
    pub fn fact<'a>(&'a self, name: &'a str) -> Option<FactInfo<'a>> {
        let name = match current(name) {
            Cow::Borrowed(name) => name,
            Cow::Owned(name) => self.facts.iter().map(CustomFact::name).find(|known| *known == name)?,
        };
        let custom = || self.facts.iter().find(|fact| fact.name() == name).map(CustomFact::info);
        let built_in = || self.registry.iter().find(|known| known.name == name).copied();
        log_signature::fact_info(name).or_else(built_in).or_else(custom)
    }

    /// Returns the check with the given id, old or current.
    pub fn check(&self, id: &str) -> Option<&Check> {
        let id = current(id);
        self.checks.iter().find(|check| *check.id.get_ref() == id)
    }

    /// Returns the cause with the given id, old or current.
    pub fn cause(&self, id: &str) -> Option<&Cause> {
        let id = current(id);
        self.causes.iter().find(|cause| *cause.id.get_ref() == id)
    }

    /// Returns every id that `explain` accepts, in declaration order.
    pub fn names(&self) -> Vec<&str> {
        let checks = self.checks.iter().map(|check| check.id.get_ref().as_str());
        checks.chain(self.causes.iter().map(|cause| cause.id.get_ref().as_str())).collect()
    }
}
