//! What services answer by HTTP: their health, and the harmless request.

use crate::base::states::states;
use crate::evidence::{Answer, Seen};
use crate::pipeline::Harmless;
use crate::situation::source::Source;
use std::collections::BTreeMap;

states! {
    /// What a service says of itself.
    pub enum ServiceHealth {
        Unreachable = "unreachable",
        Unhealthy = "unhealthy",
        Healthy = "healthy",
    }
}

/// What the harmless request was answered with.
#[derive(Debug, Clone)]
pub struct HarmlessAnswer {
    /// Whether it was a success, whatever the body says.
    pub success: bool,
    /// Whether the body holds what is expected of it.
    pub holds: bool,
    /// The HTTP status.
    pub status: u16,
    /// It, in words.
    pub words: String,
}

/// What services answer.
pub struct Answers<'a> {
    /// The health of each service that declares an endpoint for it, in the pipeline's order.
    pub health: Vec<(&'a str, Seen<(ServiceHealth, String)>)>,
    /// The harmless request, with the service that it is sent to, if one is declared.
    pub harmless: Option<(&'a str, Seen<HarmlessAnswer>)>,
}

impl<'a> Answers<'a> {
    /// Judges nothing but success.
    pub fn build(source: Source<'a>) -> Self {
        let services = source.pipeline.service.iter().filter(|service| service.health.is_some());
        let health = services.map(|service| (service.name.as_str(), health(source, &service.name)));
        let call = source.pipeline.call.as_ref();
        let declared = call.and_then(|call| Some((call.service.get_ref().as_str(), call.harmless.as_ref()?)));
        Answers {
            health: health.collect(),
            harmless: declared.map(|(service, harmless)| (service, answered(source, harmless))),
        }
    }
}

fn health(source: Source, service: &str) -> Seen<(ServiceHealth, String)> {
    let seen = source.http().and_then(|http| match http.health.get(service) {
        Some(answer) => answer.as_ref(),
        None => Seen::not_asked(format!("{service} was not asked")),
    });
    match seen {
        Seen::Unknown(why) if why.is_silence() => Seen::Known((ServiceHealth::Unreachable, why.words())),
        seen => seen.map(|answer| match is_good(answer) {
            true => (ServiceHealth::Healthy, describe(answer)),
            false => (ServiceHealth::Unhealthy, describe(answer)),
        }),
    }
}

fn answered(source: Source, harmless: &Harmless) -> Seen<HarmlessAnswer> {
    source.http().and_then(|http| http.contract.as_ref()).map(|answer| HarmlessAnswer {
        success: is_good(answer),
        holds: holds(answer, &harmless.expect),
        status: answer.status,
        words: describe(answer),
    })
}

/// Whether the body holds what is expected of it, by JSON pointer.
pub fn holds(answer: &Answer, expect: &BTreeMap<String, String>) -> bool {
    expect.iter().all(|(pointer, value)| answer.body.get(pointer) == Some(value))
}

/// Whether an answer is a success.
pub fn is_good(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// "200, error \"no pool\", success false".
pub fn describe(answer: &Answer) -> String {
    let body =
        answer.body.iter().map(|(pointer, value)| format!("{} {value}", pointer.trim_start_matches('/')));
    [answer.status.to_string()].into_iter().chain(body).collect::<Vec<_>>().join(", ")
}
