//! What is the same for every asked event: built once, bottom-up.

use crate::evidence::Evidence;
use crate::pipeline::Pipeline;
use crate::runbook::own::OwnFact;
use crate::runbook::signature::Signature;
use crate::situation::answers::Answers;
use crate::situation::backlog::Backlog;
use crate::situation::brokers::{self, BrokerReach};
use crate::situation::changes::{self, Change};
use crate::situation::clock::Clocks;
use crate::situation::ladder::Ladder;
use crate::situation::logs::Logs;
use crate::situation::motion::Motions;
use crate::situation::progress::Progress;
use crate::situation::settling::Settling;
use crate::situation::source::Source;
use crate::situation::systems::Systems;
use crate::situation::topics::{self, Topics};
use crate::situation::workload::Workloads;

/// What does not depend on which event was asked about.
pub struct Shared<'a> {
    /// What it was joined from.
    pub(in crate::situation) source: Source<'a>,
    /// What should exist.
    pub pipeline: &'a Pipeline,
    /// The version of pipeline-doctor that looked.
    pub tool: &'a str,
    /// Which systems were looked at.
    pub systems: Systems<'a>,
    /// Clocks, without what the asked event's records tell of the broker's.
    pub system_clocks: Clocks,
    /// Containers.
    pub workloads: Workloads<'a>,
    /// Groups on the partitions of their topics.
    pub progress: Progress<'a>,
    /// Who was started just now.
    pub settling: Settling,
    /// What is stuck.
    pub backlog: Backlog<'a>,
    /// Logs, indexed.
    pub logs: Logs<'a>,
    /// What each group does.
    pub motions: Motions,
    /// How far each worker has come.
    pub ladder: Ladder,
    /// What changed around each component, in the pipeline's order.
    pub changes: Vec<Change<'a>>,
    /// The brokers, in the pipeline's order.
    pub brokers: Vec<BrokerReach<'a>>,
    /// The topics.
    pub topics: Topics<'a>,
    /// What services answer by HTTP.
    pub answers: Answers<'a>,
}

impl<'a> Shared<'a> {
    /// Joins the evidence.
    pub fn build(
        evidence: &'a Evidence,
        pipeline: &'a Pipeline,
        signatures: &'a [Signature],
        own: &'a [OwnFact],
    ) -> Self {
        let source = Source { evidence, pipeline };
        let clocks = Clocks::build(source, None);
        let workloads = Workloads::build(source, clocks.docker_now);
        let progress = Progress::build(source, &workloads);
        let settling = Settling::build(pipeline, &clocks, &workloads, &progress);
        let backlog = Backlog::build(source, &settling);
        let logs = Logs::build(source, (&clocks, &workloads, &settling), signatures, own);
        let motions = Motions::build(pipeline, &workloads, &progress, &settling, &backlog);
        let ladder = Ladder::build(source, clocks.docker_now, &workloads, &progress, &settling, &motions);
        Shared {
            source,
            pipeline,
            tool: &evidence.tool,
            systems: Systems::build(source),
            changes: changes::build(source, &workloads),
            brokers: brokers::build(source, &settling),
            topics: topics::build(source, &settling),
            answers: Answers::build(source),
            system_clocks: clocks,
            workloads,
            progress,
            settling,
            backlog,
            logs,
            motions,
            ladder,
        }
    }
}
