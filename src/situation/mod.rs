//! The situation: evidence joined once, bottom-up, in a fixed order, as typed values.
//! Whatever is above reads it and opens no evidence. Pure.
//!
//! Each file uses only those before it: `source`, `systems`, `asked`, `clock`, `workload`,
//! `progress`, `settling`, `backlog`, `logs`, `motion`, `ladder`, `brokers`, `topics`,
//! `answers`, `changes` make up what is the same for every event ([`shared`]); `stages`, `servers`,
//! `custom`, `delivery`, `skips`, `calls`, `hops`, and then `outcomes`,
//! `membership`, `lines`, `troubles`, `siblings` and `target` are of the one that was
//! asked about.

pub mod answers;
pub mod asked;
pub mod backlog;
pub mod brokers;
pub mod calls;
pub mod changes;
pub mod clock;
pub mod custom;
pub mod delivery;
pub mod hops;
pub mod ladder;
pub mod lines;
pub mod logs;
pub mod membership;
pub mod motion;
pub mod outcomes;
pub mod progress;
pub mod servers;
pub mod settling;
pub mod shared;
pub mod siblings;
pub mod skips;
pub(in crate::situation) mod source;
pub mod stages;
pub mod systems;
pub mod target;
pub mod topics;
pub mod troubles;
pub mod workload;

use crate::evidence::{AskedEvent, Evidence};
use crate::pipeline::Pipeline;
use crate::runbook::own::OwnFact;
use crate::runbook::signature::Signature;
use calls::Calls;
use delivery::Deliveries;
use hops::Hop;
use servers::Servers;
use shared::Shared;
use skips::Skips;
use stages::Event;
use std::ops::Deref;
use std::sync::Arc;

/// Everything that facts, remedies and reports read, of one asked event.
pub struct Situation<'a> {
    /// The event, and with it what is the same for all events.
    pub event: Event<'a>,
    /// The database servers.
    pub servers: Servers<'a>,
    /// Its records.
    pub deliveries: Deliveries<'a>,
    /// What the groups came past.
    pub skips: Skips,
    /// The documented call for it, if the pipeline declares one.
    pub calls: Option<Calls<'a>>,
    /// Its hops, in the pipeline's order.
    pub hops: Vec<Hop>,
}

impl<'a> Deref for Situation<'a> {
    type Target = Event<'a>;

    fn deref(&self) -> &Event<'a> {
        &self.event
    }
}

impl<'a> Situation<'a> {
    /// The situation of the first event that the evidence is about.
    pub fn of(
        evidence: &'a Evidence,
        pipeline: &'a Pipeline,
        signatures: &'a [Signature],
        own: &'a [OwnFact],
    ) -> Self {
        let shared = Arc::new(Shared::build(evidence, pipeline, signatures, own));
        Situation::about(&shared, evidence.first_event())
    }

    /// That of one of several events.
    pub fn about(shared: &Arc<Shared<'a>>, event: Option<&'a AskedEvent>) -> Self {
        let event = Event::build(Arc::clone(shared), event);
        let deliveries = Deliveries::build(&event);
        let skips = Skips::build(&event, &deliveries);
        let calls = Calls::build(&event);
        let hops = hops::build(&event, &deliveries, calls.as_ref());
        let servers = Servers::build(&event);
        Situation { event, servers, deliveries, skips, calls, hops }
    }

    /// Whether the event has come through the last stage of each of its ways.
    pub fn has_arrived(&self) -> bool {
        hops::has_arrived(&self.event)
    }
}
