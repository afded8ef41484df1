//! Evaluates custom facts that are defined by SQL.

use crate::collect::database::postgres::NO_ID;
use crate::collect::database::postgres::databases::Databases;
use crate::collect::database::postgres::session::{Params, Session, get};
use crate::config::Config;
use crate::evidence::{CustomObservation, Name, Observed, Reason, ReasonKind};
use crate::pipeline::sql::binds_id;
use crate::runbook::custom_fact::{CustomFact, Kind};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// SQLSTATE `undefined_function`: no operator for these types.
const UNDEFINED_OPERATOR: &str = "42883";

/// Values by fact name.
pub type Answers = BTreeMap<Name, Observed<CustomObservation>>;

/// Returns "not asked" for the facts that need an id, if no id is given.
pub fn not_asked(config: &Config) -> Answers {
    let needing_id = config.custom_facts.iter().filter(|fact| fact.sql.as_deref().is_some_and(binds_id));
    let needing_id = needing_id.filter(|_| config.target.ids.is_empty());
    needing_id.map(|fact| (fact.name().to_string(), Observed::not_asked(NO_ID))).collect()
}

/// Queries all facts that have no value yet.
pub async fn collect(config: &Config, databases: &Databases, answers: &mut Answers) {
    let facts = config.custom_facts.iter().filter_map(|fact| Some((fact, fact.sql.as_deref()?)));
    for (fact, sql) in facts {
        if !answers.contains_key(fact.name()) {
            let value = match databases.session(fact.database()) {
                Ok(session) => {
                    query_fact(session, fact, sql, config.target.first_id().map(String::as_str)).await
                }
                Err(why) => Err(why),
            };
            answers.insert(fact.name().to_string(), value.into());
        }
    }
}

/// Builds the statement for a fact's SQL.
pub fn statement(fact: &CustomFact, sql: &str) -> String {
    let ty = match fact.kind() {
        Kind::Bool => "bool",
        Kind::Count => "int8",
    };
    format!("select own.value::{ty} from ({sql}) own(value) limit 1")
}

/// Returns the first column of the first row. If the value cannot be cast, the database's
/// error is reported.
async fn query_fact(
    session: &Session,
    fact: &CustomFact,
    sql: &str,
    id: Option<&str>,
) -> Result<CustomObservation, Reason> {
    let params = params(sql, id);
    let rows = session
        .query_without_effects(fact.name(), &statement(fact, sql), &params, session.share(4))
        .await
        .map_err(with_cast_hint)?;
    let Some(row) = rows.first() else { return Ok(CustomObservation::NoRow) };
    let is_null = || Reason::new(ReasonKind::Failed, format!("{}: the value is null", fact.name()));
    match fact.kind() {
        Kind::Bool => get::<Option<bool>>(row, 0)?.map(CustomObservation::Bool).ok_or_else(is_null),
        Kind::Count => {
            let count = get::<Option<i64>>(row, 0)?.ok_or_else(is_null)?;
            let negative = |_| {
                Reason::new(ReasonKind::Failed, format!("{}: the count {count} is negative", fact.name()))
            };
            u64::try_from(count).map(CustomObservation::Count).map_err(negative)
        }
    }
}

/// Binds the id if the statement uses it.
pub fn params(sql: &str, id: Option<&str>) -> Params {
    let mut params = Params::default();
    if let Some(id) = id.filter(|_| binds_id(sql)) {
        params.bind(id.to_string(), Type::TEXT);
    }
    params
}

/// Adds a hint to type errors, because the id is bound as text regardless of its column's type.
fn with_cast_hint(why: Reason) -> Reason {
    match why.code.as_deref() {
        Some(UNDEFINED_OPERATOR) => {
            Reason { message: format!("{} ($1 is text; cast it, as in $1::uuid)", why.message), ..why }
        }
        _ => why,
    }
}
