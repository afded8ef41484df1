# What trap and fault share: changing single things of a running sandbox.
# Sourced after lib.sh.
# shellcheck shell=bash

unset POSTGRES_URL KAFKA_BROKERS ADMIN_SERVICE_URL COMPOSE_FILE COMPOSE_PROJECT_NAME

up() { "$sandbox/up" --fresh "$@" >&2; }
buy() { "$sandbox/buy" "$@"; }
sql() { docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan -tAc "$1"; }
kafka() { docker exec kodingcaravan-kafka "$1" --bootstrap-server kafka:9092 "${@:2}"; }

# What payment-service recorded last, whatever became of it.
newest() { sql "select correlation_id from processed_events order by created_at desc limit 1"; }

compose() {
    (cd "$sandbox" && docker compose --progress quiet -f docker-compose.yml -f docker-compose.workers.yml "$@") >&2
}

# Changes one container, and leaves the others (and their logs) alone.
alone() { compose "${@:2}" up -d --no-deps "$1"; }

# override SERVICE YAML: a compose file that changes one service; its name in $file.
override() {
    mkdir -p "$overrides"
    file=$overrides/$1.yml
    printf 'services:\n  %s:\n%s\n' "$1" "$2" >"$file"
}
overrides=${CARGO_TARGET_DIR:-$repository/target}/sandbox/overrides
