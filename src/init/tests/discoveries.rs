//! Discovered pipelines for tests, built in memory.

use crate::base::secret::Secret;
use crate::collect::discovered::{
    Cluster, Column, Component, Database, DiscoveredGroup, DiscoveredTopic, Discovery, Record, Table,
};
use crate::evidence::Observed;
use jiff::{SignedDuration, Timestamp};

const EVENTS: i64 = 6;

pub fn at(event: i64, seconds: f64) -> Timestamp {
    let base: Timestamp = "2026-01-07T16:00:00Z".parse().unwrap();
    base + SignedDuration::from_secs_f64(event as f64 * 60.0 + seconds)
}

pub fn component(name: &str, image: &str, port: Option<u16>, variables: &[(&str, &str)]) -> Component {
    Component {
        name: name.into(),
        container: Some(format!("x-{name}-1")),
        image: image.into(),
        running: true,
        declared: true,
        ports: port.into_iter().collect(),
        published: port.into_iter().collect(),
        variables: variables.iter().map(|(name, value)| (name.to_string(), Secret::new(*value))).collect(),
        addresses: [format!("10.0.0.{name}")].into(),
        ..Component::default()
    }
}

/// Parses `name type [unique] [> table.column]`.
pub fn column(text: &str) -> Column {
    let (text, to) = text.split_once(" > ").map_or((text, None), |(text, to)| (text, to.split_once('.')));
    let (text, unique) = text.strip_suffix(" unique").map_or((text, false), |text| (text, true));
    let (name, of) = text.split_once(' ').unwrap();
    let refers_to = to.map(|(table, column)| (table.to_string(), column.to_string()));
    Column { name: name.into(), sql_type: of.into(), unique, refers_to }
}

/// Builds a table with the rows that `row` returns for each event.
pub fn table(sql: &str, columns: &[&str], row: impl Fn(i64) -> Vec<Vec<String>>) -> Table {
    let columns: Vec<Column> = columns.iter().map(|text| column(text)).collect();
    let named = |values: Vec<String>| {
        columns.iter().zip(values).map(|(column, value)| (column.name.clone(), value)).collect()
    };
    let rows = (0..EVENTS).flat_map(|event| row(event).into_iter().map(named).collect::<Vec<_>>()).collect();
    let name = sql.rsplit('.').next().unwrap().to_string();
    Table { sql: sql.into(), name, columns, rows, unavailable: None }
}

pub fn row(values: &[&str]) -> Vec<Vec<String>> {
    vec![values.iter().map(ToString::to_string).collect()]
}

pub fn database(name: &str, used_by: &[&str], tables: Vec<Table>) -> Database {
    let used_by =
        used_by.iter().map(|component| (component.to_string(), "DATABASE_URL".to_string())).collect();
    Database {
        name: name.into(),
        host: "db".into(),
        address: format!("postgres://u@db/{name}"),
        used_by,
        tables: Observed::Known(tables),
    }
}

pub fn topic(seconds: f64, headers: &[(&str, &str)], id: impl Fn(i64) -> String) -> DiscoveredTopic {
    let headers: std::collections::BTreeMap<String, String> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let records = (0..EVENTS).map(|event| Record {
        at: Some(at(event, seconds)),
        key: id(event),
        headers: headers.clone(),
        fields: vec![],
    });
    DiscoveredTopic { partitions: 3, records: records.collect() }
}

pub fn group(component: &str, topics: &[&str]) -> DiscoveredGroup {
    DiscoveredGroup {
        topics: topics.iter().map(ToString::to_string).collect(),
        hosts: [format!("10.0.0.{component}")].into(),
        clients: ["client".to_string()].into(),
    }
}

pub fn discovery(
    project: &str,
    components: Vec<Component>,
    kafka: Observed<Cluster>,
    databases: Vec<Database>,
) -> Discovery {
    Discovery {
        project: Some(project.into()),
        compose: Observed::Known(vec!["docker-compose.yml".into()]),
        docker: Observed::Known("unix:///var/run/docker.sock".into()),
        components,
        kafka,
        databases,
    }
}

fn order(event: i64) -> String {
    format!("ORD-2026-{:06}", 123 + event)
}

/// Orders and shipments in two databases, connected by an outbox.
pub fn shop() -> Discovery {
    let databases = vec![
        database("shipping", &["shipping-worker", "notification-worker"], logistics()),
        database("orders", &["order-api", "order-relay"], sales()),
    ];
    discovery("shop", shop_components(), Observed::Known(shop_cluster()), databases)
}

fn shop_components() -> Vec<Component> {
    let kafka = ("KAFKA_BROKERS", "kafka:9092");
    let (orders, shipping) = (
        ("DATABASE_URL", "postgres://o:hunter2@db/orders"),
        ("DATABASE_URL", "postgres://s:hunter2@db/shipping"),
    );
    let mut api = component("order-api", "shop", Some(8081), &[orders]);
    api.health_endpoint = Some((8081, "/health".into()));
    let mut packer = component("shipping-worker", "shop", None, &[kafka, shipping]);
    packer.log = vec!["[ShippingWorker] Started".into()];
    packer.log.extend((0..3).map(|event| format!("[ShippingWorker] shipment created for {}", order(event))));
    vec![
        component("kafka", "own/kafka", Some(9092), &[]),
        component("kafka-init", "shop", None, &[kafka]),
        component("postgres", "postgres:15", Some(5432), &[]),
        api,
        component("order-relay", "shop", None, &[kafka, orders]),
        packer,
        component("notification-worker", "shop", None, &[kafka, shipping]),
    ]
}

fn shop_cluster() -> Cluster {
    let dead = topic(9.0, &[("error", "x"), ("failedBy", "shipping-worker")], order);
    Cluster {
        bootstrap: "localhost:19092".into(),
        topics: [
            (
                "orders.placed".to_string(),
                topic(0.5, &[("type", "ORDER_PLACED"), ("source", "order-api")], order),
            ),
            ("shipments.created".to_string(), topic(1.0, &[("type", "SHIPMENT_CREATED")], order)),
            ("shop.dead-letters".to_string(), dead),
        ]
        .into(),
        groups: [
            ("shippers".to_string(), group("shipping-worker", &["orders.placed"])),
            ("notifiers".to_string(), group("notification-worker", &["shipments.created"])),
        ]
        .into(),
    }
}

fn sales() -> Vec<Table> {
    let time = |event, seconds| at(event, seconds).to_string();
    vec![
        table(
            "sales.orders",
            &["order_no text unique", "customer text", "placed_at timestamp with time zone"],
            |e| row(&[&order(e), "Ada", &time(e, 0.0)]),
        ),
        table(
            "sales.outbox",
            &[
                "order_no text > orders.order_no",
                "type text",
                "payload jsonb",
                "created_at timestamp with time zone",
                "sent_at timestamp with time zone",
            ],
            |e| row(&[&order(e), "ORDER_PLACED", "{}", &time(e, 0.0), &time(e, 0.4)]),
        ),
    ]
}

fn logistics() -> Vec<Table> {
    let time = |event, seconds| at(event, seconds).to_string();
    vec![
        table(
            "logistics.shipments",
            &["order_no text unique", "state text", "created_at timestamp with time zone"],
            |e| row(&[&order(e), if e == 0 { "refused" } else { "ready" }, &time(e, 0.8)]),
        ),
        table(
            "logistics.notifications",
            &["order_no text", "channel text", "sent_at timestamp with time zone"],
            |e| row(&[&order(e), "mail", &time(e, 3.2)]),
        ),
        table(
            "logistics.handled",
            &[
                "order_no text",
                "message_id text",
                "kind text",
                "handler text",
                "handled_at timestamp with time zone",
            ],
            |e| {
                let one = [&order(e), "m", "ORDER_PLACED", "shipping-worker", &time(e, 0.8)];
                let other = [&order(e), "n", "SHIPMENT_CREATED", "notification-worker", &time(e, 3.2)];
                [row(&one), row(&other)].concat()
            },
        ),
    ]
}

/// Reports that are rendered and mailed by workers polling the database, without Kafka.
pub fn reports() -> Discovery {
    let url = ("DATABASE_URL", "postgres://r:hunter2@db/reporting");
    let components = vec![
        component("postgres", "postgres:15", Some(5432), &[]),
        component("report-api", "r", Some(80), &[url]),
        component("draw-worker", "r", None, &[url]),
        component("mail-worker", "r", None, &[url]),
    ];
    let id = |event: i64| (48_211 + event).to_string();
    let time = |event, seconds| at(event, seconds).to_string();
    let tables = vec![
        table("reports", &["id bigint unique", "created_at timestamp with time zone"], |e| {
            row(&[&id(e), &time(e, 0.0)])
        }),
        table(
            "jobs",
            &[
                "id bigint unique",
                "report_id bigint > reports.id",
                "kind text",
                "created_at timestamp with time zone",
            ],
            |e| {
                [row(&["1", &id(e), "draw", &time(e, 0.0)]), row(&["2", &id(e), "mail", &time(e, 2.0)])]
                    .concat()
            },
        ),
        table("documents", &["report_id bigint unique", "created_at timestamp with time zone"], |e| {
            row(&[&id(e), &time(e, 2.0)])
        }),
        table(
            "mails",
            &["report_id bigint unique", "status text", "sent_at timestamp with time zone"],
            |e| row(&[&id(e), "sent", &time(e, 3.0)]),
        ),
    ];
    let kafka = Observed::not_asked("no broker is running, and no service names one in its environment");
    discovery("jobs", components, kafka, vec![database("reporting", &["report-api", "mail-worker"], tables)])
}

/// Two parallel checks, and an account that needs both.
pub fn signup() -> Discovery {
    let addresses = [("KAFKA_BROKERS", "kafka:9092"), ("POSTGRES_URL", "postgres://o:hunter2@db/joining")];
    let components = vec![
        component("kafka", "own/kafka", Some(9092), &[]),
        component("postgres", "own/postgres", Some(5432), &[]),
        component("signup-api", "o", Some(80), &addresses),
        component("account-worker", "o", None, &addresses),
        component("credit-worker", "o", None, &addresses),
        component("identity-worker", "o", None, &addresses),
    ];
    let id = |event: i64| format!("01ARZ3NDEKTSV4RRFFQ69G5F{:02}", 10 + event);
    let of = |seconds| topic(seconds, &[], id);
    let cluster = Cluster {
        bootstrap: "localhost:39092".into(),
        topics: [
            ("signup-requested".to_string(), of(0.1)),
            ("credit-checked".to_string(), of(1.1)),
            ("identity-checked".to_string(), of(2.1)),
        ]
        .into(),
        groups: [
            ("identity".to_string(), group("identity-worker", &["signup-requested"])),
            ("credit".to_string(), group("credit-worker", &["signup-requested"])),
            ("accounts".to_string(), group("account-worker", &["credit-checked", "identity-checked"])),
        ]
        .into(),
    };
    let checks = |sql: &str, at_column: &str, seconds: f64| {
        let columns = ["signup_id text unique > signups.id", at_column];
        table(sql, &columns, |e| row(&[&id(e), &at(e, seconds).to_string()]))
    };
    let tables = vec![
        table("signups", &["id text unique", "requested_at timestamp with time zone"], |e| {
            row(&[&id(e), &at(e, 0.0).to_string()])
        }),
        checks("identity_checks", "checked_at timestamp with time zone", 2.0),
        checks("credit_checks", "checked_at timestamp with time zone", 1.0),
        checks("accounts", "opened_at timestamp with time zone", 3.0),
    ];
    discovery(
        "joining",
        components,
        Observed::Known(cluster),
        vec![database("joining", &["signup-api"], tables)],
    )
}

pub fn uuid(event: i64) -> String {
    format!("1fa90c93-ea40-4ba9-a7bf-4ed47e735b9{event}")
}

/// Builds a table with one row per event, written the given number of seconds after it.
/// Without a time column, the rows have no time.
pub fn one_row_each(sql: &str, id: &str, time: Option<(&str, f64)>) -> Table {
    let time_column = time.map(|(name, _)| format!("{name} timestamp with time zone"));
    let columns: Vec<&str> = std::iter::once(id).chain(time_column.as_deref()).collect();
    table(sql, &columns, |e| {
        vec![std::iter::once(uuid(e)).chain(time.map(|(_, seconds)| at(e, seconds).to_string())).collect()]
    })
}

/// Two workers in sequence, a few milliseconds apart. The names do not show which of them belong together.
pub fn unrelated_names([first, second]: [&str; 2], tables: Vec<Table>) -> Discovery {
    let addresses = [("KAFKA_BROKERS", "kafka:9092"), ("DATABASE_URL", "postgres://o:hunter2@db/things")];
    let components = vec![
        component("kafka", "own/kafka", Some(9092), &[]),
        component("postgres", "own/postgres", Some(5432), &[]),
        component("desk", "o", Some(80), &addresses),
        component(first, "o", None, &addresses),
        component(second, "o", None, &addresses),
    ];
    let cluster = Cluster {
        bootstrap: "localhost:39092".into(),
        topics: [("zoo".to_string(), topic(0.004, &[], uuid)), ("air".to_string(), topic(0.018, &[], uuid))]
            .into(),
        groups: [("g1".to_string(), group(first, &["zoo"])), ("g2".to_string(), group(second, &["air"]))]
            .into(),
    };
    let first = one_row_each("entries", "entry_no uuid unique", Some(("created_at", 0.0)));
    let tables = std::iter::once(first).chain(tables).collect();
    discovery("things", components, Observed::Known(cluster), vec![database("things", &["desk"], tables)])
}
