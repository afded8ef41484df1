//! The names that may stand in braces in rows: one list for titles, sentences and commands.

/// Something that is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "NAMES says what each is")]
pub enum Placeholder {
    Subject,
    Container,
    Id,
    Group,
    Topic,
    Event,
    Effect,
    EffectUrl,
    Sql,
    Port,
    Health,
    Broker,
    DeadLetters,
    DeadLettersBroker,
    Marks,
    MarksUrl,
    MarksId,
    MarksEventId,
    MarksType,
    MarksSource,
    MarksAt,
    Call,
    Api,
    Caller,
    Answered,
    Unanswered,
    Harmless,
    Itself,
    Docker,
    Compose,
    KafkaTopics,
    KafkaConsumerGroups,
    KafkaConsoleConsumer,
    Psql,
    PsqlAsSuperuser,
    Pid,
}

/// What is known of a placeholder.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// The placeholder.
    pub placeholder: Placeholder,
    /// What stands in braces.
    pub name: &'static str,
    /// What it is filled with.
    pub what: &'static str,
    /// What it is taken from.
    pub needs: Needs,
    /// It is the name of an environment variable: `${…}` is that variable.
    pub is_variable: bool,
}

/// What a placeholder's value is taken from. Where that is not there, a word in capitals
/// stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Whom the text is about: a service, a worker, a topic or a stage.
    Subject,
    /// The asked id.
    Id,
    /// The pipeline's file.
    Pipeline,
    /// How the systems were reached.
    Target,
}

const fn name(placeholder: Placeholder, name: &'static str, needs: Needs, what: &'static str) -> Name {
    let is_variable = matches!(placeholder, Placeholder::MarksUrl | Placeholder::EffectUrl);
    Name { placeholder, name, what, needs, is_variable }
}

/// All placeholders.
pub const NAMES: [Name; 36] = [
    name(Placeholder::Subject, "subject", Needs::Subject, "whom it is about"),
    name(Placeholder::Container, "container", Needs::Subject, "the container of the subject"),
    name(Placeholder::Id, "id", Needs::Id, "the asked id"),
    name(Placeholder::Group, "group", Needs::Subject, "the consumer group of a worker or stage"),
    name(Placeholder::Topic, "topic", Needs::Subject, "the topic of a stage, or the subject itself"),
    name(Placeholder::Event, "event", Needs::Subject, "the event of a stage"),
    name(Placeholder::Effect, "effect", Needs::Subject, "the table of a stage's effect"),
    name(
        Placeholder::EffectUrl,
        "effect_url",
        Needs::Subject,
        "the variable with the address of its database",
    ),
    name(Placeholder::Sql, "sql", Needs::Subject, "the select of a stage's row for the asked id"),
    name(Placeholder::Port, "port", Needs::Subject, "the port of a service"),
    name(Placeholder::Health, "health", Needs::Subject, "the path of a service's health endpoint"),
    name(
        Placeholder::Broker,
        "broker",
        Needs::Pipeline,
        "the container of the subject's broker, or the main one",
    ),
    name(Placeholder::DeadLetters, "dead_letters", Needs::Pipeline, "the dead letter topic"),
    name(
        Placeholder::DeadLettersBroker,
        "dead_letters_broker",
        Needs::Pipeline,
        "the container of its broker",
    ),
    name(Placeholder::Marks, "marks", Needs::Pipeline, "the table of processed events"),
    name(
        Placeholder::MarksUrl,
        "marks_url",
        Needs::Pipeline,
        "the variable with the address of its database",
    ),
    name(Placeholder::MarksId, "marks_id", Needs::Pipeline, "its column of the pipeline's id"),
    name(Placeholder::MarksEventId, "marks_event_id", Needs::Pipeline, "its column of the event's own id"),
    name(Placeholder::MarksType, "marks_type", Needs::Pipeline, "its column of the event's type"),
    name(Placeholder::MarksSource, "marks_source", Needs::Pipeline, "its column of who processed the event"),
    name(Placeholder::MarksAt, "marks_at", Needs::Pipeline, "its column of the time"),
    name(Placeholder::Call, "call", Needs::Pipeline, "the name of the documented call"),
    name(Placeholder::Api, "api", Needs::Pipeline, "the container of the service that is called"),
    name(Placeholder::Caller, "caller", Needs::Pipeline, "the container of the worker that calls"),
    name(Placeholder::Answered, "answered", Needs::Pipeline, "the pattern of an answered call"),
    name(Placeholder::Unanswered, "unanswered", Needs::Pipeline, "the pattern of a call without an answer"),
    name(Placeholder::Harmless, "harmless", Needs::Pipeline, "the path of the harmless request"),
    name(Placeholder::Itself, "self", Needs::Target, "this program with the flags of this run"),
    name(Placeholder::Docker, "docker", Needs::Target, "the program of the container engine"),
    name(Placeholder::Compose, "compose", Needs::Target, "docker compose with the project's files"),
    name(Placeholder::KafkaTopics, "kafka_topics", Needs::Target, "kafka-topics as it is called in {broker}"),
    name(
        Placeholder::KafkaConsumerGroups,
        "kafka_consumer_groups",
        Needs::Target,
        "kafka-consumer-groups as it is called in {broker}",
    ),
    name(
        Placeholder::KafkaConsoleConsumer,
        "kafka_console_consumer",
        Needs::Target,
        "kafka-console-consumer as it is called in {broker}",
    ),
    name(Placeholder::Psql, "psql", Needs::Target, "psql at the main database"),
    name(Placeholder::PsqlAsSuperuser, "psql_as_superuser", Needs::Target, "psql as the server's superuser"),
    name(Placeholder::Pid, "pid", Needs::Target, "a session that holds a lock; one command for each"),
];

/// The placeholder of that name.
pub fn named(name: &str) -> Option<&'static Name> {
    NAMES.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once() {
        for (i, one) in NAMES.iter().enumerate() {
            let same = |other: &Name| other.name == one.name || other.placeholder == one.placeholder;
            assert!(!NAMES[..i].iter().any(same), "{}", one.name);
        }
        // The list is in the order of the enum, and so holds all of it.
        assert!(NAMES.is_sorted_by_key(|name| name.placeholder));
        assert_eq!(NAMES.len(), Placeholder::Pid as usize + 1);
    }
}
