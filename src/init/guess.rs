//! The pipeline as it is guessed from what was seen, put together from the parts of
//! this room.

use crate::collect::discovery::{Part, Survey};
use crate::init::draft::{Draft, Event, Id, Line, Marks, Stage};
use crate::init::model::{Clues, Found, Linked};
use crate::init::names::{plural, singular, snake, words};
use crate::init::parts::{self, Parts};
use crate::init::shape::is_outbox;
use crate::init::sql_text::{plain, quoted};
use crate::init::tables::beginnings;
use crate::init::{chain, draft, form, ids, lines, reach, tables, times};
use crate::text::plural::count;
use std::collections::{BTreeMap, BTreeSet};

/// Of fewer events hardly anything can be told.
const ENOUGH_EVENTS: u64 = 3;

/// The pipeline as it is guessed.
pub fn guess(survey: &Survey) -> Draft {
    guess_of(&main_first(survey))
}

/// The database first that holds the event: it is the pipeline's own.
fn main_first(survey: &Survey) -> Survey {
    let (found, _) = ids::find(survey);
    let rows = found.as_ref().map(|found| Rows::of(found, survey)).unwrap_or_default();
    let main = rows.event.and_then(|place| rows.direct.get(place)).map(|event| event.database);
    let mut sorted = survey.clone();
    if let Some(main) = main {
        let main = sorted.databases.remove(main);
        sorted.databases.insert(0, main);
    }
    sorted
}

fn guess_of(survey: &Survey) -> Draft {
    let dead_letters = parts::dead_letters(survey.kafka.known());
    let dead = dead_letters.as_ref().map(|dead| dead.topic.as_str());
    let parts = parts::sort(survey, dead);
    let (kafka, postgres) = parts::systems(survey, &parts);
    let (found, others) = ids::find(survey);
    let rows = found.as_ref().map(|found| Rows::of(found, survey)).unwrap_or_default();
    let event = rows.event.and_then(|place| rows.direct.get(place));
    let clues = Clues {
        cluster: survey.kafka.known(),
        found: found.as_ref(),
        marks: rows.marks.as_ref(),
        event,
        begun: beginnings(&rows.direct),
        outbox: tables::outbox(&rows.direct),
        effects: rows.effects.clone(),
        databases: survey.databases.iter().map(|database| database.name.as_str()).collect(),
        services: &parts.services,
        workers: &parts.workers,
        said: said(survey, &parts),
    };
    let (stages, unused) = chain::stages(&clues);
    let outbox = left_outbox(&clues);
    let mut draft = Draft {
        id: id_of(found.as_ref(), &others, event),
        event: event_sql(event, rows.first_type.as_ref(), clues.id_type()),
        marks: rows.marks.as_ref().map(|(linked, marks)| clues.marks_of(linked, marks)),
        lines: lines_of(survey, &parts, &stages, found.as_ref()),
        topics: topics(survey, dead),
        seen: seen(survey),
        unseen: unseen(survey),
        few: few(survey, found.as_ref(), event),
        project: survey.project.clone(),
        stages,
        kafka,
        postgres,
        dead_letters,
        ..Draft::default()
    };
    draft.databases = further_databases(survey, &draft, &parts);
    draft.left_out = parts.left_out.iter().cloned().chain(unused).chain(outbox).collect();
    draft.services = parts.services;
    draft.workers = parts.workers;
    let place = |worker: &draft::Worker| draft.stages.iter().position(|stage| stage.worker == worker.name);
    draft.workers.sort_by_key(|worker| place(worker).unwrap_or(usize::MAX));
    name(&mut draft, event);
    complete(&mut draft);
    draft
}

/// An outbox that no worker carries from.
fn left_outbox(clues: &Clues) -> Option<(String, String)> {
    let outbox = clues.outbox.as_ref()?;
    let carried = clues.workers.iter().any(|worker| clues.outbox_of(&worker.name).is_some());
    let why = "an outbox; no worker was found that carries from it: whoever writes it may send it too";
    (!carried).then(|| (outbox.table.sql.clone(), why.to_string()))
}

/// The words in each worker's log.
fn said<'a>(survey: &'a Survey, parts: &Parts) -> BTreeMap<&'a str, BTreeSet<String>> {
    let is_worker = |part: &&Part| parts.workers.iter().any(|worker| worker.name == part.name);
    let workers = survey.parts.iter().filter(is_worker);
    workers.map(|part| (part.name.as_str(), lines::said(&part.log))).collect()
}

/// What is to be said where too few events were seen to tell from.
fn few(survey: &Survey, found: Option<&Found>, event: Option<&Linked>) -> Option<String> {
    // Values elsewhere may be of what is there before any event: customers, products.
    let values = || found.map_or(0, |found| found.values.len());
    let seen = event.map_or_else(values, |event| event.rows.len()) as u64;
    let topics = survey.kafka.known().into_iter().flat_map(|cluster| cluster.topics.values());
    let records = topics.map(|topic| topic.records.len()).sum::<usize>();
    let looked = survey.databases.iter().any(|database| database.tables.known().is_some());
    match seen {
        _ if !looked || seen >= ENOUGH_EVENTS => None,
        0 if records == 0 => Some(
            "No rows or records of an event were seen: what is written is by names alone. Send some events \
             through the pipeline, then run init again."
                .into(),
        ),
        _ => Some(format!(
            "Only {} {} seen: of {ENOUGH_EVENTS} or more it can be told better who writes what. Send some \
             more, then run init again.",
            count(seen, "event"),
            if seen == 1 { "was" } else { "were" },
        )),
    }
}

/// The tables by what they are.
#[derive(Default)]
struct Rows<'a> {
    direct: Vec<Linked<'a>>,
    event: Option<usize>,
    marks: Option<(Linked<'a>, Marks)>,
    effects: Vec<Linked<'a>>,
    /// Column and value of the first type in the marks.
    first_type: Option<(String, String)>,
}

impl<'a> Rows<'a> {
    fn of(found: &Found<'a>, survey: &'a Survey) -> Rows<'a> {
        let marks = tables::marks(found);
        let direct: Vec<Linked> = found.held.iter().map(Linked::directly).collect();
        let marks_table = marks.as_ref().map(|(linked, _)| linked.table.sql.as_str());
        let records = survey.kafka.known().into_iter().flat_map(|cluster| cluster.topics.values());
        let sent = times::earliest(records.flat_map(|topic| times::of_records(topic, &found.values)));
        let event = tables::event(&direct, marks_table, &sent);
        let first_type = marks.as_ref().and_then(|(linked, marks)| first_type(linked, marks, &direct));
        let is_held = |sql: &str| found.held.iter().any(|held| held.table.sql == sql);
        let others: Vec<_> =
            ids::tables(survey).into_iter().filter(|(_, table)| !is_held(&table.sql)).collect();
        let of_type = first_type.as_ref().map(|(column, value)| (column.as_str(), value.as_str()));
        let further = reach::further(&direct, &others, of_type);
        let event_table = event.and_then(|place| direct.get(place)).map(|linked| linked.table.sql.as_str());
        let is_effect = |linked: &&Linked| {
            let sql = linked.table.sql.as_str();
            Some(sql) != event_table && Some(sql) != marks_table && !is_outbox(linked.table)
        };
        let effects = direct.iter().chain(&further).filter(is_effect).cloned().collect();
        Rows { event, marks, effects, first_type, direct }
    }
}

/// The type whose marks are the earliest of their ids.
fn first_type(linked: &Linked, marks: &Marks, direct: &[Linked]) -> Option<(String, String)> {
    let begun = beginnings(direct);
    let (of, at) = (plain(&marks.event_type), plain(&marks.processed_at));
    let rows = linked.rows.iter().flat_map(|(id, rows)| rows.iter().map(move |row| (id, row)));
    let delays = rows.filter_map(|(id, row)| {
        let at: jiff::Timestamp = row.get(&at)?.parse().ok()?;
        Some((at.duration_since(*begun.get(id)?).as_millis(), row.get(&of)?))
    });
    delays.min().map(|(_, first)| (of.clone(), first.clone()))
}

fn id_of(found: Option<&Found>, others: &[String], event: Option<&Linked>) -> Id {
    let Some(found) = found else {
        return Id {
            name: "correlation id".into(),
            format: "text".into(),
            pattern: None,
            why: "to fill in: no column was found that runs through tables and records".into(),
        };
    };
    let values: Vec<&str> = found.values.iter().copied().collect();
    let (format, pattern) = form::form(&values);
    let places: Vec<String> =
        found.held.iter().map(|held| format!("{}.{}", held.table.name, held.column.name)).collect();
    let or = match others {
        [] => String::new(),
        others => format!("; it could also be {}", others.join(" or ")),
    };
    // An id of which only `id` is said is that of its table.
    let called = found.called(event.map(|event| plain(&event.id)).as_deref());
    let name = match (called.as_str(), event) {
        ("id", Some(event)) => format!("{} id", singular(&event.table.name)),
        (name, _) => words(name).join(" "),
    };
    Id {
        name,
        format: format.into(),
        pattern,
        why: format!("guessed: it stands in {}{or}", places.join(", ")),
    }
}

fn event_sql(event: Option<&Linked>, first_type: Option<&(String, String)>, of: &str) -> Event {
    let usable = event.and_then(|event| Some((event, event.written?)));
    let Some((event, written)) = usable else {
        return Event {
            sql: format!("select null::{of} as id, null::timestamptz as at where false"),
            why: "to fill in: no table was found where every id begins".into(),
        };
    };
    let of_type = first_type.filter(|(column, _)| event.table.column(column).is_some());
    let condition = of_type.map_or_else(String::new, |(column, value)| {
        format!("\n where {} = {}", crate::collect::discovery::sql_name(column), quoted(value))
    });
    let at = crate::collect::discovery::sql_name(written);
    Event {
        sql: format!("select {} as id, {at} as at\n  from {}{condition}", event.id, event.from),
        why: format!("guessed: of all tables with the id, {} has it first", event.table.name),
    }
}

fn topics(survey: &Survey, dead: Option<&str>) -> Vec<(String, u32, String)> {
    let topics = survey.kafka.known().map(|cluster| &cluster.topics);
    let own = topics.into_iter().flatten().filter(|(name, _)| Some(name.as_str()) != dead);
    own.map(|(name, seen)| {
        let readers = survey.kafka.known().map(|cluster| {
            let reads = cluster.groups.iter().filter(|(_, group)| group.topics.contains(name));
            reads.map(|(group, _)| group.as_str()).collect::<Vec<_>>().join(", ")
        });
        let readers = readers.filter(|readers| !readers.is_empty());
        let why = readers.map_or("nobody reads it".to_string(), |readers| format!("read by {readers}"));
        (name.clone(), seen.partitions, why)
    })
    .collect()
}

/// Suggested lines: of each stage's worker, and of who sends the first event.
fn lines_of(survey: &Survey, parts: &Parts, stages: &[Stage], found: Option<&Found>) -> Vec<Line> {
    let Some(found) = found else { return Vec::new() };
    let log = |name: &str| survey.parts.iter().find(|part| part.name == name).map(|part| part.log.as_slice());
    let emitter =
        stages.first().filter(|stage| parts.services.iter().any(|service| service.name == stage.emitter));
    let of_emitter = emitter.map(|stage| (stage.emitter.as_str(), stage.name.as_str()));
    let all =
        of_emitter.into_iter().chain(stages.iter().map(|stage| (stage.worker.as_str(), stage.name.as_str())));
    let mut seen = BTreeSet::new();
    let all = all.flat_map(|(part, stage)| {
        lines::of_events(part, stage, log(part).unwrap_or_default(), &found.values)
    });
    all.filter(|line| seen.insert((line.part.clone(), line.pattern.clone()))).collect()
}

fn seen(survey: &Survey) -> Vec<String> {
    let compose = survey.compose.known().map(|files| format!("compose: {}", files.join(", ")));
    let docker = survey.docker.known().map(|address| format!("Docker: {address}"));
    let kafka = survey.kafka.known().map(|cluster| {
        format!(
            "Kafka: {}, {} topics, {} groups",
            cluster.bootstrap,
            cluster.topics.len(),
            cluster.groups.len()
        )
    });
    let databases = survey.databases.iter().filter_map(|database| {
        let tables = database.tables.known()?;
        Some(format!("PostgreSQL: {}, {} tables", database.address, tables.len()))
    });
    [compose, docker, kafka].into_iter().flatten().chain(databases).collect()
}

fn unseen(survey: &Survey) -> Vec<String> {
    let of =
        |name: &str, why: Option<&crate::evidence::Why>| why.map(|why| format!("{name}: {}", why.words()));
    let systems = [
        of("compose file", survey.compose.why()),
        of("Docker", survey.docker.why()),
        of("Kafka", survey.kafka.why()),
    ];
    let databases = survey.databases.iter().map(|database| of(&database.address, database.tables.why()));
    let none =
        survey.databases.is_empty().then(|| "PostgreSQL: no service is told of a database".to_string());
    let tables = survey.databases.iter().filter_map(|database| database.tables.known()).flatten();
    let tables = tables.filter_map(|table| Some(format!("table {}: {}", table.name, table.unseen.as_ref()?)));
    systems.into_iter().chain(databases).flatten().chain(none).chain(tables.take(5)).collect()
}

/// The databases besides the first that were seen.
fn further_databases(survey: &Survey, draft: &Draft, parts: &Parts) -> Vec<draft::System> {
    let further = survey.databases.iter().skip(1);
    let further = further.map(|database| draft::System {
        service: draft.postgres.service.clone(),
        name: database.name.clone(),
        address: Some(database.address.clone()).filter(|_| database.told.is_empty()),
        used_by: parts::user(&database.told, parts),
        why: parts::told_by(&database.told),
    });
    further.collect()
}

/// Its name and what flows through it: the project, and what the event's table holds.
fn name(draft: &mut Draft, event: Option<&Linked>) {
    let project = draft.project.clone().unwrap_or_else(|| "pipeline".into());
    let of_id = draft.id.name.rsplit_once(' ').map(|(first, _)| first.to_string());
    let telling = |word: &String| {
        !["correlation", "trace", "event", "request", "saga", "process"].contains(&word.as_str())
    };
    let of_table =
        event.filter(|event| Some(&event.table.sql) != draft.marks.as_ref().map(|marks| &marks.table));
    let of_table =
        of_table.and_then(|event| words(&snake(&event.table.name)).pop()).map(|word| singular(&word));
    let one = of_id.filter(telling).or(of_table).unwrap_or_else(|| "event".into());
    draft.noun = (one.clone(), plural(&one));
    draft.name = project;
}

/// What the file cannot do without: services that its systems name.
fn complete(draft: &mut Draft) {
    let has = |draft: &Draft, name: &str| draft.services.iter().any(|service| service.name == name);
    if !has(draft, &draft.postgres.service) {
        let why =
            "to fill in: no service of the project runs PostgreSQL; this one is a placeholder".to_string();
        let name = draft.postgres.service.clone();
        draft.services.push(draft::Service { name, role: "database", why, ..Default::default() });
    }
    let topics: BTreeSet<&String> = draft.topics.iter().map(|(name, ..)| name).collect();
    let missing: BTreeSet<String> = draft
        .workers
        .iter()
        .flat_map(|worker| &worker.topics)
        .filter(|topic| !topics.contains(topic))
        .cloned()
        .collect();
    let missing = missing
        .into_iter()
        .map(|name| (name, 0, "a group has offsets of it; the broker does not show it".to_string()));
    draft.topics.extend(missing);
}
