//! The registry: every fact by its name, what it says, and where it is read.

use crate::fact::model::{Fact, Facts};
use crate::fact::{
    call, changes, clocks, containers, event, groups, lines, logs, own, records, sessions, stages, systems,
    topics,
};
use crate::runbook::known::Known;
use crate::runbook::own::OwnFact;
use crate::runbook::scope::Scope;
use crate::runbook::signature::Signature;
use crate::runbook::value::Kind;
use crate::situation::Situation;
use crate::situation::answers::ServiceHealth;
use crate::situation::calls;
use crate::situation::changes::{AddressState, ConfigState, DatabaseUsed, ImageState, StartedWhen};
use crate::situation::ladder::WorkloadState;
use crate::situation::motion::Motion;
use crate::situation::outcomes::StageProgress;
use crate::situation::settling::Settled;
use crate::situation::stages::{EffectStatus, MarkState};
use crate::situation::workload::{ContainerState, Declaration, End, Health};

/// A fact that can be derived: one line of the registry.
pub struct FactSpec {
    /// Its name, as checks use it.
    pub name: &'static str,
    /// What it says and where it comes from.
    pub doc: &'static str,
    /// What it is about.
    pub scopes: &'static [Scope],
    /// What values it can have.
    pub kind: Kind,
    derive: fn(&Situation) -> Vec<Fact>,
}

const PARTS: &[Scope] =
    &[Scope::Worker, Scope::Emitter, Scope::Api, Scope::Broker, Scope::Database, Scope::Part];

/// All facts, in display order.
pub const FACTS: &[FactSpec] = &[
    FactSpec {
        name: "compose.declared",
        doc: "whether the compose file declares the service, and with how many replicas",
        scopes: PARTS,
        kind: Kind::Words(Declaration::WORDS),
        derive: containers::declared,
    },
    FactSpec {
        name: "container.rung",
        doc: "how far its container has come (Docker: State.Status, RestartCount, StartedAt)",
        scopes: PARTS,
        kind: Kind::Words(ContainerState::WORDS),
        derive: containers::rung,
    },
    FactSpec {
        name: "container.end",
        doc: "why its container does not run (Docker: exit code, OOMKilled, Error)",
        scopes: PARTS,
        kind: Kind::Words(End::WORDS),
        derive: containers::end,
    },
    FactSpec {
        name: "container.health",
        doc: "what its container's own health check says (Docker: State.Health)",
        scopes: PARTS,
        kind: Kind::Words(Health::WORDS),
        derive: containers::health,
    },
    FactSpec {
        name: "container.image",
        doc: "whether it runs the image that its tag stands for now (Docker: Image, /images/{name}/json)",
        scopes: PARTS,
        kind: Kind::Words(ImageState::WORDS),
        derive: changes::image,
    },
    FactSpec {
        name: "container.config",
        doc: "whether it was made from what the compose file and .env give now (label config-hash, docker compose config)",
        scopes: PARTS,
        kind: Kind::Words(ConfigState::WORDS),
        derive: changes::config,
    },
    FactSpec {
        name: "container.addresses",
        doc: "whether the addresses in its environment lead out of it and resolve (Docker: Config.Env; name server)",
        scopes: PARTS,
        kind: Kind::Words(AddressState::WORDS),
        derive: changes::addresses,
    },
    FactSpec {
        name: "container.database",
        doc: "whether the database in its environment is the one that was looked at (Docker: Config.Env)",
        scopes: PARTS,
        kind: Kind::Words(DatabaseUsed::WORDS),
        derive: changes::database,
    },
    FactSpec {
        name: "container.since",
        doc: "whether it was started before or after the event (Docker: State.StartedAt)",
        scopes: PARTS,
        kind: Kind::Words(StartedWhen::WORDS),
        derive: changes::since,
    },
    FactSpec {
        name: "worker.settling",
        doc: "whether it, or the broker, was started just now and it is not yet in its group (Docker: \
              State.StartedAt; DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(Settled::WORDS),
        derive: groups::settling,
    },
    FactSpec {
        name: "worker.rung",
        doc: "how far the worker has come, from its declaration to taking what arrives \
              (compose file, Docker, DescribeConsumerGroups, OffsetFetch, container log)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(WorkloadState::WORDS),
        derive: groups::rung,
    },
    FactSpec {
        name: "kafka.reachable",
        doc: "whether the broker answers (Metadata request)",
        scopes: &[Scope::Broker],
        kind: Kind::Bool,
        derive: systems::kafka_reachable,
    },
    FactSpec {
        name: "kafka.advertised",
        doc: "whether the addresses that the brokers advertise resolve: from here, or for containers of the project \
              (Metadata; Docker names)",
        scopes: &[Scope::Broker],
        kind: Kind::Bool,
        derive: systems::advertised,
    },
    FactSpec {
        name: "topic.exists",
        doc: "whether the broker knows the topic, asked by name (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::exists,
    },
    FactSpec {
        name: "topic.led",
        doc: "whether the topic has partitions and each has a leader (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::led,
    },
    FactSpec {
        name: "topic.takes_writes",
        doc: "whether as many replicas are in sync as a write needs (Kafka: Metadata, DescribeConfigs)",
        scopes: &[Scope::Topic],
        kind: Kind::Bool,
        derive: topics::takes_writes,
    },
    FactSpec {
        name: "topic.under_replicated",
        doc: "partitions with fewer replicas in sync than they should have (Metadata request)",
        scopes: &[Scope::Topic],
        kind: Kind::Count,
        derive: topics::under_replicated,
    },
    FactSpec {
        name: "group.members",
        doc: "members of the worker's consumer group (DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: groups::members,
    },
    FactSpec {
        name: "group.as_declared",
        doc: "whether its container is a member of the group that is declared for it, and not of another \
              (DescribeConsumerGroups: member hosts; Docker: addresses)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: groups::as_declared,
    },
    FactSpec {
        name: "group.partitions",
        doc: "partitions of the worker's topics that the members of its group have (DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: groups::partitions,
    },
    FactSpec {
        name: "topic.other_readers",
        doc: "groups that the pipeline does not name and that read the topic (ListGroups, DescribeConsumerGroups)",
        scopes: &[Scope::Topic],
        kind: Kind::Count,
        derive: topics::other_readers,
    },
    FactSpec {
        name: "group.skipped",
        doc: "records that the group has members for, never took up and whose events are stuck \
              (OffsetFetch: nothing committed; ListOffsets: end beyond earliest)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: groups::skipped,
    },
    FactSpec {
        name: "group.jumped_over",
        doc: "records of the event that its group has passed although the worker was there before them and never \
              received them (Fetch, OffsetFetch, container log; Docker: Created)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: groups::jumped_over,
    },
    FactSpec {
        name: "group.motion",
        doc: "what the worker's group does, by ends and commits looked at several times \
              (ListOffsets, OffsetFetch; --settle)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(Motion::WORDS),
        derive: groups::motion,
    },
    FactSpec {
        name: "record.present",
        doc: "whether the event's record is on the stage's topic, where the event came so far (Fetch)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: records::present,
    },
    FactSpec {
        name: "record.taken",
        doc: "whether the group has committed past the event's record, where its effect is missing \
              (Fetch, OffsetFetch); no proof that the worker received it",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: records::is_taken,
    },
    FactSpec {
        name: "dead.of_event",
        doc: "records of the dead letter topic that name the id, of a stage without effect (Fetch)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: records::dead_of_event,
    },
    FactSpec {
        name: "dead.of_window",
        doc: "records of the dead letter topic since the event, or in the window (Fetch)",
        scopes: &[Scope::Worker],
        kind: Kind::Count,
        derive: records::dead_of_window,
    },
    FactSpec {
        name: "log.started",
        doc: "whether the worker's log holds the line of its start (container log)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: containers::started_line,
    },
    FactSpec {
        name: "log.lines_absent",
        doc: "diagnostic lines of the runbook that its log lacks for the id although it was read completely (container log)",
        scopes: PARTS,
        kind: Kind::Count,
        derive: lines::absent,
    },
    FactSpec {
        name: "postgres.reachable",
        doc: "whether the database server answers",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: systems::postgres_reachable,
    },
    FactSpec {
        name: "postgres.login",
        doc: "whether the database lets us in (SQLSTATE 28P01, 28000, 3D000)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: systems::postgres_login,
    },
    FactSpec {
        name: "postgres.schema_missing",
        doc: "look-ups that failed because a table or column is not there (SQLSTATE 42P01, 42703)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: systems::schema_missing,
    },
    FactSpec {
        name: "postgres.elsewhere",
        doc: "tables that are missed on the search path and that another schema has (pg_class)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: systems::elsewhere,
    },
    FactSpec {
        name: "postgres.locks",
        doc: "locks that keep others from a table and last for more than 3 s (pg_locks, pg_stat_activity)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: sessions::locks,
    },
    FactSpec {
        name: "postgres.idle",
        doc: "transactions that were left open for more than a minute (pg_stat_activity)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: sessions::idle,
    },
    FactSpec {
        name: "postgres.exhausted",
        doc: "whether no connection is left (SQLSTATE 53300; pg_stat_activity against max_connections)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: sessions::exhausted,
    },
    FactSpec {
        name: "postgres.indexed",
        doc: "whether an index begins with the id's column of the marks table (pg_index)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: sessions::indexed,
    },
    FactSpec {
        name: "event.recorded",
        doc: "rows of the id in the marks table, found by = or by LIKE",
        scopes: &[Scope::Event],
        kind: Kind::Count,
        derive: event::recorded,
    },
    FactSpec {
        name: "event.exact",
        doc: "whether = finds the id's rows, and not LIKE alone",
        scopes: &[Scope::Event],
        kind: Kind::Bool,
        derive: event::exact,
    },
    FactSpec {
        name: "stage.mark",
        doc: "who has marked the stage's event as processed (marks table); `done`: not its owner, but the effect is there",
        scopes: &[Scope::Stage],
        kind: Kind::Words(MarkState::WORDS),
        derive: stages::mark,
    },
    FactSpec {
        name: "stage.dropped",
        doc: "whether the worker received the event and went on without doing anything about it \
              (record, OffsetFetch, container log, marks)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: stages::dropped,
    },
    FactSpec {
        name: "stage.progress",
        doc: "how far the event has come at the stage: on its topic, passed by the group, marked, with its effect \
              (Fetch, OffsetFetch, marks table, the stage's SQL)",
        scopes: &[Scope::Stage],
        kind: Kind::Words(StageProgress::WORDS),
        derive: stages::progress,
    },
    FactSpec {
        name: "stage.effect",
        doc: "the id's effect rows that are not older than its event (the stage's SQL)",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: stages::effect,
    },
    FactSpec {
        name: "stage.effect_status",
        doc: "the status of the id's newest effect row (the stage's SQL)",
        scopes: &[Scope::Stage],
        kind: Kind::Words(EffectStatus::WORDS),
        derive: stages::effect_status,
    },
    FactSpec {
        name: "stage.marked_without_effect",
        doc: "events that the stage's owner has marked as processed and that lack their effect (the id, and the window)",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: stages::marked_without_effect,
    },
    FactSpec {
        name: "stage.stuck",
        doc: "events of the window that reached the stage and lack its effect (the stage's SQL over the window)",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: stages::stuck,
    },
    FactSpec {
        name: "call.logged",
        doc: "whether the service has logged the call for the id's key (container log)",
        scopes: &[Scope::Api],
        kind: Kind::Words(calls::Logged::WORDS),
        derive: call::logged,
    },
    FactSpec {
        name: "call.answer",
        doc: "what the worker logged as the answer to the call for the id (container log)",
        scopes: &[Scope::Api],
        kind: Kind::Words(calls::Answer::WORDS),
        derive: call::answer,
    },
    FactSpec {
        name: "call.reached",
        doc: "whether the worker's newest call for the id was answered at all (container log)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: call::reached,
    },
    FactSpec {
        name: "call.answered_without_row",
        doc: "calls for the id that the worker logged as answered well although the stage's row is absent",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: call::answered_without_row,
    },
    FactSpec {
        name: "http.health",
        doc: "what the service's health endpoint answers (GET)",
        scopes: &[Scope::Emitter, Scope::Api],
        kind: Kind::Words(ServiceHealth::WORDS),
        derive: systems::health,
    },
    FactSpec {
        name: "http.status",
        doc: "whether a harmless request is answered with a status of success (GET)",
        scopes: &[Scope::Api],
        kind: Kind::Bool,
        derive: systems::status,
    },
    FactSpec {
        name: "http.contract",
        doc: "whether the harmless request is answered as declared, judged by its body (GET)",
        scopes: &[Scope::Api],
        kind: Kind::Bool,
        derive: systems::contract,
    },
    FactSpec {
        name: "clock.ahead",
        doc: "milliseconds by which a system's clock is surely wrong beside this machine's (Docker: /info; PostgreSQL: \
              clock_timestamp(); HTTP: Date; Kafka: records of the future)",
        scopes: &[Scope::System],
        kind: Kind::Count,
        derive: clocks::ahead,
    },
];

/// What is known of the facts of the registry without looking, in display order.
pub fn registry() -> Vec<Known<'static>> {
    let known =
        |spec: &FactSpec| Known { name: spec.name, doc: spec.doc, scopes: spec.scopes, kind: spec.kind };
    FACTS.iter().map(known).collect()
}

/// Reads all facts off a situation.
pub fn facts(situation: &Situation, signatures: &[Signature], own: &[OwnFact]) -> Facts {
    let fixed = FACTS.iter().map(|spec| (spec.name.to_string(), (spec.derive)(situation)));
    let of_logs = signatures.iter().map(|signature| (signature.fact(), logs::clear(situation, signature)));
    let own = own.iter().map(|fact| (fact.name().to_string(), own::derive(situation, fact)));
    Facts(fixed.chain(of_logs).chain(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (i, spec) in FACTS.iter().enumerate() {
            assert!(FACTS[..i].iter().all(|other| other.name != spec.name), "{}", spec.name);
        }
    }
}
