//! Actions: what mends it, what sends the stuck events on, what proves it.
//! Generated from the pipeline and from what was seen. Only printed, never run.

pub mod compose;
pub mod kafka;
pub mod sql;

use crate::base::name::MAIN_DATABASE;
use crate::cli::quoted;
use crate::diagnosis::Diagnosed;
use crate::evidence::{Evidence, Name, NamedBy, Seen};
use crate::fact::sessions;
use crate::pipeline::{Marks, Stage};
use crate::runbook::catalog::{Action, ActionKind, Cause, Generator};
use crate::situation::Situation;
use crate::situation::delivery::Taken;
use crate::text::plural::count;
use std::collections::BTreeSet;

/// What actions are made from.
pub struct Remedy<'a> {
    view: &'a Situation<'a>,
    cause: &'a Cause,
    /// Whom its checks name: their stages are sent on.
    subjects: Vec<Name>,
    /// Whom it is about: they are mended.
    whom: Vec<Name>,
}

/// One action as it is printed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Planned {
    /// What it does.
    pub kind: ActionKind,
    /// What to know of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
    /// Commands to paste, in order.
    pub run: Vec<String>,
    /// What the command prints, where it prints a script: two actions of the same
    /// script do the same.
    #[serde(skip)]
    pub script: Option<String>,
}

/// The actions of a diagnosed cause, in order.
pub fn plan(situation: &Situation, cause: &Cause, diagnosed: &Diagnosed) -> Vec<Planned> {
    let remedy = Remedy::new(situation, cause, diagnosed.subjects.clone());
    let actions = cause.actions.iter().filter_map(|action| remedy.plan_one(action));
    let put_back = remedy.put_back();
    let first = put_back.clone();
    let others = actions.filter(|action| first.as_ref().is_none_or(|first| first.run != action.run));
    put_back.into_iter().chain(others).collect()
}

impl<'a> Remedy<'a> {
    /// A remedy of `cause` for these subjects.
    pub fn new(situation: &'a Situation<'a>, cause: &'a Cause, subjects: Vec<Name>) -> Self {
        let whom = cause.whom(situation.pipeline, &subjects);
        Remedy { view: situation, cause, subjects, whom }
    }

    /// What `explain CAUSE --yaml|--offsets|--sql|--records` prints; `None` where
    /// there is nothing to do for what was seen.
    pub fn script(&self, generator: Generator) -> Option<String> {
        match generator {
            Generator::ComposeFragment => compose::fragment(self),
            Generator::GroupOffsets => kafka::offsets_script(self),
            Generator::CreateTopics => Some(kafka::create_topics(self).join("\n") + "\n"),
            Generator::StartBrokers => kafka::start_brokers(self),
            Generator::RemoveMarks => sql::remove_marks(self),
            Generator::SendRecords => kafka::records_script(self),
        }
    }

    fn plan_one(&self, action: &Action) -> Option<Planned> {
        let say = action.say.as_ref().map(|say| self.fill(say, self.whom.first().map(String::as_str)));
        match action.generate {
            Some(generator) => self.plan_generated(action, generator).or_else(|| {
                let planned = |say| Planned { kind: action.kind, say: Some(say), run: vec![], script: None };
                say.map(planned)
            }),
            None => {
                let run = action.run.as_deref().map(|run| self.commands(run)).unwrap_or_default();
                Some(Planned { kind: action.kind, say, run, script: None })
            }
        }
    }

    /// What is in a container that the compose file does not say any more: to make
    /// it anew is the shortest way to what was meant.
    fn put_back(&self) -> Option<Planned> {
        let compose = self.view.evidence.declared.known()?;
        let other = |subject: &&Name| {
            let service = compose.workloads.get(*subject);
            let runs = self.view.workloads.container(subject).known().is_some_and(Option::is_some);
            runs && service.and_then(|s| s.other_variables.as_ref()).is_some_and(|names| !names.is_empty())
        };
        let subjects: Vec<&Name> = self.whom.iter().filter(other).collect();
        let names =
            subjects.iter().filter_map(|subject| compose.workloads.get(*subject)?.other_variables.as_ref());
        let mut names: Vec<&str> = names.flatten().map(String::as_str).collect();
        names.dedup();
        if subjects.is_empty() {
            return None;
        }
        let subjects: Vec<String> = subjects.into_iter().map(|subject| quoted(subject)).collect();
        let run = format!("{} up -d --no-deps {}", compose_command(self.view.evidence), subjects.join(" "));
        let say = format!(
            "it runs with another {} than the compose file gives: this puts it back",
            names.join(", ")
        );
        Some(Planned { kind: ActionKind::Mend, say: Some(say), run: vec![run], script: None })
    }

    /// A generator's action: short things as they are, long ones a command away.
    fn plan_generated(&self, action: &Action, generator: Generator) -> Option<Planned> {
        let kind = action.kind;
        let script = match (self.script(generator), generator) {
            (Some(script), _) => script,
            // What waits now may be given up by then, as others were.
            (None, Generator::SendRecords) if action.later || self.view.deliveries.gives_up() => {
                String::new()
            }
            (None, _) => return None,
        };
        let commands = script.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
        let explain = |flag: &str| {
            let id = self.view.asked.id;
            let id = id.map(|id| format!(" {}", quoted(id))).unwrap_or_default();
            format!("pipeline-doctor explain {}{id}{} --{flag}", self.cause.id.get_ref(), self.flags())
        };
        let (say, run) = match generator {
            Generator::ComposeFragment => {
                let workers = self.subjects.join(", ");
                (
                    format!("look at workers.yml: it declares {workers}"),
                    vec![explain("yaml") + " > workers.yml"],
                )
            }
            Generator::GroupOffsets => (
                format!(
                    "{}; leave out `| sh` to see and review. A group that starts at \
                     latest would skip the waiting events",
                    count(commands as u64, "command")
                ),
                vec![explain("offsets") + " | sh"],
            ),
            Generator::CreateTopics | Generator::StartBrokers => {
                (String::new(), script.lines().map(str::to_string).collect::<Vec<String>>())
            }
            Generator::RemoveMarks => (
                "review marks.sql first: it removes the marks that keep the retry away".to_string(),
                vec![
                    explain("sql") + " > marks.sql",
                    format!("{} -v ON_ERROR_STOP=1 < marks.sql", sql::psql(self.view, self.marks_database())),
                ],
            ),
            Generator::SendRecords => (
                "only for what is still stuck a minute after the mend: sends the records once more; without \
                 `| sh` it only shows them"
                    .to_string(),
                vec![explain("records") + " | sh"],
            ),
        };
        let script = Some(script);
        Some(Planned { kind, say: (!say.is_empty()).then_some(say), run, script })
    }

    /// The database that holds the marks.
    fn marks_database(&self) -> &'a str {
        self.view.pipeline.marks.as_ref().map_or(MAIN_DATABASE, Marks::database)
    }

    /// The flags of this run, for the next one.
    fn flags(&self) -> String {
        let flags = &self.view.evidence.target.flags;
        if flags.is_empty() { String::new() } else { format!(" {flags}") }
    }

    /// A command template; one command for each subject where it names one.
    fn commands(&self, template: &str) -> Vec<String> {
        if template.contains("{pid}") {
            let locks = sessions::lasting_locks(self.view).into_iter();
            let pids: BTreeSet<(i32, &str)> = locks.map(|held| (held.lock.pid, held.database)).collect();
            let command = |(pid, database): (i32, &str)| {
                let psql = sql::psql(self.view, database);
                self.fill(&template.replace("{psql}", &psql), None).replace("{pid}", &pid.to_string())
            };
            return pids.into_iter().map(command).collect();
        }
        let each = template.contains("{subject}") || template.contains("{container}");
        match each {
            true => self.whom.iter().map(|subject| self.fill(template, Some(subject))).collect(),
            false => vec![self.fill(template, None)],
        }
    }

    fn fill(&self, template: &str, subject: Option<&str>) -> String {
        let evidence = self.view.evidence;
        let subject = subject.unwrap_or_default();
        let id = self.view.asked.id;
        let asked = id.map(|id| format!(" {}", quoted(id))).unwrap_or_default();
        let self_run = format!("pipeline-doctor{asked}{}", self.flags());
        template
            .replace("{subject}", subject)
            .replace("{container}", &container_name(self.view, subject))
            .replace("{compose}", &compose_command(evidence))
            .replace("{self}", &self_run)
            .replace("{psql}", &sql::psql(self.view, MAIN_DATABASE))
            .replace("{psql_as_superuser}", &sql::psql_as_superuser(self.view))
            .replace("{id}", &id.map(quoted).unwrap_or_default())
    }

    /// The stages that the remedy is for: those of its subjects (workers or
    /// topics), else all.
    fn stages(&self) -> Vec<&'a Stage> {
        let pipeline = self.view.pipeline;
        let named = |stage: &&Stage| {
            let subject = pipeline.stage_subject(stage);
            self.subjects.iter().any(|s| *s == subject || stage.topic().known() == Some(&s))
        };
        let of_subjects: Vec<&Stage> = pipeline.stage.iter().filter(named).collect();
        if of_subjects.is_empty() { pipeline.stage.iter().collect() } else { of_subjects }
    }

    /// Whether the stuck events of a stage wait on its topic: their worker takes
    /// them as soon as it can, and a second record would be a second event.
    fn still_waits(&self, stage: &Stage) -> bool {
        match &self.view.deliveries.of(stage).taken {
            Seen::Known((taken, _)) => *taken == Taken::Waiting,
            // Of no event in particular: something waits for the worker.
            _ => self.view.pipeline.worker(stage.worker.get_ref()).is_some_and(|worker| {
                let progress = self.view.progress.of(worker);
                progress.has_untaken() == Seen::Known(true) || progress.lag.is_some_and(|lag| lag > 0)
            }),
        }
    }

    /// The ids that are stuck at a stage: of the window, and the one asked about.
    /// With `marked`: only those that the stage's mark keeps back.
    fn stuck_ids(&self, stage: &Stage, marked: bool) -> Vec<String> {
        let newest = self
            .view
            .backlog
            .extent(stage)
            .known()
            .map(|extent| extent.newest.as_slice())
            .unwrap_or_default();
        let mut ids: Vec<String> = newest
            .iter()
            .filter(|stuck| stuck.marked || stuck.kept_back || !marked)
            .map(|stuck| stuck.id.clone())
            .collect();
        let lacking = self.view.effects(stage).known().is_some_and(Vec::is_empty);
        // The emitter's own row keeps nothing back.
        let emitter = stage.emitter.get_ref().as_str();
        let keeps_back = |mark: &&&crate::evidence::Mark| mark.source.as_deref() != Some(emitter);
        let marks = self.view.marks(stage);
        let kept_back = marks.known().is_some_and(|marks| marks.iter().any(|mark| keeps_back(&mark)));
        if let Some(id) = self.view.asked.id.map(String::from)
            && lacking
            && (kept_back || !marked)
            && self.view.reached(stage)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
        ids
    }
}

/// The container of a subject, by name.
fn container_name(view: &Situation, subject: &str) -> String {
    match view.workloads.container(subject).known() {
        Some(Some(container)) => container.name.clone(),
        _ => view.workloads.container_name(subject).unwrap_or(subject).to_string(),
    }
}

/// `docker compose` with the project and files that the running project names.
fn compose_command(evidence: &Evidence) -> String {
    // The shell's variables come before those of the project's .env.
    let unset: String = evidence.target.variables.iter().map(|name| format!("-u {name} ")).collect();
    let mut command = if unset.is_empty() { String::new() } else { format!("env {unset}") };
    command += "docker compose";
    if let Some(compose) = evidence.declared.known() {
        if let (NamedBy::Labels, Some(project)) = (compose.named_by, &compose.project) {
            command += &format!(" -p {}", quoted(project));
        }
        for file in &compose.files {
            command += &format!(" -f {}", quoted(file));
        }
    }
    command
}
