//! Reads all facts from a situation: those of the registry, those about log signatures, and custom ones.

use crate::fact::model::Facts;
use crate::fact::registry::specs;
use crate::fact::{custom, log_signatures};
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_kinds::LogKinds;
use crate::situation::Situation;

/// Reads all facts from a situation.
pub fn facts(situation: &Situation, signatures: &LogKinds, custom_facts: &[CustomFact]) -> Facts {
    let fixed = specs().map(|spec| (spec.name.to_string(), (spec.derive)(situation)));
    let from_logs = signatures
        .iter()
        .map(|signature| (signature.fact(), log_signatures::clear(situation, signatures, signature)));
    let custom_facts =
        custom_facts.iter().map(|fact| (fact.name().to_string(), custom::derive(situation, fact)));
    Facts(fixed.chain(from_logs).chain(custom_facts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fact_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for spec in specs() {
            assert!(names.insert(spec.name), "{}", spec.name);
        }
    }
}
