//! Consumer groups: described by name, and what they have committed.

use crate::collect::broker::kafka::all_unknown;
use crate::collect::broker::kafka::client::{Asked, Session};
use crate::collect::broker::kafka::sys::{Answer, Described, Question};
use crate::evidence::{Broker, Committed, Group, Name, Node, Seen, Why, WhyKind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The broker's own topic of groups. Without it there is no group; and asking
/// for one would make the broker create it.
pub const STORE: &str = "__consumer_offsets";

/// Two questions for each group. Any broker may be its coordinator.
pub fn questions(names: &BTreeSet<Name>, brokers: &[Node]) -> Vec<Asked> {
    let at: Vec<String> = brokers.iter().map(|broker| broker.address.clone()).collect();
    let asked = names.iter().flat_map(|name| {
        let questions = [Question::Describe(name.clone()), Question::Committed(name.clone())];
        questions.map(|question| Asked { question, at: at.clone() })
    });
    asked.collect()
}

/// More groups that the pipeline does not name are not described.
const OTHERS: usize = 200;
/// What looking for them may take: they are told beside what matters.
const FOR_OTHERS: Duration = Duration::from_secs(1);

/// The groups that the pipeline does not name and whose members read one of its
/// topics.
pub fn others(session: &mut Session, kafka: &Broker, topics: &BTreeSet<Name>) -> Seen<BTreeMap<Name, Group>> {
    let until = Instant::now() + FOR_OTHERS;
    let at = kafka.addresses();
    let mut listed = Err(Why::new(WhyKind::Missing, "the broker lists no groups"));
    session.ask_until(&[Asked { question: Question::List, at: at.clone() }], until, |_, answer| {
        listed = answer.map(|answer| match answer {
            Answer::Listed(names) => names,
            _ => Vec::new(),
        });
    });
    let strange: BTreeSet<Name> = match listed {
        Ok(listed) => listed.into_iter().filter(|name| !kafka.groups.contains_key(name)).collect(),
        Err(why) => return Seen::Unknown(why),
    };
    if strange.len() > OTHERS {
        let say = format!("{} more groups: too many to look who reads what", strange.len());
        return Seen::unknown(WhyKind::Limit, say);
    }
    let asked =
        strange.iter().map(|name| Asked { question: Question::Describe(name.clone()), at: at.clone() });
    let mut found = BTreeMap::new();
    session.ask_until(&asked.collect::<Vec<_>>(), until, |question, answer| {
        let (Question::Describe(name), Ok(Answer::Described(group))) = (question, answer) else { return };
        let group = described_as(group, Seen::not_asked("not of this pipeline"));
        if topics.iter().any(|topic| group.reads(topic)) {
            found.insert(name.clone(), group);
        }
    });
    Seen::Known(found)
}

/// A group that does not exist.
pub fn absent() -> Group {
    Group {
        state: "dead".into(),
        protocol: "classic".into(),
        members: Vec::new(),
        committed: Seen::Known(Vec::new()),
    }
}

/// Groups of which the two answers arrive in any order.
pub struct Groups {
    described: BTreeMap<Name, Seen<Described>>,
    committed: BTreeMap<Name, Seen<Vec<Committed>>>,
}

impl Groups {
    /// Nothing has arrived yet.
    pub fn new(names: &BTreeSet<Name>, pending: &Why) -> Self {
        Groups { described: all_unknown(names, pending), committed: all_unknown(names, pending) }
    }

    /// Takes an answer, or the reason why there is none.
    pub fn enter(&mut self, question: &Question, answer: Result<Answer, Why>) {
        match (question, answer) {
            (Question::Describe(name), Ok(Answer::Described(group))) => {
                self.described.insert(name.clone(), Seen::Known(group));
            }
            (Question::Describe(name), Err(why)) => {
                self.described.insert(name.clone(), Seen::Unknown(why));
            }
            (Question::Committed(name), Ok(Answer::Committed(mut offsets))) => {
                offsets.sort();
                self.committed.insert(name.clone(), Seen::Known(offsets));
            }
            (Question::Committed(name), Err(why)) => {
                self.committed.insert(name.clone(), Seen::Unknown(why));
            }
            _ => {}
        }
    }

    /// The groups as far as they are known.
    pub fn evidence(&self) -> BTreeMap<Name, Seen<Group>> {
        let groups = self.described.iter().zip(self.committed.values());
        let groups = groups.map(|((name, described), committed)| {
            let group = described.clone().map(|group| described_as(group, committed.clone()));
            (name.clone(), group)
        });
        groups.collect()
    }
}

fn described_as(group: Described, committed: Seen<Vec<Committed>>) -> Group {
    let mut members = group.members;
    for member in &mut members {
        member.partitions.sort();
    }
    members.sort_by(|a, b| {
        let a = (&a.client_id, &a.host, &a.partitions);
        a.cmp(&(&b.client_id, &b.host, &b.partitions))
    });
    Group { state: dashed(&group.state).into(), protocol: dashed(&group.protocol).into(), members, committed }
}

/// `PreparingRebalance` → `preparing-rebalance`.
fn dashed(name: &str) -> String {
    let mut dashed = String::new();
    for (i, letter) in name.chars().enumerate() {
        if i > 0 && letter.is_ascii_uppercase() {
            dashed.push('-');
        }
        dashed.push(letter.to_ascii_lowercase());
    }
    dashed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_written_in_lower_case_with_dashes() {
        assert_eq!(dashed("PreparingRebalance"), "preparing-rebalance");
        assert_eq!(dashed("Stable"), "stable");
    }

    #[test]
    fn offsets_that_come_before_their_group_are_kept() {
        let name = "billing".to_string();
        let pending = Why::new(WhyKind::NoAnswer, "pending");
        let mut groups = Groups::new(&[name.clone()].into(), &pending);
        let committed = |partition| Committed { topic: "orders".into(), partition, offset: 4 };
        let answer = Answer::Committed(vec![committed(1), committed(0)]);
        groups.enter(&Question::Committed(name.clone()), Ok(answer));
        assert_eq!(groups.evidence()["billing"], Seen::Unknown(pending));
        let answer = Answer::Described(Described {
            state: "Empty".into(),
            protocol: "Classic".into(),
            members: vec![],
        });
        groups.enter(&Question::Describe(name.clone()), Ok(answer));
        let evidence = groups.evidence();
        let group = evidence["billing"].known().unwrap();
        assert_eq!((group.state.as_str(), group.protocol.as_str()), ("empty", "classic"));
        assert_eq!(group.committed, Seen::Known(vec![committed(0), committed(1)]));
    }
}
