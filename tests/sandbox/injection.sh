# Functions to change a running sandbox, shared by fault, trap and soak. Sourced after
# lib.sh.
# shellcheck shell=bash

unset POSTGRES_URL KAFKA_BROKERS ADMIN_SERVICE_URL COMPOSE_FILE COMPOSE_PROJECT_NAME

up() { "$sandbox/up" --fresh "$@" >&2; }
buy() { "$sandbox/buy" "$@"; }
sql() { docker exec -i kodingcaravan-postgres psql -q -v ON_ERROR_STOP=1 -U app -d kodingcaravan -tAc "$1"; }
kafka() { docker exec kodingcaravan-kafka "$1" --bootstrap-server kafka:9092 "${@:2}"; }

# Prints the id of the purchase that payment-service recorded last.
newest() { sql "select correlation_id from processed_events order by created_at desc limit 1"; }

compose() {
    (cd "$sandbox" && docker compose --progress quiet -f docker-compose.yml -f docker-compose.workers.yml "$@") >&2
}

# Recreates one container. The others keep running, with their logs.
recreate() { compose "${@:2}" up -d --no-deps "$1"; }

# override SERVICE YAML: writes a compose file that changes one service; sets $file.
override() {
    mkdir -p "$overrides"
    file=$overrides/$1.yml
    printf 'services:\n  %s:\n%s\n' "$1" "$2" >"$file"
}
overrides=${CARGO_TARGET_DIR:-$repository/target}/sandbox/overrides
