//! The registry of all built-in facts: name, documentation, scopes, kind, and reader.

use crate::fact::kafka_registry::KAFKA;
use crate::fact::spec::FactSpec;
use crate::fact::{
    api_call, clocks, consumer_groups, container_changes, containers, database_sessions, diagnostic_lines,
    event, log_signatures, stages, systems,
};
use crate::runbook::fact_info::FactInfo;
use crate::runbook::fact_value::Kind;
use crate::runbook::scope::Scope;
use crate::situation::api_calls;
use crate::situation::container_changes::{AddressState, ConfigState, DatabaseUsed, ImageState, StartedWhen};
use crate::situation::declaration::Declaration;
use crate::situation::http_answers::ServiceHealth;
use crate::situation::settling::Settled;
use crate::situation::stage_outcomes::StageProgress;
use crate::situation::stages::{EffectStatus, MarkState};
use crate::situation::worker_state::WorkloadState;
use crate::situation::workload::{ContainerState, End, Health, Start};

const COMPONENTS: &[Scope] =
    &[Scope::Worker, Scope::Emitter, Scope::Api, Scope::Broker, Scope::Database, Scope::Component];

/// The facts about containers, in display order.
const CONTAINERS: &[FactSpec] = &[
    FactSpec {
        name: "systems.reached",
        doc: "whether any of the container runtime, the brokers and the databases answers, if several were asked",
        scopes: &[Scope::Event],
        kind: Kind::Bool,
        derive: systems::reached,
    },
    FactSpec {
        name: "compose.declared",
        doc: "whether the compose file declares the service with at least one replica",
        scopes: COMPONENTS,
        kind: Kind::Words(Declaration::WORDS),
        derive: containers::declared,
    },
    FactSpec {
        name: "container.state",
        doc: "the state of the component's container (Docker: State.Status, RestartCount, StartedAt)",
        scopes: COMPONENTS,
        kind: Kind::Words(ContainerState::WORDS),
        derive: containers::state,
    },
    FactSpec {
        name: "container.replicas_down",
        doc: "how many of the component's replicas do not run, if there are or should be several (Docker: State.Status; \
              Compose: scale, deploy.replicas)",
        scopes: COMPONENTS,
        kind: Kind::Count,
        derive: containers::replicas_down,
    },
    FactSpec {
        name: "container.end",
        doc: "why the container is not running (Docker: exit code, OOMKilled, Error)",
        scopes: COMPONENTS,
        kind: Kind::Words(End::WORDS),
        derive: containers::end,
    },
    FactSpec {
        name: "container.start",
        doc: "why the engine could not start the container (Docker: Error)",
        scopes: COMPONENTS,
        kind: Kind::Words(Start::WORDS),
        derive: containers::start,
    },
    FactSpec {
        name: "container.health",
        doc: "the result of the container's own health check (Docker: State.Health)",
        scopes: COMPONENTS,
        kind: Kind::Words(Health::WORDS),
        derive: containers::health,
    },
    FactSpec {
        name: "container.image",
        doc: "whether the container runs the current image of its tag (Docker: Image, /images/{name}/json)",
        scopes: COMPONENTS,
        kind: Kind::Words(ImageState::WORDS),
        derive: container_changes::image,
    },
    FactSpec {
        name: "container.config",
        doc: "whether the container was created from the current compose file and .env \
              (label config-hash, docker compose config)",
        scopes: COMPONENTS,
        kind: Kind::Words(ConfigState::WORDS),
        derive: container_changes::config,
    },
    FactSpec {
        name: "container.addresses",
        doc: "whether the addresses in the container's environment point to other hosts and resolve \
              (Docker: Config.Env; DNS)",
        scopes: COMPONENTS,
        kind: Kind::Words(AddressState::WORDS),
        derive: container_changes::addresses,
    },
    FactSpec {
        name: "container.database",
        doc: "whether the database in the container's environment is the inspected one (Docker: Config.Env)",
        scopes: COMPONENTS,
        kind: Kind::Words(DatabaseUsed::WORDS),
        derive: container_changes::database,
    },
    FactSpec {
        name: "container.since",
        doc: "whether the container started before or after the event (Docker: State.StartedAt)",
        scopes: COMPONENTS,
        kind: Kind::Words(StartedWhen::WORDS),
        derive: container_changes::since,
    },
    FactSpec {
        name: "worker.settling",
        doc: "whether the worker has not joined its group yet because it or the broker has just started \
              (Docker: State.StartedAt; DescribeConsumerGroups)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(Settled::WORDS),
        derive: consumer_groups::settling,
    },
    FactSpec {
        name: "worker.state",
        doc: "the state of the worker, from not declared to advancing \
              (compose file, Docker, DescribeConsumerGroups, OffsetFetch, container log)",
        scopes: &[Scope::Worker],
        kind: Kind::Words(WorkloadState::WORDS),
        derive: consumer_groups::state,
    },
];

/// The facts about logs, databases, calls and clocks, in display order.
const OTHERS: &[FactSpec] = &[
    FactSpec {
        name: "log.started",
        doc: "whether the worker logged its startup line (container log)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: containers::started_line,
    },
    FactSpec {
        name: "log.lines_absent",
        doc: "the runbook's diagnostic lines for the id that a completely read log lacks (container log)",
        scopes: COMPONENTS,
        kind: Kind::Count,
        derive: diagnostic_lines::absent,
    },
    FactSpec {
        name: "log.unrecognised_error",
        doc: "whether a log has an error of no known kind that names the event, or where the event is stuck (container log)",
        scopes: COMPONENTS,
        kind: Kind::Bool,
        derive: log_signatures::unrecognised_error,
    },
    FactSpec {
        name: "log.mended",
        doc: "whether the reason for which the worker failed on a stuck event has been mended since (container log, \
              dead letters; pg_attribute, rows of later events)",
        scopes: &[Scope::Worker],
        kind: Kind::Bool,
        derive: log_signatures::mended,
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
        doc: "whether the database accepts the login (SQLSTATE 28P01, 28000, 3D000)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: systems::postgres_login,
    },
    FactSpec {
        name: "postgres.of_services",
        doc: "whether the main database is the one in the services' environments, as its server sees itself \
              (current_database, inet_server_addr; Docker: Config.Env)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: systems::of_services,
    },
    FactSpec {
        name: "postgres.login_here",
        doc: "false if the database rejects a login that was given by a flag or variable",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: systems::postgres_login_here,
    },
    FactSpec {
        name: "postgres.schema_missing",
        doc: "lookups that failed because a table or column is missing (SQLSTATE 42P01, 42703)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: systems::schema_missing,
    },
    FactSpec {
        name: "postgres.elsewhere",
        doc: "tables that are not on the search path but exist in another schema (pg_class)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: systems::elsewhere,
    },
    FactSpec {
        name: "postgres.locks",
        doc: "locks that block access to a table and have been held for more than 3 s (pg_locks, pg_stat_activity)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: database_sessions::locks,
    },
    FactSpec {
        name: "postgres.idle",
        doc: "transactions left open for more than a minute (pg_stat_activity)",
        scopes: &[Scope::Database],
        kind: Kind::Count,
        derive: database_sessions::idle,
    },
    FactSpec {
        name: "postgres.exhausted",
        doc: "whether all connections are in use (SQLSTATE 53300; pg_stat_activity against max_connections)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: database_sessions::exhausted,
    },
    FactSpec {
        name: "postgres.indexed",
        doc: "whether the marks table has an index that starts with the id column (pg_index)",
        scopes: &[Scope::Database],
        kind: Kind::Bool,
        derive: database_sessions::indexed,
    },
    FactSpec {
        name: "event.recorded",
        doc: "rows with the id in the marks table, found by = or LIKE",
        scopes: &[Scope::Event],
        kind: Kind::Count,
        derive: event::recorded,
    },
    FactSpec {
        name: "event.exact",
        doc: "whether =, not only LIKE, finds the rows with the id",
        scopes: &[Scope::Event],
        kind: Kind::Bool,
        derive: event::exact,
    },
    FactSpec {
        name: "stage.mark",
        doc: "who has marked the stage's event as processed (marks table); \
              `done` means that its owner has not, but the effect exists",
        scopes: &[Scope::Stage],
        kind: Kind::Words(MarkState::WORDS),
        derive: stages::mark,
    },
    FactSpec {
        name: "stage.dropped",
        doc: "whether the worker received the event and dropped it \
              (record, OffsetFetch, container log, marks)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: stages::dropped,
    },
    FactSpec {
        name: "stage.progress",
        doc: "the progress of the event at the stage: on its topic, passed by the group, marked, with its effect \
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
        doc: "events that the stage's owner has marked as processed but that lack their effect \
              (for the id and in the window)",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: stages::marked_without_effect,
    },
    FactSpec {
        name: "stage.stuck",
        doc: "events in the window that reached the stage but lack its effect (the stage's SQL over the window)",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: stages::stuck,
    },
    FactSpec {
        name: "call.logged",
        doc: "whether the service logged the call for the id's key (container log)",
        scopes: &[Scope::Api],
        kind: Kind::Words(api_calls::Logged::WORDS),
        derive: api_call::logged,
    },
    FactSpec {
        name: "call.answer",
        doc: "the answer to the call for the id as logged by the worker (container log)",
        scopes: &[Scope::Api],
        kind: Kind::Words(api_calls::Answer::WORDS),
        derive: api_call::answer,
    },
    FactSpec {
        name: "call.reached",
        doc: "whether the worker's newest call for the id received any answer (container log)",
        scopes: &[Scope::Stage],
        kind: Kind::Bool,
        derive: api_call::reached,
    },
    FactSpec {
        name: "call.answered_without_row",
        doc: "calls for the id that the worker logged as successful although the stage's row is missing",
        scopes: &[Scope::Stage],
        kind: Kind::Count,
        derive: api_call::answered_without_row,
    },
    FactSpec {
        name: "http.health",
        doc: "the answer from the service's health endpoint (GET)",
        scopes: &[Scope::Emitter, Scope::Api],
        kind: Kind::Words(ServiceHealth::WORDS),
        derive: systems::health,
    },
    FactSpec {
        name: "http.status",
        doc: "whether the harmless request is answered with a success status (GET)",
        scopes: &[Scope::Api],
        kind: Kind::Bool,
        derive: systems::status,
    },
    FactSpec {
        name: "http.contract",
        doc: "whether the body of the answer to the harmless request matches the declaration (GET)",
        scopes: &[Scope::Api],
        kind: Kind::Bool,
        derive: systems::contract,
    },
    FactSpec {
        name: "clock.ahead",
        doc: "minimum difference in milliseconds between a system's clock and this machine's (Docker: /info; PostgreSQL: \
              clock_timestamp(); HTTP: Date; Kafka: records dated in the future)",
        scopes: &[Scope::System],
        kind: Kind::Count,
        derive: clocks::ahead,
    },
];

/// Returns all facts, in display order.
pub fn specs() -> impl Iterator<Item = &'static FactSpec> {
    CONTAINERS.iter().chain(KAFKA).chain(OTHERS)
}

/// Returns the built-in facts that checks may refer to, in display order.
pub fn registry() -> Vec<FactInfo<'static>> {
    let known =
        |spec: &FactSpec| FactInfo { name: spec.name, doc: spec.doc, scopes: spec.scopes, kind: spec.kind };
    specs().map(known).collect()
}
