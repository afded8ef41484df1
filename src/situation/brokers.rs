//! The brokers: whether they answer, and whether the addresses that they advertise
//! lead to them.

use crate::base::name::MAIN_BROKER;
use crate::evidence::{Broker, Mapped, Seen, WhyKind};
use crate::situation::settling::Settling;
use crate::situation::source::Source;
use crate::text::address::hosts_of;

/// One broker.
pub struct BrokerReach<'a> {
    /// The service that runs it.
    pub service: &'a str,
    /// Whether it answers.
    pub answers: Seen<(bool, String)>,
    /// Whether the addresses that it advertises lead to it.
    pub advertised: Seen<(bool, String)>,
}

/// The brokers, in the pipeline's order.
pub fn build<'a>(source: Source<'a>, settling: &Settling) -> Vec<BrokerReach<'a>> {
    let pipeline = source.pipeline;
    let of = |service: &'a String| {
        let further = pipeline.broker.iter().filter(|_| !pipeline.is_main_broker(service));
        let mut further = further.filter(|(_, broker)| broker.service.get_ref() == service);
        let name = further.next().map_or(MAIN_BROKER, |(name, _)| name.as_str());
        let seen = source.broker(name);
        let answers = answers(settling, service, &seen);
        BrokerReach { service, answers, advertised: advertised(source, seen) }
    };
    pipeline.brokers().into_iter().map(of).collect()
}

fn answers(settling: &Settling, service: &str, seen: &Seen<&Broker>) -> Seen<(bool, String)> {
    // It may not listen yet.
    if let (Seen::Unknown(why), Some(age)) = (seen, settling.just_started(service)) {
        return Seen::unknown(WhyKind::Young, format!("started {age} ago: {}", why.words()));
    }
    answers_at(seen.clone().map(|kafka| kafka.bootstrap.as_str()))
}

/// Reached at this address, or seen not to be reachable; anything else stays unseen.
pub fn answers_at(address: Seen<&str>) -> Seen<(bool, String)> {
    match address {
        Seen::Known(address) => Seen::Known((true, format!("answers at {address}"))),
        Seen::Unknown(why) if why.is_silence() => Seen::Known((false, why.words())),
        Seen::Unknown(why) if why.code.is_some() => Seen::Known((true, format!("answers: {}", why.words()))),
        other => other.map(|address| (true, address.to_string())),
    }
}

/// A broker is found by the address that it advertises where that was mapped,
/// or where something that was asked of it by that address was answered.
fn advertised(source: Source, seen: Seen<&Broker>) -> Seen<(bool, String)> {
    seen.and_then(|kafka| {
        let unresolved = kafka.groups.values().filter_map(Seen::why);
        let unresolved =
            unresolved.filter(|why| why.kind == WhyKind::Unresolved).map(|why| why.words()).next();
        let addresses: Vec<&str> = kafka.nodes.iter().map(|broker| broker.address.as_str()).collect();
        let answered = kafka.groups.values().any(|group| group.known().is_some());
        match (known_to_nobody(source, kafka), unresolved) {
            (Some(words), _) => Seen::Known((false, words)),
            (None, _) if answered => Seen::Known((true, format!("{} leads to it", addresses.join(", ")))),
            (None, Some(words)) => Seen::Known((false, words)),
            (None, None) => Seen::not_asked("nothing was asked by the advertised address"),
        }
    })
}

/// An advertised address that does not resolve here and that no container of
/// the project answers to: what was reached, was so because there is one broker.
fn known_to_nobody(source: Source, kafka: &Broker) -> Option<String> {
    let docker = source.runtime().known().copied()?;
    let mut mapped = kafka.mapped.iter().filter(|mapped| mapped.by == Mapped::ONLY_BROKER);
    let mapped = mapped.find(|mapped| {
        let advertised = kafka.nodes.iter().any(|broker| broker.address == mapped.from);
        let mut hosts = hosts_of(&mapped.from).into_iter();
        advertised && hosts.all(|host| docker.answering_to(&host).is_none())
    })?;
    Some(format!("{} does not resolve here, and no container answers to it", mapped.from))
}
