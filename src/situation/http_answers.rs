//! HTTP answers from the services to health checks and to the declared harmless request.

use crate::base::state_enum::state_enum;
use crate::evidence::{Answer, Observed};
use crate::pipeline::Harmless;
use crate::situation::inputs::Inputs;
use std::collections::BTreeMap;

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
            harmless: declared.map(|(service, harmless)| (service, harmless_answer(inputs, harmless))),
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
        seen => seen.map(|answer| match is_success(answer) {
            true => (ServiceHealth::Healthy, describe(answer)),
            false => (ServiceHealth::Unhealthy, describe(answer)),
        }),
    }
}

fn harmless_answer(inputs: Inputs, harmless: &Harmless) -> Observed<HarmlessAnswer> {
    inputs.http().and_then(|http| http.contract.as_ref()).map(|answer| HarmlessAnswer {
        success: is_success(answer),
        matches: matches(answer, &harmless.expect),
        status: answer.status,
        message: describe(answer),
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
    [answer.status.to_string()].into_iter().chain(body).collect::<Vec<_>>().join(", ")
}
