# Shared by the sandbox's scripts. Sourced, not executed.
# shellcheck shell=bash disable=SC2034

sandbox=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd -- "$sandbox/../.." && pwd)
program=${0##*/}
started_at=$EPOCHREALTIME

# Progress goes to stderr: stdout belongs to the result (the id that `buy` prints).
say() { printf '%s: %s\n' "$program" "$*" >&2; }

fail() {
    printf '%s: error: %s\n' "$program" "$*" >&2
    exit 1
}

# Seconds since a moment of $EPOCHREALTIME, with one decimal.
seconds_since() {
    local from=${1/[.,]/} to=${EPOCHREALTIME/[.,]/}
    local tenths=$(((to - from) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# Prints the comment at the top of the running script: its help.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# The lock that this process holds until it ends: two scripts that change the
# same things wait for each other.
lock() {
    exec 9>"${TMPDIR:-/tmp}/pipeline-doctor-sandbox-$1.lock"
    flock 9
}

# The tool: what PIPELINE_DOCTOR names, else the newest build, else the installed one.
doctor_program() {
    local built
    # shellcheck disable=SC2012
    built=$(ls -t -- "${CARGO_TARGET_DIR:-$repository/target}"/{debug,release}/pipeline-doctor 2>/dev/null | head -n 1)
    printf '%s' "${PIPELINE_DOCTOR:-${built:-pipeline-doctor}}"
}

# Runs the tool. The shell's addresses are not meant for it here.
doctor() { env -u POSTGRES_URL -u DATABASE_URL -u KAFKA_BROKERS -u ADMIN_SERVICE_URL "$(doctor_program)" "$@"; }

engine_answers() { docker info >/dev/null 2>&1; }

# The file that names the machine's Debian mirror. Third-party sources, which
# may be out of reach, are left out by using this one alone.
debian_sources() {
    local file
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        if [[ -s $file ]]; then
            printf '%s\n' "$file"
            return
        fi
    done
    fail "no /etc/apt/sources.list.d/debian.sources and no /etc/apt/sources.list: cannot tell this machine's Debian mirror"
}
