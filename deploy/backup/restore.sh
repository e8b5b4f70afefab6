#!/usr/bin/env bash
# Restore V-Asset from a backup: restore.sh BACKUP NODE=ROOT...
#
# BACKUP is a folder that backup.sh made; NODE=ROOT says where the files of each of its nodes go.
# The database (VASSET_DATABASE__URL or VASSET_DATABASE__URL_FILE) must be empty, and nothing of
# V-Asset may run. Files come first and rows in one transaction, so one that was broken off leaves
# no rows, and may be run again. At the end each file is read and compared, which also tells the
# rows where it now is: exit status 1 if one is not what it was.
set -euo pipefail
umask 077
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || { say "usage: ${0##*/} BACKUP NODE=ROOT..."; exit 2; }
need rsync
find_clients
command -v vasset >/dev/null || die "vasset is missing on PATH"
choose_database
backup=$1
shift

[ -f "$backup/rows.dump" ] || die "$backup is no backup"
for pair in "$@"; do
    node=${pair%%=*} root=${pair#*=}
    [ -d "$backup/files/$node" ] || die "$backup has no files of a node $node"
    # An unfinished restore may be taken up; files of anybody else are not mixed with these.
    [ ! -e "$root" ] || [ -e "$root/.restoring" ] || [ -z "$(ls -A -- "$root")" ] || die "$root is not empty"
done
for folder in "$backup"/files/*/; do
    node=$(basename -- "$folder")
    [[ " $*" == *" $node="* ]] || die "say where the files of $node go: $node=ROOT"
done
tables=$(psql --dbname="$database" --no-psqlrc --tuples-only --no-align \
    --command="SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
[ "$tables" = 0 ] || die "the database is not empty; make a new one"

for pair in "$@"; do
    node=${pair%%=*} root=${pair#*=}
    mkdir -p -- "$root"
    touch -- "$root/.restoring"
    rsync --archive --hard-links --numeric-ids "$backup/files/$node/" "$root/"
    sync -f "$root"
done

pg_restore --dbname="$database" --single-transaction --no-owner --exit-on-error "$backup/rows.dump"
# The backup may be older than this version. A migration asks for all three services and calls one.
for url in VASSET_REDIS__URL VASSET_BROKER__URL; do
    file=${url}_FILE
    [ -n "${!url:-}${!file:-}" ] || export "$url=redis://unused"
done
vasset migrate

status=0
for pair in "$@"; do
    node=${pair%%=*} root=${pair#*=}
    VASSET_STORAGE__NODE=$node VASSET_STORAGE__ROOT=$root vasset scrub --all || status=1
    rm -f -- "$root/.restoring"
done
exit "$status"
