//! Describes a stage's effect: the SQL for its rows, its statuses and its grace period.

use crate::collect::discovered::sql_name;
use crate::init::draft::Stage;
use crate::init::model::{LinkedTable, Observations, StageCandidate};
use crate::init::naming::similarity;
use crate::init::sql_quoting::unquoted;
use crate::init::table_roles::{delays, median};
use crate::text::plural::count;
use crate::text::sql_literal::literal;
use std::collections::BTreeSet;

impl<'a> Observations<'a> {
    /// Returns the grace period in seconds, and a comment on it. The grace period is twice the
    /// largest delay seen, not counting stuck events.
    pub fn grace_period(&self, candidate: &StageCandidate) -> (u64, String) {
        let effect = candidate.effect.or_else(|| self.outbox_relayed_by(&candidate.worker.name));
        let all = effect.map(|effect| delays(effect, &self.started)).unwrap_or_default();
        let limit = median(&all).map_or(0.0, |median| median * 20.0 + 2.0);
        let largest = all.iter().copied().filter(|delay| *delay <= limit).fold(0.0, f64::max);
        match all.is_empty() {
            true => (30, "guessed: no delay could be measured".into()),
            false => {
                let twice = (largest * 2.0).ceil().clamp(5.0, 86_400.0);
                (
                    twice as u64,
                    format!(
                        "twice the largest delay in {} ({largest:.1} s), but at least 5 s",
                        count(all.len() as u64, "row")
                    ),
                )
            }
        }
    }

    /// Adds the effect and its SQL to a stage. They are based on its table, or else on the outbox,
    /// its marks or a column of the event. Without any of these, adds placeholder SQL to be filled in.
    pub(crate) fn with_effect(&self, stage: Stage, candidate: &StageCandidate) -> Stage {
        if let Some(effect) = candidate.effect {
            let (sql, undated) = self.effect_sql(effect);
            let database = self.additional_database(effect.database);
            return Stage {
                effect: effect.table.name.clone(),
                database,
                sql,
                undated,
                comment: match candidate.alternative {
                    Some(other) => format!("{}; could also be {}", effect.comment, other.table.name),
                    None => effect.comment.clone(),
                },
                ..stage
            };
        }
        if let Some((outbox, sent)) = self
            .outbox_relayed_by(&candidate.worker.name)
            .and_then(|outbox| Some((outbox, outbox.written_at?)))
        {
            let sent = sql_name(sent);
            let sql = format!(
                "select {} as id, {sent} as at, null::text as status\n  from {}\n where {sent} is not null",
                outbox.id, outbox.from
            );
            let effect = format!("sent from {}", outbox.table.name);
            let comment = "it relays the outbox's messages".into();
            let database = self.additional_database(outbox.database);
            return Stage { effect, database, sql, comment, ..stage };
        }
        if let Some((linked, marks)) = self.marks.filter(|_| !candidate.marks.sources.is_empty()) {
            let sources: Vec<String> = candidate.marks.sources.iter().map(|source| literal(source)).collect();
            let sql = format!(
                "select {} as id, {} as at, null::text as status\n  from {}\n where {} in ({})",
                marks.id,
                marks.processed_at,
                marks.table,
                marks.source,
                sources.join(", ")
            );
            let comment = "no table was found for this worker, so its mark counts as its effect".to_string();
            let effect = format!("its mark in {}", unquoted(&marks.table));
            let database = self.additional_database(linked.database);
            return Stage { effect, database, sql, comment, ..stage };
        }
        if let Some((sql, column)) = self.event_column_sql(candidate) {
            let comment = format!(
                "no table was found for this worker, so the event's column {column} counts as its effect"
            );
            return Stage { effect: column, sql, comment, ..stage };
        }
        let sql_type = self.id_type();
        let sql = format!(
            "select null::{sql_type} as id, null::timestamptz as at, null::text as status where false"
        );
        let comment = "no rows written by this worker were found".into();
        Stage { effect: "nothing yet".into(), sql, comment, incomplete: true, ..stage }
    }

    /// Returns the SQL for a table's id, cast to the type of the event's id if needed, because
    /// PostgreSQL does not compare text with uuid.
    fn id_expression(&self, effect: &LinkedTable) -> String {
        let kind = |sql_type: &str| match sql_type {
            "uuid" => "uuid",
            "bigint" | "integer" => "number",
            _ => "text",
        };
        let own = effect.table.column(&unquoted(&effect.id)).filter(|_| effect.prefix.is_empty());
        match own.filter(|own| kind(&own.sql_type) != kind(self.id_type())) {
            Some(_) => format!("{}::{}", effect.id, self.id_type()),
            None => effect.id.clone(),
        }
    }

    /// Returns SQL that selects `id`, `at` and `status` from an effect's rows, and whether the rows
    /// have no timestamp.
    fn effect_sql(&self, effect: &LinkedTable) -> (String, bool) {
        let status =
            effect.status_column().map(|column| format!("{}{}::text", effect.prefix, sql_name(&column.name)));
        let status = status.unwrap_or("null::text".into());
        let condition =
            effect.condition.as_ref().map(|condition| format!("\n where {condition}")).unwrap_or_default();
        let id = self.id_expression(effect);
        let from = &effect.from;
        if let Some(written_at) = effect.written_at {
            let at = format!("{}{}", effect.prefix, sql_name(written_at));
            let sql = format!("select {id} as id, {at} as at, {status} as status\n  from {from}{condition}");
            return (sql, false);
        }
        let dated_event = self.event.and_then(|event| Some((event, event.written_at?)));
        let Some((event, written_at)) = dated_event else {
            let sql = format!("select {id} as id, now() as at, {status} as status\n  from {from}{condition}");
            return (sql, true);
        };
        // If the rows are already joined to the event, the event's time needs no further join.
        let is_joined = effect.from.starts_with(&format!("{} e\n", event.from));
        let (id, at) = (&effect.id, sql_name(written_at));
        let sql = match (is_joined, effect.prefix) {
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

    /// Returns SQL for a time column of the event with a name like the worker's, or like that of
    /// a completion time. Also returns the column's name.
    fn event_column_sql(&self, candidate: &StageCandidate) -> Option<(String, String)> {
        let event = self.event?;
        let times = || {
            event
                .table
                .columns
                .iter()
                .filter(|column| column.is_time() && Some(column.name.as_str()) != event.written_at)
        };
        let completed = ["finished", "completed", "done", "processed", "closed", "delivered"];
        let similar = times().find(|column| similarity(&candidate.worker.name, &column.name) > 0.3);
        let column = similar
            .or_else(|| times().find(|column| completed.iter().any(|word| column.name.contains(word))))?;
        let status = event
            .status_column()
            .map_or("null::text".into(), |column| format!("{}::text", sql_name(&column.name)));
        let at = sql_name(&column.name);
        let sql = format!(
            "select {} as id, {at} as at, {status} as status\n  from {}\n where {at} is not null",
            event.id, event.from
        );
        Some((sql, column.name.clone()))
    }
}

/// Returns the statuses that mean success, and those that mean waiting. All others are failures.
pub fn classify_statuses(statuses: &BTreeSet<&str>) -> (Vec<String>, Vec<String>) {
    let wait = ["pending", "wait", "queue", "progress", "processing", "running", "open", "hold", "new"];
    let bad = [
        "fail", "error", "reject", "cancel", "dead", "abort", "declin", "denied", "refus", "expired", "lost",
    ];
    // A column with more than eight values is unlikely to be a status.
    if statuses.is_empty() || statuses.len() > 8 {
        return (Vec::new(), Vec::new());
    }
    let has = |list: &[&str], status: &str| list.iter().any(|word| status.to_lowercase().contains(word));
    let (bad, rest): (Vec<&str>, Vec<&str>) = statuses.iter().partition(|status| has(&bad, status));
    let (waiting, good): (Vec<&str>, Vec<&str>) = rest.into_iter().partition(|status| has(&wait, status));
    // If no good status was seen, it is unknown which statuses are good.
    if good.is_empty() || (bad.is_empty() && waiting.is_empty() && good.len() > 4) {
        return (Vec::new(), Vec::new());
    }
    let owned = |list: Vec<&str>| list.into_iter().map(String::from).collect();
    (owned(good), owned(waiting))
}
