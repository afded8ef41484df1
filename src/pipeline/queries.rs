//! What is asked of a pipeline: its parts by name, what comes before what, which system
//! holds what.

use crate::base::name::{MAIN_BROKER, MAIN_DATABASE};
use crate::pipeline::model::{Pipeline, Service, Stage, System, Worker};

impl Pipeline {
    /// The worker of that name.
    pub fn worker(&self, name: &str) -> Option<&Worker> {
        self.worker.iter().find(|worker| worker.name == name)
    }

    /// The stage of that name.
    pub fn stage(&self, name: &str) -> Option<&Stage> {
        self.stage.iter().find(|stage| stage.name == name)
    }

    /// The stages right before one.
    pub fn before(&self, stage: &Stage) -> Vec<&Stage> {
        match &stage.after {
            Some(names) => names.iter().filter_map(|name| self.stage(name.get_ref())).collect(),
            None => {
                self.stage.iter().take_while(|other| other.name != stage.name).last().into_iter().collect()
            }
        }
    }

    /// All stages that an event passes before one, in their order.
    pub fn all_before(&self, stage: &Stage) -> Vec<&Stage> {
        let mut names: Vec<&str> = Vec::new();
        let mut open = self.before(stage);
        while let Some(next) = open.pop() {
            if !names.contains(&next.name.as_str()) {
                names.push(&next.name);
                open.extend(self.before(next));
            }
        }
        self.stage.iter().filter(|stage| names.contains(&stage.name.as_str())).collect()
    }

    /// Whether an event that has passed one stage has passed the other before it.
    pub fn is_behind(&self, later: &Stage, earlier: &Stage) -> bool {
        self.all_before(later).iter().any(|stage| stage.name == earlier.name)
    }

    /// The stages that no other comes after: where a way ends.
    pub fn ends(&self) -> impl Iterator<Item = &Stage> {
        let goes_on = |stage: &Stage| {
            self.stage.iter().any(|other| self.before(other).iter().any(|before| before.name == stage.name))
        };
        self.stage.iter().filter(move |stage| !goes_on(stage))
    }

    /// The stages at which a worker waits for the same row, the given one among them:
    /// a join has one for each record that leads to it.
    pub fn joined(&self, stage: &Stage) -> Vec<&Stage> {
        let same =
            |other: &&Stage| other.worker.get_ref() == stage.worker.get_ref() && other.effect == stage.effect;
        self.stage.iter().filter(same).collect()
    }

    /// Who marks the same event at another stage, and not at this one.
    pub fn marked_elsewhere(&self, stage: &Stage) -> Vec<String> {
        let others = self.stage.iter().filter(|other| other.event == stage.event);
        let sources = others.flat_map(|other| &other.marked_by);
        sources.filter(|source| !stage.marked_by.contains(source)).cloned().collect()
    }

    /// A broker by its name: `[kafka]` is [`MAIN_BROKER`].
    pub fn broker(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_BROKER => self.kafka.as_ref(),
            name => self.broker.get(name),
        }
    }

    /// Whether a service runs the broker of `[kafka]`.
    pub fn is_main_broker(&self, service: &str) -> bool {
        self.kafka.as_ref().is_some_and(|kafka| kafka.service.get_ref() == service)
    }

    /// The services that run the brokers, each once.
    pub fn brokers(&self) -> Vec<&String> {
        services(self.kafka.iter().chain(self.broker.values()))
    }

    /// A database by its name: `[postgres]` is [`MAIN_DATABASE`].
    pub fn database(&self, name: &str) -> Option<&System> {
        match name {
            MAIN_DATABASE => Some(&self.postgres),
            name => self.database.get(name),
        }
    }

    /// The services that run the databases, each once.
    pub fn databases(&self) -> Vec<&String> {
        services([&self.postgres].into_iter().chain(self.database.values()))
    }

    /// The name of the broker that holds a topic.
    pub fn broker_of_topic(&self, topic: &str) -> &str {
        let declared = self.topic.iter().find(|declared| declared.name == topic);
        let dead = self.dead_letters.iter().find(|dead| dead.topic == topic);
        let named = declared.and_then(|topic| topic.broker.as_ref());
        let named = named.or_else(|| dead.and_then(|dead| dead.broker.as_ref()));
        named.map_or(MAIN_BROKER, |name| name.get_ref().as_str())
    }

    /// The name of the broker on which a worker is a member of its group, which is that
    /// of its topics.
    pub fn broker_of(&self, worker: &Worker) -> &str {
        worker.topics.first().map_or(MAIN_BROKER, |topic| self.broker_of_topic(topic.get_ref()))
    }

    /// What a stage is called in findings: its worker, or its own name where
    /// the worker has several stages.
    pub fn stage_subject(&self, stage: &Stage) -> String {
        let worker = stage.worker.get_ref();
        let stages = self.stage.iter().filter(|other| other.worker.get_ref() == worker);
        if stages.count() > 1 { stage.name.clone() } else { worker.clone() }
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.service.iter().find(|service| service.name == name)
    }

    /// Every service and worker, with its container's name where declared.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let services = self.service.iter().map(|s| (s.name.as_str(), s.container.as_deref()));
        let workers = self.worker.iter().map(|w| (w.name.as_str(), w.container.as_deref()));
        workers.chain(services)
    }

    /// Whether the SQL of the pipeline names a table.
    pub fn uses_table(&self, table: &str) -> bool {
        let stages = self.stage.iter().map(|stage| stage.sql.as_str());
        let marks = self.marks.iter().map(|marks| marks.table.as_str());
        let mut texts = stages.chain(marks).chain([self.event.sql.as_str()]);
        texts.any(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == table))
    }

    /// The environment variables that hold addresses of services and workers.
    pub fn address_variables(&self) -> impl Iterator<Item = &str> {
        let of_services = self.service.iter().filter_map(|service| service.address_variable.as_deref());
        let deployed = self.worker.iter().filter_map(|worker| worker.deploy.as_ref());
        of_services.chain(deployed.flat_map(|deploy| deploy.environment.iter().map(String::as_str)))
    }

    /// The pipeline's word for `count` events: "1 order", "3 orders".
    pub fn count(&self, count: u64) -> String {
        let (one, many) = &self.noun;
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// The services that run systems, each once.
fn services<'a>(systems: impl Iterator<Item = &'a System>) -> Vec<&'a String> {
    let mut services: Vec<&String> = Vec::new();
    for service in systems.map(|system| system.service.get_ref()) {
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}
