//! What is read off the clues, for those that assign tables and those that make stages.

use crate::evidence::Name;
use crate::init::draft::{Marks, Worker};
use crate::init::model::{Clues, Found, Linked, Times};
use crate::init::sql_text::plain;
use crate::init::tables::median;
use crate::init::times::{earliest, gaps, of_records};

impl<'a> Clues<'a> {
    /// The name of a database that is not the event's.
    pub fn further(&self, number: usize) -> Option<Name> {
        self.databases.get(number).filter(|_| number > 0).map(ToString::to_string)
    }

    /// The marks, with their database where that is not the event's.
    pub fn marks_of(&self, linked: &Linked, marks: &Marks) -> Marks {
        Marks { database: self.further(linked.database), ..marks.clone() }
    }

    /// The type of the event's id: what it is compared with must be of that too.
    pub fn id_type(&self) -> &'a str {
        let of_event = self.event.and_then(|event| event.table.column(&plain(&event.id)));
        of_event.map_or_else(|| self.found.map_or("text", Found::of), |column| column.of.as_str())
    }

    /// When the records of a topic were sent, by id.
    pub fn records(&self, topic: &str) -> Times<'a> {
        let seen = self.cluster.and_then(|cluster| cluster.topics.get(topic)).zip(self.found);
        seen.map(|(topic, found)| of_records(topic, &found.values)).unwrap_or_default()
    }

    /// When a worker could first read of each id.
    pub fn input(&self, worker: &Worker) -> Times<'a> {
        earliest(worker.topics.iter().flat_map(|topic| self.records(topic)))
    }

    /// How long after the event a worker could read of it: the middle of those seen.
    pub fn input_delay(&self, worker: &Worker) -> Option<f64> {
        median(&gaps(&self.begun, &self.input(worker)))
    }

    /// The outbox that a worker carries from: he reads no topic, and sounds like it.
    pub fn outbox_of(&self, worker: &str) -> Option<&Linked<'a>> {
        let worker = self.workers.iter().find(|other| other.name == worker)?;
        let carries = ["outbox", "relay", "publish", "dispatch", "forward", "poller"];
        let sounds = carries.iter().any(|word| worker.name.contains(word));
        self.outbox.as_ref().filter(|_| sounds && worker.topics.is_empty())
    }
}
