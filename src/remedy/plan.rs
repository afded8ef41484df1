//! Plans the actions for a cause, in order.

use crate::base::name::{MAIN_DATABASE, Name};
use crate::diagnosis::RankedCause;
use crate::pipeline::Marks;
use crate::printed_command::placeholder_values::{PlaceholderValues, Session};
use crate::printed_command::{self, Process, Script, Target, docker, pipeline_doctor, postgres, shell};
use crate::remedy::model::{PlannedAction, Remedy};
use crate::remedy::{compose, kafka, sql};
use crate::runbook::catalog::{Action, ActionKind, Cause, Generator};
use crate::situation::Situation;
use crate::situation::container_changes::Change;
use crate::text::placeholder::Placeholder;
use crate::text::plural::count;
use crate::text::template::Template;
use std::collections::BTreeSet;

/// The output of a generator.
enum Generated {
    /// YAML or SQL.
    Text(String),
    /// Shell commands.
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

/// Plans the actions for a ranked cause, in order.
pub fn plan(
    situation: &Situation,
    target: &Target,
    cause: &Cause,
    ranked_cause: &RankedCause,
) -> Vec<PlannedAction> {
    let remedy = Remedy::new(situation, target, cause, ranked_cause.subjects.clone());
    let actions = cause.actions.iter().filter_map(|action| remedy.plan_action(action));
    let recreate = remedy.recreate_changed_containers();
    let is_other =
        |action: &PlannedAction| recreate.as_ref().is_none_or(|recreate| recreate.run != action.run);
    let others: Vec<PlannedAction> = actions.filter(is_other).collect();
    recreate.into_iter().chain(others).collect()
}

impl<'a> Remedy<'a> {
    /// Returns the output of `explain CAUSE --yaml|--offsets|--sql|--records`, or `None` if
    /// there is nothing to generate.
    pub fn script(&self, generator: Generator) -> Option<String> {
        self.generate(generator).map(Generated::text)
    }

    fn generate(&self, generator: Generator) -> Option<Generated> {
        match generator {
            Generator::ComposeFragment => compose::fragment(self).map(Generated::Text),
            Generator::GroupOffsets => kafka::offsets_script(self).map(Generated::Commands),
            Generator::CreateTopics => {
                let script = kafka::create_topics(self);
                (!script.commands.is_empty()).then_some(Generated::Commands(script))
            }
            Generator::StartBrokers => kafka::start_brokers(self).map(Generated::Commands),
            Generator::StartReplicas => self.start_replicas().map(Generated::Commands),
            Generator::AbortTransactions => kafka::abort_transactions(self).map(Generated::Commands),
            Generator::RemoveMarks => sql::remove_marks(self).map(Generated::Text),
            Generator::SendRecords => kafka::records_script(self).map(Generated::Commands),
        }
    }

    fn plan_action(&self, action: &Action) -> Option<PlannedAction> {
        let target_name = self.targets.first().map_or("", String::as_str);
        let message =
            action.message.as_ref().map(|message| self.values().about(target_name).sentence(message));
        match action.generate {
            Some(generator) => self.plan_generated(action, generator, message.as_deref()).or_else(|| {
                let planned = |message| PlannedAction {
                    kind: action.kind,
                    message: Some(message),
                    run: vec![],
                    script: None,
                };
                message.map(planned)
            }),
            None => {
                let run = action.run.as_ref().map(|run| self.commands(run)).unwrap_or_default();
                Some(PlannedAction { kind: action.kind, message, run, script: None })
            }
        }
    }

    /// Plans to recreate containers whose environment differs from that in the compose file.
    fn recreate_changed_containers(&self) -> Option<PlannedAction> {
        let all = self.situation.changes.iter().filter(|change| !change.other_variables.is_empty());
        let has_container = |component: &str| {
            self.situation.workloads.container(component).known().is_some_and(Option::is_some)
        };
        let change_of =
            |subject: &Name| all.clone().find(|change| change.component == subject && has_container(subject));
        let changes: Vec<&Change> = self.targets.iter().filter_map(change_of).collect();
        let names = changes.iter().flat_map(|change| change.other_variables);
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        names.dedup();
        if changes.is_empty() {
            return None;
        }
        let recreate =
            printed_command::compose::recreate(self.target, changes.iter().map(|change| change.component));
        let run = vec![shell::process(&recreate)];
        let message = format!(
            "it runs with a different {} than the compose file sets; this recreates it",
            names.join(", ")
        );
        Some(PlannedAction { kind: ActionKind::Fix, message: Some(message), run, script: None })
    }

    /// Plans an action with a generator. Short commands become part of the plan; long output
    /// is replaced with the command that prints it.
    fn plan_generated(
        &self,
        action: &Action,
        generator: Generator,
        message: Option<&str>,
    ) -> Option<PlannedAction> {
        let generated = match (self.generate(generator), generator) {
            (Some(generated), _) => Some(generated),
            // Events that are still waiting may also end up in the dead letter topic.
            (None, Generator::SendRecords)
                if action.later || self.situation.deliveries.has_dead_letters() =>
            {
                None
            }
            (None, _) => return None,
        };
        let commands = match &generated {
            Some(Generated::Commands(script)) => script.commands.as_slice(),
            _ => &[],
        };
        let explain =
            |flag: &str| pipeline_doctor::explain_cause(self.target, self.cause.id.get_ref(), flag).command();
        let to_shell = |flag: &str| explain(flag).pipe(Process::new("sh"));
        let (message, run) = match generator {
            Generator::ComposeFragment => {
                let workers = self.subjects.join(", ");
                let fragment = explain("--yaml").write("workers.yml");
                (format!("review workers.yml, which declares {workers}"), vec![fragment])
            }
            Generator::GroupOffsets => (
                format!(
                    "{}; leave out `| sh` to review them first. A group that starts at \
                    latest would skip the waiting events",
                    count(commands.len() as u64, "command")
                ),
                vec![to_shell("--offsets")],
            ),
            Generator::CreateTopics
            | Generator::StartBrokers
            | Generator::StartReplicas
            | Generator::AbortTransactions => (message.unwrap_or_default().to_string(), commands.to_vec()),
            Generator::RemoveMarks => (
                "review marks.sql first: it removes the marks that prevent a retry".to_string(),
                vec![
                    explain("--sql").write("marks.sql"),
                    postgres::run_file(self.target, self.marks_database(), "marks.sql"),
                ],
            ),
            Generator::SendRecords => (
                "for events still stuck a minute after the fix, this sends the records again; without \
                `| sh`, it only prints them"
                    .to_string(),
                vec![to_shell("--records")],
            ),
        };
        let message = (!message.is_empty()).then_some(message);
        let script = Some(generated.map(Generated::text).unwrap_or_default());
        let run = run.iter().map(shell::line).collect();
        Some(PlannedAction { kind: action.kind, message, run, script })
    }

    /// Generates the command that starts the stopped replicas of the subjects.
    fn start_replicas(&self) -> Option<Script> {
        let names: Vec<&str> =
            self.subjects.iter().flat_map(|name| self.situation.stopped_replicas(name)).collect();
        let command = (!names.is_empty()).then(|| docker::start(self.target, names).command());
        command.map(|start| Script { comment: None, commands: vec![start] })
    }

    /// Returns the database that holds the marks.
    fn marks_database(&self) -> &'a str {
        self.situation.pipeline.marks.as_ref().map_or(MAIN_DATABASE, Marks::database)
    }

    /// Renders an action's command, once per target if the command names a subject.
    fn commands(&self, template: &Template) -> Vec<String> {
        if template.has(Placeholder::Pid) {
            let locks = self.situation.servers.long_held_locks();
            let pids: BTreeSet<Session> = locks.map(|held| (held.lock.pid, held.database)).collect();
            let command =
                |session| PlaceholderValues { session: Some(session), ..self.values() }.command(template);
            return pids.into_iter().map(command).collect();
        }
        // Without an id, there is nothing to search for.
        if template.has(Placeholder::Id) && self.target.id.is_none() {
            return Vec::new();
        }
        match template.uses_subject() {
            true => {
                self.targets.iter().map(|subject| self.values().about(subject).command(template)).collect()
            }
            false => vec![self.values().command(template)],
        }
    }
}
