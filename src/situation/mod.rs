//! The situation: the evidence, joined once into typed values, bottom-up in a fixed order.
//! The layers above read the situation and never the evidence. No I/O.
//!
//! Each file uses only the files before it. The part that all events share ([`shared`]) is
//! built from `inputs`, `systems`, `event_lookup`, `clock`, `workload`, `group_progress`,
//! `settling`, `backlog`, `logs`, `group_motion`, `worker_state`, `brokers`, `topics`,
//! `http_answers` and `container_changes`. The part that is specific to the requested event
//! follows: `stages`, `database_servers`, `custom`, `delivery`, `skipped_records`,
//! `api_calls`, `hops`, `event_progress`, and then `stage_outcomes`, `group_membership`, `diagnostic_lines`,
//! `mended`, `log_signatures`, `remedy_defaults` and `command_target`.

pub mod api_calls;
pub mod backlog;
pub mod brokers;
pub mod clock;
pub mod command_target;
pub mod container_changes;
pub mod custom;
pub mod database_servers;
pub mod declaration;
pub mod delivery;
pub mod diagnostic_lines;
pub mod event_lookup;
pub mod event_progress;
pub mod group_membership;
pub mod group_motion;
pub mod group_progress;
pub mod hops;
pub mod http_answers;
pub(in crate::situation) mod inputs;
pub mod inspected_database;
pub mod log_signatures;
pub mod logs;
pub mod mended;
mod recurrence;
pub mod remedy_defaults;
pub mod replicas;
pub mod settling;
pub mod shared;
pub mod skipped_records;
pub mod stage_outcomes;
pub mod stages;
pub mod systems;
pub mod topics;
pub mod worker_state;
pub mod workload;

use crate::evidence::{AskedEvent, Evidence};
use crate::pipeline::Pipeline;
use crate::runbook::custom_fact::CustomFact;
use crate::runbook::log_kinds::LogKinds;
use api_calls::ApiCalls;
use database_servers::Servers;
use delivery::Deliveries;
use event_progress::EventProgress;
use hops::Hop;
use shared::Shared;
use skipped_records::Skips;
use stages::Event;
use std::ops::Deref;
use std::sync::Arc;

/// Everything that facts, remedies and reports read about one requested event.
pub struct Situation<'a> {
    /// The event, together with everything that all events share.
    pub event: Event<'a>,
    /// The database servers.
    pub servers: Servers<'a>,
    /// The event's records on the topics of its stages, and the dead letters.
    pub deliveries: Deliveries<'a>,
    /// The records that consumer groups skipped.
    pub skips: Skips,
    /// The documented API call for the event, if the pipeline declares one.
    pub calls: Option<ApiCalls<'a>>,
    /// The event's hops, in the pipeline's order.
    pub hops: Vec<Hop>,
}

impl<'a> Deref for Situation<'a> {
    type Target = Event<'a>;

    fn deref(&self) -> &Event<'a> {
        &self.event
    }
}

impl<'a> Situation<'a> {
    /// Builds the situation for the first event in the evidence.
    pub fn build(
        evidence: &'a Evidence,
        pipeline: &'a Pipeline,
        signatures: &'a LogKinds,
        custom_facts: &'a [CustomFact],
    ) -> Self {
        let shared = Arc::new(Shared::build(evidence, pipeline, signatures, custom_facts));
        Situation::for_event(&shared, evidence.first_event())
    }

    /// Builds the situation for one of several events.
    pub fn for_event(shared: &Arc<Shared<'a>>, event: Option<&'a AskedEvent>) -> Self {
        let event = Event::build(Arc::clone(shared), event);
        let deliveries = Deliveries::build(&event);
        let skips = Skips::build(&event, &deliveries);
        let calls = ApiCalls::build(&event);
        let hops = hops::build(&event, &deliveries, calls.as_ref());
        let servers = Servers::build(&event);
        Situation { event, servers, deliveries, skips, calls, hops }
    }

    /// Returns how far the requested event got.
    pub fn progress(&self) -> EventProgress {
        EventProgress::of(&self.hops, hops::has_arrived(&self.event))
    }
}
