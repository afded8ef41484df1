//! What `init` finds of pipelines, made in memory.

use crate::base::secret::Secret;
use crate::collect::discovery::{
    Cluster, Column, Database, GroupSeen, Part, Record, Survey, Table, TopicSeen,
};
use crate::evidence::Seen;
use jiff::{SignedDuration, Timestamp};

const EVENTS: i64 = 6;

pub fn at(event: i64, seconds: f64) -> Timestamp {
    let base: Timestamp = "2026-01-07T16:00:00Z".parse().unwrap();
    base + SignedDuration::from_secs_f64(event as f64 * 60.0 + seconds)
}

pub fn part(name: &str, image: &str, port: Option<u16>, variables: &[(&str, &str)]) -> Part {
    Part {
        name: name.into(),
        container: Some(format!("x-{name}-1")),
        image: image.into(),
        running: true,
        declared: true,
        ports: port.into_iter().collect(),
        published: port.into_iter().collect(),
        variables: variables.iter().map(|(name, value)| (name.to_string(), Secret::new(*value))).collect(),
        addresses: [format!("10.0.0.{name}")].into(),
        ..Part::default()
    }
}

/// `name type [unique] [> table.column]`
pub fn column(text: &str) -> Column {
    let (text, to) = text.split_once(" > ").map_or((text, None), |(text, to)| (text, to.split_once('.')));
    let (text, unique) = text.strip_suffix(" unique").map_or((text, false), |text| (text, true));
    let (name, of) = text.split_once(' ').unwrap();
    let refers_to = to.map(|(table, column)| (table.to_string(), column.to_string()));
    Column { name: name.into(), of: of.into(), unique, refers_to }
}

/// A table with rows of each event: columns, and what `row` says.
pub fn table(sql: &str, columns: &[&str], row: impl Fn(i64) -> Vec<Vec<String>>) -> Table {
    let columns: Vec<Column> = columns.iter().map(|text| column(text)).collect();
    let named = |values: Vec<String>| {
        columns.iter().zip(values).map(|(column, value)| (column.name.clone(), value)).collect()
    };
    let rows = (0..EVENTS).flat_map(|event| row(event).into_iter().map(named).collect::<Vec<_>>()).collect();
    let name = sql.rsplit('.').next().unwrap().to_string();
    Table { sql: sql.into(), name, columns, rows, unseen: None }
}

pub fn row(values: &[&str]) -> Vec<Vec<String>> {
    vec![values.iter().map(ToString::to_string).collect()]
}

pub fn database(name: &str, told: &[&str], tables: Vec<Table>) -> Database {
    let told = told.iter().map(|part| (part.to_string(), "DATABASE_URL".to_string())).collect();
    Database {
        name: name.into(),
        address: format!("postgres://u@db/{name}"),
        told,
        tables: Seen::Known(tables),
    }
}

pub fn topic(seconds: f64, headers: &[(&str, &str)], id: impl Fn(i64) -> String) -> TopicSeen {
    let headers: std::collections::BTreeMap<String, String> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let records = (0..EVENTS).map(|event| Record {
        at: Some(at(event, seconds)),
        key: id(event),
        headers: headers.clone(),
        fields: vec![],
    });
    TopicSeen { partitions: 3, records: records.collect() }
}

pub fn group(part: &str, topics: &[&str]) -> GroupSeen {
    GroupSeen {
        topics: topics.iter().map(ToString::to_string).collect(),
        hosts: [format!("10.0.0.{part}")].into(),
        clients: ["client".to_string()].into(),
    }
}

pub fn survey(project: &str, parts: Vec<Part>, kafka: Seen<Cluster>, databases: Vec<Database>) -> Survey {
    Survey {
        project: Some(project.into()),
        compose: Seen::Known(vec!["docker-compose.yml".into()]),
        docker: Seen::Known("unix:///var/run/docker.sock".into()),
        parts,
        kafka,
        databases,
    }
}

fn order(event: i64) -> String {
    format!("ORD-2026-{:06}", 123 + event)
}

/// Orders and shipments in two databases, an outbox between them.
pub fn shop() -> Survey {
    let databases = vec![
        database("shipping", &["shipping-worker", "notification-worker"], logistics()),
        database("orders", &["order-api", "order-relay"], sales()),
    ];
    survey("shop", shop_parts(), Seen::Known(shop_cluster()), databases)
}

fn shop_parts() -> Vec<Part> {
    let kafka = ("KAFKA_BROKERS", "kafka:9092");
    let (orders, shipping) = (
        ("DATABASE_URL", "postgres://o:hunter2@db/orders"),
        ("DATABASE_URL", "postgres://s:hunter2@db/shipping"),
    );
    let mut api = part("order-api", "shop", Some(8081), &[orders]);
    api.answers = Some((8081, "/health".into()));
    let mut packer = part("shipping-worker", "shop", None, &[kafka, shipping]);
    packer.log = vec!["[ShippingWorker] Started".into()];
    packer.log.extend((0..3).map(|event| format!("[ShippingWorker] shipment created for {}", order(event))));
    vec![
        part("kafka", "own/kafka", Some(9092), &[]),
        part("kafka-init", "shop", None, &[kafka]),
        part("postgres", "postgres:15", Some(5432), &[]),
        api,
        part("order-relay", "shop", None, &[kafka, orders]),
        packer,
        part("notification-worker", "shop", None, &[kafka, shipping]),
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

/// Reports, drawed and mailed by workers that look into the database. No Kafka.
pub fn reports() -> Survey {
    let url = ("DATABASE_URL", "postgres://r:hunter2@db/reporting");
    let parts = vec![
        part("postgres", "postgres:15", Some(5432), &[]),
        part("report-api", "r", Some(80), &[url]),
        part("draw-worker", "r", None, &[url]),
        part("mail-worker", "r", None, &[url]),
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
    let kafka = Seen::not_asked("no service is told of a broker, and none runs");
    survey("jobs", parts, kafka, vec![database("reporting", &["report-api", "mail-worker"], tables)])
}

/// Two checks beside each other, and an account once both are there.
pub fn signup() -> Survey {
    let told = [("KAFKA_BROKERS", "kafka:9092"), ("POSTGRES_URL", "postgres://o:hunter2@db/joining")];
    let parts = vec![
        part("kafka", "own/kafka", Some(9092), &[]),
        part("postgres", "own/postgres", Some(5432), &[]),
        part("signup-api", "o", Some(80), &told),
        part("account-worker", "o", None, &told),
        part("credit-worker", "o", None, &told),
        part("identity-worker", "o", None, &told),
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
    survey("joining", parts, Seen::Known(cluster), vec![database("joining", &["signup-api"], tables)])
}

pub fn uuid(event: i64) -> String {
    format!("1fa90c93-ea40-4ba9-a7bf-4ed47e735b9{event}")
}

/// A table of one row for each event, so many seconds after it; without seconds it
/// does not say when.
pub fn of_each(sql: &str, id: &str, time: Option<(&str, f64)>) -> Table {
    let time_column = time.map(|(name, _)| format!("{name} timestamp with time zone"));
    let columns: Vec<&str> = std::iter::once(id).chain(time_column.as_deref()).collect();
    table(sql, &columns, |e| {
        vec![std::iter::once(uuid(e)).chain(time.map(|(_, seconds)| at(e, seconds).to_string())).collect()]
    })
}

/// Two workers, one after the other, each within a few milliseconds; no name says
/// what belongs to what.
pub fn nameless([first, second]: [&str; 2], tables: Vec<Table>) -> Survey {
    let told = [("KAFKA_BROKERS", "kafka:9092"), ("DATABASE_URL", "postgres://o:hunter2@db/things")];
    let parts = vec![
        part("kafka", "own/kafka", Some(9092), &[]),
        part("postgres", "own/postgres", Some(5432), &[]),
        part("desk", "o", Some(80), &told),
        part(first, "o", None, &told),
        part(second, "o", None, &told),
    ];
    let cluster = Cluster {
        bootstrap: "localhost:39092".into(),
        topics: [("zoo".to_string(), topic(0.004, &[], uuid)), ("air".to_string(), topic(0.018, &[], uuid))]
            .into(),
        groups: [("g1".to_string(), group(first, &["zoo"])), ("g2".to_string(), group(second, &["air"]))]
            .into(),
    };
    let first = of_each("entries", "entry_no uuid unique", Some(("created_at", 0.0)));
    let tables = std::iter::once(first).chain(tables).collect();
    survey("things", parts, Seen::Known(cluster), vec![database("things", &["desk"], tables)])
}
