//! Checks the pipeline's SQL. The database plans each statement as the collectors would run
//! it, but does not execute it.

use crate::base::name::MAIN_DATABASE;
use crate::collect::database::postgres::cross_database_backlog::CrossDatabaseBacklog;
use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Params, Rejection, Session, quote_ident};
use crate::collect::database::postgres::{
    OpenedSession, column_types, custom_facts, event, main_address, name_suggestions, open_session,
    processed_marks, stage_backlog, stage_effects, table_scans,
};
use crate::collect::runtime::docker::EnvironmentAddresses;
use crate::collect::timeout_at;
use crate::config::Config;
use crate::evidence::{Observed, Reason, Runtime};
use crate::pipeline::sql::record_lines;
use crate::pipeline::{IdForm, Marks, Pipeline, Stage};
use crate::runbook::custom_fact::CustomFact;
use crate::text::sql_literal::literal;
use std::ops::Range;
use std::time::Duration;
use tokio::time::Instant;

/// Result of checking a pipeline's SQL.
#[derive(Debug, Default)]
pub struct Prepared {
    /// Number of planned statements.
    pub statements: usize,
    /// Rejected statements.
    pub refusals: Vec<Refusal>,
    /// Why the check stopped early, if it did.
    pub cut: Option<Reason>,
}

/// The configured SQL text that a statement comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlSource {
    /// A key of `[marks]`: the table or one of its columns.
    Marks(&'static str),
    /// `event.sql`.
    Event,
    /// `sql` of the stage with this name.
    Stage(String),
    /// `quick_sql` of the stage with this name.
    Quick(String),
    /// `record_sql` of the stage with this name.
    Record(String),
    /// `sql` of the custom fact with this name.
    Fact(String),
}

/// A statement that the database rejects, a result of the wrong type, or a statement that is slow.
#[derive(Debug)]
pub struct Refusal {
    /// The SQL text that the statement comes from.
    pub source: SqlSource,
    /// Byte range in that text.
    pub at: Option<Range<usize>>,
    /// The problem, in the server's words if possible.
    pub what: String,
    /// How to fix it.
    pub help: Option<String>,
    /// Whether the configuration is wrong. Otherwise the cause is this user's privileges or
    /// the current state of the database.
    pub is_config_error: bool,
}

/// Checks all statements that a diagnosis would run.
pub async fn prepare(
    config: &Config,
    docker: &(Observed<Runtime>, EnvironmentAddresses),
    until: Instant,
) -> Observed<Prepared> {
    let opened = match main_address(config, Some(docker)) {
        Observed::Known(address) => open_session(address, docker.0.known(), until).await,
        Observed::Unknown(why) => return Observed::Unknown(why),
        Observed::NotAsked(why) => return Observed::NotAsked(why),
    };
    let OpenedSession { session, connected, tls, .. } = match opened {
        Ok(opened) => opened,
        Err(why) => return Observed::Unknown(why),
    };
    let databases = Databases::with_additional(session, config, Some(docker), until).await;
    let (pipeline, custom_facts) = (&config.pipeline, config.custom_facts.as_slice());
    let mut checker = Checker { databases: &databases, pipeline, custom_facts, result: Prepared::default() };
    let checked = timeout_at(until, checker.check_all()).await;
    let mut result = checker.result;
    match checked {
        Ok(completed) => {
            result.cut = completed.err();
            databases.end().await;
        }
        Err(_) => {
            result.cut = Some(crate::collect::no_answer(&connected.place, config.deadline));
            databases.cancel(&tls).await;
        }
    }
    Observed::Known(result)
}

struct Checker<'a> {
    databases: &'a Databases,
    pipeline: &'a Pipeline,
    custom_facts: &'a [CustomFact],
    result: Prepared,
}

impl Checker<'_> {
    async fn check_all(&mut self) -> Result<(), Reason> {
        let pipeline = self.pipeline;
        let id = sample_id(pipeline);
        let marks_id_type = match &pipeline.marks {
            Some(marks) => self.check_marks(marks).await?.filter(|_| marks.database.is_none()),
            None => event::id_type(&self.databases.main, &pipeline.event.sql).await.ok(),
        };
        let id_type = marks_id_type.unwrap_or_else(|| processed_marks::default_id_type(pipeline));
        let cross_database = CrossDatabaseBacklog::is_needed(pipeline);
        let mut columns = vec!["id".to_string(), "at".to_string()];
        columns.extend(pipeline.event.keys.iter().map(|key| quote_ident(key)));
        let mut valid = self.check_columns(&SqlSource::Event, &pipeline.event.sql, &columns).await?;
        if valid {
            let (statement, params) = event::statement(&pipeline.event, id, &id_type);
            valid = self.accepts(&SqlSource::Event, &pipeline.event.sql, (&statement, &params)).await?;
        }
        for stage in &pipeline.stage {
            valid &= self.check_stage(stage, id, &id_type).await?;
            // The backlog query contains the SQL of the event and of all earlier stages.
            if valid && !cross_database {
                let (statement, params) = stage_backlog::backlog_sql(pipeline, &[stage], 1, Duration::ZERO);
                let source = SqlSource::Stage(stage.name.clone());
                valid = self.accepts(&source, &stage.sql, (&statement, &params)).await?;
            }
        }
        for (fact, sql) in self.custom_facts.iter().filter_map(|fact| Some((fact, fact.sql.as_deref()?))) {
            let statement = custom_facts::statement(fact, sql);
            self.accepts(
                &SqlSource::Fact(fact.name().to_string()),
                sql,
                (&statement, &custom_facts::params(sql, Some(id))),
            )
            .await?;
        }
        match self.result.refusals.is_empty() {
            true => self.note_scans(id, &id_type).await,
            false => Ok(()),
        }
    }

    /// Notes the statements that read a large table as a whole. They are planned as they run, with columns compared in
    /// their own types.
    async fn note_scans(&mut self, id: &str, id_type: &str) -> Result<(), Reason> {
        let pipeline = column_types::with_typed_sql(self.pipeline, self.databases).await;
        let session = &self.databases.main;
        let event = event::statement(&pipeline.event, id, id_type);
        let mut statements = vec![(SqlSource::Event, "finding one event", event)];
        for stage in pipeline.stage.iter().filter(|stage| stage.database.is_none()) {
            let statement = stage_effects::effects_sql(&pipeline.event, stage, id, id_type);
            let what = match stage.quick_sql {
                Some(_) => "finding what `quick_sql` does not find",
                None => "finding the effects of one event",
            };
            statements.push((SqlSource::Stage(stage.name.clone()), what, statement));
        }
        statements.push((SqlSource::Event, "counting the events", stage_backlog::events_sql(&pipeline, 1)));
        for (source, what, (sql, params)) in statements {
            let tables = table_scans::large_scans(session, (&sql, &params)).await?;
            if !tables.is_empty() {
                self.result.refusals.push(Refusal {
                    source,
                    at: None,
                    what: format!("{what} reads all of {}", tables.join(" and ")),
                    help: Some("an index on what is compared makes each run faster".into()),
                    is_config_error: false,
                });
            }
        }
        Ok(())
    }

    /// Checks the marks table. Returns the type of its id column, if the column exists.
    async fn check_marks(&mut self, marks: &Marks) -> Result<Option<String>, Reason> {
        let Marks { table, id, event_id, event_type, source, processed_at, .. } = marks;
        let statement = format!("select from {table}");
        if !self.accepts(&SqlSource::Marks("table"), table, (&statement, &Params::default())).await? {
            return Ok(None);
        }
        let columns = [
            ("id", Some(id)),
            ("event_id", event_id.as_ref()),
            ("event_type", Some(event_type)),
            ("source", Some(source)),
            ("processed_at", Some(processed_at)),
        ];
        let mut valid = true;
        for (key, column) in columns.into_iter().filter_map(|(key, column)| Some((key, column?))) {
            let statement = format!("select {column} from {table}");
            valid &= self.accepts(&SqlSource::Marks(key), column, (&statement, &Params::default())).await?;
        }
        if valid {
            let statement = processed_marks::select(marks);
            self.accepts(&SqlSource::Marks("table"), table, (&statement, &Params::default())).await?;
        }
        Ok(processed_marks::id_type(self.session(&SqlSource::Marks("table"))?, marks).await.ok())
    }

    async fn check_stage(&mut self, stage: &Stage, id: &str, main_id_type: &str) -> Result<bool, Reason> {
        let columns = ["id", "at", "status"].map(String::from);
        let source = SqlSource::Stage(stage.name.clone());
        let mut valid = self.check_columns(&source, &stage.sql, &columns).await?;
        if let Some(quick) = &stage.quick_sql {
            valid &= self.check_columns(&SqlSource::Quick(stage.name.clone()), quick, &columns).await?;
        }
        if valid {
            let id_type = match stage.database {
                Some(_) => event::id_type(self.session(&source)?, &stage.sql).await?,
                None => main_id_type.to_string(),
            };
            let (statement, params) = stage_effects::effects_sql(&self.pipeline.event, stage, id, &id_type);
            valid = self.accepts(&source, &stage.sql, (&statement, &params)).await?;
        }
        if let Some(record_sql) = &stage.record_sql {
            let source = SqlSource::Record(stage.name.clone());
            let columns = ["id", "key", "headers", "value"].map(String::from);
            if self.check_columns(&source, record_sql, &columns).await? {
                let statement = record_lines(record_sql, &literal(id));
                self.accepts(&source, record_sql, (&statement, &Params::default())).await?;
            }
        }
        Ok(valid)
    }

    /// Reports whether the SQL is valid and returns these columns, with `at` as a timestamp.
    async fn check_columns(
        &mut self,
        source: &SqlSource,
        sql: &str,
        columns: &[String],
    ) -> Result<bool, Reason> {
        let statement = format!("select from ({sql}) x");
        if !self.accepts(source, sql, (&statement, &Params::default())).await? {
            return Ok(false);
        }
        let mut valid = true;
        for column in columns {
            let statement = format!("select x.{column} from ({sql}) x");
            match self.session(source)?.explain(&statement, &Params::default()).await? {
                Some(rejection) if rejection.code == "42703" => {
                    valid = false;
                    let message = format!("the result has no column `{}`", column.trim_matches('"'));
                    let all: Vec<&str> = columns.iter().map(|column| column.trim_matches('"')).collect();
                    let help = format!("expected the columns {}; name this one with `as`", all.join(", "));
                    self.reject(source, None, message, Some(help));
                }
                _ => {}
            }
        }
        if valid && columns.iter().any(|column| column == "at") {
            valid = self.check_time(source, sql).await?;
        }
        Ok(valid)
    }

    async fn check_time(&mut self, source: &SqlSource, sql: &str) -> Result<bool, Reason> {
        let ty = event::column_type(self.session(source)?, sql, "at").await?;
        if ty.starts_with("timestamp") || ty == "date" {
            return Ok(true);
        }
        let message = format!("`at` is {ty}; expected timestamptz");
        self.reject(source, find_word(sql, "at"), message, Some("cast it: ... ::timestamptz as at".into()));
        Ok(false)
    }

    /// Reports whether the server accepts a statement that contains the text `sql`.
    async fn accepts(
        &mut self,
        source: &SqlSource,
        sql: &str,
        statement: (&str, &Params),
    ) -> Result<bool, Reason> {
        self.result.statements += 1;
        let (statement, params) = statement;
        let session = self.session(source)?;
        let Some(rejection) = session.explain(statement, params).await? else { return Ok(true) };
        let table = self.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
        let help = match source {
            SqlSource::Marks(key) if *key != "table" && rejection.code == "42703" => {
                name_suggestions::column(session, sql, table).await
            }
            _ => name_suggestions::suggestion(session, &rejection, sql).await,
        };
        let at = rejection.position.and_then(|position| range_in(statement, sql, position));
        let is_config_error = is_config_error(&rejection);
        self.result.refusals.push(Refusal {
            source: source.clone(),
            at,
            what: rejection.message,
            help,
            is_config_error,
        });
        Ok(false)
    }

    /// Returns the transaction in the database that the SQL queries.
    fn session(&self, source: &SqlSource) -> Result<&'_ Session, Reason> {
        let database = match source {
            SqlSource::Marks(_) => self.pipeline.marks.as_ref().map(Marks::database),
            SqlSource::Stage(name) | SqlSource::Quick(name) => self.pipeline.stage(name).map(Stage::database),
            SqlSource::Fact(name) => {
                self.custom_facts.iter().find(|fact| fact.name() == name).map(CustomFact::database)
            }
            SqlSource::Event | SqlSource::Record(_) => None,
        };
        self.databases.session(database.unwrap_or(MAIN_DATABASE))
    }

    fn reject(&mut self, source: &SqlSource, at: Option<Range<usize>>, what: String, help: Option<String>) {
        self.result.refusals.push(Refusal { source: source.clone(), at, what, help, is_config_error: true });
    }
}

/// Returns an id in the pipeline's format. It need not occur in any row.
fn sample_id(pipeline: &Pipeline) -> &'static str {
    match pipeline.id.format {
        IdForm::Uuid => "00000000-0000-0000-0000-000000000000",
        IdForm::Ulid => "00000000000000000000000000",
        IdForm::Number | IdForm::Text => "0",
    }
}

/// Reports whether the error is in the SQL itself (names, types or syntax). Privileges,
/// locks and timeouts depend on the user and the time.
fn is_config_error(rejection: &Rejection) -> bool {
    rejection.code.starts_with("42") && rejection.code != "42501"
}

/// Maps a character position in a statement to the byte range of its token in `sql`, which
/// is part of the statement.
fn range_in(statement: &str, sql: &str, character: usize) -> Option<Range<usize>> {
    let byte = statement.char_indices().nth(character).map_or(statement.len(), |(byte, _)| byte);
    let at = byte.checked_sub(statement.find(sql)?).filter(|at| *at <= sql.len())?;
    let rest = sql.get(at..)?;
    let length = rest.find(|c: char| !c.is_alphanumeric() && !"_.\"".contains(c)).unwrap_or(rest.len());
    Some(at..at + length.max(1))
}

/// Finds the last occurrence of `word` as a whole word.
fn find_word(sql: &str, word: &str) -> Option<Range<usize>> {
    let is_word_char = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let is_whole_word = |at: &usize| {
        let (before, after) = (sql.get(..*at), sql.get(at + word.len()..));
        !before.is_some_and(|text| text.ends_with(is_word_char))
            && !after.is_some_and(|text| text.starts_with(is_word_char))
    };
    let found = sql.match_indices(word).map(|(at, _)| at).filter(is_whole_word).last();
    found.map(|at| at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_statement_position_to_range_in_sql() {
        let sql = "select é, e.idd\n  from e";
        let statement = format!("select x.at from ({sql}) x");
        let at = |word: &str| {
            statement.chars().count()
                - statement.split_once(word).unwrap().1.chars().count()
                - word.chars().count()
        };
        assert_eq!(&sql[range_in(&statement, sql, at("e.idd")).unwrap()], "e.idd");
        assert_eq!(range_in(&statement, sql, at("x.at")), None);
        assert_eq!(range_in(&statement, sql, at(" x") + 1), None);
    }

    #[test]
    fn finds_whole_words_only() {
        let sql = "select data as at, cat from t";
        assert_eq!(find_word(sql, "at"), Some(15..17));
        assert_eq!(find_word("select that", "at"), None);
    }
}
