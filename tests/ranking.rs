//! The ranking model and the built-in checks and causes.

use pipeline_doctor::diagnosis::{Diagnosis, diagnose};
use pipeline_doctor::evidence::{Why, WhyKind};
use pipeline_doctor::fact::registry;
use pipeline_doctor::input::Source;
use pipeline_doctor::judge::{Finding, Instance, Verdict};
use pipeline_doctor::runbook::catalog::Catalog;
use pipeline_doctor::runbook::lint;
use pipeline_doctor::runbook::severity::Severity;
use pipeline_doctor::runbook::sources;

/// One step with one check, for small catalogs.
const ALONE: &str = r#"
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
        fact = "container.rung"
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
    Verdict::Unknown(Why::new(WhyKind::NoAnswer, "no answer"))
}

/// A finding for every check, with the verdict that `verdict` gives it.
fn findings(catalog: &Catalog, verdict: impl Fn(&str) -> Verdict) -> Vec<Finding> {
    let one = |check: &pipeline_doctor::runbook::catalog::Check| {
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
            verdict,
            instances: vec![instance],
        }
    };
    catalog.checks.iter().map(one).collect()
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
    let catalog = lint::from_sources(&sources::built_in(), &[], registry(), &mut mistakes);
    assert_eq!(mistakes, []);
    assert!(catalog.checks.len() > 30 && catalog.causes.len() > 20);
    assert_eq!(catalog.steps.iter().map(|step| step.step).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn the_runbook_numbers_are_those_of_the_runbook() {
    let catalog = catalog();
    for (cause, number, name) in [
        ("workers-not-deployed", 95, "root cause 1"),
        ("topics-missing", 80, "root cause 2"),
        ("marked-unverified", 70, "root cause 3"),
        ("admin-api-silent", 60, "root cause 4"),
        ("admin-api-never-called", 60, "root cause 4"),
    ] {
        let cause = catalog.cause(cause).unwrap();
        assert_eq!(*cause.confidence.get_ref(), number);
        assert_eq!(cause.documented.as_deref(), Some(name));
    }
}

#[test]
fn nothing_seen_lists_nothing() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &findings(&catalog, |_| unknown()));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
}

#[test]
fn healthy_lists_nothing() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &[]));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
    assert!(diagnosis.unexplained.is_empty() && diagnosis.risks.is_empty());
}

/// Every cause that the tool can name, in declaration order. A row that is
/// deleted is missed here; one that is added must be added here.
const CAUSES: &[&str] = &[
    "workers-not-deployed",
    "topics-missing",
    "marked-unverified",
    "admin-api-silent",
    "admin-api-never-called",
    "worker-not-created",
    "worker-behind-profile",
    "worker-scaled-to-none",
    "worker-stopped",
    "worker-crashed",
    "worker-crash-loop",
    "worker-out-of-memory",
    "worker-command-broken",
    "worker-never-started",
    "worker-paused",
    "worker-frozen",
    "worker-outdated",
    "kafka-down",
    "kafka-unreachable",
    "kafka-advertised-wrong",
    "partition-leaderless",
    "replicas-missing",
    "kafka-denied",
    "joined-too-late",
    "offsets-reset",
    "group-name-differs",
    "topic-name-differs",
    "worker-stalled",
    "worker-slow",
    "database-down",
    "database-unreachable",
    "database-password",
    "schema-missing",
    "schema-not-on-path",
    "database-read-only",
    "other-database",
    "connections-exhausted",
    "table-locked",
    "admin-service-down",
    "admin-service-hangs",
    "api-cut-off",
    "payment-service-down",
    "event-not-recorded",
    "recorded-never-sent",
    "given-up",
    "id-stored-differently",
    "marked-by-other",
    "marked-by-hand",
    "stale-mark",
    "skipped-as-done",
    "effect-waits",
    "address-is-localhost",
    "host-name-unresolved",
    "schema-outdated",
    "conflict-constraint-missing",
    "constraint-violated",
    "id-form-refused",
    "model-overwritten",
    "poison-record",
    "thrown-out-of-group",
    "api-error-status",
    "login-refused-to-service",
    "cannot-start",
    "heap-exhausted",
    "refused-by-neighbour",
    "calls-time-out",
    "broker-registered-twice",
    "worker-away",
    "not-taken",
    "came-past",
    "marked-for-nothing",
    "every-try-fails",
    "lost-on-the-way",
    "not-sent",
    "api-fails",
    "database-away",
    "kafka-away",
];

#[test]
fn each_cause_comes_first_when_it_breaks_what_it_always_and_usually_breaks() {
    let catalog = catalog();
    let declared: Vec<&str> = catalog.causes.iter().map(|cause| cause.id.get_ref().as_str()).collect();
    assert_eq!(declared, CAUSES);
    for cause in catalog.causes.iter().filter(|cause| cause.any_of.is_empty()) {
        let links = cause.always.iter().chain(&cause.usually);
        let failed: Vec<&str> = links.map(|link| link.get_ref().as_str()).collect();
        let diagnosis = diagnose(&catalog, &with_failed(&catalog, &failed));
        assert_eq!(names(&diagnosis).first(), Some(&cause.id.get_ref().as_str()), "{failed:?}");
        assert!(
            diagnosis.unexplained.is_empty(),
            "{} leaves {:?}",
            cause.id.get_ref(),
            diagnosis.unexplained
        );
    }
}

#[test]
fn two_faults_are_both_found() {
    let catalog = catalog();
    for (a, b) in [("worker-stopped", "admin-api-silent"), ("topics-missing", "admin-service-down")] {
        let breaks = |cause: &str| {
            let cause = catalog.cause(cause).unwrap();
            cause.always.iter().chain(&cause.usually).cloned().collect::<Vec<_>>()
        };
        let links: Vec<_> = breaks(a).into_iter().chain(breaks(b)).collect();
        let failed: Vec<&str> = links.iter().map(|link| link.get_ref().as_str()).collect();
        let diagnosis = diagnose(&catalog, &with_failed(&catalog, &failed));
        assert!(names(&diagnosis).contains(&a) && names(&diagnosis).contains(&b), "{:?}", names(&diagnosis));
    }
}

#[test]
fn noisy_failures_alone_list_nothing_and_are_shown() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["group-has-members", "worker-healthy"]));
    assert_eq!(names(&diagnosis), Vec::<&str>::new());
    assert_eq!(diagnosis.risks, ["worker-healthy", "group-has-members"]);
}

#[test]
fn what_no_cause_explains_is_said() {
    let source = Source { name: "x.toml".into(), text: ALONE.into() };
    let mut mistakes = Vec::new();
    let catalog = lint::from_sources(&[source], &[], registry(), &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["alone"]));
    assert_eq!(diagnosis.unexplained, ["alone"]);
}

#[test]
fn the_same_instance_twice_changes_nothing() {
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
fn the_order_of_declaration_changes_only_ties() {
    let catalog = catalog();
    let mut reversed = catalog.clone();
    reversed.causes.reverse();
    let failed = ["topic-exists", "topic-led", "api-running", "api-healthy"];
    let there = diagnose(&catalog, &with_failed(&catalog, &failed));
    let back = diagnose(&reversed, &with_failed(&reversed, &failed));
    let first_two = |d: &Diagnosis| d.causes.iter().take(2).map(|c| c.cause.clone()).collect::<Vec<_>>();
    assert_eq!(first_two(&there), first_two(&back));
    assert_eq!(first_two(&there).len(), 2);
}

#[test]
fn an_event_that_passed_before_the_fault_speaks_against_no_cause() {
    let catalog = catalog();
    let failed = ["topic-exists", "topic-led"];
    let with_event = diagnose(&catalog, &with_failed(&catalog, &failed));
    let mut without = with_failed(&catalog, &failed);
    for finding in without.iter_mut().filter(|finding| finding.of_event) {
        finding.verdict = Verdict::NotAsked(Why::new(WhyKind::NotConfigured, "no id"));
    }
    let without = diagnose(&catalog, &without);
    assert_eq!(with_event.causes[0].posterior, without.causes[0].posterior);
    assert_eq!(with_event.causes[0].cause, "topics-missing");
}

#[test]
fn an_unseen_system_weakens_and_is_named() {
    let catalog = catalog();
    let all = diagnose(&catalog, &with_failed(&catalog, &["worker-running", "worker-not-stopped"]));
    let half = findings(&catalog, |check| match check {
        "worker-running" => Verdict::Fail,
        "worker-not-stopped" => unknown(),
        _ => Verdict::Pass,
    });
    let half = diagnose(&catalog, &half);
    let of = |d: &Diagnosis| d.causes.iter().find(|c| c.cause == "worker-stopped").unwrap().clone();
    assert!(of(&half).posterior < of(&all).posterior);
    assert_eq!(of(&half).could_not_check, ["worker-not-stopped"]);
    assert!(half.next.is_some());
}

#[test]
fn confidence_never_exceeds_its_ceiling() {
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
fn the_readme_of_the_model_is_what_it_computes() {
    // One cause, one direct check that fails: prior odds 1/19, fail .9802 with it
    // and .01 without: R = .9802/19 / (.9802/19 + .01), by hand.
    let cause = r#"
        [[cause]]
        id = "it"
        title = "it"
        means = "it"
        confidence = 99
        always = ["alone"]
        actions = []
    "#;
    let source = Source { name: "x.toml".into(), text: format!("{ALONE}{cause}") };
    let catalog = lint::from_sources(&[source], &[], registry(), &mut Vec::new());
    let diagnosis = diagnose(&catalog, &with_failed(&catalog, &["alone"]));
    let with = (1.0 - 0.99 * 0.02) / 19.0;
    let expected = with / (with + 0.01);
    assert!((diagnosis.causes[0].posterior - expected).abs() < 1e-12);
}

/// Findings as they are where the container and the logs were not seen, and a
/// worker has left its group.
fn outside_of_a_worker(catalog: &Catalog) -> Vec<Finding> {
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
fn what_cannot_be_told_apart_is_named_as_a_group() {
    let catalog = catalog();
    let diagnosis = diagnose(&catalog, &outside_of_a_worker(&catalog));
    let first = &diagnosis.causes[0];
    assert_eq!(first.cause, "worker-away");
    assert!(first.one_of.contains(&"worker-stopped".to_string()), "{:?}", first.one_of);
    assert!(!names(&diagnosis).contains(&"worker-stopped"));
    assert!(diagnosis.unexplained.is_empty(), "{:?}", diagnosis.unexplained);
}

#[test]
fn what_is_told_apart_is_named_itself() {
    let catalog = catalog();
    let mut findings = outside_of_a_worker(&catalog);
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
fn a_group_is_not_named_for_what_nobody_saw() {
    let catalog = catalog();
    // The events are stuck, and Kafka was not seen either.
    let failed = ["stage-marked-by-owner", "stage-effect-present", "no-event-stuck"];
    let findings =
        findings(&catalog, |check| if failed.contains(&check) { Verdict::Fail } else { unknown() });
    let diagnosis = diagnose(&catalog, &findings);
    for group in ["worker-away", "not-taken", "not-sent", "every-try-fails"] {
        assert!(!names(&diagnosis).contains(&group), "{:?}", names(&diagnosis));
    }
}

#[test]
fn mistakes_in_groups_are_told() {
    let group = format!(
        r#"{ALONE}
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
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    for words in [
        "`onne` is not a cause",
        "`several` is not a cause",
        "both `any_of` and links",
        "unknown check `aloone`",
    ] {
        assert!(told.iter().any(|told| told.contains(words)), "{words}: {told:#?}");
    }
}
