//! Actions: what mends it, what sends the stuck events on, what proves it.
//! Generated from the pipeline and from what was seen. Only printed, never run.

pub mod compose;
pub mod kafka;
pub mod sql;
pub mod target;

use crate::base::name::MAIN_DATABASE;
use crate::command::values::{Session, Values};
use crate::command::{self, Process, Script, Target, doctor, postgres, shell};
use crate::diagnosis::Diagnosed;
use crate::evidence::{Name, Seen};
use crate::fact::sessions;
use crate::pipeline::{Marks, Stage};
use crate::runbook::catalog::{Action, ActionKind, Cause, Generator};
use crate::situation::Situation;
use crate::situation::delivery::Taken;
use crate::text::placeholder::Placeholder;
use crate::text::plural::count;
use crate::text::template::Template;
use std::collections::BTreeSet;

/// What actions are made from.
pub struct Remedy<'a> {
    view: &'a Situation<'a>,
    target: &'a Target,
    cause: &'a Cause,
    /// Whom its checks name: their stages are sent on.
    subjects: Vec<Name>,
    /// Whom it is about: they are mended.
    whom: Vec<Name>,
}

/// What a generator makes.
enum Generated {
    /// YAML or SQL.
    Text(String),
    /// Commands for a shell.
    Commands(Script),
}

impl Generated {
    fn text(self) -> String {
        match self {
            Generated::Text(text) => text,
            Generated::Commands(script) => shell::script(&script),
        }
    }
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
pub fn plan(situation: &Situation, target: &Target, cause: &Cause, diagnosed: &Diagnosed) -> Vec<Planned> {
    let remedy = Remedy::new(situation, target, cause, diagnosed.subjects.clone());
    let actions = cause.actions.iter().filter_map(|action| remedy.plan_one(action));
    let put_back = remedy.put_back();
    let first = put_back.clone();
    let others = actions.filter(|action| first.as_ref().is_none_or(|first| first.run != action.run));
    put_back.into_iter().chain(others).collect()
}

impl<'a> Remedy<'a> {
    /// A remedy of `cause` for these subjects.
    pub fn new(
        situation: &'a Situation<'a>,
        target: &'a Target,
        cause: &'a Cause,
        subjects: Vec<Name>,
    ) -> Self {
        let whom = cause.whom(situation.pipeline, &subjects);
        Remedy { view: situation, target, cause, subjects, whom }
    }

    /// What `explain CAUSE --yaml|--offsets|--sql|--records` prints; `None` where
    /// there is nothing to do for what was seen.
    pub fn script(&self, generator: Generator) -> Option<String> {
        self.generated(generator).map(Generated::text)
    }

    fn generated(&self, generator: Generator) -> Option<Generated> {
        match generator {
            Generator::ComposeFragment => compose::fragment(self).map(Generated::Text),
            Generator::GroupOffsets => kafka::offsets_script(self).map(Generated::Commands),
            Generator::CreateTopics => Some(Generated::Commands(kafka::create_topics(self))),
            Generator::StartBrokers => kafka::start_brokers(self).map(Generated::Commands),
            Generator::RemoveMarks => sql::remove_marks(self).map(Generated::Text),
            Generator::SendRecords => kafka::records_script(self).map(Generated::Commands),
        }
    }

    fn plan_one(&self, action: &Action) -> Option<Planned> {
        let whom = self.whom.first().map_or("", String::as_str);
        let say = action.say.as_ref().map(|say| self.values().about(whom).sentence(say));
        match action.generate {
            Some(generator) => self.plan_generated(action, generator).or_else(|| {
                let planned = |say| Planned { kind: action.kind, say: Some(say), run: vec![], script: None };
                say.map(planned)
            }),
            None => {
                let run = action.run.as_ref().map(|run| self.commands(run)).unwrap_or_default();
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
        let recreate = command::compose::recreate(self.target, subjects.into_iter().map(String::as_str));
        let run = vec![shell::process(&recreate)];
        let say = format!(
            "it runs with another {} than the compose file gives: this puts it back",
            names.join(", ")
        );
        Some(Planned { kind: ActionKind::Mend, say: Some(say), run, script: None })
    }

    /// A generator's action: short things as they are, long ones a command away.
    fn plan_generated(&self, action: &Action, generator: Generator) -> Option<Planned> {
        let remedy = match (self.generated(generator), generator) {
            (Some(remedy), _) => Some(remedy),
            // What waits now may be given up by then, as others were.
            (None, Generator::SendRecords) if action.later || self.view.deliveries.gives_up() => None,
            (None, _) => return None,
        };
        let commands = match &remedy {
            Some(Generated::Commands(script)) => script.commands.as_slice(),
            _ => &[],
        };
        let explain = |flag: &str| doctor::remedy(self.target, self.cause.id.get_ref(), flag).command();
        let to_shell = |flag: &str| explain(flag).pipe(Process::new("sh"));
        let (say, run) = match generator {
            Generator::ComposeFragment => {
                let workers = self.subjects.join(", ");
                let fragment = explain("--yaml").write("workers.yml");
                (format!("look at workers.yml: it declares {workers}"), vec![fragment])
            }
            Generator::GroupOffsets => (
                format!(
                    "{}; leave out `| sh` to see and review. A group that starts at \
                     latest would skip the waiting events",
                    count(commands.len() as u64, "command")
                ),
                vec![to_shell("--offsets")],
            ),
            Generator::CreateTopics | Generator::StartBrokers => (String::new(), commands.to_vec()),
            Generator::RemoveMarks => (
                "review marks.sql first: it removes the marks that keep the retry away".to_string(),
                vec![
                    explain("--sql").write("marks.sql"),
                    postgres::run(self.target, self.marks_database(), "marks.sql"),
                ],
            ),
            Generator::SendRecords => (
                "only for what is still stuck a minute after the mend: sends the records once more; without \
                 `| sh` it only shows them"
                    .to_string(),
                vec![to_shell("--records")],
            ),
        };
        let say = (!say.is_empty()).then_some(say);
        let script = Some(remedy.map(Generated::text).unwrap_or_default());
        let mut run: Vec<String> = run.iter().map(shell::line).collect();
        // No topic to create has always been an empty line in reports.
        if run.is_empty() {
            run.push(String::new());
        }
        Some(Planned { kind: action.kind, say, run, script })
    }

    /// The database that holds the marks.
    fn marks_database(&self) -> &'a str {
        self.view.pipeline.marks.as_ref().map_or(MAIN_DATABASE, Marks::database)
    }

    /// A row's command; one command for each subject where it names one.
    fn commands(&self, template: &Template) -> Vec<String> {
        if template.has(Placeholder::Pid) {
            let locks = sessions::lasting_locks(self.view).into_iter();
            let pids: BTreeSet<Session> = locks.map(|held| (held.lock.pid, held.database)).collect();
            let command = |session| Values { session: Some(session), ..self.values() }.command(template);
            return pids.into_iter().map(command).collect();
        }
        match template.is_about_a_subject() {
            true => self.whom.iter().map(|subject| self.values().about(subject).command(template)).collect(),
            false => vec![self.values().command(template)],
        }
    }

    /// What placeholders stand for.
    fn values(&self) -> Values<'_> {
        Values::new(self.view.pipeline, self.target)
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
