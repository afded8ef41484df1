//! The actions of a cause, in order.

use crate::base::name::{MAIN_DATABASE, Name};
use crate::command::values::{Session, Values};
use crate::command::{self, Process, Script, Target, doctor, postgres, shell};
use crate::diagnosis::Diagnosed;
use crate::pipeline::Marks;
use crate::remedy::model::{Planned, Remedy};
use crate::remedy::{compose, kafka, sql};
use crate::runbook::catalog::{Action, ActionKind, Cause, Generator};
use crate::situation::Situation;
use crate::situation::changes::Change;
use crate::text::placeholder::Placeholder;
use crate::text::plural::count;
use crate::text::template::Template;
use std::collections::BTreeSet;

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
        let all = self.view.changes.iter().filter(|change| !change.other_variables.is_empty());
        let runs = |part: &str| self.view.workloads.container(part).known().is_some_and(Option::is_some);
        let change_of = |subject: &Name| all.clone().find(|change| change.part == subject && runs(subject));
        let changes: Vec<&Change> = self.whom.iter().filter_map(change_of).collect();
        let names = changes.iter().flat_map(|change| change.other_variables);
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.dedup();
        if changes.is_empty() {
            return None;
        }
        let recreate = command::compose::recreate(self.target, changes.iter().map(|change| change.part));
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
            let locks = self.view.servers.lasting_locks();
            let pids: BTreeSet<Session> = locks.map(|held| (held.lock.pid, held.database)).collect();
            let command = |session| Values { session: Some(session), ..self.values() }.command(template);
            return pids.into_iter().map(command).collect();
        }
        match template.is_about_a_subject() {
            true => self.whom.iter().map(|subject| self.values().about(subject).command(template)).collect(),
            false => vec![self.values().command(template)],
        }
    }
}
