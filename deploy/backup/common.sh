# What backup.sh and restore.sh share; read by them, not run.

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# Set `database` to an address without its password, which goes into the environment: other users
# of this machine can see what a program was started with.
choose_database() {
    local url=${VASSET_DATABASE__URL:-} password
    if [ -n "${VASSET_DATABASE__URL_FILE:-}" ]; then
        url=$(<"$VASSET_DATABASE__URL_FILE")
    fi
    [ -n "$url" ] || die "set VASSET_DATABASE__URL or VASSET_DATABASE__URL_FILE"
    url="postgresql://${url#*://}"
    if [[ $url =~ ^(postgresql://[^:@/]+):([^@/]*)@(.*)$ ]]; then
        password=${BASH_REMATCH[2]}
        export PGPASSWORD
        printf -v PGPASSWORD '%b' "${password//%/\\x}"
        url="${BASH_REMATCH[1]}@${BASH_REMATCH[3]}"
    fi
    database=$url
}

# Find PostgreSQL's clients: those of the wheel that V-Asset comes with, else those of the machine.
# pg_dump must not be older than the server.
find_clients() {
    local programs
    programs=$(python3 -c 'from runtime import tools; print(tools.find_postgres() or "")' 2>/dev/null) || true
    [ -z "$programs" ] || PATH="$programs:$PATH"
    command -v pg_dump >/dev/null || die "pg_dump is missing: apt-get install postgresql-client"
}

need() { command -v "$1" >/dev/null || die "$1 is missing: apt-get install $1"; }
