# Shared by the pipelines' scripts. Sourced, not executed.
# shellcheck shell=bash disable=SC2034
# shellcheck source=../lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"

pipelines=$sandbox/pipelines
examples=$(cd -- "$sandbox/../../examples" && pwd)

# Hide the shell's variables, which are meant for the tool, from the containers.
unset DATABASE_URL POSTGRES_URL KAFKA_BROKERS ORDERS_URL SHIPPING_URL
unset COMPOSE_FILE COMPOSE_PROFILES COMPOSE_PROJECT_NAME COMPOSE_ENV_FILES

names() { printf '%s\n' "$examples"/*/docker-compose.yml | sed 's|.*/\([^/]*\)/[^/]*|\1|'; }

# use_pipeline NAME: selects a pipeline and sources its functions.
use_pipeline() {
    [[ -n ${1:-} ]] || fail "expected the name of a pipeline: $(names | paste -sd ' ')"
    names | grep -qx -- "$1" || fail "no pipeline '$1'; expected one of: $(names | paste -sd ' ')"
    name=$1
    # shellcheck source=/dev/null
    . "$examples/$name/pipeline.sh"
}

# Runs docker compose with a timeout of two minutes, or $compose_timeout seconds.
compose() { timeout "${compose_timeout:-120}" docker compose --progress quiet -f "$examples/$name/docker-compose.yml" "$@"; }

# sql DATABASE STATEMENT: runs a statement as the superuser, which needs no password.
sql() { compose_timeout=10 compose exec -T postgres psql -qtAX -v ON_ERROR_STOP=1 -U postgres -d "$1" -c "$2"; }

topic() { compose exec -T kafka kafka-topics --bootstrap-server kafka:9092 "$@" >&2; }

# Recreates one container. The others keep running, with their logs.
recreate() { compose up -d --no-deps "$1" >&2; }
# set_variables SERVICE NAME=VALUE...: recreates a container with other variables.
set_variables() { (export "${@:2}" && recreate "$1"); }

# lock_table DATABASE TABLE MODE: locks a table for ten minutes in a transaction
# run by the database's owner, like a console left open.
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
    fail "cannot lock the table $2"
}

# Prints the steps that an event has completed, on one line.
completed_steps() { steps "$1" | sed -n 's/|t$//p' | paste -sd , | sed 's/,/, /g'; }
