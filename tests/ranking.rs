//! Tests of the ranking model with the built-in checks and causes.

use pipeline_doctor::diagnosis::{Diagnosis, diagnose};
use pipeline_doctor::evidence::{Reason, ReasonKind};
use pipeline_doctor::fact::registry;
use pipeline_doctor::input::Source;
use pipeline_doctor::judge::{Finding, Instance, Verdict};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::files;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::severity::Severity;

/// A step with a single check, for small catalogs.
const SINGLE_CHECK: &str = r#"
        [[step]]
        step = 1
        title = "t"
        about = "workers"
        by_hand = "x"
        [[check]]
        id = "alone"
        title = "t"
        step = 1
        for_each = "worker"
        fact = "container.state"
        expect = { is = "running" }
        by_hand = "x"
"#;

fn catalog() -> Catalog {
    let mut mistakes = Vec::new();
    let catalog = lint::read(None, registry(), &mut mistakes).unwrap();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
    catalog
}

fn unknown() -> Verdict {
    Verdict::Unknown(Reason::new(ReasonKind::NoAnswer, "no answer"))
}

/// Returns a finding for every check, with the verdict that `verdict` returns for it.
fn findings(catalog: &Catalog, verdict: impl Fn(&str) -> Verdict) -> Vec<Finding> {
    let finding = |check: &pipeline_doctor::runbook::catalog::Check| {
        let verdict = verdict(check.id.get_ref());
        let instance = Instance {
            subject: "one".into(),
            verdict: verdict.clone(),
            value: None,
            observed: String::new(),
        };
        Finding {
            check: check.id.get_ref().clone(),
            step: 1,
            severity: Severity::Error,
            noisy: check.noisy,
            of_event: check.of_event,
            names_event: false,
            verdict,
            instances: vec![instance],
        }
    };
    catalog.checks.iter().map(finding).collect()
}

fn with_failed(catalog: &Catalog, failed: &[&str]) -> Vec<Finding> {
    findings(catalog, |check| if failed.contains(&check) { Verdict::Fail } else { Verdict::Pass })
}

fn names(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.causes.iter().map(|cause| cause.cause.as_str()).collect()
}

#[test]
fn the_built_in_rows_have_no_mistakes() {
    let mut mistakes = Vec::new();
    let catalog = lint::from_sources(&files::built_in(), &[], registry(), &mut mistakes);
    assert_eq!(mistakes, []);
    assert!(catalog.checks.len() > 30 && catalog.causes.len() > 20);
    assert_eq!(catalog.steps.iter().map(|step| step.step).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn documented_causes_have_the_confidence_given_in_the_runbook() {
    let catalog = catalog();
    for (cause, number, name) in [
        ("workers-not-deployed", 95, "root cause 1"),
        ("topics-missing", 80, "root cause 2"),
        ("marked-unverified", 70, "root cause 3"),
        ("api-silent", 60, "root cause 4"),
        ("api-never-called", 60, "root cause 4"),
    ] {
        let cause = catalog.cause(cause).unwrap();
        assert_eq!(*cause.confidence.get_ref(), number);
        assert_eq!(cause.documented.as_deref(), Some(name));
    }
}

#[test]
fn lists_no_cause_if_everything_is_unknown() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &findings(&catalog, |_| unknown()));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
}

#[test]
fn lists_no_cause_if_everything_passes() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &[]));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
    assert!(diagnosis.unexplained.is_empty() && diagnosis.risks.is_empty());
}

#[test]
fn each_cause_ranks_first_if_its_always_and_usually_checks_fail() {
    let catalog = catalog();
    for cause in catalog.causes.iter().filter(|cause| cause.any_of.is_empty()) {
        let links = cause.always.iter().chain(&cause.usually);
        let failed: Vec<&str> = links.map(|link| link.get_ref().as_str()).collect();
        let diagnosis = diagnose(&catalog, &with_failed(&catalog, &failed));
        assert_eq!(names(&diagnosis).first(), Some(&cause.id.get_ref().as_str()), "{failed:?}");
        assert!(
            diagnosis.unexplained.is_empty(),
            "{} leaves {:?} unexplained",
            cause.id.get_ref(),
            diagnosis.unexplained
        );
    }
}

#[test]
fn lists_both_causes_of_two_faults() {
    let catalog = catalog();
    for (a, b) in [("worker-stopped", "api-silent"), ("topics-missing", "api-down")] {
        let links = |cause: &str| {
            let cause = catalog.cause(cause).unwrap();
            cause.always.iter().chain(&cause.usually).cloned().collect::<Vec<_>>()
        };
        let links: Vec<_> = links(a).into_iter().chain(links(b)).collect();
        let failed: Vec<&str> = links.iter().map(|link| link.get_ref().as_str()).collect();
        let diagnosis = diagnose(&catalog, &with_failed(&catalog, &failed));
        assert!(names(&diagnosis).contains(&a) && names(&diagnosis).contains(&b), "{:?}", names(&diagnosis));
    }
}

#[test]
fn noisy_failures_alone_are_risks_and_name_no_cause() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["group-has-members", "worker-healthy"]));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
    assert_eq!(diagnosis.risks, ["worker-healthy", "group-has-members"]);
}

#[test]
fn lists_unexplained_failures() {
    let source = Source { name: "x.toml".into(), text: SINGLE_CHECK.into() };
    let mut mistakes = Vec::new();
    let catalog = lint::from_sources(&[source], &[], registry(), &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["alone"]));
    assert_eq!(diagnosis.unexplained, ["alone"]);
}

#[test]
fn duplicate_instances_do_not_change_the_posterior() {
    let catalog = catalog();
    let once = with_failed(&catalog, &["worker-running", "worker-not-stopped"]);
    let mut twice = once.clone();
    for finding in &mut twice {
        finding.instances.extend(finding.instances.clone());
    }
    let (once, twice) = (diagnose(&catalog, &once), diagnose(&catalog, &twice));
    let posteriors = |d: &Diagnosis| d.causes.iter().map(|c| c.posterior).collect::<Vec<_>>();
    assert_eq!(posteriors(&once), posteriors(&twice));
}

#[test]
fn declaration_order_does_not_change_the_first_two_causes() {
    let catalog = catalog();
    let mut reversed = catalog.clone();
    reversed.causes.reverse();
    let failed = ["topic-exists", "topic-led", "api-running", "api-healthy"];
    let in_order = diagnose(&catalog, &with_failed(&catalog, &failed));
    let in_reverse = diagnose(&reversed, &with_failed(&reversed, &failed));
    let first_two = |d: &Diagnosis| d.causes.iter().take(2).map(|c| c.cause.clone()).collect::<Vec<_>>();
    assert_eq!(first_two(&in_order), first_two(&in_reverse));
    assert_eq!(first_two(&in_order).len(), 2);
}

#[test]
fn passed_event_checks_do_not_count_against_a_cause() {
    let catalog = catalog();
    let failed = ["topic-exists", "topic-led"];
    let with_event = diagnose(&catalog, &with_failed(&catalog, &failed));
    let mut without = with_failed(&catalog, &failed);
    for finding in without.iter_mut().filter(|finding| finding.of_event) {
        finding.verdict = Verdict::NotAsked(Reason::new(ReasonKind::NotConfigured, "no id"));
    }
    let without = diagnose(&catalog, &without);
    assert_eq!(with_event.causes[0].posterior, without.causes[0].posterior);
    assert_eq!(with_event.causes[0].cause, "topics-missing");
}

#[test]
fn unknown_checks_lower_the_posterior_and_are_listed() {
    let catalog = catalog();
    let all = diagnose(&catalog, &with_failed(&catalog, &["worker-running", "worker-not-stopped"]));
    let partly_unknown = findings(&catalog, |check| match check {
        "worker-running" => Verdict::Fail,
        "worker-not-stopped" => unknown(),
        _ => Verdict::Pass,
    });
    let partly_unknown = diagnose(&catalog, &partly_unknown);
    let cause = |d: &Diagnosis| d.causes.iter().find(|c| c.cause == "worker-stopped").unwrap().clone();
    assert!(cause(&partly_unknown).posterior < cause(&all).posterior);
    assert_eq!(cause(&partly_unknown).could_not_check, ["worker-not-stopped"]);
    assert!(partly_unknown.next.is_some());
}

#[test]
fn confidence_never_exceeds_that_of_the_cause() {
    let catalog = catalog();
    for cause in &catalog.causes {
        let failed: Vec<&str> = cause.always.iter().map(|link| link.get_ref().as_str()).collect();
        for diagnosed in diagnose(&catalog, &with_failed(&catalog, &failed)).causes {
            let ceiling = *catalog.cause(&diagnosed.cause).unwrap().confidence.get_ref();
            assert!(diagnosed.confidence <= f64::from(ceiling) / 100.0);
        }
    }
}

#[test]
fn computes_the_posterior_of_a_single_cause() {
    // One cause, and one failed check that it always breaks. The prior odds are 1/19. The
    // check fails with probability .9802 if the cause is present and .01 if it is not, so the
    // posterior is .9802/19 / (.9802/19 + .01).
    let cause = r#"
        [[cause]]
        id = "it"
        title = "it"
        means = "it"
        confidence = 99
        always = ["alone"]
        actions = []
    "#;
    let source = Source { name: "x.toml".into(), text: format!("{SINGLE_CHECK}{cause}") };
    let catalog = lint::from_sources(&[source], &[], registry(), &mut Vec::new());
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["alone"]));
    let with = (1.0 - 0.99 * 0.02) / 19.0;
    let expected = with / (with + 0.01);
    assert!((diagnosis.causes[0].posterior - expected).abs() < 1e-12);
}

/// Returns the findings for a worker that has left its group while its container and logs
/// are unavailable.
fn worker_left_its_group(catalog: &Catalog) -> Vec<Finding> {
    let failed = [
        "group-has-members",
        "event-taken",
        "stage-marked-by-owner",
        "stage-effect-present",
        "no-event-stuck",
    ];
    findings(catalog, |check| match check {
        check if failed.contains(&check) => Verdict::Fail,
        check if catalog.check(check).is_some_and(|row| row.fact.get_ref().starts_with("kafka.")) => {
            Verdict::Pass
        }
        "topic-exists" | "topic-led" | "event-on-topic" | "group-has-partitions" => Verdict::Pass,
        _ => unknown(),
    })
}

#[test]
fn names_a_group_of_causes_that_cannot_be_distinguished() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &worker_left_its_group(&catalog));
    let first = &diagnosis.causes[0];
    assert_eq!(first.cause, "worker-away");
    assert!(first.one_of.contains(&"worker-stopped".to_string()), "{:?}", first.one_of);
    assert!(!names(&diagnosis).contains(&"worker-stopped"));
    assert!(diagnosis.unexplained.is_empty(), "{:?}", diagnosis.unexplained);
}

#[test]
fn names_a_single_cause_if_its_checks_fail() {
    let catalog = catalog();
    let mut findings = worker_left_its_group(&catalog);
    for finding in &mut findings {
        if ["worker-running", "worker-not-stopped"].contains(&finding.check.as_str()) {
            finding.verdict = Verdict::Fail;
        }
    }
    let diagnosis = diagnose(&catalog, &findings);
    assert_eq!(names(&diagnosis)[0], "worker-stopped");
    assert!(!names(&diagnosis).contains(&"worker-away"));
}

#[test]
fn names_no_group_without_evidence_for_it() {
    let catalog = catalog();
    // Events are stuck, and Kafka is unavailable.
    let failed = ["stage-marked-by-owner", "stage-effect-present", "no-event-stuck"];
    let findings =
        findings(&catalog, |check| if failed.contains(&check) { Verdict::Fail } else { unknown() });
    let diagnosis = diagnose(&catalog, &findings);
    for group in ["worker-away", "not-taken", "not-sent", "every-try-fails"] {
        assert!(!names(&diagnosis).contains(&group), "{:?}", names(&diagnosis));
    }
}

#[test]
fn reports_mistakes_in_groups_of_causes() {
    let group = format!(
        r#"{SINGLE_CHECK}
        [[cause]]
        id = "one"
        title = "One"
        means = "m"
        confidence = 50
        always = ["alone"]
        actions = []
        [[cause]]
        id = "several"
        title = "Several"
        means = "m"
        confidence = 50
        any_of = ["one", "onne", "several"]
        always = ["alone"]
        seen = ["aloone"]
        actions = []
"#
    );
    let mut mistakes = Vec::new();
    lint::from_sources(&[Source { name: "x.toml".into(), text: group }], &[], registry(), &mut mistakes);
    let messages: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), 4, "{messages:#?}");
    for expected in [
        "`onne` is not a cause",
        "the group `several` contains itself",
        "both `any_of` and links",
        "unknown check `aloone`",
    ] {
        assert!(messages.iter().any(|message| message.contains(expected)), "{expected}: {messages:#?}");
    }
}
