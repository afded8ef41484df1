//! HTTP services: their health, and the harmless request that the pipeline
//! declares. Only GET.

use crate::base::secret::{redact, shown_url};
use crate::collect::addresses::is_loopback;
use crate::collect::runtime::docker::{Discovered, early};
use crate::collect::{failure, in_time, now};
use crate::config::Config;
use crate::evidence::{
    Answer, Clock, Custom, Event, Http, InstanceState, Mapped, Name, Runtime, Seen, Why, WhyKind,
};
use crate::pipeline::{Call, Harmless, Service};
use crate::runbook::own::Request;
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, Response, redirect};
use std::collections::BTreeMap;
use tokio::time::{Duration, Instant};
use url::Url;

/// More of a body is not read: no answer that is asked for is longer.
const LONGEST_BODY: usize = 1 << 20;
/// How long a name that Docker may know as well is looked up.
const FOR_NAMES: Duration = Duration::from_secs(1);
/// How much of one value is kept, in characters.
const LONGEST_VALUE: usize = 200;

/// Asks every service for its health, and one of them what the pipeline
/// declares as harmless, and what facts of the user's own ask. `docker`, `event`:
/// `None` if not known in time.
pub async fn look(
    config: &Config,
    docker: Option<&(Seen<Runtime>, Discovered)>,
    event: Option<&Seen<Vec<Event>>>,
    until: Instant,
) -> (Seen<Http>, BTreeMap<Name, Seen<Custom>>) {
    crate::collect::tls::install_tls_provider();
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            let why = failure::why(&error, "the HTTP client");
            let own = requests(config).map(|(name, _)| (name, Seen::Unknown(why.clone()))).collect();
            return (Seen::Unknown(why), own);
        }
    };
    let asker = Asker { config, docker: docker.map(|both| &both.0), client: &client, until: early(until) };
    let with_health =
        config.pipeline.service.iter().filter_map(|service| Some((service, service.health.as_deref()?)));
    let health =
        join_all(with_health.map(|(service, path)| async move {
            (service.name.clone(), asker.ask(service, path, None).await)
        }));
    // It is asked once, whoever asked about several ids.
    let event = event.and_then(|events| events.known()?.first());
    let own = join_all(requests(config).map(|(name, request)| async move {
        let service = config.pipeline.service(&request.service);
        let answer = asker.harmless(service, &request.service, &request.harmless(), event).await;
        (name, answer.map(Custom::Answer))
    }));
    let (health, contract, own) = tokio::join!(health, asker.contract(event), own);
    (Seen::Known(Http { health: health.into_iter().collect(), contract }), own.into_iter().collect())
}

/// The requests of the user's own facts.
fn requests(config: &Config) -> impl Iterator<Item = (Name, &Request)> {
    config.own.iter().filter_map(|fact| Some((fact.name().to_string(), fact.http.as_ref()?)))
}

/// Where services usually tell that they are well.
const HEALTH: [&str; 3] = ["/health", "/healthz", "/"];
/// How long one of them may take.
const FOR_HEALTH: Duration = Duration::from_secs(1);

/// The first usual path of `host:port` that answers a GET with 2xx.
pub async fn healthy_path(place: &str, until: Instant) -> Option<&'static str> {
    let client = client().ok()?;
    for path in HEALTH {
        let until = until.min(Instant::now() + FOR_HEALTH);
        let asked = client.get(format!("http://{place}{path}")).send();
        match tokio::time::timeout_at(until, asked).await {
            Ok(Ok(response)) if response.status().is_success() => return Some(path),
            Ok(Ok(_)) => {}
            // Who does not answer at all does not answer the next one either.
            Ok(Err(_)) | Err(_) => return None,
        }
    }
    None
}

/// A machine without root certificates can make no client that trusts them,
/// and still asks by plain HTTP.
fn client() -> reqwest::Result<Client> {
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// No proxies: what is asked is near. Redirects stay on their host, so that an
/// answer is that of the service.
fn builder() -> ClientBuilder {
    let same_host = redirect::Policy::custom(|attempt| {
        let from = attempt.previous().last().and_then(Url::host_str);
        match from == attempt.url().host_str() && attempt.previous().len() <= 5 {
            true => attempt.follow(),
            false => attempt.stop(),
        }
    });
    Client::builder().no_proxy().redirect(same_host)
}

#[derive(Clone, Copy)]
struct Asker<'a> {
    config: &'a Config,
    docker: Option<&'a Seen<Runtime>>,
    client: &'a Client,
    until: Instant,
}

impl Asker<'_> {
    async fn contract(self, event: Option<&Event>) -> Seen<Answer> {
        let Some(call) = &self.config.pipeline.call else {
            return Seen::not_asked("the pipeline declares no call");
        };
        let Some(harmless) = &call.harmless else {
            return Seen::not_asked(format!("the pipeline declares no harmless request for {}", call.name));
        };
        self.harmless(self.called(call), &call.name, harmless, event).await
    }

    /// Asks a service what changes nothing; `what` is what the request is called.
    async fn harmless(
        self,
        service: Option<&Service>,
        what: &str,
        harmless: &Harmless,
        event: Option<&Event>,
    ) -> Seen<Answer> {
        match (service, filled(harmless, event)) {
            (None, _) => Seen::not_asked(format!("nobody answers {what}")),
            (_, Err(key)) => Seen::not_asked(format!("no value for `{key}` of {}", harmless.path)),
            (Some(service), Ok(path)) => self.ask(service, &path, Some(harmless)).await,
        }
    }

    fn called(&self, call: &Call) -> Option<&Service> {
        self.config.pipeline.service(call.service.get_ref())
    }

    /// One GET of the service. `wanted`: what is to be kept of the body.
    async fn ask(self, service: &Service, path: &str, wanted: Option<&Harmless>) -> Seen<Answer> {
        let base = match self.base(service).await {
            Seen::Known(base) => base,
            Seen::Unknown(why) => return Seen::Unknown(why),
            Seen::NotAsked(why) => return Seen::NotAsked(why),
        };
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let shown = redact(&format!("{}{path}", shown_url(&base)));
        let parsed = Url::parse(&base).ok();
        let who = parsed.as_ref().and_then(host_and_port);
        let who = who.map_or(shown.clone(), |(host, port)| format!("{host}:{port}"));
        let asked = async {
            let failed = |error: reqwest::Error| failure::why(&error.without_url(), &who);
            let before = now();
            let response = self.client.get(url).send().await.map_err(failed)?;
            let status = response.status().as_u16();
            let clock = date(&response).map(|date| Clock::between(before, date, now(), WHOLE_SECONDS));
            let body = match wanted {
                Some(wanted) => body(response, wanted).await.map_err(failed)?,
                None => BTreeMap::new(),
            };
            Ok(Answer { url: shown, status, body, clock })
        };
        Seen::from(in_time(&who, self.until, asked).await)
    }

    /// The service's base address: as configured, else the published port of
    /// its container, else what other containers are told.
    async fn base(self, service: &Service) -> Seen<String> {
        if let Some(configured) = self.config.places.http.get(&service.name) {
            return self.near(configured).await;
        }
        let Some(Seen::Known(docker)) = self.docker else {
            return Seen::Unknown(self.without_docker(service));
        };
        let containers = docker.instances_of(&service.name, service.container.as_deref());
        let running = containers.iter().find(|container| container.state == InstanceState::Running);
        if let Some(container) = running.or(containers.first()) {
            let port = service.port.unwrap_or(80);
            return match docker.reach(&container.name, port) {
                Some(mapped) => Seen::Known(format!("http://{}", mapped.to)),
                None => {
                    let say = format!("container {} is {}", container.name, container.state);
                    Seen::unknown(WhyKind::Refused, say)
                }
            };
        }
        match told(docker, service) {
            Some(address) => self.near(&address).await,
            None => Seen::unknown(WhyKind::Missing, format!("no container of {}", service.name)),
        }
    }

    /// Docker's trouble is not the service's: its kind stays with Docker.
    fn without_docker(&self, service: &Service) -> Why {
        let cause = self.docker.and_then(Seen::why).map(|why| why.say.as_str());
        let say = format!(
            "no address: {}; give one with --http {}=URL",
            cause.unwrap_or("the Docker Engine has not answered yet"),
            service.name
        );
        Why::new(WhyKind::NotConfigured, say)
    }

    /// The address, or the way to it where only containers know its host.
    async fn near(self, address: &str) -> Seen<String> {
        let Ok(url) = Url::parse(address) else {
            return Seen::unknown(WhyKind::NotConfigured, format!("{} is not an address", redact(address)));
        };
        let Some((host, port)) = host_and_port(&url) else {
            return Seen::unknown(WhyKind::NotConfigured, format!("{} names no host", shown_url(address)));
        };
        let who = format!("{host}:{port}");
        let patience = self.until.min(Instant::now() + FOR_NAMES);
        let resolved = tokio::time::timeout_at(patience, tokio::net::lookup_host(&who)).await;
        match resolved {
            Ok(Ok(_)) => Seen::Known(address.into()),
            _ => match self.docker.and_then(Seen::known).and_then(|docker| docker.reach(host, port)) {
                Some(mapped) => Seen::Known(through(url.clone(), &mapped)),
                None => Seen::unknown(WhyKind::Unresolved, format!("{host} does not resolve")),
            },
        }
    }
}

/// The Date header tells whole seconds, in milliseconds.
const WHOLE_SECONDS: i64 = 1_000;

fn date(response: &Response) -> Option<Timestamp> {
    let date = response.headers().get(reqwest::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp())
}

fn host_and_port(url: &Url) -> Option<(&str, u16)> {
    Some((url.host_str()?, url.port_or_known_default()?))
}

/// The address with the host and port that are known here.
fn through(mut url: Url, mapped: &Mapped) -> String {
    if let Some((host, port)) = mapped.to.rsplit_once(':') {
        // Both fail only for addresses without a host, and this has one.
        let _ = url.set_host(Some(host));
        let _ = url.set_port(port.parse().ok());
    }
    url.into()
}

/// The address that other containers are told, unless it means themselves.
fn told(docker: &Runtime, service: &Service) -> Option<String> {
    let variable = service.address_variable.as_deref()?;
    let mut addresses = docker.instances().filter_map(|c| c.environment.get(variable));
    addresses.find(|address| !is_loopback(address)).cloned()
}

/// The path with the keys of the event, else with those that need none. The
/// error is a key that nobody knows.
fn filled(harmless: &Harmless, event: Option<&Event>) -> Result<String, String> {
    let mut path = String::new();
    let mut rest = harmless.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (key, after) = after.split_once('}').ok_or_else(|| after.to_string())?;
        let of_event = event.and_then(|event| event.keys.get(key));
        let value = of_event.or_else(|| harmless.without_event.get(key)).ok_or(key)?;
        path.push_str(before);
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        // In a path, unlike in a form, a plus is no space.
        path.push_str(&encoded.replace('+', "%20"));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

/// What the body holds where the pipeline looks. A body that is not JSON, or
/// too long, holds nothing.
async fn body(mut response: Response, wanted: &Harmless) -> reqwest::Result<BTreeMap<String, String>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LONGEST_BODY {
            return Ok(BTreeMap::new());
        }
    }
    Ok(values(&bytes, wanted))
}

fn values(body: &[u8], wanted: &Harmless) -> BTreeMap<String, String> {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let pointers = wanted.expect.keys().chain(&wanted.show);
    let found = pointers.filter_map(|pointer| Some((pointer, body.pointer(pointer)?)));
    found
        .map(|(pointer, value)| {
            let value = redact(&value.to_string());
            (pointer.clone(), value.chars().take(LONGEST_VALUE).collect())
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
    fn the_events_keys_are_encoded_into_the_path() {
        let keys = BTreeMap::from([("customer".to_string(), "a&b c".to_string())]);
        let event = Event { at: Timestamp::UNIX_EPOCH, keys };
        assert_eq!(filled(&harmless(), Some(&event)).unwrap(), "/orders?customer=a%26b%20c&n=1");
        assert_eq!(filled(&harmless(), None).unwrap(), "/orders?customer=0&n=1");
        let unknown = Harmless { path: "/{who}".into(), ..harmless() };
        assert_eq!(filled(&unknown, None).unwrap_err(), "who");
    }

    #[test]
    fn only_the_values_that_are_looked_at_are_kept() {
        let body = br#"{"success": false, "error": "password=hunter2", "data": [1]}"#;
        let found = values(body, &harmless());
        let expected = [("/error", "\"password=***\""), ("/success", "false")];
        assert_eq!(found.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
        assert!(values(b"<html>", &harmless()).is_empty());
    }

    #[test]
    fn a_mapped_address_keeps_its_path() {
        let mapped = Mapped { from: "api:80".into(), to: "localhost:8080".into(), by: String::new() };
        let url = Url::parse("http://api:80/base").unwrap();
        assert_eq!(through(url, &mapped), "http://localhost:8080/base");
    }
}
