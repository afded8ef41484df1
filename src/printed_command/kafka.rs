//! Commands that use Kafka's command-line tools.

use crate::printed_command::docker::{ExecOptions, exec};
use crate::printed_command::process::{Process, Word};
use crate::printed_command::recorded_target::Target;

/// The default bootstrap address inside the broker's container.
pub const LISTENER: &str = "localhost:9092";

/// Kafka's tool for topics.
pub const TOPICS: &str = "kafka-topics";
/// Kafka's tool for consumer groups.
pub const CONSUMER_GROUPS: &str = "kafka-consumer-groups";
/// Kafka's tool for transactions.
pub const TRANSACTIONS: &str = "kafka-transactions";
/// Kafka's console consumer.
pub const CONSOLE_CONSUMER: &str = "kafka-console-consumer";
/// Kafka's console producer.
pub const CONSOLE_PRODUCER: &str = "kafka-console-producer";

/// Calls a tool from inside the broker's container.
pub fn in_container(tool: &str) -> Process {
    Process::new(tool).args(["--bootstrap-server", LISTENER])
}

/// Runs a tool where the broker's address resolves: in the broker's container, if there is one.
fn tool(target: &Target, broker: &str, tool: &str, stdin: bool) -> Process {
    let broker = target.broker(broker);
    let process = Process::new(tool).arg("--bootstrap-server");
    let process = match broker.address {
        Word::Literal(address) => process.operands([address]),
        variable => process.arg(variable),
    };
    match &broker.container {
        Some(container) => exec(target, container, ExecOptions { stdin, user: None }, process),
        None => process,
    }
}

/// Creates a topic unless it already exists.
pub fn create_topic(target: &Target, broker: &str, topic: &str, partitions: &str, replicas: &str) -> Process {
    let create = tool(target, broker, TOPICS, false).args(["--create", "--if-not-exists"]);
    create
        .option("--topic", topic)
        .option("--partitions", partitions)
        .option("--replication-factor", replicas)
}

/// Aborts the transaction whose first record on a partition has this offset.
pub fn abort_transaction(
    target: &Target,
    broker: &str,
    topic: &str,
    partition: &str,
    offset: &str,
) -> Process {
    let abort = tool(target, broker, TRANSACTIONS, false).arg("abort").option("--topic", topic);
    abort.option("--partition", partition).option("--start-offset", offset)
}

/// The position to reset a group to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offsets {
    /// The earliest record.
    Earliest,
    /// The first record at or after this time.
    Time(String),
}

/// Resets a group's offsets. Each topic may list its partitions: `topic:0,2`.
pub fn reset_offsets(target: &Target, broker: &str, group: &str, topics: &[String], to: &Offsets) -> Process {
    let process = tool(target, broker, CONSUMER_GROUPS, false).option("--group", group);
    let process = topics.iter().fold(process, |process, topic| process.option("--topic", topic));
    let process = process.arg("--reset-offsets");
    let process = match to {
        Offsets::Earliest => process.arg("--to-earliest"),
        Offsets::Time(time) => process.args(["--to-datetime", time]),
    };
    process.arg("--execute")
}

/// Sends records from standard input, one per line: `headers<tab>key<tab>value`.
pub fn send(target: &Target, broker: &str, topic: &str) -> Process {
    tool(target, broker, CONSOLE_PRODUCER, true).option("--topic", topic).args([
        "--property",
        "parse.headers=true",
        "--property",
        "parse.key=true",
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::name::MAIN_BROKER;
    use crate::printed_command::recorded_target::Broker;
    use crate::printed_command::shell;

    #[test]
    fn runs_tools_in_the_container_or_on_this_machine() {
        let mut target = Target::generic();
        let create = |target: &Target| shell::process(&create_topic(target, MAIN_BROKER, "a b", "3", "1"));
        let rest = "--create --if-not-exists --topic 'a b' --partitions 3 --replication-factor 1";
        assert_eq!(create(&target), format!("kafka-topics --bootstrap-server \"$KAFKA_BROKERS\" {rest}"));
        let broker = Broker { container: Some("kafka".into()), address: "kafka:9092".into() };
        target.brokers.insert(MAIN_BROKER.to_string(), broker);
        assert_eq!(
            create(&target),
            format!("docker exec kafka kafka-topics --bootstrap-server kafka:9092 {rest}")
        );
        let sent = shell::process(&send(&target, MAIN_BROKER, "t"));
        assert!(sent.starts_with("docker exec -i kafka kafka-console-producer "), "{sent}");
        assert_eq!(
            shell::process(&in_container(CONSUMER_GROUPS)),
            "kafka-consumer-groups --bootstrap-server localhost:9092"
        );
    }

    #[test]
    fn resets_offsets_of_the_named_partitions() {
        let target = Target::generic();
        let topics = ["a:0,2".to_string(), "b".to_string()];
        let reset = |to: &Offsets| shell::process(&reset_offsets(&target, "mail", "g", &topics, to));
        let begin =
            "kafka-consumer-groups --bootstrap-server \"$KAFKA_BROKERS\" --group g --topic a:0,2 --topic b";
        assert_eq!(reset(&Offsets::Earliest), format!("{begin} --reset-offsets --to-earliest --execute"));
        let time = Offsets::Time("2026-01-07T16:54:09.000Z".into());
        let to = "--to-datetime 2026-01-07T16:54:09.000Z";
        assert_eq!(reset(&time), format!("{begin} --reset-offsets {to} --execute"));
    }
}
