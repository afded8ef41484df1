# Shared by the sandbox's scripts. Sourced, not executed.
# shellcheck shell=bash disable=SC2034

sandbox=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd -- "$sandbox/../.." && pwd)
program=${0##*/}
started_at=$EPOCHREALTIME

# Prints progress to stderr. Stdout is for results, such as the id that `buy` prints.
say() { printf '%s: %s\n' "$program" "$*" >&2; }

fail() {
    printf '%s: error: %s\n' "$program" "$*" >&2
    exit 1
}

# Prints the seconds since a value of $EPOCHREALTIME, with one decimal.
seconds_since() {
    local from=${1/[.,]/} to=${EPOCHREALTIME/[.,]/}
    local tenths=$(((to - from) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# Prints the running script's help: the comment at its top.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# Holds a lock until this process ends, so that scripts that change the same resources wait
# for each other.
lock() {
    exec 9>"${TMPDIR:-/tmp}/pipeline-doctor-sandbox-$1.lock"
    flock 9
}

# Prints the path of the tool: $PIPELINE_DOCTOR, or the newest build, or the installed one.
doctor_program() {
    local built
    # shellcheck disable=SC2012
    built=$(ls -t -- "${CARGO_TARGET_DIR:-$repository/target}"/{debug,release}/pipeline-doctor 2>/dev/null | head -n 1)
    printf '%s' "${PIPELINE_DOCTOR:-${built:-pipeline-doctor}}"
}

# Runs the tool with the flags in $doctor_flags and without the addresses in the shell's variables.
doctor() {
    env -u POSTGRES_URL -u DATABASE_URL -u KAFKA_BROKERS -u ADMIN_SERVICE_URL \
        "$(doctor_program)" "$@" ${doctor_flags[@]+"${doctor_flags[@]}"}
}

engine_answers() { docker info >/dev/null 2>&1; }

# Prints the file with the machine's Debian mirror. Using only this file skips third-party
# sources, which may be unreachable.
debian_sources() {
    local file
    for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        if [[ -s $file ]]; then
            printf '%s\n' "$file"
            return
        fi
    done
    fail "no /etc/apt/sources.list.d/debian.sources and no /etc/apt/sources.list: cannot find this machine's Debian mirror"
}
