//! What a stage leaves: its rows in SQL, its statuses, how long it may take.

use crate::collect::discovery::sql_name;
use crate::init::draft::Stage;
use crate::init::model::{Candidate, Clues, Linked};
use crate::init::names::alike;
use crate::init::sql_text::{plain, quoted};
use crate::init::tables::{delays, median};
use crate::text::plural::count;
use std::collections::BTreeSet;

impl<'a> Clues<'a> {
    /// Twice the largest delay that was seen, without those that were stuck.
    pub fn grace(&self, one: &Candidate) -> (u64, String) {
        let left = one.effect.or_else(|| self.outbox_of(&one.worker.name));
        let all = left.map(|effect| delays(effect, &self.begun)).unwrap_or_default();
        let usual = median(&all).map_or(0.0, |median| median * 20.0 + 2.0);
        let largest = all.iter().copied().filter(|delay| *delay <= usual).fold(0.0, f64::max);
        match all.is_empty() {
            true => (30, "guessed: no delays were seen".into()),
            false => {
                let twice = (largest * 2.0).ceil().clamp(5.0, 86_400.0);
                (
                    twice as u64,
                    format!(
                        "twice the largest delay of {} ({largest:.1} s), at least 5",
                        count(all.len() as u64, "row")
                    ),
                )
            }
        }
    }

    pub(crate) fn with_sql(&self, stage: Stage, one: &Candidate) -> Stage {
        if let Some(effect) = one.effect {
            let (sql, undated) = self.effect_sql(effect);
            let database = self.further(effect.database);
            return Stage {
                effect: effect.table.name.clone(),
                database,
                sql,
                undated,
                why: match one.or {
                    Some(or) => format!("{}; {} could be as well", effect.how, or.table.name),
                    None => effect.how.clone(),
                },
                ..stage
            };
        }
        if let Some((outbox, sent)) =
            self.outbox_of(&one.worker.name).and_then(|one| Some((one, one.written?)))
        {
            let sent = sql_name(sent);
            let sql = format!(
                "select {} as id, {sent} as at, null::text as status\n  from {}\n where {sent} is not null",
                outbox.id, outbox.from
            );
            let (effect, why) =
                (format!("sent from {}", outbox.table.name), "it carries what the outbox holds".into());
            return Stage { effect, database: self.further(outbox.database), sql, why, ..stage };
        }
        if let Some((linked, marks)) = self.marks.filter(|_| !one.marked.sources.is_empty()) {
            let sources: Vec<String> = one.marked.sources.iter().map(|source| quoted(source)).collect();
            let sql = format!(
                "select {} as id, {} as at, null::text as status\n  from {}\n where {} in ({})",
                marks.id,
                marks.processed_at,
                marks.table,
                marks.source,
                sources.join(", ")
            );
            let why = "no table was found that it writes: its mark stands for it".to_string();
            let effect = format!("its mark in {}", plain(&marks.table));
            return Stage { effect, database: self.further(linked.database), sql, why, ..stage };
        }
        if let Some((sql, column)) = self.on_the_event(one) {
            let why =
                format!("no table was found that it writes: column {column} of the event stands for it");
            return Stage { effect: column, sql, why, ..stage };
        }
        let of = self.id_type();
        let sql =
            format!("select null::{of} as id, null::timestamptz as at, null::text as status where false");
        let why = "nothing was found that this worker leaves in the database".into();
        Stage { effect: "nothing yet".into(), sql, why, to_fill: true, ..stage }
    }

    /// A table's own column for the id, of the event's type: PostgreSQL compares no text
    /// with a uuid.
    fn as_the_id(&self, effect: &Linked) -> String {
        let kind = |of: &str| match of {
            "uuid" => "uuid",
            "bigint" | "integer" => "number",
            _ => "text",
        };
        let own = effect.table.column(&plain(&effect.id)).filter(|_| effect.prefix.is_empty());
        match own.filter(|own| kind(&own.of) != kind(self.id_type())) {
            Some(_) => format!("{}::{}", effect.id, self.id_type()),
            None => effect.id.clone(),
        }
    }

    /// `id`, `at` and `status` of an effect's rows; and whether they are undated.
    fn effect_sql(&self, effect: &Linked) -> (String, bool) {
        let status =
            effect.status().map(|column| format!("{}{}::text", effect.prefix, sql_name(&column.name)));
        let status = status.unwrap_or("null::text".into());
        let condition =
            effect.condition.as_ref().map(|condition| format!("\n where {condition}")).unwrap_or_default();
        let id = self.as_the_id(effect);
        let from = &effect.from;
        if let Some(written) = effect.written {
            let at = format!("{}{}", effect.prefix, sql_name(written));
            let sql = format!("select {id} as id, {at} as at, {status} as status\n  from {from}{condition}");
            return (sql, false);
        }
        let of_event = self.event.and_then(|event| Some((event, event.written?)));
        let Some((event, written)) = of_event else {
            let sql = format!("select {id} as id, now() as at, {status} as status\n  from {from}{condition}");
            return (sql, true);
        };
        // Where the rows are joined to their event already, its time is at hand.
        let joined = effect.from.starts_with(&format!("{} e\n", event.from));
        let (id, at) = (&effect.id, sql_name(written));
        let sql = match (joined, effect.prefix) {
            (true, _) => format!(
                "select {id} as id, e.{at} as at, {status} as status\n  from {}{condition}",
                effect.from
            ),
            (false, "") => format!(
                "select n.{id} as id, b.{at} as at, {} as status\n  from {} n\n  join {} b on b.{}::text = n.{id}::text",
                if status.starts_with("null") { status } else { format!("n.{status}") },
                effect.from,
                event.from,
                event.id
            ),
            (false, _) => format!(
                "select {id} as id, b.{at} as at, {status} as status\n  from {}\n  join {} b on b.{}::text = {id}::text{condition}",
                effect.from, event.from, event.id
            ),
        };
        (sql, true)
    }

    /// A time on the event's own row that sounds like the worker, or like an end.
    fn on_the_event(&self, one: &Candidate) -> Option<(String, String)> {
        let event = self.event?;
        let times = || {
            event
                .table
                .columns
                .iter()
                .filter(|column| column.is_time() && Some(column.name.as_str()) != event.written)
        };
        let ends = ["finished", "completed", "done", "processed", "closed", "delivered"];
        let sounds = times().find(|column| alike(&one.worker.name, &column.name) > 0.3);
        let column =
            sounds.or_else(|| times().find(|column| ends.iter().any(|end| column.name.contains(end))))?;
        let status =
            event.status().map_or("null::text".into(), |column| format!("{}::text", sql_name(&column.name)));
        let at = sql_name(&column.name);
        let sql = format!(
            "select {} as id, {at} as at, {status} as status\n  from {}\n where {at} is not null",
            event.id, event.from
        );
        Some((sql, column.name.clone()))
    }
}

/// Good ones, and those that wait; others say that it went wrong.
pub fn sort_statuses(statuses: &BTreeSet<&str>) -> (Vec<String>, Vec<String>) {
    let wait = ["pending", "wait", "queue", "progress", "processing", "running", "open", "hold", "new"];
    let bad = [
        "fail", "error", "reject", "cancel", "dead", "abort", "declin", "denied", "refus", "expired", "lost",
    ];
    // More of them are no statuses.
    if statuses.is_empty() || statuses.len() > 8 {
        return (Vec::new(), Vec::new());
    }
    let has = |list: &[&str], status: &str| list.iter().any(|word| status.to_lowercase().contains(word));
    let (bad, rest): (Vec<&str>, Vec<&str>) = statuses.iter().partition(|status| has(&bad, status));
    let (waiting, good): (Vec<&str>, Vec<&str>) = rest.into_iter().partition(|status| has(&wait, status));
    // Where only bad or waiting ones were seen nobody knows the good ones.
    if good.is_empty() || (bad.is_empty() && waiting.is_empty() && good.len() > 4) {
        return (Vec::new(), Vec::new());
    }
    let owned = |list: Vec<&str>| list.into_iter().map(String::from).collect();
    (owned(good), owned(waiting))
}
