//! A session with the brokers: sends requests, receives responses, and fails early if
//! no broker can answer.

use crate::base::secret::redact;
use crate::collect::broker::kafka::addresses::AddressMap;
use crate::collect::broker::kafka::ffi::consumer::RawRecord;
use crate::collect::broker::kafka::ffi::{Event, NativeClient, NativeError, Request, Response};
use crate::collect::broker::kafka::wire::MAX_FRAME_MB;
use crate::collect::cost::Sent;
use crate::collect::own_limit::{open_files_limit, open_files_reached};
use crate::collect::{name_lookup, no_answer, tls_probe};
use crate::evidence::{Reason, ReasonKind, System};
use rdkafka::config::ClientConfig;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// How long one poll of the event queue waits.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Timeout for the first metadata call, doubled for each further call until a connection
/// fails.
const FIRST_METADATA_TIMEOUT: Duration = Duration::from_millis(100);
/// A connection counts as failed only after this time, during which librdkafka retries it
/// and tries the host's other addresses (`localhost` has two).
const GRACE: Duration = Duration::from_millis(300);

/// Connection states in librdkafka's log lines: during the first request and after it.
const FIRST_REQUEST: &str = "in state APIVERSION_QUERY";
const CONNECTED: &str = "in state UP";

/// A request and the brokers that can answer it.
pub struct RoutedRequest {
    /// The request.
    pub request: Request,
    /// Advertised addresses; one of them must be reachable.
    pub brokers: Vec<String>,
}

/// A client and the state of its connections.
pub struct Session {
    native: NativeClient,
    /// When the client was opened or last received a response.
    last_answer: Instant,
    until: Instant,
    failures: BTreeMap<String, Failure>,
}

/// A failed connection to one address.
struct Failure {
    since: Instant,
    why: Reason,
}

impl Session {
    /// Creates a client that has not connected yet. Its calls end at `until`, but
    /// dropping it may block.
    pub fn open(bootstrap: &[String], address_map: AddressMap, until: Instant) -> Result<Session, Reason> {
        Session::with_isolation(bootstrap, address_map, until, "read_committed")
    }

    /// Like [`Session::open`], but the client also reads the records of open and aborted transactions.
    pub fn open_uncommitted(
        bootstrap: &[String],
        address_map: AddressMap,
        until: Instant,
    ) -> Result<Session, Reason> {
        Session::with_isolation(bootstrap, address_map, until, "read_uncommitted")
    }

    fn with_isolation(
        bootstrap: &[String],
        address_map: AddressMap,
        until: Instant,
        isolation: &str,
    ) -> Result<Session, Reason> {
        let mut config = ClientConfig::new();
        config.set("isolation.level", isolation);
        config.set("bootstrap.servers", bootstrap.join(","));
        for (name, value) in SETTINGS {
            config.set(*name, *value);
        }
        let native = NativeClient::open(&mut config, address_map).map_err(|error| {
            let message = format!("cannot create a Kafka client: {error}");
            Reason::new(ReasonKind::Failed, redact(&message))
        })?;
        Ok(Session { native, last_answer: Instant::now(), until, failures: BTreeMap::new() })
    }

    /// Returns the client's address map.
    pub fn address_map(&self) -> &AddressMap {
        self.native.address_map()
    }

    /// Connects to any of the given brokers, and learns which brokers lead these topics or all that are visible.
    pub fn connect(&mut self, topics: Option<&[&str]>, brokers: &[String]) -> Result<(), Reason> {
        let mut call = FIRST_METADATA_TIMEOUT;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left < Duration::from_millis(1) {
                return Err(self.timeout_reason(brokers));
            }
            let sent = Sent::now(System::Kafka);
            match self.native.learn_leaders(topics, call.min(left)) {
                Ok(broker) => {
                    sent.answered((0, 0), || match topics {
                        Some(topics) => format!("Metadata {}", topics.join(", ")),
                        None => "Metadata of all topics".to_string(),
                    });
                    // A broker that answers is reachable, even if it failed before.
                    self.failures
                        .remove(broker.rsplit_once('/').map_or(broker.as_str(), |(address, _)| address));
                    self.last_answer = Instant::now();
                    return Ok(());
                }
                Err(code) if is_transient(code) => {}
                Err(code) => return Err(Reason::new(ReasonKind::Failed, format!("no metadata: {code}"))),
            }
            // The queue holds only failures, because no request is pending on it.
            self.poll(Duration::ZERO);
            if let Some(why) = self.connection_failure(brokers) {
                return Err(why);
            }
            call = match self.failures.is_empty() {
                true => (call * 2).min(left),
                false => FIRST_METADATA_TIMEOUT,
            };
        }
    }

    /// Reads records; see [`NativeClient::read`].
    pub fn read(
        &self,
        topic: &str,
        partition: i32,
        from: i64,
        until: Instant,
        visit: &mut dyn FnMut(&RawRecord) -> ControlFlow<()>,
    ) -> Result<bool, NativeError> {
        let (sent, mut bytes, mut records) = (Sent::now(System::Kafka), 0, 0);
        let mut count = |record: &RawRecord| {
            bytes += record.size();
            records += 1;
            visit(record)
        };
        let read = self.native.read(topic, partition, from, until.min(self.until), &mut count);
        sent.answered((bytes, records), || format!("records of {topic}/{partition} from {from}"));
        read
    }

    /// Sends all requests at once and passes each response to `handle` as it arrives. For a request
    /// without a response, `handle` receives the reason at the end.
    pub fn send(
        &mut self,
        requests: &[RoutedRequest],
        handle: impl FnMut(&Request, Result<Response, Reason>),
    ) {
        self.send_until(requests, self.until, handle);
    }

    /// Like [`Session::send`], but with an earlier deadline. Send nothing afterwards,
    /// because a late response could be mistaken for the response to a later request.
    pub fn send_until(
        &mut self,
        requests: &[RoutedRequest],
        until: Instant,
        mut handle: impl FnMut(&Request, Result<Response, Reason>),
    ) {
        let until = until.min(self.until);
        let timeout = until.saturating_duration_since(Instant::now());
        let mut pending = BTreeMap::new();
        let sent = || Sent::now(System::Kafka);
        for (tag, RoutedRequest { request, brokers }) in requests.iter().enumerate() {
            match self.native.send(tag, request, timeout) {
                Some(()) => drop(pending.insert(tag, (request, brokers, sent()))),
                None => handle(request, Err(invalid_name())),
            }
        }
        while !pending.is_empty() && Instant::now() < until {
            for (tag, response) in self.poll(POLL_INTERVAL) {
                if let Some((request, brokers, sent)) = pending.remove(&tag) {
                    sent.answered((0, 0), || request.describe());
                    let response = response.map_err(|error| self.reason(&error, brokers));
                    handle(request, response);
                }
            }
            pending.retain(|_, (request, brokers, _)| match self.connection_failure(brokers) {
                Some(why) => {
                    handle(request, Err(why));
                    false
                }
                None => true,
            });
        }
        for (request, brokers, _) in pending.into_values() {
            handle(request, Err(self.timeout_reason(brokers)));
        }
    }

    /// Returns the responses that have arrived and records failures. Waits for up to
    /// `timeout` for the first event.
    fn poll(&mut self, timeout: Duration) -> Vec<(usize, Result<Response, NativeError>)> {
        let mut responses = Vec::new();
        let mut wait = timeout;
        while let Some(event) = self.native.next_event(wait) {
            wait = Duration::ZERO;
            match event {
                Event::Response(tag, response) => {
                    if response.is_ok() {
                        self.last_answer = Instant::now();
                    }
                    responses.push((tag, response));
                }
                Event::Failure(line) => self.record_failure(&line),
                Event::Other => {}
            }
        }
        responses
    }

    fn record_failure(&mut self, line: &str) {
        let Some((address, text)) = split_log_line(line) else {
            return;
        };
        let shown = self.address_map().display(address);
        let mut why = match self.address_map().has_reached_limit() {
            true => open_files_reached(),
            false => failure_reason(&shown, text, self.last_answer.elapsed()),
        };
        if text.contains(FIRST_REQUEST) && tls_probe::expects_tls(&self.address_map().target(address)) {
            why = Reason::new(ReasonKind::Auth, format!("{shown} requires TLS"));
        }
        let before = self.failures.get(address);
        let since = before.map_or_else(Instant::now, |failure| failure.since);
        let address = address.to_string();
        self.failures.insert(address, Failure { since, why });
    }

    /// Returns why no connection is possible, once all of these brokers have failed.
    fn connection_failure(&self, brokers: &[String]) -> Option<Reason> {
        let failed = brokers.iter().map(|address| self.failures.get(address));
        let failed = failed.collect::<Option<Vec<&Failure>>>()?;
        let first = failed.first()?;
        if failed.iter().any(|failure| failure.since.elapsed() < GRACE) {
            return None;
        }
        let messages: Vec<&str> = failed.iter().map(|failure| failure.why.message.as_str()).collect();
        Some(Reason::new(first.why.kind, messages.join("; ")))
    }

    fn reason(&self, error: &NativeError, brokers: &[String]) -> Reason {
        match is_timeout(error.code) {
            true => self.timeout_reason(brokers),
            false => broker_error(error),
        }
    }

    /// Returns the reason for a timeout, including known failures of these brokers.
    fn timeout_reason(&self, brokers: &[String]) -> Reason {
        // If no more files can be opened, librdkafka's threads wait without reporting anything.
        if let Some(limit) = open_files_limit() {
            return limit;
        }
        let shown = brokers.iter().map(|address| self.address_map().display(address));
        let shown: Vec<String> = shown.collect();
        let mut why = no_answer(&shown.join(" or "), self.last_answer.elapsed());
        for failure in brokers.iter().filter_map(|address| self.failures.get(address)) {
            why.message = format!("{}; {}", why.message, failure.why.message);
        }
        why
    }
}

/// Client settings other than the brokers. The client never joins a group, commits
/// offsets, creates topics or reports metrics.
const SETTINGS: &[(&str, &str)] = &[
    ("client.id", "pipeline-doctor"),
    // This group is never joined. Without a group id, librdkafka 2.12 crashes when a
    // broker answers OffsetFetch with "not coordinator" (confluentinc/librdkafka#5040).
    ("group.id", "pipeline-doctor"),
    ("allow.auto.create.topics", "false"),
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    // Report EOF even if the last offsets of a partition are control records.
    ("enable.partition.eof", "true"),
    // A client has only one fetch request in flight, so a long wait for new records at the
    // end of a partition would delay the fetch from the next one.
    ("fetch.wait.max.ms", "5"),
    // Bound the memory for one response and for fetched records.
    ("receive.message.max.bytes", "16777216"),
    ("fetch.max.bytes", "8388608"),
    ("queued.max.messages.kbytes", "16384"),
    // The minimum, so that a broker that does not accept connections does not delay the others.
    ("socket.connection.setup.timeout.ms", "1000"),
    // Don't send client metrics to brokers that collect them.
    ("enable.metrics.push", "false"),
    // Try all addresses of a host within the grace period.
    ("reconnect.backoff.ms", "20"),
    ("reconnect.backoff.max.ms", "100"),
    ("broker.address.ttl", "0"),
    // Make log lines about failures start with the address.
    ("log.thread.name", "false"),
];

/// Reports whether a metadata call may succeed later because the connection is not up yet.
/// If the connection fails, an event says why.
fn is_transient(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut | Code::Resolve
    )
}

fn is_timeout(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue)
}

/// Returns the reason for an error response.
pub fn broker_error(error: &NativeError) -> Reason {
    use RDKafkaErrorCode as Code;
    let text = redact(error.text.trim_start_matches("Broker: "));
    match error.code {
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => {
            Reason::new(ReasonKind::Permission, format!("the broker denied access: {text}"))
        }
        Code::SaslAuthenticationFailed | Code::Authentication => {
            Reason::new(ReasonKind::Auth, format!("the broker rejected the login: {text}"))
        }
        _ => Reason::new(ReasonKind::Failed, format!("broker error: {text}")),
    }
}

fn invalid_name() -> Reason {
    Reason::new(ReasonKind::Failed, "invalid Kafka name")
}

/// Splits a log line: `kafka:9092/1: Failed to …` → `kafka:9092`, `Failed to …`.
fn split_log_line(line: &str) -> Option<(&str, &str)> {
    let (broker, text) = line.split_once(": ")?;
    let (address, _) = broker.rsplit_once('/')?;
    Some((address, text))
}

/// Converts librdkafka's log line about a failed connection to a reason.
fn failure_reason(address: &str, text: &str, waited: Duration) -> Reason {
    let has = |phrase: &str| text.contains(phrase);
    if has("Too many open files") {
        return open_files_reached();
    }
    if has("Failed to resolve") && has("Temporary failure") {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        return name_lookup::silent(host, waited);
    }
    if has("Failed to resolve") {
        let message = format!("{address} does not resolve from here");
        return Reason::new(ReasonKind::Unresolved, message);
    }
    if has("Connection refused") {
        return Reason::new(ReasonKind::Refused, format!("{address} refuses connections"));
    }
    if let Some((_, size)) = text.split_once("Invalid response size ") {
        return invalid_size(address, size);
    }
    if has("Disconnected") && has(FIRST_REQUEST) {
        let message = format!(
            "{address} closes the connection at once, like a published port with nothing listening behind it"
        );
        return Reason::new(ReasonKind::Refused, message);
    }
    if has("Disconnected") && has(CONNECTED) {
        let message = format!("{address} closes the connection in the middle of its answers");
        return Reason::new(ReasonKind::Refused, message);
    }
    if text.to_lowercase().contains("timed out") {
        return no_answer(address, waited);
    }
    let text = text.split(" (after ").next().unwrap_or(text);
    let message = format!("no connection to {address}: {}", redact(text));
    Reason::new(ReasonKind::Refused, message)
}

/// Explains a response size that librdkafka rejects. Text sent in place of a response is also read as a size.
fn invalid_size(address: &str, text: &str) -> Reason {
    let number = text.split(' ').next().and_then(|number| number.parse::<i32>().ok()).unwrap_or(-1);
    let is_text = number.to_be_bytes().iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    if number < 0 || is_text {
        return Reason::new(ReasonKind::Failed, format!("{address} answered, but not as Kafka"));
    }
    let bound = format!("more than the bound of {MAX_FRAME_MB} MB");
    Reason::new(ReasonKind::Limit, format!("{address} answered with a frame of {number} bytes, {bound}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of(line: &str) -> (ReasonKind, String) {
        let (address, text) = split_log_line(line).unwrap();
        let why = failure_reason(address, text, Duration::from_secs(1));
        (why.kind, why.message)
    }

    #[test]
    fn distinguishes_connection_failures() {
        let cases = [
            (
                "localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
                ReasonKind::Refused,
                "localhost:1 refuses connections",
            ),
            (
                "kafka:9092/1: Failed to resolve 'kafka:9092': Name or service not known (after 2ms in state CONNECT)",
                ReasonKind::Unresolved,
                "kafka:9092 does not resolve from here",
            ),
            (
                "h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: No route to host (after 0ms in state CONNECT)",
                ReasonKind::Refused,
                "no connection to h:1: Connect to ipv4#10.0.0.1:1 failed: No route to host",
            ),
            (
                "h:1/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 7ms in state APIVERSION_QUERY)",
                ReasonKind::Refused,
                "h:1 closes the connection at once, like a published port with nothing listening behind it",
            ),
            (
                "h:1/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 1ms in state UP)",
                ReasonKind::Refused,
                "h:1 closes the connection in the middle of its answers",
            ),
            (
                "h:1/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000) (after 0ms in state APIVERSION_QUERY)",
                ReasonKind::Failed,
                "h:1 answered, but not as Kafka",
            ),
            (
                "h:1/bootstrap: Receive failed: Invalid response size 99000000 (0..16777216): increase receive.message.max.bytes (after 0ms in state UP)",
                ReasonKind::Limit,
                "h:1 answered with a frame of 99000000 bytes, more than the bound of 16 MB",
            ),
            (
                "kafka:9092/1: Failed to resolve 'kafka:9092': Temporary failure in name resolution (after 5000ms in state CONNECT)",
                ReasonKind::NoAnswer,
                "the name server gave no answer for kafka in 1.0 s",
            ),
            (
                "h:1/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker",
                ReasonKind::NoAnswer,
                "no answer from h:1 in 1.0 s",
            ),
        ];
        for (line, kind, message) in cases {
            assert_eq!(reason_of(line), (kind, message.to_string()));
        }
        assert_eq!(split_log_line("1/1 brokers are down"), None);
    }
}
