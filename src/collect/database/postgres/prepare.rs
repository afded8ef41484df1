//! The pipeline's SQL, prepared as the other looks run it: planned, never run.

use crate::base::name::MAIN_DATABASE;
use crate::collect::database::postgres::across::Across;
use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Bound, Refused, Session, quoted};
use crate::collect::database::postgres::{Opened, event, marks, neighbours, open, own, place, stages};
use crate::collect::runtime::docker::Discovered;
use crate::config::Config;
use crate::evidence::{Runtime, Seen, Why};
use crate::pipeline::sql::record_lines;
use crate::pipeline::{IdForm, Marks, Pipeline, Stage};
use crate::runbook::own::OwnFact;
use std::ops::Range;
use tokio::time::{Instant, timeout_at};

/// What the database says to a pipeline's SQL.
#[derive(Debug, Default)]
pub struct Prepared {
    /// How many statements were prepared.
    pub statements: usize,
    /// What it would not run.
    pub refusals: Vec<Refusal>,
    /// Why it was not asked about all, if it was not.
    pub cut: Option<Why>,
}

/// Which text of the pipeline is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A name of the marks table, by its key.
    Marks(&'static str),
    /// `event.sql`.
    Event,
    /// `sql` of the stage of that name.
    Stage(String),
    /// `record_sql` of the stage of that name.
    Record(String),
    /// `sql` of the own fact of that name.
    Fact(String),
}

/// Something that the database would not run, or that is of the wrong type.
#[derive(Debug)]
pub struct Refusal {
    /// Where it stands.
    pub of: Of,
    /// Where in that text: bytes.
    pub at: Option<Range<usize>>,
    /// What is wrong, in the server's words where it has any.
    pub what: String,
    /// The way out.
    pub help: Option<String>,
    /// Whether it is wrong whoever asks; else it is only so for this user and now.
    pub is_mistake: bool,
}

/// Prepares what the probe would ask.
pub async fn prepare(
    config: &Config,
    docker: &(Seen<Runtime>, Discovered),
    until: Instant,
) -> Seen<Prepared> {
    let opened = match place(config, Some(docker)) {
        Seen::Known(place) => open(place, docker.0.known(), until).await,
        Seen::Unknown(why) => return Seen::Unknown(why),
        Seen::NotAsked(why) => return Seen::NotAsked(why),
    };
    let Opened { session, connected, tls, .. } = match opened {
        Ok(opened) => opened,
        Err(why) => return Seen::Unknown(why),
    };
    let databases = Databases::beside(session, config, Some(docker), until).await;
    let (pipeline, own) = (&config.pipeline, config.own.as_slice());
    let mut asking = Asking { databases: &databases, pipeline, own, found: Prepared::default() };
    let asked = timeout_at(until, asking.all()).await;
    let mut found = asking.found;
    match asked {
        Ok(all) => {
            found.cut = all.err();
            databases.end().await;
        }
        Err(_) => {
            found.cut = Some(crate::collect::no_answer(&connected.place, config.deadline));
            databases.cancel(&tls).await;
        }
    }
    Seen::Known(found)
}

struct Asking<'a> {
    databases: &'a Databases,
    pipeline: &'a Pipeline,
    own: &'a [OwnFact],
    found: Prepared,
}

impl Asking<'_> {
    async fn all(&mut self) -> Result<(), Why> {
        let pipeline = self.pipeline;
        let id = an_id(pipeline);
        let in_marks = match &pipeline.marks {
            Some(marks) => self.marks(marks).await?.filter(|_| marks.database.is_none()),
            None => event::id_type(&self.databases.main, &pipeline.event.sql).await.ok(),
        };
        let of = in_marks.unwrap_or_else(|| marks::likely_type(pipeline));
        let across = Across::is_needed(pipeline);
        let mut columns = vec!["id".to_string(), "at".to_string()];
        columns.extend(pipeline.event.keys.iter().map(|key| quoted(key)));
        let mut sound = self.columns(&Of::Event, &pipeline.event.sql, &columns).await?;
        if sound {
            let (statement, bound) = event::statement(&pipeline.event, id, &of);
            sound = self.refused(&Of::Event, &pipeline.event.sql, (&statement, &bound)).await?;
        }
        for stage in &pipeline.stage {
            sound &= self.stage(stage, id, &of).await?;
            // It is made of the SQL of the event and of all stages before.
            if sound && !across {
                let (statement, bound) = stages::extent_sql(pipeline, stage, 1);
                let stands = Of::Stage(stage.name.clone());
                sound = self.refused(&stands, &stage.sql, (&statement, &bound)).await?;
            }
        }
        for (fact, sql) in self.own.iter().filter_map(|fact| Some((fact, fact.sql.as_deref()?))) {
            let statement = own::statement(fact, sql);
            self.refused(&Of::Fact(fact.name().to_string()), sql, (&statement, &own::bound(sql, Some(id))))
                .await?;
        }
        Ok(())
    }

    /// The marks table; the type of its id, where it has one.
    async fn marks(&mut self, marks: &Marks) -> Result<Option<String>, Why> {
        let Marks { table, id, event_id, event_type, source, processed_at, .. } = marks;
        let whole = format!("select from {table}");
        if !self.refused(&Of::Marks("table"), table, (&whole, &Bound::default())).await? {
            return Ok(None);
        }
        let columns = [
            ("id", Some(id)),
            ("event_id", event_id.as_ref()),
            ("event_type", Some(event_type)),
            ("source", Some(source)),
            ("processed_at", Some(processed_at)),
        ];
        let mut sound = true;
        for (key, column) in columns.into_iter().filter_map(|(key, column)| Some((key, column?))) {
            let statement = format!("select {column} from {table}");
            sound &= self.refused(&Of::Marks(key), column, (&statement, &Bound::default())).await?;
        }
        if sound {
            let statement = marks::select(marks);
            self.refused(&Of::Marks("table"), table, (&statement, &Bound::default())).await?;
        }
        Ok(marks::id_type(self.session(&Of::Marks("table"))?, marks).await.ok())
    }

    async fn stage(&mut self, stage: &Stage, id: &str, of: &str) -> Result<bool, Why> {
        let columns = ["id", "at", "status"].map(String::from);
        let stands = Of::Stage(stage.name.clone());
        let mut sound = self.columns(&stands, &stage.sql, &columns).await?;
        if sound {
            let own = match stage.database {
                Some(_) => event::id_type(self.session(&stands)?, &stage.sql).await?,
                None => of.to_string(),
            };
            let (statement, bound) = stages::effect_sql(stage, id, &own);
            sound = self.refused(&stands, &stage.sql, (&statement, &bound)).await?;
        }
        if let Some(record_sql) = &stage.record_sql {
            let stands = Of::Record(stage.name.clone());
            let columns = ["id", "key", "headers", "value"].map(String::from);
            if self.columns(&stands, record_sql, &columns).await? {
                let statement = record_lines(record_sql, &format!("'{id}'"));
                self.refused(&stands, record_sql, (&statement, &Bound::default())).await?;
            }
        }
        Ok(sound)
    }

    /// Whether the SQL is sound by itself and gives these columns, `at` as a time.
    async fn columns(&mut self, of: &Of, sql: &str, columns: &[String]) -> Result<bool, Why> {
        let whole = format!("select from ({sql}) x");
        if !self.refused(of, sql, (&whole, &Bound::default())).await? {
            return Ok(false);
        }
        let mut sound = true;
        for column in columns {
            let statement = format!("select x.{column} from ({sql}) x");
            match self.session(of)?.prepare(&statement, &Bound::default()).await? {
                Some(refused) if refused.code == "42703" => {
                    sound = false;
                    let what = format!("the result has no column `{}`", column.trim_matches('"'));
                    let all: Vec<&str> = columns.iter().map(|column| column.trim_matches('"')).collect();
                    let help = format!("expected {}: name it with `as`", all.join(", "));
                    self.tell(of, None, what, Some(help));
                }
                _ => {}
            }
        }
        if sound && columns.iter().any(|column| column == "at") {
            sound = self.at_is_a_time(of, sql).await?;
        }
        Ok(sound)
    }

    async fn at_is_a_time(&mut self, of: &Of, sql: &str) -> Result<bool, Why> {
        let is = event::type_of(self.session(of)?, sql, "at").await?;
        if is.starts_with("timestamp") || is == "date" {
            return Ok(true);
        }
        let what = format!("`at` is {is}, expected timestamptz");
        self.tell(of, word(sql, "at"), what, Some("cast it: ... ::timestamptz as at".into()));
        Ok(false)
    }

    /// Whether the server takes a statement that is made of the text `sql`.
    async fn refused(&mut self, of: &Of, sql: &str, statement: (&str, &Bound)) -> Result<bool, Why> {
        self.found.statements += 1;
        let (statement, bound) = statement;
        let session = self.session(of)?;
        let Some(refused) = session.prepare(statement, bound).await? else { return Ok(true) };
        let table = self.pipeline.marks.as_ref().map_or("", |marks| marks.table.as_str());
        let help = match of {
            Of::Marks(key) if *key != "table" && refused.code == "42703" => {
                neighbours::column(session, sql, table).await
            }
            _ => neighbours::way_out(session, &refused, sql).await,
        };
        let at = refused.at.and_then(|at| within(statement, sql, at));
        let is_mistake = is_mistake(&refused);
        self.found.refusals.push(Refusal { of: of.clone(), at, what: refused.say, help, is_mistake });
        Ok(false)
    }

    /// The transaction in the database where a text is asked.
    fn session(&self, of: &Of) -> Result<&'_ Session, Why> {
        let database = match of {
            Of::Marks(_) => self.pipeline.marks.as_ref().map(Marks::database),
            Of::Stage(name) => self.pipeline.stage(name).map(Stage::database),
            Of::Fact(name) => self.own.iter().find(|fact| fact.name() == name).map(OwnFact::database),
            Of::Event | Of::Record(_) => None,
        };
        self.databases.of(database.unwrap_or(MAIN_DATABASE))
    }

    fn tell(&mut self, of: &Of, at: Option<Range<usize>>, what: String, help: Option<String>) {
        self.found.refusals.push(Refusal { of: of.clone(), at, what, help, is_mistake: true });
    }
}

/// An id that can be one of the pipeline's; no row need have it.
fn an_id(pipeline: &Pipeline) -> &'static str {
    match pipeline.id.format {
        IdForm::Uuid => "00000000-0000-0000-0000-000000000000",
        IdForm::Ulid => "00000000000000000000000000",
        IdForm::Number | IdForm::Text => "0",
    }
}

/// Names, types and syntax are wrong for everybody; privileges, locks and times
/// are this user's and this moment's.
fn is_mistake(refused: &Refused) -> bool {
    refused.code.starts_with("42") && refused.code != "42501"
}

/// Where in `sql` the character of a statement is that has it in it.
fn within(statement: &str, sql: &str, character: usize) -> Option<Range<usize>> {
    let byte = statement.char_indices().nth(character).map_or(statement.len(), |(byte, _)| byte);
    let at = byte.checked_sub(statement.find(sql)?).filter(|at| *at <= sql.len())?;
    let rest = sql.get(at..)?;
    let length = rest.find(|c: char| !c.is_alphanumeric() && !"_.\"".contains(c)).unwrap_or(rest.len());
    Some(at..at + length.max(1))
}

/// The last place where a word stands by itself.
fn word(sql: &str, word: &str) -> Option<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let alone = |at: &usize| {
        let (before, after) = (sql.get(..*at), sql.get(at + word.len()..));
        !before.is_some_and(|text| text.ends_with(part)) && !after.is_some_and(|text| text.starts_with(part))
    };
    let found = sql.match_indices(word).map(|(at, _)| at).filter(alone).last();
    found.map(|at| at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_statement_is_a_place_in_the_sql_inside_of_it() {
        let sql = "select é, e.idd\n  from e";
        let statement = format!("select x.at from ({sql}) x");
        let at = |word: &str| {
            statement.chars().count()
                - statement.split_once(word).unwrap().1.chars().count()
                - word.chars().count()
        };
        assert_eq!(&sql[within(&statement, sql, at("e.idd")).unwrap()], "e.idd");
        assert_eq!(within(&statement, sql, at("x.at")), None);
        assert_eq!(within(&statement, sql, at(" x") + 1), None);
    }

    #[test]
    fn a_word_is_found_where_it_stands_by_itself() {
        let sql = "select data as at, cat from t";
        assert_eq!(word(sql, "at"), Some(15..17));
        assert_eq!(word("select that", "at"), None);
    }
}
