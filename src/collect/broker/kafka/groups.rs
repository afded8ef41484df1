//! Consumer groups, described by name, and their committed offsets.

use crate::collect::broker::kafka::all_unknown;
use crate::collect::broker::kafka::client::{RoutedRequest, Session};
use crate::collect::broker::kafka::ffi::{GroupDescription, Request, Response};
use crate::evidence::{Broker, Committed, Group, Name, Node, Observed, Reason, ReasonKind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The broker's internal topic for groups. Without it there are no groups, and a request
/// for a group would make the broker create the topic.
pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// Returns two requests for each group. Any broker may be its coordinator.
pub fn requests(names: &BTreeSet<Name>, brokers: &[Node]) -> Vec<RoutedRequest> {
    let brokers: Vec<String> = brokers.iter().map(|broker| broker.address.clone()).collect();
    let requests = names.iter().flat_map(|name| {
        let requests = [Request::Describe(name.clone()), Request::Committed(name.clone())];
        requests.map(|request| RoutedRequest { request, brokers: brokers.clone() })
    });
    requests.collect()
}

/// Maximum number of other groups to describe.
const MAX_OTHER_GROUPS: usize = 200;
/// Time limit for other groups, which are only additional information.
const OTHERS_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the groups outside the pipeline whose members read one of its topics.
pub fn others(
    session: &mut Session,
    kafka: &Broker,
    topics: &BTreeSet<Name>,
) -> Observed<BTreeMap<Name, Group>> {
    let until = Instant::now() + OTHERS_TIMEOUT;
    let brokers = kafka.addresses();
    let mut listed = Err(Reason::new(ReasonKind::Missing, "the broker lists no groups"));
    let list = RoutedRequest { request: Request::ListGroups, brokers: brokers.clone() };
    session.send_until(&[list], until, |_, response| {
        listed = response.map(|response| match response {
            Response::GroupList(names) => names,
            _ => Vec::new(),
        });
    });
    let others: BTreeSet<Name> = match listed {
        Ok(listed) => listed.into_iter().filter(|name| !kafka.groups.contains_key(name)).collect(),
        Err(why) => return Observed::Unknown(why),
    };
    if others.len() > MAX_OTHER_GROUPS {
        let message = format!("{} groups outside the pipeline are too many to describe", others.len());
        return Observed::unknown(ReasonKind::Limit, message);
    }
    let requests = others
        .iter()
        .map(|name| RoutedRequest { request: Request::Describe(name.clone()), brokers: brokers.clone() });
    let mut found = BTreeMap::new();
    session.send_until(&requests.collect::<Vec<_>>(), until, |request, response| {
        let (Request::Describe(name), Ok(Response::Group(group))) = (request, response) else { return };
        let group = group_evidence(group, Observed::not_asked("not part of this pipeline"));
        if topics.iter().any(|topic| group.reads(topic)) {
            found.insert(name.clone(), group);
        }
    });
    Observed::Known(found)
}

/// Returns the evidence for a group that does not exist.
pub fn absent() -> Group {
    Group {
        state: "dead".into(),
        protocol: "classic".into(),
        members: Vec::new(),
        committed: Observed::Known(Vec::new()),
        waiting: Vec::new(),
    }
}

/// Groups whose two responses may arrive in any order.
pub struct GroupResponses {
    described: BTreeMap<Name, Observed<GroupDescription>>,
    committed: BTreeMap<Name, Observed<Vec<Committed>>>,
}

impl GroupResponses {
    /// Creates the initial state, in which all groups are `pending`.
    pub fn new(names: &BTreeSet<Name>, pending: &Reason) -> Self {
        GroupResponses { described: all_unknown(names, pending), committed: all_unknown(names, pending) }
    }

    /// Adds a response, or the reason if there is none.
    pub fn add(&mut self, request: &Request, response: Result<Response, Reason>) {
        match (request, response) {
            (Request::Describe(name), Ok(Response::Group(group))) => {
                self.described.insert(name.clone(), Observed::Known(group));
            }
            (Request::Describe(name), Err(why)) => {
                self.described.insert(name.clone(), Observed::Unknown(why));
            }
            (Request::Committed(name), Ok(Response::Committed(mut offsets))) => {
                offsets.sort();
                self.committed.insert(name.clone(), Observed::Known(offsets));
            }
            (Request::Committed(name), Err(why)) => {
                self.committed.insert(name.clone(), Observed::Unknown(why));
            }
            _ => {}
        }
    }

    /// Returns the groups as evidence. Data from missing responses stays pending.
    pub fn evidence(&self) -> BTreeMap<Name, Observed<Group>> {
        let groups = self.described.iter().zip(self.committed.values());
        let groups = groups.map(|((name, described), committed)| {
            let group = described.clone().map(|group| group_evidence(group, committed.clone()));
            (name.clone(), group)
        });
        groups.collect()
    }
}

fn group_evidence(group: GroupDescription, committed: Observed<Vec<Committed>>) -> Group {
    let mut members = group.members;
    for member in &mut members {
        member.partitions.sort();
    }
    members.sort_by(|a, b| {
        let a = (&a.client_id, &a.host, &a.partitions);
        a.cmp(&(&b.client_id, &b.host, &b.partitions))
    });
    Group {
        state: kebab_case(&group.state).into(),
        protocol: kebab_case(&group.protocol).into(),
        members,
        committed,
        waiting: Vec::new(),
    }
}

/// Converts `PreparingRebalance` to `preparing-rebalance`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for (i, letter) in name.chars().enumerate() {
        if i > 0 && letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_states_in_kebab_case() {
        assert_eq!(kebab_case("PreparingRebalance"), "preparing-rebalance");
        assert_eq!(kebab_case("Stable"), "stable");
    }

    #[test]
    fn keeps_offsets_that_arrive_before_the_description() {
        let name = "billing".to_string();
        let pending = Reason::new(ReasonKind::NoAnswer, "pending");
        let mut groups = GroupResponses::new(&[name.clone()].into(), &pending);
        let committed = |partition| Committed { topic: "orders".into(), partition, offset: 4 };
        let response = Response::Committed(vec![committed(1), committed(0)]);
        groups.add(&Request::Committed(name.clone()), Ok(response));
        assert_eq!(groups.evidence()["billing"], Observed::Unknown(pending));
        let response = Response::Group(GroupDescription {
            state: "Empty".into(),
            protocol: "Classic".into(),
            members: vec![],
        });
        groups.add(&Request::Describe(name.clone()), Ok(response));
        let evidence = groups.evidence();
        let group = evidence["billing"].known().unwrap();
        assert_eq!((group.state.as_str(), group.protocol.as_str()), ("empty", "classic"));
        assert_eq!(group.committed, Observed::Known(vec![committed(0), committed(1)]));
    }
}
