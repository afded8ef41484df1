//! A worker's group and a stage's topic, which count as "not asked" if the pipeline declares none.

use crate::base::observed::Observed;
use crate::pipeline::model::components::Worker;
use crate::pipeline::model::stage::Stage;

impl Worker {
    /// Returns its consumer group, or "not asked" if it has none.
    pub fn group(&self) -> Observed<&String> {
        match &self.group {
            Some(group) => Observed::Known(group),
            None => Observed::not_asked(format!("{} consumes no topic", self.name)),
        }
    }
}

impl Stage {
    /// Returns its topic, or "not asked" if the event arrives another way.
    pub fn topic(&self) -> Observed<&String> {
        match &self.topic {
            Some(topic) => Observed::Known(topic.get_ref()),
            None => Observed::not_asked(format!("{} does not arrive on a topic", self.event)),
        }
    }
}
