//! The drivers' results, and the evidence that they make up.

use crate::base::interruption::Interruption;
use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::collect::broker::kafka::Cluster;
use crate::collect::database::postgres::Collected;
use crate::collect::database::postgres::custom_facts::Answers as CustomAnswers;
use crate::collect::own_limit::internal_error;
use crate::collect::{cost, logs};
use crate::config::Config;
use crate::evidence::{self, AskedEvent, Broker, Database, Evidence, Log, Name, Observed, Reason, Runtime};
use indexmap::IndexMap;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

// The drivers' names in messages.
pub(super) const DOCKER: &str = "Docker";
pub(super) const COMPOSE: &str = "compose file";
pub(super) const KAFKA: &str = "Kafka";
pub(super) const HTTP: &str = "HTTP";
pub(super) const LOGS: &str = "logs";

/// Observations for custom facts.
pub(super) type Custom = BTreeMap<Name, Observed<evidence::CustomObservation>>;

/// What the drivers have returned so far.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) docker: Option<Observed<Runtime>>,
    pub(super) declared: Option<Observed<evidence::Declared>>,
    pub(super) clusters: Option<Vec<(Name, Observed<Cluster>)>>,
    pub(super) databases: Option<(Observed<Collected>, CustomAnswers)>,
    pub(super) http: Option<(Observed<evidence::Http>, Custom)>,
    pub(super) logs: Option<BTreeMap<Name, Observed<Log>>>,
    /// Drivers that panicked, by their names above.
    pub(super) failed: BTreeSet<&'static str>,
}

impl Seen {
    /// Builds the evidence, with `missing` as the reason for results that did not arrive.
    pub(super) fn into_evidence(
        self,
        config: &Config,
        observed_at: Timestamp,
        missing: &Reason,
        interrupted: Option<Interruption>,
    ) -> Evidence {
        let failed = &self.failed;
        let missing = |driver: &str| match failed.get(driver) {
            Some(driver) => internal_error(driver),
            None => missing.clone(),
        };
        let mut events: Vec<AskedEvent> = config.target.ids.iter().map(AskedEvent::new).collect();
        let clusters = self.clusters.unwrap_or_else(|| {
            broker_names(config).map(|name| (name, Observed::Unknown(missing(KAFKA)))).collect()
        });
        let brokers = clusters.into_iter().map(|(name, cluster)| {
            let broker = cluster.map(|cluster| broker_evidence(cluster, &mut events));
            (name, broker)
        });
        let brokers = brokers.collect();
        let (databases, sql_facts) =
            self.databases.unwrap_or_else(|| no_databases(config, &missing("PostgreSQL")));
        let (http, http_facts) = self.http.unwrap_or_else(|| no_answers(config, &missing(HTTP)));
        let logs = self.logs.unwrap_or_else(|| {
            logs::names(&config.pipeline).map(|name| (name, unknown(&missing(LOGS)))).collect()
        });
        let databases = database_evidence(databases, &mut events);
        Evidence {
            schema: evidence::SCHEMA,
            tool: env!("CARGO_PKG_VERSION").into(),
            observed_at,
            interrupted,
            target: config.target.clone(),
            events,
            declared: self.declared.unwrap_or_else(|| unknown(&missing(COMPOSE))),
            runtimes: [(
                Runtime::DOCKER.to_string(),
                self.docker.unwrap_or_else(|| unknown(&missing(DOCKER))),
            )]
            .into(),
            brokers,
            databases,
            http,
            logs,
            custom: sql_facts.into_iter().chain(http_facts).chain(log_facts(config)).collect(),
            counters: cost::take(),
            masked_values: 0,
        }
    }
}

pub(super) fn no_databases(config: &Config, why: &Reason) -> (Observed<Collected>, CustomAnswers) {
    let facts = config.custom_facts.iter().filter(|fact| fact.sql.is_some());
    (unknown(why), facts.map(|fact| (fact.name().to_string(), unknown(why))).collect())
}

pub(super) fn no_answers(config: &Config, why: &Reason) -> (Observed<evidence::Http>, Custom) {
    let facts = config.custom_facts.iter().filter(|fact| fact.http.is_some());
    (unknown(why), facts.map(|fact| (fact.name().to_string(), unknown(why))).collect())
}

fn unknown<T>(why: &Reason) -> Observed<T> {
    Observed::Unknown(why.clone())
}

/// Returns the names of all brokers, the main one first.
pub(super) fn broker_names(config: &Config) -> impl Iterator<Item = Name> {
    let additional = config.pipeline.broker.keys().cloned();
    [MAIN_BROKER.to_string()].into_iter().chain(additional)
}

/// Returns the broker's evidence and moves its records to the events that they name.
fn broker_evidence(cluster: Cluster, events: &mut [AskedEvent]) -> Broker {
    for (topic, found) in cluster.records {
        for (number, record) in found {
            if let Some(event) = events.get_mut(number) {
                event.records.entry(topic.clone()).or_default().push(record);
            }
        }
    }
    cluster.broker
}

/// Returns the databases, with the main one first, and moves the rows to their events.
fn database_evidence(
    collected: Observed<Collected>,
    events: &mut [AskedEvent],
) -> IndexMap<Name, Observed<Database>> {
    let mut additional = BTreeMap::new();
    let rows = collected.as_ref().map(|collected| collected.rows.clone());
    for (number, event) in events.iter_mut().enumerate() {
        event.rows = rows.as_ref().and_then(|rows| match rows.get(number) {
            Some(rows) => Observed::Known(rows.clone()),
            None => Observed::default(),
        });
    }
    let main = collected.map(|collected| {
        additional = collected.additional;
        collected.main
    });
    [(MAIN_DATABASE.to_string(), main)].into_iter().chain(additional).collect()
}

/// Returns the custom facts' log patterns.
fn log_facts(config: &Config) -> impl Iterator<Item = (Name, Observed<evidence::CustomObservation>)> {
    let facts = config.custom_facts.iter().filter_map(|fact| Some((fact, fact.log.as_ref()?)));
    facts.map(|(fact, log)| {
        let pattern = log.pattern.0.as_str().to_string();
        (fact.name().to_string(), Observed::Known(evidence::CustomObservation::LookedFor(pattern)))
    })
}
