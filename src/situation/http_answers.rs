//! HTTP answers from the services to health checks and to the declared harmless request.

use crate::base::state_enum::state_enum;
use crate::evidence::{Answer, Observed, Reason, ReasonKind};
use crate::pipeline::Harmless;
use crate::situation::inputs::Inputs;
use std::collections::BTreeMap;
use url::Url;

state_enum! {
    /// A service's health according to its health endpoint.
    pub enum ServiceHealth {
        Unreachable = "unreachable",
        Unhealthy = "unhealthy",
        Healthy = "healthy",
    }
}

/// The answer to the harmless request.
#[derive(Debug, Clone)]
pub struct HarmlessAnswer {
    /// Whether the status indicates success, regardless of the body.
    pub success: bool,
    /// Whether the body matches the expected values.
    pub matches: bool,
    /// Why it is not known whether the body matches.
    pub unread: Option<Reason>,
    /// The HTTP status.
    pub status: u16,
    /// A description of the answer.
    pub message: String,
}

/// The HTTP answers from the services.
pub struct Answers<'a> {
    /// The health of each service that declares a health endpoint, in the pipeline's order.
    pub health: Vec<(&'a str, Observed<(ServiceHealth, String)>)>,
    /// If a harmless request is declared, the service that receives it, and the answer.
    pub harmless: Option<(&'a str, Observed<HarmlessAnswer>)>,
}

impl<'a> Answers<'a> {
    /// Reads the answers from the evidence.
    pub fn build(inputs: Inputs<'a>) -> Self {
        let services = inputs.pipeline.service.iter().filter(|service| service.health.is_some());
        let health = services.map(|service| (service.name.as_str(), health(inputs, &service.name)));
        let call = inputs.pipeline.call.as_ref();
        let declared = call.and_then(|call| Some((call.service.get_ref().as_str(), call.harmless.as_ref()?)));
        Answers {
            health: health.collect(),
            harmless: declared
                .map(|(service, harmless)| (service, harmless_answer(inputs, service, harmless))),
        }
    }
}

fn health(inputs: Inputs, service: &str) -> Observed<(ServiceHealth, String)> {
    let seen = inputs.http().and_then(|http| match http.health.get(service) {
        Some(answer) => answer.as_ref(),
        None => Observed::not_asked(format!("{service} was not queried")),
    });
    match seen.map_reason(|why| inputs.reason_of(why)) {
        Observed::Unknown(why) if why.is_unreachable() => {
            Observed::Known((ServiceHealth::Unreachable, why.describe()))
        }
        seen => seen.and_then(|answer| match turned_away(answer) {
            Some(why) => Observed::Unknown(why),
            None if is_success(answer) => Observed::Known((ServiceHealth::Healthy, describe(answer))),
            None => Observed::Known((ServiceHealth::Unhealthy, describe(answer))),
        }),
    }
}

/// Returns the reason if the service turned the request away. Such an answer says nothing about the
/// service's health.
fn turned_away(answer: &Answer) -> Option<Reason> {
    let kind = match answer.status {
        401 | 407 => ReasonKind::Auth,
        403 => ReasonKind::Permission,
        300..=399 => ReasonKind::Failed,
        _ => return None,
    };
    let place = Url::parse(&answer.url).ok();
    let place = place.and_then(|url| Some(url.host_str()?.to_string() + &port(&url)));
    Some(Reason::new(kind, format!("{} answers {}", place.unwrap_or_default(), describe(answer))))
}

fn port(url: &Url) -> String {
    url.port().map_or_else(String::new, |port| format!(":{port}"))
}

fn harmless_answer(inputs: Inputs, service: &str, harmless: &Harmless) -> Observed<HarmlessAnswer> {
    let http = inputs.http();
    // A service that turns away even health checks may answer its real callers differently.
    let health = http.known().and_then(|http| http.health.get(service)?.known().and_then(turned_away));
    http.and_then(|http| http.contract.as_ref()).and_then(|answer| match turned_away(answer) {
        Some(why) if health.is_some() => Observed::Unknown(why),
        _ => Observed::Known(HarmlessAnswer {
            success: is_success(answer),
            matches: matches(answer, &harmless.expect),
            unread: answer.problem.clone().filter(|why| why.kind == ReasonKind::Limit),
            status: answer.status,
            message: describe(answer),
        }),
    })
}

/// Reports whether the body contains the expected values at their JSON pointers.
pub fn matches(answer: &Answer, expect: &BTreeMap<String, String>) -> bool {
    expect.iter().all(|(pointer, value)| answer.body.get(pointer) == Some(value))
}

/// Reports whether an answer's status is 2xx.
pub fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// Describes an answer: "200, error \"no pool\", success false".
pub fn describe(answer: &Answer) -> String {
    let body =
        answer.body.iter().map(|(pointer, value)| format!("{} {value}", pointer.trim_start_matches('/')));
    let problem = answer.problem.iter().map(|why| why.message.clone());
    [status(answer)].into_iter().chain(body).chain(problem).collect::<Vec<_>>().join(", ")
}

/// Returns the status and its meaning: "401 (wants a login)".
fn status(answer: &Answer) -> String {
    let meaning = match (answer.status, &answer.location) {
        (200..=299, _) => return answer.status.to_string(),
        (300..=399, Some(location)) => format!("redirects to {location}"),
        (300..=399, None) => "redirects".to_string(),
        (401 | 407, _) => "wants a login".to_string(),
        (403, _) => "denies access".to_string(),
        (404, _) => "has nothing at this path".to_string(),
        (429, _) => "limits the number of requests".to_string(),
        (400..=499, _) => "rejects the request".to_string(),
        (502 | 504, _) => "gets no answer from a service behind it".to_string(),
        (503, _) => "is overloaded or not ready".to_string(),
        _ => "fails; its log tells why".to_string(),
    };
    format!("{} ({meaning})", answer.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16) -> Answer {
        let url = "http://localhost:3010/health".to_string();
        Answer { url, status, location: None, body: BTreeMap::new(), problem: None, clock: None }
    }

    #[test]
    fn says_what_a_status_means() {
        assert_eq!(describe(&answer(204)), "204");
        assert_eq!(describe(&answer(503)), "503 (is overloaded or not ready)");
        let login = Answer { location: Some("https://login.example/start".into()), ..answer(302) };
        assert_eq!(describe(&login), "302 (redirects to https://login.example/start)");
        let why = Reason::new(ReasonKind::Failed, "its body is not JSON");
        assert_eq!(describe(&Answer { problem: Some(why), ..answer(200) }), "200, its body is not JSON");
    }

    #[test]
    fn being_turned_away_says_nothing_about_the_service() {
        for status in [401, 403, 302] {
            assert!(turned_away(&answer(status)).is_some(), "{status}");
        }
        for status in [200, 404, 500, 503] {
            assert_eq!(turned_away(&answer(status)), None);
        }
        let why = turned_away(&answer(401)).unwrap();
        assert_eq!(why.message, "localhost:3010 answers 401 (wants a login)");
    }
}
