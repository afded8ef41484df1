# Implements the faults in faults.toml, with one set of functions per id. Sourced by ./fault.
#
#   inject_ID   injects the fault into a healthy sandbox with purchases; returns once it
#               has taken effect
#   after_ID    completes the injection after more purchases
#   manual_ID   the manual step that the printed commands need first, such as editing the
#               compose file or resetting a switch that stands for a code change
#   undo_ID     removes a fault that has no manual step and that ./up does not fix
# shellcheck shell=bash

# Recreates a container with other values for the compose file's variables.
set_variables() { (export "${@:2}" && recreate "$1"); }
# Recreates containers with the default values.
reset_services() { for service in "$@"; do recreate "$service"; done; }
# Recreates a container with added YAML, like a careless edit of the compose file.
edit() {
    override "$1" "$2"
    # A container that cannot start may be the intended fault.
    recreate "$1" -f "$file" || true
}
# Removes the added YAML from the file, without recreating the container.
revert_edit() { printf 'services: {}\n' >"$overrides/$1.yml"; }

second_broker() {
    KAFKA_CLUSTER_ID=$(docker exec kodingcaravan-kafka sed -n 's/^cluster.id=//p' /var/lib/kafka/data/meta.properties)
    export KAFKA_CLUSTER_ID
    compose -f docker-compose.second-broker.yml up -d --no-deps --wait kafka-2
}
# Moves a topic's replicas to these brokers, such as `1,2`.
move_replicas() {
    printf '{"version": 1, "partitions": [%s]}' "$(printf '{"topic": "'"$1"'", "partition": %d, "replicas": ['"$2"']}\n' 0 1 2 | paste -sd ,)" |
        docker exec -i kodingcaravan-kafka sh -c 'cat >/tmp/reassignment.json'
    kafka kafka-reassign-partitions --reassignment-json-file /tmp/reassignment.json --execute >&2
    # Wait until the reassignment is complete.
    until ! kafka kafka-reassign-partitions --reassignment-json-file /tmp/reassignment.json --verify 2>&1 |
        grep -c 'still in progress' >&2; do sleep 1; done
}

inject_F00() { :; }

inject_F01() {
    compose rm -fs purchase-worker allocation-worker session-worker cache-worker
    # Recreate payment-service, so that its labels name only the compose file without workers.
    docker rm -f kodingcaravan-payment-service >/dev/null
    (cd "$sandbox" && docker compose --progress quiet -f docker-compose.yml up -d --wait --no-deps payment-service) >&2
}

inject_F02() { docker stop kodingcaravan-purchase-worker >/dev/null; }

inject_F03() { edit purchase-worker '    environment: {POSTGRES_URL: ""}'; }
manual_F03() { revert_edit purchase-worker; }

inject_F04() { edit session-worker $'    mem_limit: 20m\n    restart: "no"\n    entrypoint: [tail, /dev/zero]'; }
manual_F04() { revert_edit session-worker; }

inject_F05() { edit session-worker '    command: [/nope]'$'\n''    entrypoint: [/nope]'; }
manual_F05() { revert_edit session-worker; }

inject_F06() { docker kill -s STOP kodingcaravan-purchase-worker >/dev/null; }
# Wait longer than a client may need to reconnect to a restarted broker.
after_F06() { sleep 40; }
undo_F06() { docker kill -s CONT kodingcaravan-purchase-worker >/dev/null; }

inject_F07() { docker stop kodingcaravan-kafka >/dev/null; }

# The broker keeps its data.
inject_F08() {
    set_variables kafka KAFKA_ADVERTISED=broker.internal:9092
    sleep 6
}
manual_F08() { reset_services kafka; }

inject_F09() { kafka kafka-acls --add --deny-principal User:ANONYMOUS --operation Read --topic purchase-created >&2; }
manual_F09() { kafka kafka-acls --remove --force --topic purchase-created >&2; }

inject_F10() { kafka kafka-topics --delete --topic purchase-created >&2; }

inject_F11() {
    second_broker
    move_replicas purchase-created 2
    docker stop kodingcaravan-kafka-2 >/dev/null
}
manual_F11() { docker start kodingcaravan-kafka-2 >/dev/null; }

inject_F12() {
    second_broker
    move_replicas purchase-confirmed 1,2
    kafka kafka-configs --alter --entity-type topics --entity-name purchase-confirmed \
        --add-config min.insync.replicas=2 >&2
    docker stop kodingcaravan-kafka-2 >/dev/null
    # Give the first broker time to notice.
    sleep 6
}
manual_F12() {
    docker start kodingcaravan-kafka-2 >/dev/null
    sleep 8
}

inject_F13() { edit purchase-worker '    environment: {GROUP_ID: purchase-creation-worker}'; }
manual_F13() { revert_edit purchase-worker; }

inject_F13b() {
    kafka kafka-topics --create --topic purchase-confirmd --partitions 3 >&2
    edit purchase-worker '    environment: {TOPICS: purchase-confirmd}'
}
manual_F13b() { revert_edit purchase-worker; }

inject_F14() {
    set_variables session-worker DEAD_LETTERS=false
    local key
    # Enough keys to reach each of the three partitions.
    for key in 1 2 3 4 5 6; do
        printf '%s:not json\n' "$key"
    done | docker exec -i kodingcaravan-kafka kafka-console-producer --bootstrap-server kafka:9092 \
        --topic trainer-allocated --property parse.key=true --property key.separator=: >&2
}
manual_F14() { reset_services session-worker; }

inject_F15() {
    edit allocation-worker '    environment: {ALLOCATION_DELAY_MS: 20000, MAX_POLL_INTERVAL_MS: 6000}'
    # More purchases than the worker can handle while the tool observes it.
    for _ in {1..6}; do buy --no-wait >&2; done
}
manual_F15() { revert_edit allocation-worker; }

inject_F16() { set_variables payment-service PAYMENT_EMITS=false; }
manual_F16() { reset_services payment-service; }

inject_F17() { docker stop kodingcaravan-postgres >/dev/null; }

inject_F18() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c "alter role app password 'another'" \
        -c "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'" >/dev/null
}
manual_F18() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c "alter role app password 'sandbox-only'" >/dev/null
}

inject_F18b() {
    edit purchase-worker '    environment: {POSTGRES_URL: "postgres://app:mistyped@postgres:5432/kodingcaravan"}'
}
manual_F18b() { revert_edit purchase-worker; }

inject_F19() { sql "alter table student_course_purchases drop column purchase_tier" >&2; }
manual_F19() { sql "alter table student_course_purchases add column purchase_tier integer not null default 10" >&2; }

inject_F19b() { sql "alter table tutoring_sessions rename to tutoring_sessions_gone" >&2; }
manual_F19b() { sql "alter table tutoring_sessions_gone rename to tutoring_sessions" >&2; }

inject_F20() {
    for _ in {1..40}; do
        docker exec -d -e PGAPPNAME=report kodingcaravan-postgres psql -U app -d kodingcaravan -c 'select pg_sleep(600)'
    done
    # Restarting services frees their connections for the idle sessions.
    docker restart kodingcaravan-payment-service kodingcaravan-purchase-worker >/dev/null
    sleep 3
}
manual_F20() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c \
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'report'" >/dev/null
}

inject_F20b() {
    docker exec -d -e PGAPPNAME=migration kodingcaravan-postgres psql -U app -d kodingcaravan \
        -c 'begin' -c 'lock table trainer_allocations in access exclusive mode' -c 'select pg_sleep(600)'
}
manual_F20b() { sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'migration'" >&2; }

inject_F21() {
    set_variables admin-service ADMIN_LOSES_ROW=first
    set_variables allocation-worker VERIFY_ROW=false
}
manual_F21() { reset_services admin-service allocation-worker; }

inject_F22() { set_variables admin-service ADMIN_SILENT=true; }
manual_F22() { reset_services admin-service; }

inject_F23() { docker stop kodingcaravan-admin-service >/dev/null; }

inject_F24() { set_variables admin-service ADMIN_STATUS=500; }
manual_F24() { reset_services admin-service; }

inject_F24b() { set_variables admin-service ADMIN_STATUS=401; }
manual_F24b() { reset_services admin-service; }

# Adds or deletes a firewall rule in the worker's network namespace.
firewall() {
    local worker api
    worker=$(docker inspect -f '{{.State.Pid}}' kodingcaravan-allocation-worker)
    api=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' kodingcaravan-admin-service)
    nsenter -t "$worker" -n iptables "$1" OUTPUT -d "$api" -j DROP
}
inject_F25() { firewall -A; }
manual_F25() { firewall -D; }

inject_F26() {
    docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan >&2 <<'SQL'
alter table processed_events alter correlation_id type text;
create function prefixed() returns trigger language plpgsql as $$
begin new.correlation_id := 'payment-' || new.correlation_id; return new; end $$;
create trigger prefixed before insert on processed_events for each row
    when (new.source = 'payment-service') execute function prefixed();
SQL
}
manual_F26() {
    sql "drop trigger if exists prefixed on processed_events;
         delete from processed_events p where correlation_id like 'payment-%' and exists (select from processed_events q
             where q.event_type = p.event_type and 'payment-' || q.correlation_id = p.correlation_id);
         update processed_events set correlation_id = replace(correlation_id, 'payment-', '')" >&2
}

# The purchase is held back until its mark exists.
inject_F27() { docker stop kodingcaravan-purchase-worker >/dev/null; }
after_F27() {
    sql "insert into processed_events (event_id, event_type, correlation_id, payload, source, version, processed_at, created_at)
         select 'purchase-created-' || correlation_id, 'PURCHASE_CREATED', correlation_id, payload, 'allocation-worker', version,
                created_at - interval '1 hour', created_at - interval '1 hour'
           from processed_events where correlation_id = '$id' and event_type = 'PURCHASE_CONFIRMED'" >&2
    docker start kodingcaravan-purchase-worker >/dev/null
    sleep 10
}

# Delete the groups, so that they have no committed offsets.
inject_F28() {
    compose rm -fs purchase-worker allocation-worker session-worker cache-worker
    local group
    for group in purchase-creation trainer-allocation session-scheduling cache-invalidation; do
        until kafka kafka-consumer-groups --delete --group "$group-workers" >&2; do sleep 1; done
    done
}
after_F28() {
    local worker
    for worker in purchase-worker allocation-worker session-worker cache-worker; do
        set_variables "$worker" START_AT=latest
    done
    sleep 10
}
manual_F28() { reset_services purchase-worker allocation-worker session-worker cache-worker; }

inject_F29() {
    set_variables cache-worker CACHE_MARKS_EVENTS=true
    set_variables allocation-worker ALLOCATION_DELAY_MS=500
    sleep 3
}
manual_F29() { reset_services cache-worker allocation-worker; }

inject_F30() { docker pause kodingcaravan-kafka >/dev/null; }
after_F30() {
    docker unpause kodingcaravan-kafka >/dev/null
    sleep 10
}

inject_F31() { edit payment-service '    environment: {KAFKA_BROKERS: "localhost:9092"}' && sleep 2; }
manual_F31() { revert_edit payment-service; }

inject_F32() { set_variables admin-service NOBODY_FREE=true; }
manual_F32() {
    reset_services admin-service
    sql "update trainer_allocations set status = 'approved', trainer_id = (select id from trainers limit 1)
          where status = 'pending'" >&2
}

inject_F33() { set_variables allocation-worker ALLOCATION_CALLS_API=false; }
manual_F33() { reset_services allocation-worker; }

inject_F34() { docker stop kodingcaravan-purchase-worker >/dev/null; }
after_F34() {
    kafka kafka-consumer-groups --group purchase-creation-workers --topic purchase-confirmed \
        --reset-offsets --to-latest --execute >&2
    docker start kodingcaravan-purchase-worker >/dev/null
    sleep 10
}

inject_F35() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c 'create database staging owner app' >&2
    docker exec kodingcaravan-postgres psql -q -U app -d staging -f /schema.sql >&2
    edit purchase-worker '    environment: {POSTGRES_URL: "postgres://app:sandbox-only@postgres:5432/staging"}'
    sleep 3
}
manual_F35() { revert_edit purchase-worker; }

inject_F36() {
    inject_F21
    # The next `up` resets the tag to the right image.
    printf 'FROM kodingcaravan/services\nLABEL rebuilt=true\n' |
        DOCKER_BUILDKIT=0 docker build -q -t kodingcaravan/services:latest - >&2
}
manual_F36() { reset_services admin-service; }

inject_F37() {
    sql "alter table student_course_purchases add constraint tier_known check (purchase_tier < 5) not valid" >&2
}
manual_F37() { sql "alter table student_course_purchases drop constraint tier_known" >&2; }

inject_F38() {
    docker stop kodingcaravan-admin-service >/dev/null
    docker run -d --rm --name sandbox-port-holder -p 3010:3010 kodingcaravan/base:bookworm sleep 900 >&2
    docker start kodingcaravan-admin-service >/dev/null 2>&1 || true
}
manual_F38() { docker rm -f sandbox-port-holder >/dev/null; }

# The producer is killed, so nobody ends its transaction until it times out.
inject_F39() {
    docker exec -d kodingcaravan-kafka sh -c 'echo $$ >/tmp/producer
        exec kafka-producer-perf-test --topic purchase-confirmed --num-records 100000 --record-size 100 --throughput 10 \
            --transactional-id nightly-import --transaction-duration-ms 800000 \
            --producer-props bootstrap.servers=kafka:9092 transaction.timeout.ms=850000 batch.size=1'
    sleep 15
    docker exec kodingcaravan-kafka sh -c 'kill -KILL "$(cat /tmp/producer)"'
}

inject_F40() { docker stop kodingcaravan-purchase-worker >/dev/null; }
# As retention does after a while.
after_F40() {
    docker exec -i kodingcaravan-kafka sh -c 'cat >/tmp/delete.json' <<'JSON'
{"version": 1, "partitions": [{"topic": "purchase-confirmed", "partition": 0, "offset": -1},
 {"topic": "purchase-confirmed", "partition": 1, "offset": -1}, {"topic": "purchase-confirmed", "partition": 2, "offset": -1}]}
JSON
    kafka kafka-delete-records --offset-json-file /tmp/delete.json >&2
    docker start kodingcaravan-purchase-worker >/dev/null
    sleep 10
}

# The offsets topic is created with the first group, so the broker begins anew.
inject_F41() {
    compose rm -fsv kafka
    docker volume rm kodingcaravan_kafka-data >/dev/null
    set_variables kafka KAFKA_OFFSETS_REPLICAS=3
    sleep 8
    compose up --no-deps kafka-init
    sleep 15
}
manual_F41() { reset_services kafka; }

inject_F42() { kafka kafka-topics --delete --topic dead-letter-queue >&2; }

inject_F43() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c 'create database copy owner app' >&2
    docker exec kodingcaravan-postgres psql -q -U app -d copy -f /schema.sql >&2
    doctor_flags=(--postgres postgres://app:sandbox-only@localhost:5432/copy)
}
manual_F43() { doctor_flags=(); }

inject_F44() { inject_F19; }
# The worker gives up after five attempts.
after_F44() {
    sleep 20
    manual_F19
}

inject_F45() { set_variables admin-service NOBODY_FREE=true DELETED_TRAINER=true; }
manual_F45() { manual_F32; }

inject_F46() {
    set_variables allocation-worker DEAD_LETTERS=false
    docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan >&2 <<'SQL'
create function prefixed_uuid() returns trigger language plpgsql as $$
begin new.correlation_id := ('purchase-' || new.correlation_id)::uuid; return new; end $$;
create trigger prefixed_uuid before insert on processed_events for each row
    when (new.source = 'allocation-worker') execute function prefixed_uuid();
SQL
}
manual_F46() {
    sql "drop trigger prefixed_uuid on processed_events; drop function prefixed_uuid()" >&2
    reset_services allocation-worker
}

inject_F47() {
    override purchase-worker '    container_name: !reset null'
    compose -f "$file" up -d --no-deps --scale purchase-worker=2 purchase-worker
    sleep 5
    docker kill kodingcaravan-purchase-worker-2 >/dev/null
}
undo_F47() {
    revert_edit purchase-worker
    docker rm -f kodingcaravan-purchase-worker-1 kodingcaravan-purchase-worker-2 >/dev/null
}

inject_F48() {
    cp -- "$sandbox/.env" "$overrides/prod.env"
    compose --env-file "$overrides/prod.env" up -d --wait --no-deps --force-recreate payment-service \
        purchase-worker allocation-worker session-worker cache-worker
    compose rm -fs purchase-worker
}

inject_F49() {
    edit purchase-worker $'    restart: always\n    entrypoint: [sh, -c, "echo \\"Error: Cannot find module \'/app/dist/worker.js\'\\" >&2; exit 1"]'
}
manual_F49() { revert_edit purchase-worker; }

inject_F50() { docker stop kodingcaravan-purchase-worker >/dev/null; }
after_F50() {
    kafka kafka-topics --delete --topic purchase-confirmed >&2
    sleep 2
    kafka kafka-topics --create --topic purchase-confirmed --partitions 3 >&2
    docker start kodingcaravan-purchase-worker >/dev/null
    buy --no-wait >&2
    sleep 15
}
