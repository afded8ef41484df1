//! Describes a finding in one sentence. Every format prints this sentence.

use crate::judge::{Finding, Instance, Verdict};
use crate::runbook::scope::Scope;

/// The maximum number of different observations in a sentence.
const MAX_OBSERVATIONS: usize = 3;

/// Describes a finding: what was observed about the subjects, or why they were not checked.
/// Only instances that decide the verdict are described, and of these, only those of the
/// `preferred` subjects if there are any.
pub fn finding_sentence(scope: Scope, finding: &Finding, preferred: &[String]) -> String {
    let mut deciding: Vec<&Instance> =
        finding.instances.iter().filter(|instance| decides(finding, instance)).collect();
    if deciding.iter().any(|instance| preferred.contains(&instance.subject)) {
        deciding.retain(|instance| preferred.contains(&instance.subject));
    }
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for instance in deciding {
        let clause = clause(instance);
        match groups.iter_mut().find(|(other, _)| *other == clause) {
            Some((_, subjects)) => subjects.push(&instance.subject),
            None => groups.push((clause, vec![&instance.subject])),
        }
    }
    let hidden = groups.len().saturating_sub(MAX_OBSERVATIONS);
    // An unknown check never prints its title, which is true only when it passes.
    let is_unchecked = is_unchecked(&finding.verdict);
    let of = if is_unchecked { "of " } else { "" };
    let mut clauses: Vec<String> = groups
        .iter()
        .take(MAX_OBSERVATIONS)
        .map(|(clause, subjects)| match (subjects.len(), finding.instances.len()) {
            (n, all) if n == all && n > 1 => format!("{of}all {n} {}{clause}", plural(scope)),
            _ => format!("{of}{}{clause}", subjects.join(", ")),
        })
        .collect();
    if hidden > 0 {
        clauses.push(format!("and {hidden} more"));
    }
    let clauses = clauses.join("; ");
    if is_unchecked { format!("not checked: {} {clauses}", finding.check) } else { clauses }
}

/// Returns the clause after the subjects: the observation, or why there is none.
fn clause(instance: &Instance) -> String {
    match instance.verdict {
        Verdict::Blocked(_) => format!(", because {}", instance.describe()),
        _ => format!(": {}", instance.describe()),
    }
}

/// Reports whether an instance decides the verdict of its finding.
fn decides(finding: &Finding, instance: &Instance) -> bool {
    match finding.verdict {
        Verdict::Fail => instance.verdict == Verdict::Fail,
        Verdict::Unknown(_) | Verdict::Blocked(_) => is_unchecked(&instance.verdict),
        _ => true,
    }
}

fn is_unchecked(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Unknown(_) | Verdict::Blocked(_))
}

/// Returns the plural of a scope's subjects.
fn plural(scope: Scope) -> &'static str {
    match scope {
        Scope::Worker => "workers",
        Scope::Emitter | Scope::Api | Scope::Broker | Scope::Database => "services",
        Scope::Topic => "topics",
        Scope::Stage => "stages",
        Scope::Event => "events",
        Scope::Component => "components",
        Scope::System => "systems",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::unavailable_reason::{Reason, ReasonKind};
    use crate::runbook::severity::Severity;

    fn finding(verdicts: &[(&str, Verdict)]) -> Finding {
        let instance = |(subject, verdict): &(&str, Verdict)| Instance {
            subject: (*subject).to_string(),
            verdict: verdict.clone(),
            value: None,
            observed: "answers with 500".into(),
        };
        Finding {
            check: "emitter-health".into(),
            step: 1,
            severity: Severity::Error,
            noisy: false,
            of_event: false,
            names_event: false,
            verdict: verdicts[0].1.clone(),
            instances: verdicts.iter().map(instance).collect(),
        }
    }

    fn sentence(verdicts: &[(&str, Verdict)]) -> String {
        finding_sentence(Scope::Worker, &finding(verdicts), &[])
    }

    fn unknown(reason: &str) -> Verdict {
        Verdict::Unknown(Reason::new(ReasonKind::NotConfigured, reason))
    }

    #[test]
    fn unknown_checks_are_reported_as_not_checked() {
        let expected = "not checked: emitter-health of payment-service: no address";
        assert_eq!(sentence(&[("payment-service", unknown("no address"))]), expected);
        let mixed = [("a", unknown("no address")), ("b", unknown("no answer in 5 s")), ("c", Verdict::Pass)];
        let expected = "not checked: emitter-health of a: no address; of b: no answer in 5 s";
        assert_eq!(sentence(&mixed), expected);
        let all = [("a", unknown("no address")), ("b", unknown("no address"))];
        assert_eq!(sentence(&all), "not checked: emitter-health of all 2 workers: no address");
    }

    #[test]
    fn blocked_checks_name_the_check_that_did_not_pass() {
        let blocked = Verdict::Blocked("container-running".into());
        let expected =
            "not checked: emitter-health of payment-service, because container-running did not pass";
        assert_eq!(sentence(&[("payment-service", blocked)]), expected);
    }

    #[test]
    fn failed_checks_describe_the_failed_subjects() {
        assert_eq!(sentence(&[("a", Verdict::Fail), ("b", Verdict::Pass)]), "a: answers with 500");
    }
}
