//! Facts of the user's own that SQL tells.

use crate::collect::database::postgres::NO_ID;
use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Bound, Session, get};
use crate::config::Config;
use crate::evidence::{Custom, Name, Seen, Why, WhyKind};
use crate::pipeline::sql::binds_id;
use crate::runbook::own::{Kind, OwnFact};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// An operator for these types is not there (SQLSTATE).
const NO_OPERATOR: &str = "42883";

/// What was seen, by the fact's name.
pub type Told = BTreeMap<Name, Seen<Custom>>;

/// What can be told without asking: there is no id to ask about.
pub fn not_asked(config: &Config) -> Told {
    let of_id = config.own.iter().filter(|fact| fact.sql.as_deref().is_some_and(binds_id));
    let of_id = of_id.filter(|_| config.target.ids.is_empty());
    of_id.map(|fact| (fact.name().to_string(), Seen::not_asked(NO_ID))).collect()
}

/// Asks for all that is not told yet.
pub async fn look(config: &Config, databases: &Databases, told: &mut Told) {
    let facts = config.own.iter().filter_map(|fact| Some((fact, fact.sql.as_deref()?)));
    for (fact, sql) in facts {
        if !told.contains_key(fact.name()) {
            let seen = match databases.of(fact.database()) {
                Ok(session) => one(session, fact, sql, config.target.first_id().map(String::as_str)).await,
                Err(why) => Err(why),
            };
            told.insert(fact.name().to_string(), seen.into());
        }
    }
}

/// The statement that a fact's SQL becomes.
pub fn statement(fact: &OwnFact, sql: &str) -> String {
    let of = match fact.kind() {
        Kind::Bool => "bool",
        Kind::Count => "int8",
    };
    format!("select own.value::{of} from ({sql}) own(value) limit 1")
}

/// The first column of the first row; its cast fails in the database's own words.
async fn one(session: &Session, fact: &OwnFact, sql: &str, id: Option<&str>) -> Result<Custom, Why> {
    let bound = bound(sql, id);
    let rows =
        session.ask(fact.name(), &statement(fact, sql), &bound, session.share(4)).await.map_err(explained)?;
    let Some(row) = rows.first() else { return Ok(Custom::NoRow) };
    let null = || Why::new(WhyKind::Failed, format!("{}: the value is null", fact.name()));
    match fact.kind() {
        Kind::Bool => get::<Option<bool>>(row, 0)?.map(Custom::Bool).ok_or_else(null),
        Kind::Count => {
            let count = get::<Option<i64>>(row, 0)?.ok_or_else(null)?;
            let negative = |_| Why::new(WhyKind::Failed, format!("{}: {count} is no count", fact.name()));
            u64::try_from(count).map(Custom::Count).map_err(negative)
        }
    }
}

/// The id, where the statement binds one.
pub fn bound(sql: &str, id: Option<&str>) -> Bound {
    let mut bound = Bound::default();
    if let Some(id) = id.filter(|_| binds_id(sql)) {
        bound.bind(id.to_string(), Type::TEXT);
    }
    bound
}

/// The id is bound as text, whatever the type of its column is.
fn explained(why: Why) -> Why {
    match why.code.as_deref() {
        Some(NO_OPERATOR) => Why { say: format!("{} ($1 is text: cast it, as in $1::uuid)", why.say), ..why },
        _ => why,
    }
}
