//! Live test of `init` on a project that its images and ports tell nothing about. Ignored by default.

mod support;

use support::{doctor, shell};

const COMPOSE: &str = "docker compose --progress quiet -f tests/sandbox/init/docker-compose.yml";

/// All services have the database's image, which exposes a port. Each service has its own database, one has two
/// replicas, one is behind a profile, and not every order is an event.
#[test]
#[ignore = "needs Docker"]
fn components_are_told_by_how_they_are_used() {
    shell(&format!("tests/sandbox/images && {COMPOSE} up -d --wait"));
    // Enough orders, each once a second.
    std::thread::sleep(std::time::Duration::from_secs(12));
    let written = doctor(["init", "--stdout", "--project", "init-sandbox"]).finish().code(0).stdout;
    let file: toml::Table = written.parse().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipeline.toml");
    std::fs::write(&path, &written).unwrap();
    shell("docker stop -t 1 init-sandbox-shipment-db-1");
    let report = doctor(["--config", path.to_str().unwrap(), "--json"]).finish().json();
    shell(&format!("{COMPOSE} down -v -t 1"));

    let of = |kind: &str, field: &str| -> Vec<String> {
        let rows = file[kind].as_array().unwrap().iter();
        rows.map(|row| row.get(field).and_then(toml::Value::as_str).unwrap_or_default().to_string()).collect()
    };
    assert_eq!(of("service", "name"), ["order-db", "shipment-db", "web"]);
    assert_eq!(of("service", "role"), ["database", "database", "emitter"]);
    assert_eq!(of("worker", "name"), ["relay", "notification-worker"]);
    assert_eq!(of("worker", "container"), ["", ""], "a replica must not be pinned");
    assert_eq!(of("worker", "started"), ["info: Starting", "info: Starting"]);
    assert_eq!(of("stage", "effect"), ["shipment", "notification"]);
    assert_eq!(file["postgres"]["service"].as_str(), Some("order-db"));
    assert_eq!(file["database"]["shipments"]["service"].as_str(), Some("shipment-db"));
    let text = written.replace("\n# ", " ");
    assert!(text.contains("left out: invoice-worker: is behind the profile billing"), "{written}");
    assert!(text.contains("such as: where status in ('placed')"), "{written}");

    assert_eq!(report["causes"][0]["id"], "database-down", "{report:#}");
    assert_eq!(report["causes"][0]["subjects"], serde_json::json!(["shipment-db"]));
}
