//! Sample evidence for unit tests of other modules.

use crate::evidence::recording_schema1;
use crate::evidence::workload::{Instance, Runtime};
use std::collections::BTreeMap;

/// Returns a running container in the project `shop`; `changes` overrides its schema 1 fields.
pub(crate) fn container(changes: serde_json::Value) -> Instance {
    let mut value = serde_json::json!({
        "id": "1", "name": "shop-kafka", "service": "kafka", "project": "shop",
        "config_files": [], "working_dir": null, "image": "kafka", "image_id": "sha256:1",
        "status": "running", "exit_code": 0, "oom_killed": false, "error": null,
        "restart_count": 0, "created": null, "started": null, "finished": null,
        "health": null, "tty": false, "log_driver": "json-file", "restart_policy": null,
        "hostnames": [], "networks": {"shop_default": "172.18.0.2"},
        "ports": [{"container": 9092, "host_ip": "0.0.0.0", "host": 19092}], "environment": {}
    });
    for (key, change) in changes.as_object().unwrap() {
        value[key] = change.clone();
    }
    recording_schema1::instance(value)
}

/// Returns an engine with that container, which is also reachable by the host name `broker`.
pub(crate) fn runtime(address: &str) -> Runtime {
    let runtime = Runtime {
        not_inspected: BTreeMap::new(),
        address: address.into(),
        engine: "20.10".into(),
        api: "1.41".into(),
        project: Some("shop".into()),
        other_projects: vec![],
        workloads: BTreeMap::new(),
        images: BTreeMap::new(),
        clock: None,
        hosts: BTreeMap::new(),
        commands: None,
    };
    runtime.with_instances([container(serde_json::json!({"hostnames": ["broker"]}))])
}
