//! Queries on the observations that tables and stages are inferred from.

use crate::evidence::Name;
use crate::init::draft::{Marks, Worker};
use crate::init::event_times::{earliest, first_record_times, gaps};
use crate::init::model::{CorrelationId, LinkedTable, Observations, TimesById};
use crate::init::sql_quoting::unquoted;
use crate::init::table_roles::median;

impl<'a> Observations<'a> {
    /// Returns the name of a database, unless it is the event's.
    pub fn additional_database(&self, number: usize) -> Option<Name> {
        self.databases.get(number).filter(|_| number > 0).map(ToString::to_string)
    }

    /// Returns the marks with their database, unless it is the event's.
    pub fn marks_with_database(&self, linked: &LinkedTable, marks: &Marks) -> Marks {
        Marks { database: self.additional_database(linked.database), ..marks.clone() }
    }

    /// Returns the SQL type of the event's id. Values compared with it need the same type.
    pub fn id_type(&self) -> &'a str {
        let event_column = self.event.and_then(|event| event.table.column(&unquoted(&event.id)));
        event_column.map_or_else(
            || self.id.map_or("text", CorrelationId::sql_type),
            |column| column.sql_type.as_str(),
        )
    }

    /// Returns the time of each id's first record on a topic.
    pub fn record_times(&self, topic: &str) -> TimesById<'a> {
        let topic = self.cluster.and_then(|cluster| cluster.topics.get(topic)).zip(self.id);
        topic.map(|(topic, id)| first_record_times(topic, &id.values)).unwrap_or_default()
    }

    /// Returns the earliest time at which a worker could read about each id.
    pub fn input_times(&self, worker: &Worker) -> TimesById<'a> {
        earliest(worker.topics.iter().flat_map(|topic| self.record_times(topic)))
    }

    /// Returns the median delay, in seconds, from the event to the worker's input.
    pub fn input_delay(&self, worker: &Worker) -> Option<f64> {
        median(&gaps(&self.started, &self.input_times(worker)))
    }

    /// Returns the outbox that a worker relays, if the worker reads no topic and its name
    /// suggests a relay.
    pub fn outbox_relayed_by(&self, worker: &str) -> Option<&LinkedTable<'a>> {
        let worker = self.workers.iter().find(|other| other.name == worker)?;
        let relay_words = ["outbox", "relay", "publish", "dispatch", "forward", "poller"];
        let is_relay = relay_words.iter().any(|word| worker.name.contains(word));
        self.outbox.as_ref().filter(|_| is_relay && worker.topics.is_empty())
    }
}
