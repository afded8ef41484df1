//! Generates SQL that removes marks or reads records.

use crate::pipeline::Stage;
use crate::pipeline::sql::{on_one_line, record_lines};
use crate::remedy::Remedy;
use crate::text::printable::one_line;
use crate::text::sql_literal::literal;

/// Generates a transaction that removes the marks of stuck events and returns the changed
/// rows. A row recorded by the emitter is the event itself, so it is kept, and its source is set
/// back to the emitter.
pub(crate) fn remove_marks(remedy: &Remedy) -> Option<String> {
    let marks = remedy.situation.pipeline.marks.as_ref()?;
    let statements: Vec<String> = remedy
        .stages()
        .into_iter()
        .filter_map(|stage| {
            let ids = literals(&remedy.stuck_ids(stage, true))?;
            let emitter = literal(stage.emitter.get_ref());
            let (table, source) = (&marks.table, &marks.source);
            let change = match stage.recorded_by_emitter {
                true => format!("update {table} set {source} = {emitter}"),
                false => format!("delete from {table}"),
            };
            Some(format!(
                "-- {}\n{change}\n where {} = {} and {} in ({ids})\n   \
                 and {source} is distinct from {emitter}\n returning *;\n",
                one_line(&format!("{} has no row in {}", stage.event, stage.effect)),
                marks.event_type,
                literal(&stage.event),
                marks.id
            ))
        })
        .collect();
    (!statements.is_empty()).then(|| format!("begin;\n{}commit;\n", statements.concat()))
}

/// Returns the query for the records of these ids in the console producer's format:
/// `name:value,…<tab>key<tab>value`.
pub(crate) fn records(stage: &Stage, ids: &[String]) -> Option<String> {
    let record = on_one_line(stage.record_sql.as_deref()?);
    let ids = literals(ids)?;
    Some(record_lines(&record, &ids))
}

fn literals(ids: &[String]) -> Option<String> {
    let literals: Vec<String> = ids.iter().map(|id| literal(id)).collect();
    (!literals.is_empty()).then(|| literals.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_quotes_in_literals() {
        assert_eq!(literals(&["a'b".into(), r"c\".into()]).unwrap(), r"'a''b', E'c\\'");
        assert_eq!(literals(&[]), None);
    }
}
