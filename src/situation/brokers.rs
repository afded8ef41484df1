//! The brokers: whether they answer, and whether their advertised addresses reach them.

use crate::base::name::MAIN_BROKER;
use crate::evidence::{AddressMapping, Broker, Observed, ReasonKind};
use crate::situation::inputs::Inputs;
use crate::situation::settling::Settling;
use crate::text::address::hosts_of;

/// One broker.
pub struct BrokerReach<'a> {
    /// The service that runs the broker.
    pub service: &'a str,
    /// Whether the broker answers.
    pub answers: Observed<(bool, String)>,
    /// Whether the addresses that the broker advertises reach it.
    pub advertised: Observed<(bool, String)>,
}

/// Judges all brokers, in the pipeline's order.
pub fn build<'a>(inputs: Inputs<'a>, settling: &Settling) -> Vec<BrokerReach<'a>> {
    let pipeline = inputs.pipeline;
    let of = |service: &'a String| {
        let additional = pipeline.broker.iter().filter(|_| !pipeline.is_main_broker(service));
        let mut additional = additional.filter(|(_, broker)| broker.service.get_ref() == service);
        let name = additional.next().map_or(MAIN_BROKER, |(name, _)| name.as_str());
        let seen = inputs.broker(name);
        let answers = answers(settling, service, &seen.clone().map_reason(|why| inputs.reason_of(why)));
        BrokerReach { service, answers, advertised: advertised(inputs, seen) }
    };
    pipeline.brokers().into_iter().map(of).collect()
}

fn answers(settling: &Settling, service: &str, seen: &Observed<&Broker>) -> Observed<(bool, String)> {
    // The broker may not be listening yet.
    if let (Observed::Unknown(why), Some(age)) = (seen, settling.just_started(service)) {
        return Observed::unknown(ReasonKind::Young, format!("started {age} ago: {}", why.describe()));
    }
    answers_at(seen.clone().map(|kafka| kafka.bootstrap.as_str()))
}

/// Judges whether a server answers. The result is `false` if the connection failed, and
/// `true` even if the server answered with an error. Any other failure stays unknown.
pub fn answers_at(address: Observed<&str>) -> Observed<(bool, String)> {
    match address {
        Observed::Known(address) => Observed::Known((true, format!("answers at {address}"))),
        Observed::Unknown(why) if why.is_unreachable() => Observed::Known((false, why.describe())),
        Observed::Unknown(why) if why.code.is_some() || why.kind == ReasonKind::OtherDatabase => {
            Observed::Known((true, format!("answers: {}", why.describe())))
        }
        other => other.map(|address| (true, address.to_string())),
    }
}

/// Judges whether the advertised addresses reach the broker. They do if they were mapped to
/// it or if a request sent to them was answered.
fn advertised(inputs: Inputs, seen: Observed<&Broker>) -> Observed<(bool, String)> {
    seen.and_then(|kafka| {
        let unresolved = kafka.groups.values().filter_map(Observed::reason);
        let unresolved =
            unresolved.filter(|why| why.kind == ReasonKind::Unresolved).map(|why| why.describe()).next();
        let addresses: Vec<&str> = kafka.nodes.iter().map(|broker| broker.address.as_str()).collect();
        let answered = kafka.groups.values().any(|group| group.known().is_some());
        match (unresolvable_address(inputs, kafka), unresolved) {
            (Some(message), _) => Observed::Known((false, message)),
            (None, _) if answered => {
                Observed::Known((true, format!("{} reaches the broker", addresses.join(", "))))
            }
            (None, Some(message)) => Observed::Known((false, message)),
            (None, None) => Observed::not_asked("no request was sent to the advertised address"),
        }
    })
}

/// Returns the advertised address that neither resolves here nor matches a container of the
/// project. Its broker was reached only because it is the project's only broker.
fn unresolvable_address(inputs: Inputs, kafka: &Broker) -> Option<String> {
    let docker = inputs.runtime().known().copied()?;
    let mut mapped = kafka.mapped.iter().filter(|mapped| mapped.by == AddressMapping::ONLY_BROKER);
    let mapped = mapped.find(|mapped| {
        let advertised = kafka.nodes.iter().any(|broker| broker.address == mapped.from);
        let mut hosts = hosts_of(&mapped.from).into_iter();
        advertised && hosts.all(|host| docker.instance_at_host(&host).is_none())
    })?;
    Some(format!("{} does not resolve here, and no container has that name", mapped.from))
}
