//! What placeholders are filled with: by the pipeline, by whom the text is about, by how the
//! systems were reached. Where one of these does not tell, a word in capitals stands for it.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::command::line::{self, Value};
use crate::command::model::Process;
use crate::command::postgres;
use crate::command::shell::{is_plain, process};
use crate::command::target::Target;
use crate::command::target::address_variable;
use crate::command::{compose, doctor, http, kafka};
use crate::pipeline::{Marks, Pipeline, Role, Stage, Worker};
use crate::text::placeholder::Placeholder;
use crate::text::template::Template;

/// A session of a database, and the database's name.
pub type Session<'a> = (i32, &'a str);

/// The source of all values.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// How the systems were reached.
    pub target: &'a Target,
    /// Whom the text is about; `None`: nobody in particular.
    pub subject: Option<&'a str>,
    /// The session that the text is about.
    pub session: Option<Session<'a>>,
}

impl<'a> Values<'a> {
    /// Values that are about nobody in particular.
    pub fn new(pipeline: &'a Pipeline, target: &'a Target) -> Self {
        Values { pipeline, target, subject: None, session: None }
    }

    /// The same about a service, worker, topic or stage.
    #[must_use]
    pub fn about(self, subject: &'a str) -> Self {
        Values { subject: Some(subject), ..self }
    }

    /// A template as a command.
    pub fn command(&self, template: &Template) -> String {
        line::command(template, &|placeholder| self.value(placeholder))
    }

    /// A template as a title or sentence.
    pub fn sentence(&self, template: &Template) -> String {
        line::sentence(template, &|placeholder| self.value(placeholder))
    }

    /// What a placeholder stands for.
    pub fn value(&self, placeholder: Placeholder) -> Value {
        match placeholder {
            Placeholder::Subject => word(self.subject, "SERVICE"),
            Placeholder::Container => word(self.subject.map(|part| self.container(part)), "CONTAINER"),
            Placeholder::Id => Value::Id(self.target.id.clone().unwrap_or_else(|| "ID".to_string())),
            Placeholder::Broker => word(self.broker_of_subject(), "BROKER"),
            Placeholder::DeadLetters => {
                word(self.pipeline.dead_letters.as_ref().map(|dead| &dead.topic), "TOPIC")
            }
            Placeholder::DeadLettersBroker => word(self.broker_of_dead_letters(), "BROKER"),
            Placeholder::Group
            | Placeholder::Topic
            | Placeholder::Event
            | Placeholder::Effect
            | Placeholder::EffectUrl
            | Placeholder::Sql => self.of_stage(placeholder),
            Placeholder::Port | Placeholder::Health => self.of_service(placeholder),
            Placeholder::Marks
            | Placeholder::MarksUrl
            | Placeholder::MarksId
            | Placeholder::MarksEventId
            | Placeholder::MarksType
            | Placeholder::MarksSource
            | Placeholder::MarksAt => self.of_marks(placeholder),
            Placeholder::Call
            | Placeholder::Api
            | Placeholder::Caller
            | Placeholder::Answered
            | Placeholder::Unanswered
            | Placeholder::Harmless => self.of_call(placeholder),
            Placeholder::Pid => word(self.session.map(|(pid, _)| pid.to_string()), "PID"),
            Placeholder::Docker => Value::Shell(process(&Process::new(&self.target.docker))),
            _ => Value::Shell(process(&self.of_target(placeholder))),
        }
    }

    /// The container of a service or worker: as it was seen, else as it is declared; of a
    /// stage that of its worker.
    pub fn container(&self, part: &str) -> String {
        if !self.pipeline.parts().any(|(name, _)| name == part)
            && let Some(stage) = self.pipeline.stage(part)
        {
            return self.container(stage.worker.get_ref());
        }
        let seen = self.target.containers.get(part).map(String::as_str);
        let declared = || self.pipeline.parts().find(|(name, _)| *name == part)?.1;
        seen.or_else(declared).unwrap_or(part).to_string()
    }

    fn of_target(&self, placeholder: Placeholder) -> Process {
        let target = self.target;
        match placeholder {
            Placeholder::Compose => compose::compose(target),
            Placeholder::KafkaTopics => kafka::inside(kafka::TOPICS),
            Placeholder::KafkaConsumerGroups => kafka::inside(kafka::CONSUMER_GROUPS),
            Placeholder::KafkaConsoleConsumer => kafka::inside(kafka::CONSOLE_CONSUMER),
            Placeholder::Psql => {
                postgres::psql(target, self.session.map_or(MAIN_DATABASE, |(_, database)| database))
            }
            Placeholder::PsqlAsSuperuser => postgres::as_superuser(target),
            _ => doctor::again(target),
        }
    }

    fn worker(&self) -> Option<&'a Worker> {
        self.pipeline.worker(self.subject?)
    }

    fn stage(&self) -> Option<&'a Stage> {
        let subject = self.subject?;
        self.pipeline.stage.iter().find(|stage| self.pipeline.stage_subject(stage) == subject)
    }

    /// The container of a broker.
    fn broker(&self, name: &str) -> Option<String> {
        self.pipeline.broker(name).map(|broker| self.container(broker.service.get_ref()))
    }

    /// The broker of a subject: of a broker's service, a topic, a worker or a stage.
    fn broker_of_subject(&self) -> Option<String> {
        let pipeline = self.pipeline;
        let Some(subject) = self.subject else { return self.broker(MAIN_BROKER) };
        let further = || pipeline.broker.iter().find(|(_, broker)| broker.service.get_ref() == subject);
        let name = match (self.worker(), further(), self.stage()) {
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

    fn of_stage(&self, placeholder: Placeholder) -> Value {
        let stage = self.stage();
        match placeholder {
            Placeholder::Group => {
                let worker = || self.pipeline.worker(stage?.worker.get_ref());
                word(self.worker().or_else(worker).map(Worker::group_name), "GROUP")
            }
            Placeholder::Topic => {
                let itself = || self.subject.filter(|it| self.pipeline.topic.iter().any(|t| t.name == *it));
                word(stage.map(Stage::topic_name).or_else(itself), "TOPIC")
            }
            Placeholder::Event => word(stage.map(|stage| &stage.event), "EVENT"),
            Placeholder::Effect => word(stage.map(|stage| &stage.effect), "TABLE"),
            Placeholder::EffectUrl => {
                Value::Shell(address_variable(stage.map_or(MAIN_DATABASE, Stage::database)))
            }
            _ => word(stage.map(|stage| self.rows_of(stage)), "SQL"),
        }
    }

    /// The select of a stage's rows of the asked id, on one line.
    fn rows_of(&self, stage: &Stage) -> String {
        let select = stage.sql.split_whitespace().collect::<Vec<&str>>().join(" ");
        let id = self.target.id.as_deref().filter(|id| is_plain(id)).unwrap_or("ID");
        format!("select * from ({select}) rows where id = '{id}'")
    }

    fn of_service(&self, placeholder: Placeholder) -> Value {
        let service = self.subject.and_then(|subject| self.pipeline.service(subject));
        match placeholder {
            Placeholder::Port => {
                word(service.and_then(|service| service.port).map(|p| p.to_string()), "PORT")
            }
            _ => word(service.and_then(|service| service.health.as_ref()), "/HEALTH"),
        }
    }

    fn of_marks(&self, placeholder: Placeholder) -> Value {
        let marks = self.pipeline.marks.as_ref();
        match placeholder {
            Placeholder::MarksUrl => {
                Value::Shell(address_variable(marks.map_or(MAIN_DATABASE, Marks::database)))
            }
            Placeholder::MarksId => word(marks.map(|marks| &marks.id), "ID_COLUMN"),
            Placeholder::MarksEventId => word(marks.and_then(|marks| marks.event_id.as_ref()), "null"),
            Placeholder::MarksType => word(marks.map(|marks| &marks.event_type), "TYPE_COLUMN"),
            Placeholder::MarksSource => word(marks.map(|marks| &marks.source), "SOURCE_COLUMN"),
            Placeholder::MarksAt => word(marks.map(|marks| &marks.processed_at), "TIME_COLUMN"),
            _ => word(marks.map(|marks| &marks.table), "rows"),
        }
    }

    fn of_call(&self, placeholder: Placeholder) -> Value {
        let pipeline = self.pipeline;
        let call = pipeline.call.as_ref();
        let name = call.map_or("call", |call| call.name.as_str());
        match placeholder {
            Placeholder::Api => {
                let declared = || pipeline.service.iter().find(|service| service.role == Role::Api);
                let api = call.map(|call| call.service.get_ref());
                let api = api.or_else(|| declared().map(|api| &api.name));
                word(api.map(|api| self.container(api)), "API")
            }
            Placeholder::Caller => {
                let stage = call.and_then(|call| pipeline.stage(call.stage.get_ref()));
                word(stage.map(|stage| self.container(stage.worker.get_ref())), "WORKER")
            }
            Placeholder::Answered => word(call.map(|call| call.answered.0.as_str()), name),
            Placeholder::Unanswered => {
                word(call.and_then(|call| call.unanswered.as_ref()).map(|pattern| pattern.0.as_str()), name)
            }
            Placeholder::Harmless => {
                let harmless = call.and_then(|call| call.harmless.as_ref());
                word(harmless.map(http::path_without_event), "/PATH")
            }
            _ => Value::Word(name.to_string()),
        }
    }
}

/// A word, or one in capitals.
fn word(value: Option<impl AsRef<str>>, capitals: &str) -> Value {
    Value::Word(value.map_or(capitals.to_string(), |value| value.as_ref().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::placeholder::NAMES;

    fn shop() -> Pipeline {
        let text = include_str!("../../tests/support/shop.toml").into();
        let source = crate::input::Source { name: "shop.toml".into(), text };
        Pipeline::read(&source, &mut Vec::new()).unwrap()
    }

    #[test]
    fn every_placeholder_is_filled_about_whom_ever_it_is() {
        let pipeline = shop();
        let target = Target::in_general();
        let nobody = Values::new(&pipeline, &target);
        for name in NAMES {
            for values in [nobody, nobody.about("order-worker"), nobody.about("orders"), nobody.about("db")] {
                let template = Template::parse(&format!("{{{}}}", name.name));
                let filled = values.command(&template);
                assert!(!filled.is_empty() && !filled.contains(['{', '}']), "{}: {filled}", name.name);
            }
        }
    }

    #[test]
    fn commands_by_hand_and_those_of_remedies_know_the_same_words() {
        let (pipeline, mut target) = (shop(), Target::in_general());
        target.containers.insert("kafka".into(), "shop-kafka-1".into());
        target.id = Some("ORD-1".into());
        let values = Values::new(&pipeline, &target).about("order-worker");
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
        let held = Values { session: Some((7, "mail")), ..values };
        let end = held.command(&Template::parse("{psql} -c 'select pg_terminate_backend({pid})'"));
        assert_eq!(end, "psql \"$POSTGRES_URL_MAIL\" -c 'select pg_terminate_backend(7)'");
    }

    #[test]
    fn a_name_in_the_quotes_of_sql_stays_in_those_of_the_shell() {
        let (mut pipeline, target) = (shop(), Target::in_general());
        pipeline.marks.as_mut().unwrap().table = "\"Done\"".into();
        let values = Values::new(&pipeline, &target);
        let line = values.command(&Template::parse("psql -c \"select 1 from {marks}\""));
        assert_eq!(shlex::split(&line).unwrap(), ["psql", "-c", "select 1 from \"Done\""]);
        assert_eq!(values.sentence(&Template::parse("{marks}")), "\"Done\"");
    }
}
