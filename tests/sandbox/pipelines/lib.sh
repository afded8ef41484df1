# What the scripts of the pipelines share. Sourced, not executed.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"

pipelines=$sandbox/pipelines

# As the containers know them: what the shell has of these is meant for the tool.
unset DATABASE_URL POSTGRES_URL KAFKA_BROKERS ORDERS_URL SHIPPING_URL
unset COMPOSE_FILE COMPOSE_PROFILES COMPOSE_PROJECT_NAME COMPOSE_ENV_FILES

names() { printf '%s\n' "$pipelines"/*/docker-compose.yml | sed 's|.*/\([^/]*\)/[^/]*|\1|'; }

# choose NAME: what there is of a pipeline, in its directory.
choose() {
    [[ -n ${1:-} ]] || fail "which pipeline? There are: $(names | paste -sd ' ')"
    names | grep -qx -- "$1" || fail "no pipeline '$1'. There are: $(names | paste -sd ' ')"
    name=$1
    # shellcheck source=/dev/null
    . "$pipelines/$name/pipeline.sh"
}

# Nothing waits for ever: two minutes, or what $at_most says.
compose() { timeout "${at_most:-120}" docker compose --progress quiet -f "$pipelines/$name/docker-compose.yml" "$@"; }

# sql DATABASE STATEMENT: as the server's own superuser, who needs no password.
sql() { at_most=10 compose exec -T postgres psql -qtAX -v ON_ERROR_STOP=1 -U postgres -d "$1" -c "$2"; }

topic() { compose exec -T kafka kafka-topics --bootstrap-server kafka:9092 "$@" >&2; }

# Changes one container, and leaves the others (and their logs) alone.
alone() { compose up -d --no-deps "$1" >&2; }
# set_to SERVICE NAME=VALUE...: the same, with variables of the compose file.
set_to() { (export "${@:2}" && alone "$1"); }

# lock_table DATABASE TABLE MODE: a console, as the database's own role, in which
# somebody began and went for lunch, of ten minutes.
lock_table() {
    local locked
    compose exec -d -e PGAPPNAME=console postgres sh -c \
        "(echo 'begin; lock table $2 in $3 mode;'; sleep 600) | psql -qX -U $1 -d $1"
    for _ in {1..50}; do
        locked=$(sql "$1" "select exists (select from pg_locks l join pg_stat_activity a using (pid)
            where a.application_name = 'console' and l.relation = '$2'::regclass and l.granted)")
        [[ $locked != t ]] || return 0
        sleep 0.1
    done
    fail "the table $2 could not be locked"
}

# The names of the steps in $steps that the event has come through, in one line.
arrived() { steps "$1" | sed -n 's/|t$//p' | paste -sd , | sed 's/,/, /g'; }
