//! Lookups in a pipeline: components by name, the order of stages and the broker of each topic.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::pipeline::model::{Pipeline, Service, Stage, System, Worker};

impl Pipeline {
    /// Returns the worker with the given name.
    pub fn worker(&self, name: &str) -> Option<&Worker> {
        self.worker.iter().find(|worker| worker.name == name)
    }

    /// Returns the stage with the given name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stage.iter().find(|stage| stage.name == name)
    }

    /// Returns the direct predecessors of a stage.
    pub fn before(&self, stage: &Stage) -> Vec<&Stage> {
        match &stage.after {
            Some(names) => names.iter().filter_map(|name| self.stage(name.get_ref())).collect(),
            None => {
                self.stage.iter().take_while(|other| other.name != stage.name).last().into_iter().collect()
            }
        }
    }

    /// Returns all stages that an event passes through before a stage, in file order.
    pub fn all_before(&self, stage: &Stage) -> Vec<&Stage> {
        let mut names: Vec<&str> = Vec::new();
        let mut pending = self.before(stage);
        while let Some(next) = pending.pop() {
            if !names.contains(&next.name.as_str()) {
                names.push(&next.name);
                pending.extend(self.before(next));
            }
        }
        self.stage.iter().filter(|stage| names.contains(&stage.name.as_str())).collect()
    }

    /// Reports whether an event passes through `earlier` before it reaches `later`.
    pub fn comes_after(&self, later: &Stage, earlier: &Stage) -> bool {
        self.all_before(later).iter().any(|stage| stage.name == earlier.name)
    }

    /// Returns the stages without a successor.
    pub fn final_stages(&self) -> impl Iterator<Item = &Stage> {
        let has_successor = |stage: &Stage| {
            self.stage.iter().any(|other| self.before(other).iter().any(|before| before.name == stage.name))
        };
        self.stage.iter().filter(move |stage| !has_successor(stage))
    }

    /// Returns the stages with the same worker and effect, including `stage` itself. A join has one
    /// stage for each of its inputs.
    pub fn join_stages(&self, stage: &Stage) -> Vec<&Stage> {
        let same =
            |other: &&Stage| other.worker.get_ref() == stage.worker.get_ref() && other.effect == stage.effect;
        self.stage.iter().filter(same).collect()
    }

    /// Returns the sources that mark the same event at other stages but not at this one.
    pub fn marked_elsewhere(&self, stage: &Stage) -> Vec<String> {
        let others = self.stage.iter().filter(|other| other.event == stage.event);
        let sources = others.flat_map(|other| &other.marked_by);
        sources.filter(|source| !stage.marked_by.contains(source)).cloned().collect()
    }

    /// Returns the broker with the given name; `[kafka]` is [`MAIN_BROKER`].
    pub fn broker(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_BROKER => self.kafka.as_ref(),
            name => self.broker.get(name),
        }
    }

    /// Reports whether a service runs the broker of `[kafka]`.
    pub fn is_main_broker(&self, service: &str) -> bool {
        self.kafka.as_ref().is_some_and(|kafka| kafka.service.get_ref() == service)
    }

    /// Returns the services that run the brokers, without duplicates.
    pub fn brokers(&self) -> Vec<&String> {
        services(self.kafka.iter().chain(self.broker.values()))
    }

    /// Returns the database with the given name; `[postgres]` is [`MAIN_DATABASE`].
    pub fn database(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_DATABASE => Some(&self.postgres),
            name => self.database.get(name),
        }
    }

    /// Returns the services that run the databases, without duplicates.
    pub fn databases(&self) -> Vec<&String> {
        services([&self.postgres].into_iter().chain(self.database.values()))
    }

    /// Returns the name of the broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> &str {
        let declared = self.topic.iter().find(|declared| declared.name == topic);
        let dead_letters = self.dead_letters.iter().find(|dead_letters| dead_letters.topic == topic);
        let broker = declared.and_then(|topic| topic.broker.as_ref());
        let broker = broker.or_else(|| dead_letters.and_then(|dead_letters| dead_letters.broker.as_ref()));
        broker.map_or(MAIN_BROKER, |name| name.get_ref().as_str())
    }

    /// Returns the name of the broker that holds a worker's topics and its consumer group.
    pub fn broker_of(&self, worker: &Worker) -> &str {
        worker.topics.first().map_or(MAIN_BROKER, |topic| self.broker_of_topic(topic.get_ref()))
    }

    /// Returns the stages of a worker, in the pipeline's order.
    pub fn stages_of<'p>(&'p self, worker: &str) -> impl Iterator<Item = &'p Stage> {
        self.stage.iter().filter(move |stage| stage.worker.get_ref() == worker)
    }

    /// Returns the name used for a stage in findings: its worker, or the stage name if the worker
    /// has several stages.
    pub fn stage_subject(&self, stage: &Stage) -> String {
        let worker = stage.worker.get_ref();
        if self.stages_of(worker).count() > 1 { stage.name.clone() } else { worker.clone() }
    }

    /// Returns the service with the given name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.service.iter().find(|service| service.name == name)
    }

    /// Returns the name of every worker and service, with its container name if declared.
    pub fn components(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let services = self.service.iter().map(|s| (s.name.as_str(), s.container.as_deref()));
        let workers = self.worker.iter().map(|w| (w.name.as_str(), w.container.as_deref()));
        workers.chain(services)
    }

    /// Reports whether the pipeline's SQL or marks refer to a table.
    pub fn uses_table(&self, table: &str) -> bool {
        let stages = self.stage.iter().map(|stage| stage.sql.as_str());
        let marks = self.marks.iter().map(|marks| marks.table.as_str());
        let mut texts = stages.chain(marks).chain([self.event.sql.as_str()]);
        texts.any(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == table))
    }

    /// Returns the environment variables that may hold addresses: those of services, and all
    /// variables of deployed workers.
    pub fn address_variables(&self) -> impl Iterator<Item = &str> {
        let service_variables = self.service.iter().filter_map(|service| service.address_variable.as_deref());
        let deployed = self.worker.iter().filter_map(|worker| worker.deploy.as_ref());
        service_variables.chain(deployed.flat_map(|deploy| deploy.environment.iter().map(String::as_str)))
    }

    /// Formats a number of events with the pipeline's noun: "1 order", "3 orders".
    pub fn count(&self, count: u64) -> String {
        let (one, many) = &self.noun;
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// Returns the services that run the given systems, without duplicates.
fn services<'a>(systems: impl Iterator<Item = &'a System>) -> Vec<&'a String> {
    let mut services: Vec<&String> = Vec::new();
    for service in systems.map(|system| system.service.get_ref()) {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}
