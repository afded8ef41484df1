//! What a pipeline does not declare is not asked for.

use crate::base::observed::Seen;
use crate::pipeline::{Stage, Worker};

impl Worker {
    /// Its consumer group; not asked where it has none.
    pub fn group(&self) -> Seen<&String> {
        match &self.group {
            Some(group) => Seen::Known(group),
            None => Seen::not_asked(format!("{} consumes no topic", self.name)),
        }
    }
}

impl Stage {
    /// Its topic; not asked where the event comes another way.
    pub fn topic(&self) -> Seen<&String> {
        match &self.topic {
            Some(topic) => Seen::Known(topic.get_ref()),
            None => Seen::not_asked(format!("{} comes by no topic", self.event)),
        }
    }
}
