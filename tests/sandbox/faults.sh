# How each fault of faults.toml comes about (`inject_ID`), and what a human does
# to mend it before the printed commands can do the rest (`human_ID`): put back a
# switch that stands for code, edit the compose file, apply a migration. What is
# mended by printed commands alone and not by ./up has its `undo_ID`. Sourced by
# fault. An `inject_ID` begins in a healthy sandbox through which purchases
# have gone, and returns when the fault is there.
# shellcheck shell=bash

# A container with another setting of the compose file's variables.
set_to() { (export "${@:2}" && alone "$1"); }
# As the compose file says, with its own variables.
put_back() { for service in "$@"; do alone "$service"; done; }
# A container with lines of YAML added, as a careless edit of the file would.
edited() {
    override "$1" "$2"
    # A container that cannot be started is a fault, too.
    alone "$1" -f "$file" || true
}
# The same file, without the mistake.
corrected() { printf 'services: {}\n' >"$overrides/$1.yml"; }

second_broker() {
    KAFKA_CLUSTER_ID=$(docker exec kodingcaravan-kafka sed -n 's/^cluster.id=//p' /var/lib/kafka/data/meta.properties)
    export KAFKA_CLUSTER_ID
    compose -f docker-compose.second-broker.yml up -d --no-deps --wait kafka-2
}
# Moves the replicas of a topic to these brokers: `1,2`.
moved() {
    printf '{"version": 1, "partitions": [%s]}' "$(printf '{"topic": "'"$1"'", "partition": %d, "replicas": ['"$2"']}\n' 0 1 2 | paste -sd ,)" |
        docker exec -i kodingcaravan-kafka sh -c 'cat >/tmp/moved.json'
    kafka kafka-reassign-partitions --reassignment-json-file /tmp/moved.json --execute >&2
    # What is under way is told as such.
    until ! kafka kafka-reassign-partitions --reassignment-json-file /tmp/moved.json --verify 2>&1 |
        grep -c 'still in progress' >&2; do sleep 1; done
}

inject_F00() { :; }

inject_F01() {
    compose rm -fs purchase-worker allocation-worker session-worker cache-worker
    # Its labels name the files: those of the deployment that lacks the workers.
    docker rm -f kodingcaravan-payment-service >/dev/null
    (cd "$sandbox" && docker compose --progress quiet -f docker-compose.yml up -d --wait --no-deps payment-service) >&2
}

inject_F02() { docker stop kodingcaravan-purchase-worker >/dev/null; }

inject_F03() { edited purchase-worker '    environment: {POSTGRES_URL: ""}'; }
human_F03() { corrected purchase-worker; }

inject_F04() { edited session-worker $'    mem_limit: 20m\n    restart: "no"\n    entrypoint: [tail, /dev/zero]'; }
human_F04() { corrected session-worker; }

inject_F05() { edited session-worker '    command: [/nope]'$'\n''    entrypoint: [/nope]'; }
human_F05() { corrected session-worker; }

inject_F06() { docker kill -s STOP kodingcaravan-purchase-worker >/dev/null; }
# Longer than a client may take to notice that a broker is back.
after_F06() { sleep 40; }
undo_F06() { docker kill -s CONT kodingcaravan-purchase-worker >/dev/null; }

inject_F07() { docker stop kodingcaravan-kafka >/dev/null; }

# The broker keeps the data that it has.
inject_F08() {
    set_to kafka KAFKA_ADVERTISED=broker.internal:9092
    sleep 6
}
human_F08() { put_back kafka; }

inject_F09() { kafka kafka-acls --add --deny-principal User:ANONYMOUS --operation Read --topic purchase-created >&2; }
human_F09() { kafka kafka-acls --remove --force --topic purchase-created >&2; }

inject_F10() { kafka kafka-topics --delete --topic purchase-created >&2; }

inject_F11() {
    second_broker
    moved purchase-created 2
    docker stop kodingcaravan-kafka-2 >/dev/null
}
human_F11() { docker start kodingcaravan-kafka-2 >/dev/null; }

inject_F12() {
    second_broker
    moved purchase-confirmed 1,2
    kafka kafka-configs --alter --entity-type topics --entity-name purchase-confirmed \
        --add-config min.insync.replicas=2 >&2
    docker stop kodingcaravan-kafka-2 >/dev/null
    # Until the first broker has noticed.
    sleep 6
}
human_F12() {
    docker start kodingcaravan-kafka-2 >/dev/null
    sleep 8
}

inject_F13() { edited purchase-worker '    environment: {GROUP_ID: purchase-creation-worker}'; }
human_F13() { corrected purchase-worker; }

inject_F13b() {
    kafka kafka-topics --create --topic purchase-confirmd --partitions 3 >&2
    edited purchase-worker '    environment: {TOPICS: purchase-confirmd}'
}
human_F13b() { corrected purchase-worker; }

inject_F14() {
    set_to session-worker DEAD_LETTERS=false
    local key
    # One key for each of the three partitions.
    for key in 1 2 3 4 5 6; do
        printf '%s:not json\n' "$key"
    done | docker exec -i kodingcaravan-kafka kafka-console-producer --bootstrap-server kafka:9092 \
        --topic trainer-allocated --property parse.key=true --property key.separator=: >&2
}
human_F14() { put_back session-worker; }

inject_F15() {
    edited allocation-worker '    environment: {ALLOCATION_DELAY_MS: 20000, MAX_POLL_INTERVAL_MS: 6000}'
    # More than it takes while somebody looks.
    for _ in {1..6}; do buy --no-wait >&2; done
}
human_F15() { corrected allocation-worker; }

inject_F16() { set_to payment-service PAYMENT_EMITS=false; }
human_F16() { put_back payment-service; }

inject_F17() { docker stop kodingcaravan-postgres >/dev/null; }

inject_F18() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c "alter role app password 'another'" \
        -c "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'" >/dev/null
}
human_F18() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c "alter role app password 'sandbox-only'" >/dev/null
}

inject_F18b() {
    edited purchase-worker '    environment: {POSTGRES_URL: "postgres://app:mistyped@postgres:5432/kodingcaravan"}'
}
human_F18b() { corrected purchase-worker; }

inject_F19() { sql "alter table student_course_purchases drop column purchase_tier" >&2; }
human_F19() { sql "alter table student_course_purchases add column purchase_tier integer not null default 10" >&2; }

inject_F19b() { sql "alter table tutoring_sessions rename to tutoring_sessions_gone" >&2; }
human_F19b() { sql "alter table tutoring_sessions_gone rename to tutoring_sessions" >&2; }

inject_F20() {
    for _ in {1..40}; do
        docker exec -d -e PGAPPNAME=report kodingcaravan-postgres psql -U app -d kodingcaravan -c 'select pg_sleep(600)'
    done
    # The services' own sessions make room for more of them.
    docker restart kodingcaravan-payment-service kodingcaravan-purchase-worker >/dev/null
    sleep 3
}
human_F20() {
    docker exec kodingcaravan-postgres psql -q -U postgres -c \
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'report'" >/dev/null
}

inject_F20b() {
    docker exec -d -e PGAPPNAME=migration kodingcaravan-postgres psql -U app -d kodingcaravan \
        -c 'begin' -c 'lock table trainer_allocations in access exclusive mode' -c 'select pg_sleep(600)'
}
human_F20b() { sql "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'migration'" >&2; }

inject_F21() {
    set_to admin-service ADMIN_LOSES_ROW=first
    set_to allocation-worker VERIFY_ROW=false
}
human_F21() { put_back admin-service allocation-worker; }

inject_F22() { set_to admin-service ADMIN_SILENT=true; }
human_F22() { put_back admin-service; }

inject_F23() { docker stop kodingcaravan-admin-service >/dev/null; }

inject_F24() { set_to admin-service ADMIN_STATUS=500; }
human_F24() { put_back admin-service; }

inject_F24b() { set_to admin-service ADMIN_STATUS=401; }
human_F24b() { put_back admin-service; }

# A rule of a firewall, in the worker's own network.
firewall() {
    local worker api
    worker=$(docker inspect -f '{{.State.Pid}}' kodingcaravan-allocation-worker)
    api=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' kodingcaravan-admin-service)
    nsenter -t "$worker" -n iptables "$1" OUTPUT -d "$api" -j DROP
}
inject_F25() { firewall -A; }
human_F25() { firewall -D; }

inject_F26() {
    docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan >&2 <<'SQL'
alter table processed_events alter correlation_id type text;
create function prefixed() returns trigger language plpgsql as $$
begin new.correlation_id := 'payment-' || new.correlation_id; return new; end $$;
create trigger prefixed before insert on processed_events for each row
    when (new.source = 'payment-service') execute function prefixed();
SQL
}
human_F26() {
    sql "drop trigger if exists prefixed on processed_events;
         delete from processed_events p where correlation_id like 'payment-%' and exists (select from processed_events q
             where q.event_type = p.event_type and 'payment-' || q.correlation_id = p.correlation_id);
         update processed_events set correlation_id = replace(correlation_id, 'payment-', '')" >&2
}

# The purchase is kept back until its mark is there.
inject_F27() { docker stop kodingcaravan-purchase-worker >/dev/null; }
after_F27() {
    sql "insert into processed_events (event_id, event_type, correlation_id, payload, source, version, processed_at, created_at)
         select 'purchase-created-' || correlation_id, 'PURCHASE_CREATED', correlation_id, payload, 'allocation-worker', version,
                created_at - interval '1 hour', created_at - interval '1 hour'
           from processed_events where correlation_id = '$id' and event_type = 'PURCHASE_CONFIRMED'" >&2
    docker start kodingcaravan-purchase-worker >/dev/null
    sleep 10
}

# A group that has committed something goes on from there: these never have.
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
        set_to "$worker" START_AT=latest
    done
    sleep 10
}
human_F28() { put_back purchase-worker allocation-worker session-worker cache-worker; }

inject_F29() {
    set_to cache-worker CACHE_MARKS_EVENTS=true
    set_to allocation-worker ALLOCATION_DELAY_MS=500
    sleep 3
}
human_F29() { put_back cache-worker allocation-worker; }

inject_F30() { docker pause kodingcaravan-kafka >/dev/null; }
after_F30() {
    docker unpause kodingcaravan-kafka >/dev/null
    sleep 10
}

inject_F31() { edited payment-service '    environment: {KAFKA_BROKERS: "localhost:9092"}' && sleep 2; }
human_F31() { corrected payment-service; }

inject_F32() { set_to admin-service NOBODY_FREE=true; }
human_F32() {
    put_back admin-service
    sql "update trainer_allocations set status = 'approved', trainer_id = (select id from trainers limit 1)
          where status = 'pending'" >&2
}

inject_F33() { set_to allocation-worker ALLOCATION_CALLS_API=false; }
human_F33() { put_back allocation-worker; }

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
    edited purchase-worker '    environment: {POSTGRES_URL: "postgres://app:sandbox-only@postgres:5432/staging"}'
    sleep 3
}
human_F35() { corrected purchase-worker; }

inject_F36() {
    inject_F21
    # The next `up` gives the tag back to the image of its content.
    printf 'FROM kodingcaravan/services\nLABEL rebuilt=true\n' |
        DOCKER_BUILDKIT=0 docker build -q -t kodingcaravan/services:latest - >&2
}
human_F36() { put_back admin-service; }

inject_F37() {
    sql "alter table student_course_purchases add constraint tier_known check (purchase_tier < 5) not valid" >&2
}
human_F37() { sql "alter table student_course_purchases drop constraint tier_known" >&2; }
