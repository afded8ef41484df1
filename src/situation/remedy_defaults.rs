//! Defaults for remedies, taken from what already exists: image tags, topic layouts,
//! stopped replicas and stopped brokers.

use crate::evidence::{Declaration, Instance, InstanceState, Layout, Runtime};
use crate::pipeline::Role;
use crate::situation::Situation;
use crate::text::names::{CONTAINER, IMAGE};

/// The layout of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicLayout {
    /// The number of partitions.
    pub partitions: usize,
    /// The number of replicas of each partition.
    pub replicas: usize,
}

impl<'a> Situation<'a> {
    /// Returns the image with the tag that another container uses; `None` if no container uses it.
    pub fn image_with_tag(&self, image: &str) -> Option<&'a str> {
        let instances = self.inputs.runtime().known().copied().map(Runtime::instances);
        let sibling = instances
            .into_iter()
            .flatten()
            .find(|instance| is_tagged(&instance.image, image, &[':']) && (IMAGE.fits)(&instance.image));
        sibling.map(|sibling| sibling.image.as_str())
    }

    /// Returns what a missing worker needs as its siblings have it: that of a declared worker or service with the
    /// same image, or else that of any of them, without its build instructions.
    pub fn sibling_layout(&self, worker: &str, image: &str) -> Layout {
        let Some(declared) = self.inputs.declared().known().copied() else { return Layout::default() };
        let pipeline = self.pipeline;
        let has_image = |service: &&Declaration| {
            service.image.as_deref().is_some_and(|other| is_tagged(other, image, &[':', '@']))
        };
        // Those that do most alike come first.
        let workers = pipeline.worker.iter().map(|worker| worker.name.as_str());
        let of_role = |is_emitter: bool| {
            let services =
                pipeline.service.iter().filter(move |service| (service.role == Role::Emitter) == is_emitter);
            services.map(|service| service.name.as_str())
        };
        let names = workers.chain(of_role(true)).chain(of_role(false)).filter(|name| *name != worker);
        let siblings: Vec<&Declaration> = names.filter_map(|name| declared.workloads.get(name)).collect();
        match siblings.iter().find(|sibling| has_image(sibling)) {
            Some(same_image) => same_image.layout.clone(),
            None => {
                let first = siblings.first().map(|sibling| sibling.layout.clone()).unwrap_or_default();
                Layout { build: None, ..first }
            }
        }
    }

    /// Returns the names of a component's replicas that do not run.
    pub fn stopped_replicas(&self, component: &str) -> Vec<&'a str> {
        let replicas = self.workloads.get(component).and_then(|workload| workload.replicas.known());
        let names = replicas.into_iter().flat_map(|replicas| &replicas.down).map(|one| one.name.as_str());
        names.filter(|name| (CONTAINER.fits)(name)).collect()
    }

    /// Returns the names of exited containers with the same image and project as a broker.
    pub fn exited_broker_containers(&self) -> Vec<&'a str> {
        let Some(runtime) = self.inputs.runtime().known().copied() else { return Vec::new() };
        let brokers = self.pipeline.brokers().into_iter();
        let brokers: Vec<&Instance> = brokers.filter_map(|broker| self.workloads.known(broker)).collect();
        let is_exited_peer = |one: &&Instance| {
            let matches_broker = |broker: &&Instance| {
                one.details.project == broker.details.project && one.image == broker.image
            };
            one.state == InstanceState::Exited && brokers.iter().any(matches_broker)
        };
        let names = runtime.instances().filter(is_exited_peer).map(|one| one.name.as_str());
        names.filter(|name| (CONTAINER.fits)(name)).collect()
    }

    /// Returns the layout of an existing pipeline topic on a broker.
    pub fn topic_layout(&self, broker: &str) -> Option<TopicLayout> {
        let broker = self.inputs.broker(broker).known().copied()?;
        let mut topics = broker.topics.values().filter_map(|topic| topic.known());
        let topic = topics.find(|topic| topic.exists && !topic.partitions.is_empty())?;
        let replicas = topic.partitions.first().map_or(1, |partition| partition.replicas.len().max(1));
        Some(TopicLayout { partitions: topic.partitions.len(), replicas })
    }
}

/// Reports whether an image reference is `image`, with or without what follows one of these separators.
fn is_tagged(reference: &str, image: &str, separators: &[char]) -> bool {
    reference.strip_prefix(image).is_some_and(|rest| rest.is_empty() || rest.starts_with(separators))
}
