//! Checks the health of HTTP services and sends the harmless request that the pipeline
//! declares. Sends only GET requests.

use crate::base::secret::{redact, redact_url, withhold};
use crate::collect::cost::Sent;
use crate::collect::env_addresses::is_loopback;
use crate::collect::runtime::docker::{EnvironmentAddresses, before_deadline};
use crate::collect::{http_errors, name_lookup, now, timeout_at, tls_probe, with_deadline};
use crate::config::Config;
use crate::evidence::{
    AddressMapping, Answer, Clock, CustomObservation, Event, Http, InstanceState, Name, Observed, Reason,
    ReasonKind, Runtime, System,
};
use crate::pipeline::{Call, Harmless, Service};
use crate::runbook::custom_fact::Request;
use crate::text::address::has_query_or_fragment;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, Response, redirect};
use std::collections::BTreeMap;
use tokio::time::{Duration, Instant};
use url::Url;

/// Maximum size of a response body in bytes; longer bodies are not read.
const MAX_BODY: usize = 1 << 20;
/// Timeout for a DNS lookup, after which the address is looked up in Docker.
const DNS_TIMEOUT: Duration = Duration::from_secs(1);
/// Maximum length of a recorded value, in characters.
const MAX_VALUE: usize = 200;

/// Requests the health endpoint of every service, the pipeline's harmless request,
/// and the requests of custom facts. `docker` and `event` are `None` if they were
/// not available in time.
pub async fn collect(
    config: &Config,
    docker: Option<&(Observed<Runtime>, EnvironmentAddresses)>,
    event: Option<&Observed<Vec<Event>>>,
    until: Instant,
) -> (Observed<Http>, BTreeMap<Name, Observed<CustomObservation>>) {
    crate::collect::tls::install_tls_provider();
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            let why = http_errors::reason(&error, "the HTTP client", Duration::ZERO);
            let custom = requests(config).map(|(name, _)| (name, Observed::Unknown(why.clone()))).collect();
            return (Observed::Unknown(why), custom);
        }
    };
    let requester = Requester {
        config,
        docker: docker.map(|both| &both.0),
        client: &client,
        until: before_deadline(until),
    };
    let with_health =
        config.pipeline.service.iter().filter_map(|service| Some((service, service.health.as_deref()?)));
    let health = join_all(with_health.map(|(service, path)| async move {
        (service.name.clone(), requester.get(service, path, None).await)
    }));
    // Sent once, for the first event, even if several ids were given.
    let event = event.and_then(|events| events.known()?.first());
    let custom = join_all(requests(config).map(|(name, request)| async move {
        let service = config.pipeline.service(&request.service);
        let answer = requester.harmless(service, &request.service, &request.harmless(), event).await;
        (name, answer.map(CustomObservation::Answer))
    }));
    let (health, contract, custom) = tokio::join!(health, requester.contract(event), custom);
    (Observed::Known(Http { health: health.into_iter().collect(), contract }), custom.into_iter().collect())
}

/// Returns the custom facts' requests.
fn requests(config: &Config) -> impl Iterator<Item = (Name, &Request)> {
    config.custom_facts.iter().filter_map(|fact| Some((fact.name().to_string(), fact.http.as_ref()?)))
}

/// Common paths for health endpoints.
const HEALTH_PATHS: [&str; 7] =
    ["/health", "/healthz", "/actuator/health", "/q/health", "/readyz", "/livez", "/"];
/// Timeout for one health request during discovery.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the first common health path on `host:port` that answers a GET request with 2xx.
pub async fn healthy_path(address: &str, until: Instant) -> Option<&'static str> {
    let client = client().ok()?;
    for path in HEALTH_PATHS {
        let until = until.min(Instant::now() + HEALTH_TIMEOUT);
        let request = client.get(format!("http://{address}{path}")).send();
        match timeout_at(until, request).await {
            Ok(Ok(response)) if response.status().is_success() => return Some(path),
            Ok(Ok(_)) => {}
            // There is no response at all, so the other paths won't get one either.
            Ok(Err(_)) | Err(_) => return None,
        }
    }
    None
}

/// Builds the client. Without root certificates on this machine, it still works for plain
/// HTTP.
fn client() -> reqwest::Result<Client> {
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// Configures the client to use no proxies, because the services are local, and to follow
/// redirects only to the same origin, so that the answer comes from the service itself.
fn builder() -> ClientBuilder {
    let same_origin = redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::origin);
        match from == Some(attempt.url().origin()) && attempt.previous().len() <= 5 {
            true => attempt.follow(),
            false => attempt.stop(),
        }
    });
    Client::builder().no_proxy().redirect(same_origin).referer(false)
}

#[derive(Clone, Copy)]
struct Requester<'a> {
    config: &'a Config,
    docker: Option<&'a Observed<Runtime>>,
    client: &'a Client,
    until: Instant,
}

impl Requester<'_> {
    async fn contract(self, event: Option<&Event>) -> Observed<Answer> {
        let Some(call) = &self.config.pipeline.call else {
            return Observed::not_asked("the pipeline declares no call");
        };
        let Some(harmless) = &call.harmless else {
            return Observed::not_asked(format!(
                "the pipeline declares no harmless request for {}",
                call.name
            ));
        };
        self.harmless(self.called_service(call), &call.name, harmless, event).await
    }

    /// Sends a harmless request to a service. `name` identifies the request in messages.
    async fn harmless(
        self,
        service: Option<&Service>,
        name: &str,
        harmless: &Harmless,
        event: Option<&Event>,
    ) -> Observed<Answer> {
        match (service, fill_path(harmless, event)) {
            (None, _) => Observed::not_asked(format!("the pipeline declares no service for {name}")),
            (_, Err(key)) => Observed::not_asked(format!("no value for `{key}` in {}", harmless.path)),
            (Some(service), Ok(path)) => self.get(service, &path, Some(harmless)).await,
        }
    }

    fn called_service(&self, call: &Call) -> Option<&Service> {
        self.config.pipeline.service(call.service.get_ref())
    }

    /// Sends a GET request to the service and keeps the body values that `wanted` lists.
    async fn get(self, service: &Service, path: &str, wanted: Option<&Harmless>) -> Observed<Answer> {
        let base = match self.base_url(service).await {
            Observed::Known(base) => base,
            Observed::Unknown(why) => return Observed::Unknown(why),
            Observed::NotAsked(why) => return Observed::NotAsked(why),
        };
        if has_query_or_fragment(&base) {
            let message = format!("the address of {} has a query or a fragment", service.name);
            return Observed::unknown(ReasonKind::NotConfigured, message);
        }
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let shown = redact(&format!("{}{path}", redact_url(&base)));
        let parsed = Url::parse(&base).ok();
        let is_plain = parsed.as_ref().is_some_and(|url| url.scheme() == "http");
        let peer = parsed.as_ref().and_then(host_and_port);
        let peer = peer.map_or(shown.clone(), |(host, port)| format!("{host}:{port}"));
        let start = Instant::now();
        let request = async {
            let failed =
                |error: reqwest::Error| http_errors::reason(&error.without_url(), &peer, start.elapsed());
            let before = now();
            let response = self.client.get(url).send().await.map_err(failed)?;
            let status = response.status().as_u16();
            let clock = date(&response).map(|date| Clock::between(before, date, now(), DATE_PRECISION_MS));
            let location = location(&response);
            let (body, problem) = match wanted {
                Some(wanted) => body(response, wanted).await.map_err(failed)?,
                None => (BTreeMap::new(), None),
            };
            Ok(Answer { url: shown.clone(), status, location, body, problem, clock })
        };
        let sent = Sent::now(System::Http);
        let answer = with_deadline(&peer, self.until, request).await;
        sent.answered((0, 0), || format!("GET {shown}"));
        Observed::from(match answer {
            Err(why) if is_plain && self.expects_tls(&why, &peer).await => {
                Err(http_errors::expects_tls(&peer))
            }
            answer => answer,
        })
    }

    /// Reports whether a plain request failed because the service expects TLS.
    async fn expects_tls(&self, why: &Reason, peer: &str) -> bool {
        http_errors::may_expect_tls(why, peer)
            && tls_probe::expects_tls_before(peer.to_string(), self.until).await
    }

    /// Returns the service's base URL: the configured URL, or else the published port of its
    /// container, or else the address in other containers' environments.
    async fn base_url(self, service: &Service) -> Observed<String> {
        if let Some(configured) = self.config.endpoints.http.get(&service.name) {
            return self.reachable(configured).await;
        }
        let Some(Observed::Known(docker)) = self.docker else {
            return Observed::Unknown(self.without_docker(service));
        };
        let containers = docker.instances_of(&service.name, service.container.as_deref());
        let running = containers.iter().find(|container| container.state == InstanceState::Running);
        if let Some(container) = running.or(containers.first()) {
            let port = service.port.unwrap_or(80);
            return match docker.map_address(&container.name, port) {
                Some(mapped) => Observed::Known(format!("http://{}", mapped.to)),
                None => {
                    let message = format!("container {} is {}", container.name, container.state);
                    Observed::unknown(ReasonKind::Refused, message)
                }
            };
        }
        match address_in_environment(docker, service) {
            Some(address) => self.reachable(&address).await,
            None => Observed::unknown(ReasonKind::Missing, format!("no container for {}", service.name)),
        }
    }

    /// Returns the reason to report if there is no address because Docker is unavailable.
    /// Its kind is `NotConfigured`, not Docker's, because the service itself was not
    /// contacted.
    fn without_docker(&self, service: &Service) -> Reason {
        let cause = self.docker.and_then(Observed::reason).map(|why| why.message.as_str());
        let message = format!(
            "no address: {}; set one with --http {}=URL",
            cause.unwrap_or("the Docker Engine has not answered yet"),
            service.name
        );
        Reason::new(ReasonKind::NotConfigured, message)
    }

    /// Returns the URL if its host resolves, or else the URL that Docker maps it to.
    async fn reachable(self, address: &str) -> Observed<String> {
        let Ok(url) = Url::parse(address) else {
            return Observed::unknown(
                ReasonKind::NotConfigured,
                format!("{} is not a URL", redact_url(address)),
            );
        };
        let Some((host, port)) = host_and_port(&url) else {
            return Observed::unknown(
                ReasonKind::NotConfigured,
                format!("{} has no host", redact_url(address)),
            );
        };
        let peer = format!("{host}:{port}");
        let start = Instant::now();
        let mut lookup = Box::pin(tokio::net::lookup_host(peer.as_str()));
        let first = timeout_at(self.until.min(start + DNS_TIMEOUT), &mut lookup).await;
        if let Ok(Ok(_)) = first {
            return Observed::Known(address.into());
        }
        let docker = self.docker.and_then(Observed::known);
        if let Some(mapped) = docker.and_then(|docker| docker.map_address(host, port)) {
            return Observed::Known(mapped_url(url.clone(), &mapped));
        }
        let last = match first {
            Ok(failed) => Ok(failed),
            Err(_) => timeout_at(self.until, lookup).await,
        };
        match last {
            Ok(Ok(_)) => Observed::Known(address.into()),
            Ok(Err(error)) => Observed::Unknown(name_lookup::failed(&error, host, start.elapsed())),
            Err(_) => Observed::Unknown(name_lookup::silent(host, start.elapsed())),
        }
    }
}

/// Precision of the `Date` header (one second), in milliseconds.
const DATE_PRECISION_MS: i64 = 1_000;

fn date(response: &Response) -> Option<Timestamp> {
    let date = response.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

fn host_and_port(url: &Url) -> Option<(&str, u16)> {
    Some((url.host_str()?, url.port_or_known_default()?))
}

/// Replaces the URL's host and port with the mapped ones.
fn mapped_url(mut url: Url, mapped: &AddressMapping) -> String {
    if let Some((host, port)) = mapped.to.rsplit_once(':') {
        // Both calls fail only for URLs without a host, and this one has a host.
        let _ = url.set_host(Some(host));
        let _ = url.set_port(port.parse().ok());
    }
    url.into()
}

/// Returns the service's address from other containers' environments, unless it is a loopback
/// address.
fn address_in_environment(docker: &Runtime, service: &Service) -> Option<String> {
    let variable = service.address_variable.as_deref()?;
    let mut addresses = docker.instances().filter_map(|c| c.environment.get(variable));
    addresses.find(|address| !is_loopback(address)).cloned()
}

/// Fills the path's placeholders with the event's keys, or else with the values for
/// requests without an event. The error is the first key without a value.
fn fill_path(harmless: &Harmless, event: Option<&Event>) -> Result<String, String> {
    let mut path = String::new();
    let mut rest = harmless.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}').ok_or_else(|| after.to_string())?;
        let event_key = event.and_then(|event| event.keys.get(key));
        let value = event_key.or_else(|| harmless.without_event.get(key)).ok_or(key)?;
        path.push_str(before);
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        // A plus encodes a space only in forms, not in paths.
        path.push_str(&encoded.replace('+', "%20"));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// Returns the redirect target of a response, without the query, which may contain a token.
fn location(response: &Response) -> Option<String> {
    let location = response.headers().get(reqwest::header::LOCATION)?.to_str().ok()?;
    let mut url = response.url().join(location).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(withhold(&redact_url(url.as_str())).chars().take(MAX_VALUE).collect())
}

type Body = (BTreeMap<String, String>, Option<Reason>);

/// Returns the body values that `wanted` lists, and the reason if the body could not be read.
async fn body(mut response: Response, wanted: &Harmless) -> reqwest::Result<Body> {
    let encoding = response.headers().get(reqwest::header::CONTENT_ENCODING);
    let encoding = encoding.and_then(|encoding| encoding.to_str().ok()).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        let encoding: String = encoding.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        let message = format!("its body is encoded as {encoding}, which was not asked for");
        return Ok((BTreeMap::new(), Some(Reason::new(ReasonKind::Failed, message))));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY {
            let message = format!("its body is longer than {} MB, so it was not read", MAX_BODY >> 20);
            return Ok((BTreeMap::new(), Some(Reason::new(ReasonKind::Limit, message))));
        }
    }
    match serde_json::from_slice(&bytes) {
        Ok(body) => Ok((values(&body, wanted), None)),
        Err(_) => {
            let message = if bytes.is_empty() { "its body is empty" } else { "its body is not JSON" };
            Ok((BTreeMap::new(), Some(Reason::new(ReasonKind::Failed, message))))
        }
    }
}

fn values(body: &serde_json::Value, wanted: &Harmless) -> BTreeMap<String, String> {
    let pointers = wanted.expect.keys().chain(&wanted.show);
    let found = pointers.filter_map(|pointer| Some((pointer, body.pointer(pointer)?)));
    found
        .map(|(pointer, value)| {
            let value = withhold(&value.to_string());
            (pointer.clone(), value.chars().take(MAX_VALUE).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn harmless() -> Harmless {
        let to_map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
        };
        Harmless {
            path: "/orders?customer={customer}&n=1".into(),
            without_event: to_map(&[("customer", "0")]),
            expect: to_map(&[("/success", "true")]),
            show: vec!["/error".into(), "/none".into()],
        }
    }

    #[test]
    fn encodes_event_keys_in_the_path() {
        let keys = BTreeMap::from([("customer".to_string(), "a&b c".to_string())]);
        let event = Event { at: Timestamp::UNIX_EPOCH, keys };
        assert_eq!(fill_path(&harmless(), Some(&event)).unwrap(), "/orders?customer=a%26b%20c&n=1");
        assert_eq!(fill_path(&harmless(), None).unwrap(), "/orders?customer=0&n=1");
        let unknown = Harmless { path: "/{missing}".into(), ..harmless() };
        assert_eq!(fill_path(&unknown, None).unwrap_err(), "missing");
    }

    #[test]
    fn keeps_only_the_wanted_values_of_the_body() {
        let body = r#"{"success": false, "error": "password=hunter2", "data": [1]}"#;
        let found = values(&serde_json::from_str(body).unwrap(), &harmless());
        let expected = [("/error", "\"password=<secret:1>\""), ("/success", "false")];
        assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn mapped_url_keeps_its_path() {
        let mapped = AddressMapping { from: "api:80".into(), to: "localhost:8080".into(), by: String::new() };
        let url = Url::parse("http://api:80/base").unwrap();
        assert_eq!(mapped_url(url, &mapped), "http://localhost:8080/base");
    }
}
