//! The placeholders allowed in titles, sentences and commands, such as `{subject}`.

/// A placeholder in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "PLACEHOLDERS describes each variant")]
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
    SelfCommand,
    Docker,
    Compose,
    KafkaTopics,
    KafkaConsumerGroups,
    KafkaTransactions,
    KafkaConsoleConsumer,
    Psql,
    PsqlAsSuperuser,
    Pid,
}

/// The name and meaning of a placeholder.
#[derive(Debug, Clone, Copy)]
pub struct PlaceholderInfo {
    /// The placeholder itself.
    pub placeholder: Placeholder,
    /// The name written in braces.
    pub name: &'static str,
    /// A description of its value.
    pub description: &'static str,
    /// Where its value comes from.
    pub needs: Needs,
    /// Whether the value is the name of an environment variable, so that `${name}` refers to that
    /// variable.
    pub is_variable: bool,
}

/// Where the value of a placeholder comes from. If the source is missing, a word in capitals is
/// printed instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// The subject of the text: a service, worker, topic or stage.
    Subject,
    /// The requested id.
    Id,
    /// The pipeline file.
    Pipeline,
    /// How the systems were reached.
    Target,
}

const fn info(
    placeholder: Placeholder,
    name: &'static str,
    needs: Needs,
    description: &'static str,
) -> PlaceholderInfo {
    let is_variable = matches!(placeholder, Placeholder::MarksUrl | Placeholder::EffectUrl);
    PlaceholderInfo { placeholder, name, description, needs, is_variable }
}

/// All placeholders.
pub const PLACEHOLDERS: [PlaceholderInfo; 37] = [
    info(Placeholder::Subject, "subject", Needs::Subject, "the text's subject"),
    info(Placeholder::Container, "container", Needs::Subject, "the subject's container"),
    info(Placeholder::Id, "id", Needs::Id, "the requested id"),
    info(Placeholder::Group, "group", Needs::Subject, "a worker's or stage's consumer group"),
    info(Placeholder::Topic, "topic", Needs::Subject, "a stage's topic, or the subject itself"),
    info(Placeholder::Event, "event", Needs::Subject, "a stage's event"),
    info(Placeholder::Effect, "effect", Needs::Subject, "the table for a stage's effect"),
    info(
        Placeholder::EffectUrl,
        "effect_url",
        Needs::Subject,
        "the environment variable that holds the effect database's address",
    ),
    info(Placeholder::Sql, "sql", Needs::Subject, "the query for a stage's row for the requested id"),
    info(Placeholder::Port, "port", Needs::Subject, "a service's port"),
    info(Placeholder::Health, "health", Needs::Subject, "the path to a service's health endpoint"),
    info(
        Placeholder::Broker,
        "broker",
        Needs::Pipeline,
        "the container of the subject's broker, or of the main broker",
    ),
    info(Placeholder::DeadLetters, "dead_letters", Needs::Pipeline, "the dead-letter topic"),
    info(
        Placeholder::DeadLettersBroker,
        "dead_letters_broker",
        Needs::Pipeline,
        "the container of the broker with the dead-letter topic",
    ),
    info(Placeholder::Marks, "marks", Needs::Pipeline, "the table of processed events"),
    info(
        Placeholder::MarksUrl,
        "marks_url",
        Needs::Pipeline,
        "the environment variable that holds the marks database's address",
    ),
    info(Placeholder::MarksId, "marks_id", Needs::Pipeline, "the marks column with the correlation id"),
    info(
        Placeholder::MarksEventId,
        "marks_event_id",
        Needs::Pipeline,
        "the marks column with the event's own id",
    ),
    info(Placeholder::MarksType, "marks_type", Needs::Pipeline, "the marks column with the event type"),
    info(
        Placeholder::MarksSource,
        "marks_source",
        Needs::Pipeline,
        "the marks column with the component that processed the event",
    ),
    info(Placeholder::MarksAt, "marks_at", Needs::Pipeline, "the marks column with the time"),
    info(Placeholder::Call, "call", Needs::Pipeline, "the name of the documented call"),
    info(Placeholder::Api, "api", Needs::Pipeline, "the container of the called service"),
    info(Placeholder::Caller, "caller", Needs::Pipeline, "the container of the calling worker"),
    info(Placeholder::Answered, "answered", Needs::Pipeline, "the pattern for an answered call"),
    info(Placeholder::Unanswered, "unanswered", Needs::Pipeline, "the pattern for an unanswered call"),
    info(Placeholder::Harmless, "harmless", Needs::Pipeline, "the harmless request's path"),
    info(Placeholder::SelfCommand, "self", Needs::Target, "this program with the flags of this run"),
    info(Placeholder::Docker, "docker", Needs::Target, "the container engine's command-line program"),
    info(Placeholder::Compose, "compose", Needs::Target, "docker compose with the project files"),
    info(Placeholder::KafkaTopics, "kafka_topics", Needs::Target, "the kafka-topics command in {broker}"),
    info(
        Placeholder::KafkaConsumerGroups,
        "kafka_consumer_groups",
        Needs::Target,
        "the kafka-consumer-groups command in {broker}",
    ),
    info(
        Placeholder::KafkaTransactions,
        "kafka_transactions",
        Needs::Target,
        "the kafka-transactions command in {broker}",
    ),
    info(
        Placeholder::KafkaConsoleConsumer,
        "kafka_console_consumer",
        Needs::Target,
        "the kafka-console-consumer command in {broker}",
    ),
    info(Placeholder::Psql, "psql", Needs::Target, "psql connected to the main database"),
    info(
        Placeholder::PsqlAsSuperuser,
        "psql_as_superuser",
        Needs::Target,
        "psql connected as the server's superuser",
    ),
    info(
        Placeholder::Pid,
        "pid",
        Needs::Target,
        "the process id of a session that holds a lock; one command per session",
    ),
];

impl Placeholder {
    /// Reports whether the placeholder represents a command of several words, which are already quoted.
    pub fn is_command(self) -> bool {
        use Placeholder::{
            Compose, Docker, KafkaConsoleConsumer, KafkaConsumerGroups, KafkaTopics, KafkaTransactions,
            SelfCommand,
        };
        let is_kafka_tool =
            matches!(self, KafkaTopics | KafkaConsumerGroups | KafkaTransactions | KafkaConsoleConsumer);
        let is_tool = is_kafka_tool || matches!(self, SelfCommand | Docker | Compose);
        is_tool || self.is_psql()
    }

    /// Reports whether the placeholder represents a `psql` command.
    pub fn is_psql(self) -> bool {
        matches!(self, Placeholder::Psql | Placeholder::PsqlAsSuperuser)
    }

    /// Reports whether the placeholder's value is SQL: a query, an identifier or a number.
    pub fn is_sql(self) -> bool {
        use Placeholder::{
            Effect, Marks, MarksAt, MarksEventId, MarksId, MarksSource, MarksType, Pid, Port, Sql,
        };
        matches!(
            self,
            Sql | Effect | Marks | MarksAt | MarksEventId | MarksId | MarksSource | MarksType | Pid | Port
        )
    }
}

/// Returns the placeholder with the given name.
pub fn find(name: &str) -> Option<&'static PlaceholderInfo> {
    PLACEHOLDERS.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_listed_once_in_enum_order() {
        for (i, one) in PLACEHOLDERS.iter().enumerate() {
            let same =
                |other: &PlaceholderInfo| other.name == one.name || other.placeholder == one.placeholder;
            assert!(!PLACEHOLDERS[..i].iter().any(same), "{}", one.name);
        }
        // A sorted list of the right length contains every variant.
        assert!(PLACEHOLDERS.is_sorted_by_key(|info| info.placeholder));
        assert_eq!(PLACEHOLDERS.len(), Placeholder::Pid as usize + 1);
    }
}
