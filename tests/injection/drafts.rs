//! What `init` discovers, and the file that it writes.

use crate::discoveries::{reports, shop, signup};
use crate::payloads::{HARMLESS, MARK, PAYLOADS, variants};
use crate::support::places::{Place, places};
use crate::tally::{Tally, is_complete, tried_variants};
use crate::verdicts::of_sql;
use pipeline_doctor::base::secret::Secret;
use pipeline_doctor::base::visible_text::is_hidden;
use pipeline_doctor::collect::discovered::{
    Cluster, Component, Database, DiscoveredGroup, DiscoveredTopic, Discovery, Record, Table, sql_name,
};
use pipeline_doctor::evidence::{Name, Observed, Reason, ReasonKind};
use pipeline_doctor::init::{build_draft, write};
use pipeline_doctor::run::init::summary;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Calls `change` with the kind of each text in a discovery.
fn visit(discovery: &mut Discovery, change: &mut dyn FnMut(&str, &mut String)) {
    let Discovery { project, compose, docker, components, kafka, databases } = discovery;
    project.iter_mut().for_each(|project| change("project", project));
    observed(compose, change, |files, change| files.iter_mut().for_each(|file| change("compose file", file)));
    observed(docker, change, |address, change| change("docker address", address));
    components.iter_mut().for_each(|component| visit_component(component, change));
    observed(kafka, change, visit_cluster);
    for Database { name, host, address, used_by, tables } in databases {
        change("database", name);
        change("database host", host);
        change("database address", address);
        for (component, variable) in used_by {
            change("component", component);
            change("variable", variable);
        }
        observed(tables, change, |tables, change| {
            tables.iter_mut().for_each(|table| visit_table(table, change))
        });
    }
}

fn observed<T>(
    value: &mut Observed<T>,
    change: &mut dyn FnMut(&str, &mut String),
    known: impl FnOnce(&mut T, &mut dyn FnMut(&str, &mut String)),
) {
    match value {
        Observed::Known(value) => known(value, change),
        Observed::Unknown(Reason { message, .. }) | Observed::NotAsked(Reason { message, .. }) => {
            change("reason", message);
        }
    }
}

fn visit_component(component: &mut Component, change: &mut dyn FnMut(&str, &mut String)) {
    let Component {
        name,
        container,
        image,
        command,
        declared: _,
        running: _,
        one_shot: _,
        variables,
        ports: _,
        published: _,
        healthcheck,
        addresses,
        health_endpoint,
        log,
        profiles,
        uses: _,
    } = component;
    change("component", name);
    container.iter_mut().for_each(|container| change("container", container));
    change("image", image);
    command.iter_mut().for_each(|word| change("command", word));
    let changed = std::mem::take(variables).into_iter().map(|(mut name, value)| {
        let mut value = value.expose().to_string();
        change("variable", &mut name);
        change("value of a variable", &mut value);
        (name, Secret::new(value))
    });
    *variables = changed.collect();
    healthcheck.iter_mut().for_each(|command| change("health check", command));
    set(addresses, "component address", change);
    health_endpoint.iter_mut().for_each(|(_, path)| change("health path", path));
    log.iter_mut().for_each(|line| change("log line", line));
    profiles.iter_mut().for_each(|profile| change("profile", profile));
}

fn set(texts: &mut BTreeSet<String>, kind: &str, change: &mut dyn FnMut(&str, &mut String)) {
    let changed = std::mem::take(texts).into_iter().map(|mut text| {
        change(kind, &mut text);
        text
    });
    *texts = changed.collect();
}

fn map<T>(
    values: &mut BTreeMap<Name, T>,
    kind: &str,
    change: &mut dyn FnMut(&str, &mut String),
    inner: impl Fn(&mut T, &mut dyn FnMut(&str, &mut String)),
) {
    for (mut name, mut value) in std::mem::take(values) {
        change(kind, &mut name);
        inner(&mut value, change);
        values.insert(name, value);
    }
}

fn visit_cluster(cluster: &mut Cluster, change: &mut dyn FnMut(&str, &mut String)) {
    let Cluster { bootstrap, topics, groups } = cluster;
    change("bootstrap", bootstrap);
    map(topics, "topic", change, |DiscoveredTopic { partitions: _, records }, change| {
        for Record { at: _, key, headers, fields } in records {
            change("record key", key);
            map(headers, "header", change, |value, change| change("value of a header", value));
            for (name, value) in fields {
                change("field", name);
                change("value of a field", value);
            }
        }
    });
    map(groups, "group", change, |DiscoveredGroup { topics, hosts, clients }, change| {
        set(topics, "topic", change);
        set(hosts, "host", change);
        set(clients, "client", change);
    });
}

fn visit_table(table: &mut Table, change: &mut dyn FnMut(&str, &mut String)) {
    let Table { sql, name, columns, rows, unavailable } = table;
    let before = name.clone();
    change("table", name);
    if *name != before {
        // The collector spells it in SQL.
        *sql = sql_name(name);
    }
    for column in columns {
        change("column", &mut column.name);
        change("type", &mut column.sql_type);
        column.refers_to.iter_mut().for_each(|(table, column)| {
            change("table", table);
            change("column", column);
        });
    }
    for row in rows {
        map(row, "column", change, |value, change| change("value of a row", value));
    }
    unavailable.iter_mut().for_each(|why| change("reason", why));
}

/// The kinds of places, each with a few of the texts that stand there.
fn texts(discovery: &Discovery) -> BTreeSet<(String, String)> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    visit(&mut discovery.clone(), &mut |kind, text| {
        let texts = found.entry(kind.to_string()).or_default();
        if texts.len() < 8 {
            texts.insert(text.clone());
        }
    });
    found
        .into_iter()
        .flat_map(|(kind, texts)| texts.into_iter().map(move |text| (kind.clone(), text)))
        .collect()
}

/// Returns the discovery with another text wherever exactly this one stands.
fn renamed(discovery: &Discovery, old: &str, new: &str) -> Discovery {
    let mut discovery = discovery.clone();
    visit(&mut discovery, &mut |_, text| {
        if text == old {
            *text = new.to_string();
        }
    });
    discovery
}

/// Returns the discoveries, one of them with everything unavailable.
fn discoveries() -> Vec<Discovery> {
    let mut unavailable = shop();
    let why = |what: &str| Reason::new(ReasonKind::NoAnswer, format!("no answer from {what}"));
    unavailable.compose = Observed::Unknown(why("the directory"));
    unavailable.docker = Observed::Unknown(why("docker"));
    unavailable.kafka = Observed::Unknown(why("kafka"));
    unavailable.databases[0].tables = Observed::Unknown(why("db"));
    unavailable.databases[1].tables.known_mut().into_iter().flatten().for_each(|table| {
        table.unavailable = Some("permission denied".to_string());
    });
    vec![shop(), reports(), signup(), unavailable]
}

/// Returns the tables and fields of a pipeline file, without the names that are keys.
fn fields(file: &Value) -> BTreeSet<Place> {
    places(file).into_keys().filter(|place| !place.is_name()).collect()
}

/// Returns the SQL in a pipeline file.
fn sql(file: &Value) -> Vec<&str> {
    let stages = file["stage"].as_array().into_iter().flatten();
    let of_stages = stages.flat_map(|stage| [&stage["sql"], &stage["record_sql"]]);
    of_stages.chain([&file["event"]["sql"]]).filter_map(Value::as_str).collect()
}

#[test]
fn init_writes_names_as_data() {
    let tally = Tally::default();
    let parsed = |discovery: &Discovery| {
        let draft = build_draft(discovery);
        let text = write(&draft);
        (toml::from_str::<Value>(&text), text, summary(&draft, Path::new("pipeline.toml")))
    };
    for discovery in discoveries() {
        let mut known = fields(&parsed(&discovery).0.unwrap());
        for (place, (kind, old)) in texts(&discovery).into_iter().enumerate() {
            for (i, payload) in PAYLOADS.into_iter().enumerate() {
                if !(is_complete() || (place + i) % 30 == 0) {
                    continue;
                }
                tally.counts().pairs += 1;
                for (variant, placed) in tried_variants(variants(&old, payload), place, i) {
                    let (file, text, summary) = parsed(&renamed(&discovery, &old, &placed));
                    let mut counts = tally.counts();
                    counts.rendered += 1;
                    counts.texts += usize::from(text.contains(MARK));
                    drop(counts);
                    let mut wrong = |what: String| tally.violation(&kind, &placed, &what);
                    for shown in [&text, &summary] {
                        if let Some(letter) =
                            shown.chars().find(|letter| is_hidden(*letter) && *letter != '\n')
                        {
                            wrong(format!("raw {letter:?}"));
                        }
                        if shown.lines().any(|line| line.starts_with("HEALTHY") || line.starts_with(MARK)) {
                            wrong("a forged line".to_string());
                        }
                    }
                    let Ok(file) = file else {
                        wrong(format!("no TOML: {}", file.unwrap_err()));
                        continue;
                    };
                    if !fields(&file).is_subset(&known) {
                        // The name itself may have led to another draft.
                        let harmless = renamed(&discovery, &old, &variants(&old, HARMLESS)[variant]);
                        known.extend(fields(&parsed(&harmless).0.unwrap()));
                    }
                    let forged: Vec<Place> = fields(&file).difference(&known).cloned().collect();
                    if !forged.is_empty() {
                        wrong(format!("forged fields: {forged:?}"));
                    }
                    sql(&file).into_iter().filter_map(of_sql).for_each(&mut wrong);
                }
            }
        }
    }
    tally.finish("init");
}
