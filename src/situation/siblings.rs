//! What runs beside a component: a remedy makes things like their siblings.

use crate::evidence::{Instance, InstanceState, Runtime};
use crate::situation::Situation;

/// The shape of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many partitions it has.
    pub partitions: usize,
    /// How many replicas each should have.
    pub replicas: usize,
}

impl<'a> Situation<'a> {
    /// The image with the tag that an instance runs of it, where one does.
    pub fn image_of_sibling(&self, image: &str) -> Option<&'a str> {
        let instances = self.source.runtime().known().copied().map(Runtime::instances);
        let sibling = instances.into_iter().flatten().find(|instance| {
            instance.image.strip_prefix(image).is_some_and(|tag| tag.is_empty() || tag.starts_with(':'))
        });
        sibling.map(|sibling| sibling.image.as_str())
    }

    /// The instances that have a broker's image in its project and have exited, by name.
    pub fn exited_like_brokers(&self) -> Vec<&'a str> {
        let Some(runtime) = self.source.runtime().known().copied() else { return Vec::new() };
        let brokers = self.pipeline.brokers().into_iter();
        let brokers: Vec<&Instance> = brokers.filter_map(|broker| self.workloads.known(broker)).collect();
        let alike = |one: &&Instance| {
            let like = |broker: &&Instance| {
                one.details.project == broker.details.project && one.image == broker.image
            };
            one.state == InstanceState::Exited && brokers.iter().any(like)
        };
        runtime.instances().filter(alike).map(|one| one.name.as_str()).collect()
    }

    /// The shape of a topic of the pipeline that exists on a broker.
    pub fn shape_of_topics(&self, broker: &str) -> Option<Shape> {
        let broker = self.source.broker(broker).known().copied()?;
        let mut topics = broker.topics.values().filter_map(|topic| topic.known());
        let topic = topics.find(|topic| topic.exists && !topic.partitions.is_empty())?;
        let replicas = topic.partitions.first().map_or(1, |partition| partition.replicas.len().max(1));
        Some(Shape { partitions: topic.partitions.len(), replicas })
    }
}
