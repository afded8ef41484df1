//! A session with the brokers: asks, listens, and gives up as soon as it is
//! clear that nobody will answer.

use crate::base::secret::redact;
use crate::collect::broker::kafka::addresses::Ways;
use crate::collect::broker::kafka::sys::records::RawRecord;
use crate::collect::broker::kafka::sys::{Answer, Event, Fault, Native, Question};
use crate::collect::broker::kafka::tls;
use crate::collect::no_answer;
use crate::evidence::{Why, WhyKind};
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::metadata::Metadata;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Events are looked at this often.
const SLICE: Duration = Duration::from_millis(50);
/// The first call for metadata blocks for this long; later ones for longer, as
/// long as nothing speaks against an answer.
const FIRST_CALL: Duration = Duration::from_millis(100);
/// A failed connection is tried again within this time, at the next of its
/// addresses (`localhost` has two) too: only then is it a failure.
const GRACE: Duration = Duration::from_millis(300);

/// The states of a connection in which it was lost, as librdkafka writes them.
const AT_FIRST_WORD: &str = "in state APIVERSION_QUERY";
const WHEN_UP: &str = "in state UP";

/// A question and the addresses of which one must be reached for its answer.
pub struct Asked {
    /// The question.
    pub question: Question,
    /// The addresses, as advertised.
    pub at: Vec<String>,
}

/// A client, and what is known of its connections.
pub struct Session {
    native: Native,
    opened: Instant,
    until: Instant,
    failures: BTreeMap<String, Failure>,
}

/// An address that could not be talked to, since when, and why.
struct Failure {
    since: Instant,
    why: Why,
}

impl Session {
    /// A client that has not connected yet. Its calls end at `until`, its own
    /// end may block.
    pub fn open(bootstrap: &[String], ways: Ways, until: Instant) -> Result<Session, Why> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", bootstrap.join(","));
        for (name, value) in SETTINGS {
            config.set(*name, *value);
        }
        let native = Native::open(&mut config, ways).map_err(|error| {
            let say = format!("no Kafka client could be made: {error}");
            Why::new(WhyKind::Failed, redact(&say))
        })?;
        Ok(Session { native, opened: Instant::now(), until, failures: BTreeMap::new() })
    }

    /// The ways by which brokers are reached.
    pub fn ways(&self) -> &Ways {
        self.native.ways()
    }

    /// The cluster's id, once metadata has come.
    pub fn cluster_id(&self) -> Option<String> {
        self.native.cluster_id()
    }

    /// Metadata of one topic, which is not created by asking, or of all that may be
    /// seen, and of all brokers, from whichever of `at` answers.
    pub fn metadata<'a>(
        &mut self,
        topic: impl Into<Option<&'a str>>,
        at: &[String],
    ) -> Result<Metadata, Why> {
        let topic = topic.into();
        let start = Instant::now();
        let mut call = FIRST_CALL;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(1) {
                return Err(self.silence(at, start));
            }
            match self.native.metadata(topic, call.min(left)) {
                Ok(metadata) => {
                    // Who answers is there, whatever failed before.
                    self.failures.remove(answered_at(&metadata));
                    return Ok(metadata);
                }
                Err(KafkaError::MetadataFetch(code)) if may_pass(code) => {}
                Err(error) => return Err(Why::new(WhyKind::Failed, redact(&error.to_string()))),
            }
            // Only failures can have come: nothing was asked on the queue.
            self.listen(Duration::ZERO, start);
            if let Some(why) = self.given_up(at) {
                return Err(why);
            }
            call = match self.failures.is_empty() {
                true => (call * 2).min(left),
                false => FIRST_CALL,
            };
        }
    }

    /// Hands records over; see [`Native::read`].
    pub fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        until: Instant,
        take: &mut dyn FnMut(&RawRecord) -> ControlFlow<()>,
    ) -> Result<bool, Fault> {
        self.native.read(topic, partition, from, until.min(self.until), take)
    }

    /// Asks everything at once and hands over each answer as it comes; what has
    /// none in the end gets the reason.
    pub fn ask(&mut self, asked: &[Asked], hear: impl FnMut(&Question, Result<Answer, Why>)) {
        self.ask_until(asked, self.until, hear);
    }

    /// The same with less time. Answers that come too late may be taken for those
    /// of later questions: ask nothing after it.
    pub fn ask_until(
        &mut self,
        asked: &[Asked],
        until: Instant,
        mut hear: impl FnMut(&Question, Result<Answer, Why>),
    ) {
        let start = self.opened;
        let until = until.min(self.until);
        let timeout = until.saturating_duration_since(Instant::now());
        let mut open = BTreeMap::new();
        for (tag, Asked { question, at }) in asked.iter().enumerate() {
            match self.native.ask(tag, question, timeout) {
                Some(()) => drop(open.insert(tag, (question, at))),
                None => hear(question, Err(impossible_name())),
            }
        }
        while !open.is_empty() && Instant::now() < until {
            for (tag, answer) in self.listen(SLICE, start) {
                if let Some((question, at)) = open.remove(&tag) {
                    let answer = answer.map_err(|fault| self.why(&fault, at, start));
                    hear(question, answer);
                }
            }
            open.retain(|_, (question, at)| match self.given_up(at) {
                Some(why) => {
                    hear(question, Err(why));
                    false
                }
                None => true,
            });
        }
        for (question, at) in open.into_values() {
            hear(question, Err(self.silence(at, start)));
        }
    }

    /// Takes what has arrived; waits for up to `timeout` for the first of it.
    fn listen(&mut self, timeout: Duration, start: Instant) -> Vec<(usize, Result<Answer, Fault>)> {
        let mut answers = Vec::new();
        let mut wait = timeout;
        while let Some(event) = self.native.next(wait) {
            wait = Duration::ZERO;
            match event {
                Event::Answer(tag, answer) => answers.push((tag, answer)),
                Event::Failure(line) => self.note(&line, start),
                Event::Other => {}
            }
        }
        answers
    }

    fn note(&mut self, line: &str, start: Instant) {
        let Some((address, text)) = address_of(line) else {
            return;
        };
        let shown = self.ways().shown(address);
        let mut why = failure(&shown, text, start.elapsed());
        if text.contains(AT_FIRST_WORD) && tls::is_expected_at(&self.ways().place(address)) {
            why = Why::new(WhyKind::Auth, format!("{shown} expects TLS"));
        }
        let before = self.failures.get(address);
        let since = before.map_or_else(Instant::now, |failure| failure.since);
        let address = address.to_string();
        self.failures.insert(address, Failure { since, why });
    }

    /// Why none of these addresses will answer, once that is clear.
    fn given_up(&self, at: &[String]) -> Option<Why> {
        let failed = at.iter().map(|address| self.failures.get(address));
        let failed = failed.collect::<Option<Vec<&Failure>>>()?;
        let first = failed.first()?;
        if failed.iter().any(|failure| failure.since.elapsed() < GRACE) {
            return None;
        }
        let says: Vec<&str> = failed.iter().map(|failure| failure.why.say.as_str()).collect();
        Some(Why::new(first.why.kind, says.join("; ")))
    }

    fn why(&self, fault: &Fault, at: &[String], start: Instant) -> Why {
        use RDKafkaErrorCode as Code;
        match fault.code {
            Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue => self.silence(at, start),
            _ => refused_by_broker(fault),
        }
    }

    /// No answer in time, with what is known of those who should have given it.
    fn silence(&self, at: &[String], start: Instant) -> Why {
        let shown = at.iter().map(|address| self.ways().shown(address));
        let shown: Vec<String> = shown.collect();
        let mut why = no_answer(&shown.join(" or "), start.elapsed());
        for failure in at.iter().filter_map(|address| self.failures.get(address)) {
            why.say = format!("{}; {}", why.say, failure.why.say);
        }
        why
    }
}

/// What is set besides the brokers. Nothing joins, commits, creates or reports.
const SETTINGS: &[(&str, &str)] = &[
    ("client.id", "pipeline-doctor"),
    // It is never joined. Without any, librdkafka 2.12 crashes when a broker answers
    // OffsetFetch with "not coordinator" (confluentinc/librdkafka#5040).
    ("group.id", "pipeline-doctor"),
    ("allow.auto.create.topics", "false"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // So that the end of a partition is told where its last record is none to be read.
    ("enable.partition.eof", "true"),
    // A client has one fetch under way: at the end of a partition, that of the next
    // one would wait for as long as this one waits for records that may still come.
    ("fetch.wait.max.ms", "5"),
    // Or it would send its own measurements to brokers that collect them.
    ("enable.metrics.push", "false"),
    // So that all addresses of a host are tried within the grace.
    ("reconnect.backoff.ms", "20"),
    ("reconnect.backoff.max.ms", "100"),
    ("broker.address.ttl", "0"),
    // So that failures begin with the address.
    ("log.thread.name", "false"),
];

/// Codes of a call for metadata that had no chance yet: the reason, if there
/// is one, comes as an event.
fn may_pass(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve
    )
}

/// The address that answered, as it was configured or advertised.
pub fn answered_at(metadata: &Metadata) -> &str {
    let name = metadata.orig_broker_name();
    name.rsplit_once('/').map_or(name, |(address, _)| address)
}

/// The reason why the broker does not answer a question that it has understood.
pub fn refused_by_broker(fault: &Fault) -> Why {
    use RDKafkaErrorCode as Code;
    let text = redact(fault.text.trim_start_matches("Broker: "));
    match fault.code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => {
            Why::new(WhyKind::Permission, format!("the broker does not allow it: {text}"))
        }
        Code::SaslAuthenticationFailed | Code::Authentication => {
            Why::new(WhyKind::Auth, format!("the broker does not know us: {text}"))
        }
        _ => Why::new(WhyKind::Failed, format!("the broker answers: {text}")),
    }
}

fn impossible_name() -> Why {
    Why::new(WhyKind::Failed, "not a name that Kafka could have")
}

/// `kafka:9092/1: Failed to …` → `kafka:9092`, `Failed to …`.
fn address_of(line: &str) -> Option<(&str, &str)> {
    let (broker, text) = line.split_once(": ")?;
    let (address, _) = broker.rsplit_once('/')?;
    Some((address, text))
}

/// The reason behind librdkafka's words about a connection.
fn failure(address: &str, text: &str, waited: Duration) -> Why {
    let has = |words: &str| text.contains(words);
    if has("Failed to resolve") {
        let say = format!("{address} does not resolve from here");
        return Why::new(WhyKind::Unresolved, say);
    }
    if has("Connection refused") {
        return Why::new(WhyKind::Refused, format!("{address} refuses connections"));
    }
    if has("Invalid response size") {
        let say = format!("{address} answers, but not as Kafka does");
        return Why::new(WhyKind::Failed, say);
    }
    if has("Disconnected") && has(AT_FIRST_WORD) {
        let say =
            format!("{address} closes the connection at once, as a port does behind which nothing runs");
        return Why::new(WhyKind::Refused, say);
    }
    if has("Disconnected") && has(WHEN_UP) {
        let say = format!("{address} closes the connection: it expects a login (SASL)");
        return Why::new(WhyKind::Auth, say);
    }
    if text.to_lowercase().contains("timed out") {
        return no_answer(address, waited);
    }
    let text = text.split(" (after ").next().unwrap_or(text);
    let say = format!("no connection to {address}: {}", redact(text));
    Why::new(WhyKind::Refused, say)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (WhyKind, String) {
        let (address, text) = address_of(line).unwrap();
        let why = failure(address, text, Duration::from_secs(1));
        (why.kind, why.say)
    }

    #[test]
    fn failures_are_told_apart() {
        let cases = [
            (
                "localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
                WhyKind::Refused,
                "localhost:1 refuses connections",
            ),
            (
                "kafka:9092/1: Failed to resolve 'kafka:9092': Name or service not known (after 2ms in state CONNECT)",
                WhyKind::Unresolved,
                "kafka:9092 does not resolve from here",
            ),
            (
                "h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: No route to host (after 0ms in state CONNECT)",
                WhyKind::Refused,
                "no connection to h:1: Connect to ipv4#10.0.0.1:1 failed: No route to host",
            ),
            (
                "h:1/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 7ms in state APIVERSION_QUERY)",
                WhyKind::Refused,
                "h:1 closes the connection at once, as a port does behind which nothing runs",
            ),
            (
                "h:1/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 1ms in state UP)",
                WhyKind::Auth,
                "h:1 closes the connection: it expects a login (SASL)",
            ),
            (
                "h:1/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000) (after 0ms in state APIVERSION_QUERY)",
                WhyKind::Failed,
                "h:1 answers, but not as Kafka does",
            ),
            (
                "h:1/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker",
                WhyKind::NoAnswer,
                "no answer from h:1 in 1.0 s",
            ),
        ];
        for (line, kind, say) in cases {
            assert_eq!(of(line), (kind, say.to_string()));
        }
        assert_eq!(address_of("1/1 brokers are down"), None);
    }
}
