//! Values for placeholders, taken from the pipeline, the subject and the recorded target. A word in
//! capitals replaces an unknown value.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::pipeline::sql::on_one_line;
use crate::pipeline::{Marks, Pipeline, Role, Stage, Worker};
use crate::printed_command::fill_template::{self, Replacement};
use crate::printed_command::postgres;
use crate::printed_command::process::Process;
use crate::printed_command::recorded_target::Target;
use crate::printed_command::recorded_target::address_variable;
use crate::printed_command::shell::is_plain;
use crate::printed_command::{compose, http, kafka, pipeline_doctor};
use crate::text::placeholder::Placeholder;
use crate::text::template::Template;

/// A database session's process id, and the database's name.
pub type Session<'a> = (i32, &'a str);

/// Looks up the values for placeholders.
#[derive(Debug, Clone, Copy)]
pub struct PlaceholderValues<'a> {
    /// The declared pipeline.
    pub pipeline: &'a Pipeline,
    /// How the systems were reached.
    pub target: &'a Target,
    /// The service, worker, topic or stage that the text is about, if any.
    pub subject: Option<&'a str>,
    /// The database session that the text is about, if any.
    pub session: Option<Session<'a>>,
}

impl<'a> PlaceholderValues<'a> {
    /// Returns values without a subject.
    pub fn new(pipeline: &'a Pipeline, target: &'a Target) -> Self {
        PlaceholderValues { pipeline, target, subject: None, session: None }
    }

    /// Sets the subject: a service, worker, topic or stage.
    #[must_use]
    pub fn about(self, subject: &'a str) -> Self {
        PlaceholderValues { subject: Some(subject), ..self }
    }

    /// Renders a template as a command.
    pub fn command(&self, template: &Template) -> String {
        fill_template::command(template, &|placeholder| self.value(placeholder))
    }

    /// Renders a template as a title or sentence.
    pub fn sentence(&self, template: &Template) -> String {
        fill_template::sentence(template, &|placeholder| self.value(placeholder))
    }

    /// Returns the value of a placeholder.
    pub fn value(&self, placeholder: Placeholder) -> Replacement {
        match placeholder {
            Placeholder::Subject => word_or(self.subject, "SERVICE"),
            Placeholder::Container => {
                word_or(self.subject.map(|component| self.container(component)), "CONTAINER")
            }
            Placeholder::Id => Replacement::Id(self.target.id.clone().unwrap_or_else(|| "ID".to_string())),
            Placeholder::Broker => word_or(self.broker_of_subject(), "BROKER"),
            Placeholder::DeadLetters => {
                word_or(self.pipeline.dead_letters.as_ref().map(|dead| &dead.topic), "TOPIC")
            }
            Placeholder::DeadLettersBroker => word_or(self.broker_of_dead_letters(), "BROKER"),
            Placeholder::Group
            | Placeholder::Topic
            | Placeholder::Event
            | Placeholder::Effect
            | Placeholder::EffectUrl
            | Placeholder::Sql => self.stage_value(placeholder),
            Placeholder::Port | Placeholder::Health => self.service_value(placeholder),
            Placeholder::Marks
            | Placeholder::MarksUrl
            | Placeholder::MarksId
            | Placeholder::MarksEventId
            | Placeholder::MarksType
            | Placeholder::MarksSource
            | Placeholder::MarksAt => self.marks_value(placeholder),
            Placeholder::Call
            | Placeholder::Api
            | Placeholder::Caller
            | Placeholder::Answered
            | Placeholder::Unanswered
            | Placeholder::Harmless => self.call_value(placeholder),
            Placeholder::Pid => word_or(self.session.map(|(pid, _)| pid.to_string()), "PID"),
            Placeholder::Docker => Replacement::Command(Process::new(&self.target.docker)),
            _ => Replacement::Command(self.target_process(placeholder)),
        }
    }

    /// Returns the container of a service or worker: the observed one, or else the declared
    /// one. For a stage, returns its worker's container.
    pub fn container(&self, component: &str) -> String {
        if !self.pipeline.components().any(|(name, _)| name == component)
            && let Some(stage) = self.pipeline.stage(component)
        {
            return self.container(stage.worker.get_ref());
        }
        let observed = self.target.containers.get(component).map(String::as_str);
        let declared = || self.pipeline.components().find(|(name, _)| *name == component)?.1;
        observed.or_else(declared).unwrap_or(component).to_string()
    }

    fn target_process(&self, placeholder: Placeholder) -> Process {
        let target = self.target;
        match placeholder {
            Placeholder::Compose => compose::compose(target),
            Placeholder::KafkaTopics => kafka::in_container(kafka::TOPICS),
            Placeholder::KafkaConsumerGroups => kafka::in_container(kafka::CONSUMER_GROUPS),
            Placeholder::KafkaTransactions => kafka::in_container(kafka::TRANSACTIONS),
            Placeholder::KafkaConsoleConsumer => kafka::in_container(kafka::CONSOLE_CONSUMER),
            Placeholder::Psql => {
                postgres::psql(target, self.session.map_or(MAIN_DATABASE, |(_, database)| database))
            }
            Placeholder::PsqlAsSuperuser => postgres::as_superuser(target),
            _ => pipeline_doctor::rerun(target),
        }
    }

    fn worker(&self) -> Option<&'a Worker> {
        self.pipeline.worker(self.subject?)
    }

    fn stage(&self) -> Option<&'a Stage> {
        let subject = self.subject?;
        self.pipeline.stage.iter().find(|stage| self.pipeline.stage_subject(stage) == subject)
    }

    /// Returns the container of a broker.
    fn broker(&self, name: &str) -> Option<String> {
        self.pipeline.broker(name).map(|broker| self.container(broker.service.get_ref()))
    }

    /// Returns the container of the subject's broker. The subject may be a broker's service, a
    /// topic, a worker or a stage.
    fn broker_of_subject(&self) -> Option<String> {
        let pipeline = self.pipeline;
        let Some(subject) = self.subject else { return self.broker(MAIN_BROKER) };
        let additional = || pipeline.broker.iter().find(|(_, broker)| broker.service.get_ref() == subject);
        let name = match (self.worker(), additional(), self.stage()) {
            (Some(worker), ..) => pipeline.broker_of(worker),
            (None, Some((name, _)), _) => name.as_str(),
            (None, None, Some(stage)) => pipeline.broker_of_topic(stage.topic_name()),
            (None, None, None) => pipeline.broker_of_topic(subject),
        };
        self.broker(name)
    }

    fn broker_of_dead_letters(&self) -> Option<String> {
        let topic = self.pipeline.dead_letters.as_ref().map_or("", |dead| dead.topic.as_str());
        self.broker(self.pipeline.broker_of_topic(topic))
    }

    fn stage_value(&self, placeholder: Placeholder) -> Replacement {
        let stage = self.stage();
        match placeholder {
            Placeholder::Group => {
                let worker = || self.pipeline.worker(stage?.worker.get_ref());
                word_or(self.worker().or_else(worker).map(Worker::group_name), "GROUP")
            }
            Placeholder::Topic => {
                let itself = || self.subject.filter(|it| self.pipeline.topic.iter().any(|t| t.name == *it));
                word_or(stage.map(Stage::topic_name).or_else(itself), "TOPIC")
            }
            Placeholder::Event => word_or(stage.map(|stage| &stage.event), "EVENT"),
            Placeholder::Effect => word_or(stage.map(|stage| &stage.effect), "TABLE"),
            Placeholder::EffectUrl => {
                Replacement::Variable(address_variable(stage.map_or(MAIN_DATABASE, Stage::database)))
            }
            _ => code_or(stage.map(|stage| self.stage_rows_query(stage)), "SQL"),
        }
    }

    /// Returns a one-line query for the stage's rows with the requested id.
    fn stage_rows_query(&self, stage: &Stage) -> String {
        let select = on_one_line(&stage.sql);
        let id = self.target.id.as_deref().filter(|id| is_plain(id)).unwrap_or("ID");
        format!("select * from ({select}) rows where id = '{id}'")
    }

    fn service_value(&self, placeholder: Placeholder) -> Replacement {
        let service = self.subject.and_then(|subject| self.pipeline.service(subject));
        match placeholder {
            Placeholder::Port => {
                word_or(service.and_then(|service| service.port).map(|p| p.to_string()), "PORT")
            }
            _ => code_or(service.and_then(|service| service.health.as_ref()), "/HEALTH"),
        }
    }

    fn marks_value(&self, placeholder: Placeholder) -> Replacement {
        let marks = self.pipeline.marks.as_ref();
        match placeholder {
            Placeholder::MarksUrl => {
                Replacement::Variable(address_variable(marks.map_or(MAIN_DATABASE, Marks::database)))
            }
            Placeholder::MarksId => code_or(marks.map(|marks| &marks.id), "ID_COLUMN"),
            Placeholder::MarksEventId => code_or(marks.and_then(|marks| marks.event_id.as_ref()), "null"),
            Placeholder::MarksType => code_or(marks.map(|marks| &marks.event_type), "TYPE_COLUMN"),
            Placeholder::MarksSource => code_or(marks.map(|marks| &marks.source), "SOURCE_COLUMN"),
            Placeholder::MarksAt => code_or(marks.map(|marks| &marks.processed_at), "TIME_COLUMN"),
            _ => code_or(marks.map(|marks| &marks.table), "rows"),
        }
    }

    fn call_value(&self, placeholder: Placeholder) -> Replacement {
        let pipeline = self.pipeline;
        let call = pipeline.call.as_ref();
        let name = call.map_or("call", |call| call.name.as_str());
        match placeholder {
            Placeholder::Api => {
                let declared = || pipeline.service.iter().find(|service| service.role == Role::Api);
                let api = call.map(|call| call.service.get_ref());
                let api = api.or_else(|| declared().map(|api| &api.name));
                word_or(api.map(|api| self.container(api)), "API")
            }
            Placeholder::Caller => {
                let stage = call.and_then(|call| pipeline.stage(call.stage.get_ref()));
                word_or(stage.map(|stage| self.container(stage.worker.get_ref())), "WORKER")
            }
            Placeholder::Answered => code_or(call.map(|call| call.answered.0.as_str()), name),
            Placeholder::Unanswered => code_or(
                call.and_then(|call| call.unanswered.as_ref()).map(|pattern| pattern.0.as_str()),
                name,
            ),
            Placeholder::Harmless => {
                let harmless = call.and_then(|call| call.harmless.as_ref());
                code_or(harmless.map(http::path_without_event), "/PATH")
            }
            _ => Replacement::Word(name.to_string()),
        }
    }
}

/// Returns a value as one word, or the fallback in capitals.
fn word_or(value: Option<impl AsRef<str>>, fallback: &str) -> Replacement {
    Replacement::Word(value.map_or(fallback.to_string(), |value| value.as_ref().to_string()))
}

/// Returns SQL, a path or a pattern from the pipeline file, or the fallback in capitals.
fn code_or(value: Option<impl AsRef<str>>, fallback: &str) -> Replacement {
    Replacement::Code(value.map_or(fallback.to_string(), |value| value.as_ref().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::placeholder::PLACEHOLDERS;

    fn shop() -> Pipeline {
        let text = include_str!("../../tests/support/shop.toml").into();
        let source = crate::input::Source { name: "shop.toml".into(), text };
        Pipeline::read(&source, &mut Vec::new()).unwrap()
    }

    #[test]
    fn every_placeholder_has_a_value_for_every_subject() {
        let pipeline = shop();
        let target = Target::generic();
        let no_subject = PlaceholderValues::new(&pipeline, &target);
        for name in PLACEHOLDERS {
            for values in [
                no_subject,
                no_subject.about("order-worker"),
                no_subject.about("orders"),
                no_subject.about("db"),
            ] {
                let template = Template::parse(&format!("{{{}}}", name.name));
                let filled = values.command(&template);
                assert!(!filled.is_empty() && !filled.contains(['{', '}']), "{}: {filled}", name.name);
            }
        }
    }

    #[test]
    fn manual_and_remedy_commands_share_placeholders() {
        let (pipeline, mut target) = (shop(), Target::generic());
        target.containers.insert("kafka".into(), "shop-kafka-1".into());
        target.id = Some("ORD-1".into());
        let values = PlaceholderValues::new(&pipeline, &target).about("order-worker");
        let line = |text: &str| values.command(&Template::parse(text));
        assert_eq!(
            line("{docker} exec {broker} {kafka_consumer_groups} --describe --group {group}"),
            "docker exec shop-kafka-1 kafka-consumer-groups --bootstrap-server localhost:9092 --describe --group \
             orders"
        );
        assert_eq!(
            line("{psql} -c \"{sql}\""),
            "psql \"$POSTGRES_URL\" -c \"select * from (select id, at, status from orders) rows where id = 'ORD-1'\""
        );
        assert_eq!(line("{self} -v | grep {topic}"), "pipeline-doctor ORD-1 -v | grep orders");
        assert_eq!(
            line("{compose} logs {subject}"),
            "docker compose -f docker-compose.yml logs order-worker"
        );
        let held = PlaceholderValues { session: Some((7, "mail")), ..values };
        let end = held.command(&Template::parse("{psql} -c 'select pg_terminate_backend({pid})'"));
        assert_eq!(end, "psql \"$POSTGRES_URL_MAIL\" -c 'select pg_terminate_backend(7)'");
    }

    #[test]
    fn sql_quotes_are_escaped_inside_shell_quotes() {
        let (mut pipeline, target) = (shop(), Target::generic());
        pipeline.marks.as_mut().unwrap().table = "\"Done\"".into();
        let values = PlaceholderValues::new(&pipeline, &target);
        let line = values.command(&Template::parse("psql -c \"select 1 from {marks}\""));
        assert_eq!(shlex::split(&line).unwrap(), ["psql", "-c", "select 1 from \"Done\""]);
        assert_eq!(values.sentence(&Template::parse("{marks}")), "\"Done\"");
    }
}
