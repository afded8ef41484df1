//! Builds the draft of a pipeline file from the discovery results.

use crate::collect::discovered::{Component, Discovery, sql_name};
use crate::evidence::Reason;
use crate::init::column_roles::is_outbox;
use crate::init::components::{self, Components, NO_DATABASE_ADDRESS};
use crate::init::correlation_id::{all_tables, find_correlation_id};
use crate::init::draft::{self, Draft, Event, Id, Line, Marks, Stage};
use crate::init::event_times::{earliest, first_record_times};
use crate::init::id_format::id_format;
use crate::init::joined_tables::join_tables;
use crate::init::log_lines::{event_lines, log_words};
use crate::init::model::{CorrelationId, LinkedTable, Observations};
use crate::init::naming::{plural, singular, snake, words};
use crate::init::sql_quoting::unquoted;
use crate::init::stages::infer_stages;
use crate::init::table_roles::{find_event_table, find_marks, find_outbox, first_times};
use crate::text::names::SERVICE;
use crate::text::plural::count;
use crate::text::sql_literal::literal;
use std::collections::{BTreeMap, BTreeSet};

/// The number of events needed to compare times reliably.
const ENOUGH_EVENTS: u64 = 3;

/// Infers the pipeline from the discovery results.
pub fn build_draft(discovery: &Discovery) -> Draft {
    build(&with_event_database_first(discovery))
}

/// Moves the database with the event to the front, because it is the pipeline's main database.
fn with_event_database_first(discovery: &Discovery) -> Discovery {
    let (id, _) = find_correlation_id(discovery);
    let roles = id.as_ref().map(|id| TableRoles::find(id, discovery)).unwrap_or_default();
    let main = roles.event.and_then(|index| roles.direct.get(index)).map(|event| event.database);
    let mut sorted = discovery.clone();
    if let Some(main) = main {
        let main = sorted.databases.remove(main);
        sorted.databases.insert(0, main);
    }
    sorted
}

fn build(discovery: &Discovery) -> Draft {
    let dead_letters = components::find_dead_letters(discovery.kafka.known());
    let dead = dead_letters.as_ref().map(|dead| dead.topic.as_str());
    let components = components::classify_components(discovery, dead);
    let (kafka, postgres) = components::main_systems(discovery, &components);
    let (id, other_ids) = find_correlation_id(discovery);
    let roles = id.as_ref().map(|id| TableRoles::find(id, discovery)).unwrap_or_default();
    let event = roles.event.and_then(|index| roles.direct.get(index));
    let observations = Observations {
        cluster: discovery.kafka.known(),
        id: id.as_ref(),
        marks: roles.marks.as_ref(),
        event,
        started: first_times(&roles.direct),
        outbox: find_outbox(&roles.direct),
        effects: roles.effects.clone(),
        databases: discovery.databases.iter().map(|database| database.name.as_str()).collect(),
        services: &components.services,
        workers: &components.workers,
        log_words: log_words_by_worker(discovery, &components),
    };
    let (stages, unassigned) = infer_stages(&observations);
    let outbox = unrelayed_outbox(&observations);
    let mut draft = Draft {
        id: describe_id(id.as_ref(), &other_ids, event),
        event: describe_event(event, &roles, observations.id_type()),
        marks: roles.marks.as_ref().map(|(linked, marks)| observations.marks_with_database(linked, marks)),
        lines: suggest_lines(discovery, &components, &stages, id.as_ref()),
        topics: topics(discovery, dead),
        seen: seen(discovery),
        unavailable: unavailable(discovery),
        more_events_hint: more_events_hint(discovery, id.as_ref(), event),
        project: discovery.project.clone().filter(|project| (SERVICE.fits)(project)),
        stages,
        kafka,
        postgres,
        dead_letters,
        ..Draft::default()
    };
    draft.databases = additional_databases(discovery, &components);
    draft.left_out = components.left_out.iter().cloned().chain(unassigned).chain(outbox).collect();
    draft.services = components.services;
    draft.workers = components.workers;
    let stage_index =
        |worker: &draft::Worker| draft.stages.iter().position(|stage| stage.worker == worker.name);
    draft.workers.sort_by_key(|worker| stage_index(worker).unwrap_or(usize::MAX));
    set_names(&mut draft, event);
    add_missing_references(&mut draft);
    draft
}

/// Returns an outbox that no worker relays, and the reason for leaving it out.
fn unrelayed_outbox(observations: &Observations) -> Option<(String, String)> {
    let outbox = observations.outbox.as_ref()?;
    let is_relayed =
        observations.workers.iter().any(|worker| observations.outbox_relayed_by(&worker.name).is_some());
    let reason = "an outbox, but no worker that relays it was found; the service that writes it may send the \
                  messages itself";
    (!is_relayed).then(|| (outbox.table.sql.clone(), reason.to_string()))
}

/// Returns the words in each worker's log.
fn log_words_by_worker<'a>(
    discovery: &'a Discovery,
    components: &Components,
) -> BTreeMap<&'a str, BTreeSet<String>> {
    let is_worker =
        |component: &&Component| components.workers.iter().any(|worker| worker.name == component.name);
    let workers = discovery.components.iter().filter(is_worker);
    workers.map(|component| (component.name.as_str(), log_words(&component.log))).collect()
}

/// Returns advice to send more events, if too few were seen.
fn more_events_hint(
    discovery: &Discovery,
    id: Option<&CorrelationId>,
    event: Option<&LinkedTable>,
) -> Option<String> {
    // Ids in other tables, such as customers or products, may exist before any event.
    let values = || id.map_or(0, |id| id.values.len());
    let seen = event.map_or_else(values, |event| event.rows.len()) as u64;
    let topics = discovery.kafka.known().into_iter().flat_map(|cluster| cluster.topics.values());
    let records = topics.map(|topic| topic.records.len()).sum::<usize>();
    let has_tables = discovery.databases.iter().any(|database| database.tables.known().is_some());
    match seen {
        _ if !has_tables || seen >= ENOUGH_EVENTS => None,
        0 if records == 0 => Some(
            "No rows or records for an event were seen, so this file is guessed from names alone. Send some \
             events through the pipeline, then run init again."
                .into(),
        ),
        _ => Some(format!(
            "Only {} {} seen. With {ENOUGH_EVENTS} or more, init can tell more reliably which worker writes \
             which table. Send some more, then run init again.",
            count(seen, "event"),
            if seen == 1 { "was" } else { "were" },
        )),
    }
}

/// The tables, grouped by role.
#[derive(Default)]
struct TableRoles<'a> {
    /// Tables with a column for the id.
    direct: Vec<LinkedTable<'a>>,
    /// The index of the event table in `direct`.
    event: Option<usize>,
    /// The table of marks.
    marks: Option<(LinkedTable<'a>, Marks)>,
    /// Tables that workers may write to.
    effects: Vec<LinkedTable<'a>>,
    /// The marks column that holds the event type, and the type that is marked first.
    first_type: Option<(String, String)>,
}

impl<'a> TableRoles<'a> {
    fn find(id: &CorrelationId<'a>, discovery: &'a Discovery) -> TableRoles<'a> {
        let marks = find_marks(id);
        let direct: Vec<LinkedTable> = id.columns.iter().map(LinkedTable::with_id_column).collect();
        let marks_table = marks.as_ref().map(|(linked, _)| linked.table.sql.as_str());
        let topics = discovery.kafka.known().into_iter().flat_map(|cluster| cluster.topics.values());
        let sent = earliest(topics.flat_map(|topic| first_record_times(topic, &id.values)));
        let event = find_event_table(&direct, marks_table, &sent);
        let first_type = marks.as_ref().and_then(|(linked, marks)| first_type(linked, marks, &direct));
        let has_id = |sql: &str| id.columns.iter().any(|column| column.table.sql == sql);
        let others: Vec<_> =
            all_tables(discovery).into_iter().filter(|(_, table)| !has_id(&table.sql)).collect();
        let event_type = first_type.as_ref().map(|(column, value)| (column.as_str(), value.as_str()));
        let joined = join_tables(&direct, &others, event_type);
        let event_table = event.and_then(|index| direct.get(index)).map(|linked| linked.table.sql.as_str());
        let is_effect = |linked: &&LinkedTable| {
            let sql = linked.table.sql.as_str();
            Some(sql) != event_table && Some(sql) != marks_table && !is_outbox(linked.table)
        };
        let effects = direct.iter().chain(&joined).filter(is_effect).cloned().collect();
        TableRoles { event, marks, effects, first_type, direct }
    }
}

/// Returns the marks column that holds the event type, and the type whose mark comes soonest after
/// the first row with the same id.
fn first_type(linked: &LinkedTable, marks: &Marks, direct: &[LinkedTable]) -> Option<(String, String)> {
    let started = first_times(direct);
    let (event_type, at) = (unquoted(&marks.event_type), unquoted(&marks.processed_at));
    let rows = linked.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row)));
    let delays = rows.filter_map(|(id, row)| {
        let at: jiff::Timestamp = row.get(&at)?.parse().ok()?;
        Some((at.duration_since(*started.get(id)?).as_millis(), row.get(&event_type)?))
    });
    delays.min().map(|(_, first)| (event_type.clone(), first.clone()))
}

fn describe_id(id: Option<&CorrelationId>, others: &[String], event: Option<&LinkedTable>) -> Id {
    let Some(id) = id else {
        return Id {
            name: "correlation id".into(),
            format: "text".into(),
            pattern: None,
            comment: "TODO: no column was found that links tables and records".into(),
        };
    };
    let values: Vec<&str> = id.values.iter().copied().collect();
    let (format, pattern) = id_format(&values);
    let columns: Vec<String> =
        id.columns.iter().map(|column| format!("{}.{}", column.table.name, column.column.name)).collect();
    let alternatives = match others {
        [] => String::new(),
        others => format!("; it could also be {}", others.join(" or ")),
    };
    // An id that is just called `id` is displayed with the name of its table.
    let display_name = id.display_name(event.map(|event| unquoted(&event.id)).as_deref());
    let name = match (display_name.as_str(), event) {
        ("id", Some(event)) => format!("{} id", singular(&event.table.name)),
        (name, _) => words(name).join(" "),
    };
    Id {
        name,
        format: format.into(),
        pattern,
        comment: format!("guessed: found in {}{alternatives}", columns.join(", ")),
    }
}

fn describe_event(event: Option<&LinkedTable>, roles: &TableRoles, id_type: &str) -> Event {
    let dated = event.and_then(|event| Some((event, event.written_at?)));
    let Some((event, written_at)) = dated else {
        return Event {
            sql: format!("select null::{id_type} as id, null::timestamptz as at where false"),
            comment: "TODO: no table was found in which every id appears first".into(),
        };
    };
    let with_type = roles.first_type.as_ref().filter(|(column, _)| event.table.column(column).is_some());
    let condition = with_type.map_or_else(String::new, |(column, value)| {
        format!("\n where {} = {}", sql_name(column), literal(value))
    });
    let at = sql_name(written_at);
    Event {
        sql: format!("select {} as id, {at} as at\n  from {}{condition}", event.id, event.from),
        comment: format!(
            "guessed: of all tables with the id, {} has the earliest rows{}",
            event.table.name,
            rows_without_effect(event, roles).unwrap_or_default()
        ),
    }
}

/// Describes the rows of the event table whose ids no worker has handled, because they may be no events: payments
/// that were never confirmed, say. An effect shows that an older event is not just waiting.
fn rows_without_effect(event: &LinkedTable, roles: &TableRoles) -> Option<String> {
    let marks = roles.marks.iter().map(|(marks, _)| marks);
    let handled: BTreeSet<&str> =
        roles.effects.iter().chain(marks).flat_map(|linked| linked.rows.keys().copied()).collect();
    let last_handled = handled.iter().filter_map(|id| event.first_written(id)).max()?;
    let is_older = |id: &&&str| event.first_written(id).is_some_and(|at| at < last_handled);
    let without: Vec<&str> =
        event.rows.keys().filter(|id| !handled.contains(**id)).filter(is_older).copied().collect();
    let status = event.status_column();
    let statuses = |is_without: bool| -> BTreeSet<&str> {
        let rows = event.rows.iter().filter(|(id, _)| without.contains(*id) == is_without);
        let rows = rows.filter(|(id, _)| is_without || handled.contains(*id)).flat_map(|(_, rows)| rows);
        rows.filter_map(|row| row.get(&status?.name)).map(String::as_str).collect()
    };
    let (with, without_effect) = (statuses(false), statuses(true));
    let condition = status.filter(|_| !with.is_empty() && with.is_disjoint(&without_effect)).map(|column| {
        let values: Vec<String> = with.iter().map(|value| literal(value)).collect();
        format!(", such as: where {} in ({})", sql_name(&column.name), values.join(", "))
    });
    (!without.is_empty()).then(|| {
        format!(
            ". TODO: {} of {} have no effect in any stage; if only some rows are events, add a condition{}",
            without.len(),
            count(event.rows.len() as u64, "row"),
            condition.unwrap_or_default()
        )
    })
}

/// Returns the name, number of partitions and comment of each topic except the dead-letter topic.
fn topics(discovery: &Discovery, dead: Option<&str>) -> Vec<(String, u32, String)> {
    let topics = discovery.kafka.known().map(|cluster| &cluster.topics);
    let others = topics.into_iter().flatten().filter(|(name, _)| Some(name.as_str()) != dead);
    others
        .map(|(name, topic)| {
            let readers = discovery.kafka.known().map(|cluster| {
                let readers = cluster.groups.iter().filter(|(_, group)| group.topics.contains(name));
                readers.map(|(group, _)| group.as_str()).collect::<Vec<_>>().join(", ")
            });
            let readers = readers.filter(|readers| !readers.is_empty());
            let comment =
                readers.map_or("no group reads it".to_string(), |readers| format!("read by {readers}"));
            (name.clone(), topic.partitions, comment)
        })
        .collect()
}

/// Suggests log lines for each stage's worker, and for the emitter of the first event.
fn suggest_lines(
    discovery: &Discovery,
    components: &Components,
    stages: &[Stage],
    id: Option<&CorrelationId>,
) -> Vec<Line> {
    let Some(id) = id else { return Vec::new() };
    let log = |name: &str| {
        discovery
            .components
            .iter()
            .find(|component| component.name == name)
            .map(|component| component.log.as_slice())
    };
    let first_emitter = stages
        .first()
        .filter(|stage| components.services.iter().any(|service| service.name == stage.emitter))
        .map(|stage| (stage.emitter.as_str(), stage.name.as_str()));
    let workers = stages.iter().map(|stage| (stage.worker.as_str(), stage.name.as_str()));
    let mut seen = BTreeSet::new();
    let lines = first_emitter.into_iter().chain(workers).flat_map(|(component, stage)| {
        event_lines(component, stage, log(component).unwrap_or_default(), &id.values)
    });
    lines.filter(|line| seen.insert((line.component.clone(), line.pattern.clone()))).collect()
}

/// Lists the systems that were inspected.
fn seen(discovery: &Discovery) -> Vec<String> {
    let compose = discovery.compose.known().map(|files| format!("Compose: {}", files.join(", ")));
    let docker = discovery.docker.known().map(|address| format!("Docker: {address}"));
    let kafka = discovery.kafka.known().map(|cluster| {
        format!(
            "Kafka: {}, {}, {}",
            cluster.bootstrap,
            count(cluster.topics.len() as u64, "topic"),
            count(cluster.groups.len() as u64, "group")
        )
    });
    let databases = discovery.databases.iter().filter_map(|database| {
        let tables = database.tables.known()?;
        Some(format!("PostgreSQL: {}, {}", database.address, count(tables.len() as u64, "table")))
    });
    [compose, docker, kafka].into_iter().flatten().chain(databases).collect()
}

/// Lists the systems and tables that were unavailable, and why.
fn unavailable(discovery: &Discovery) -> Vec<String> {
    let describe =
        |name: &str, reason: Option<&Reason>| reason.map(|reason| format!("{name}: {}", reason.describe()));
    let systems = [
        describe("Compose file", discovery.compose.reason()),
        describe("Docker", discovery.docker.reason()),
        describe("Kafka", discovery.kafka.reason()),
    ];
    let databases =
        discovery.databases.iter().map(|database| describe(&database.address, database.tables.reason()));
    let no_database = discovery.databases.is_empty().then(|| format!("PostgreSQL: {NO_DATABASE_ADDRESS}"));
    let tables = discovery.databases.iter().filter_map(|database| database.tables.known()).flatten();
    let tables =
        tables.filter_map(|table| Some(format!("table {}: {}", table.name, table.unavailable.as_ref()?)));
    systems.into_iter().chain(databases).flatten().chain(no_database).chain(tables.take(5)).collect()
}

/// Returns all databases but the first.
fn additional_databases(discovery: &Discovery, components: &Components) -> Vec<draft::System> {
    let additional = discovery.databases.iter().skip(1);
    let additional = additional.map(|database| draft::System {
        service: components::database_service(Some(database), discovery, components),
        name: database.name.clone(),
        address: Some(database.address.clone()).filter(|_| database.used_by.is_empty()),
        used_by: components::find_user(&database.used_by, components),
        comment: components::address_source(&database.used_by),
    });
    additional.collect()
}

/// Sets the pipeline's name (the name of the project) and the noun for its events.
fn set_names(draft: &mut Draft, event: Option<&LinkedTable>) {
    let project = draft.project.clone().unwrap_or_else(|| "pipeline".into());
    let from_id = draft.id.name.rsplit_once(' ').map(|(first, _)| first.to_string());
    let is_specific = |word: &String| {
        !["correlation", "trace", "event", "request", "saga", "process"].contains(&word.as_str())
    };
    let marks_table = draft.marks.as_ref().map(|marks| &marks.table);
    let event_table = event.filter(|event| Some(&event.table.sql) != marks_table);
    let from_table =
        event_table.and_then(|event| words(&snake(&event.table.name)).pop()).map(|word| singular(&word));
    let noun = from_id.filter(is_specific).or(from_table).unwrap_or_else(|| "event".into());
    draft.noun = (noun.clone(), plural(&noun));
    draft.name = project;
}

/// Adds the database service and the topics that other entries refer to, so that the file is
/// valid.
fn add_missing_references(draft: &mut Draft) {
    let has = |draft: &Draft, name: &str| draft.services.iter().any(|service| service.name == name);
    if !has(draft, &draft.postgres.service) {
        let comment =
            "TODO: no service in the project runs PostgreSQL; this one is a placeholder".to_string();
        let name = draft.postgres.service.clone();
        draft.services.push(draft::Service { name, role: "database", comment, ..Default::default() });
    }
    let topics: BTreeSet<&String> = draft.topics.iter().map(|(name, ..)| name).collect();
    let missing: BTreeSet<String> = draft
        .workers
        .iter()
        .flat_map(|worker| &worker.topics)
        .filter(|topic| !topics.contains(topic))
        .cloned()
        .collect();
    let comment = "a group has offsets for it, but the broker does not list it";
    let missing = missing.into_iter().map(|name| (name, 0, comment.to_string()));
    draft.topics.extend(missing);
}
