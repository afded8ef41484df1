//! The part of the situation that all requested events share. Built once, bottom-up.

use crate::base::counters::Counters;
use crate::base::interruption::Interruption;
use crate::evidence::{Evidence, Name};
use crate::pipeline::Pipeline;
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_kinds::LogKinds;
use crate::situation::backlog::Backlog;
use crate::situation::brokers::{self, BrokerReach};
use crate::situation::clock::Clocks;
use crate::situation::container_changes::{self, Change};
use crate::situation::group_motion::Motions;
use crate::situation::group_progress::Progress;
use crate::situation::http_answers::Answers;
use crate::situation::inputs::Inputs;
use crate::situation::logs::Logs;
use crate::situation::settling::Settling;
use crate::situation::systems::Systems;
use crate::situation::topics::{self, Topics};
use crate::situation::worker_state::WorkerStates;
use crate::situation::workload::Workloads;
use std::collections::BTreeMap;

/// The part of the situation that does not depend on the requested event.
pub struct Shared<'a> {
    /// The evidence and the pipeline that it was built from.
    pub(in crate::situation) inputs: Inputs<'a>,
    /// The declared pipeline.
    pub pipeline: &'a Pipeline,
    /// The version of pipeline-doctor that collected the evidence.
    pub tool: &'a str,
    /// The signal that ended the run before all systems had answered.
    pub interrupted: Option<Interruption>,
    /// How often the evidence has a token for a secret.
    pub masked_values: u64,
    /// What the run has asked of each system.
    pub counters: &'a BTreeMap<Name, Counters>,
    /// Which systems were observed.
    pub systems: Systems<'a>,
    /// The clocks, disregarding what the requested event's records reveal about the broker's clock.
    pub system_clocks: Clocks,
    /// The container of each component.
    pub workloads: Workloads<'a>,
    /// The progress of each consumer group on its topics.
    pub progress: Progress<'a>,
    /// Which components have just started.
    pub settling: Settling,
    /// The stuck events.
    pub backlog: Backlog<'a>,
    /// The indexed logs.
    pub logs: Logs<'a>,
    /// Whether each consumer group advances.
    pub motions: Motions,
    /// The state of each worker.
    pub worker_states: WorkerStates,
    /// What changed about each component's container, in the pipeline's order.
    pub changes: Vec<Change<'a>>,
    /// The brokers, in the pipeline's order.
    pub brokers: Vec<BrokerReach<'a>>,
    /// The topics.
    pub topics: Topics<'a>,
    /// The HTTP answers of the services.
    pub answers: Answers<'a>,
}

impl<'a> Shared<'a> {
    /// Joins the evidence with the pipeline.
    pub fn build(
        evidence: &'a Evidence,
        pipeline: &'a Pipeline,
        signatures: &'a LogKinds,
        custom_facts: &'a [CustomFact],
    ) -> Self {
        let inputs = Inputs { evidence, pipeline };
        let clocks = Clocks::build(inputs, None);
        let workloads = Workloads::build(inputs, clocks.docker_now);
        let progress = Progress::build(inputs, &workloads);
        let settling = Settling::build(pipeline, &clocks, &workloads, &progress);
        let backlog = Backlog::build(inputs, &settling);
        let logs = Logs::build(inputs, (&clocks, &workloads, &settling), signatures, custom_facts);
        let motions = Motions::build(pipeline, &workloads, &progress, &settling, &backlog, &clocks);
        let worker_states =
            WorkerStates::build(inputs, clocks.docker_now, &workloads, &progress, &settling, &motions);
        Shared {
            inputs,
            pipeline,
            tool: &evidence.tool,
            interrupted: evidence.interrupted,
            masked_values: evidence.masked_values,
            counters: &evidence.counters,
            systems: Systems::build(inputs),
            changes: container_changes::build(inputs, &workloads),
            brokers: brokers::build(inputs, &settling),
            topics: topics::build(inputs, &settling),
            answers: Answers::build(inputs),
            system_clocks: clocks,
            workloads,
            progress,
            settling,
            backlog,
            logs,
            motions,
            worker_states,
        }
    }
}
