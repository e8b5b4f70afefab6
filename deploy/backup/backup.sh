#!/usr/bin/env bash
# Back up a running V-Asset: backup.sh DESTINATION ROOT...
#
# ROOT is the storage root of each node, here or elsewhere (node-b:/data/vasset, by ssh). The
# database is that of VASSET_DATABASE__URL or VASSET_DATABASE__URL_FILE. It makes
# DESTINATION/TIME/, with rows.dump and files/NODE/; what has not changed since the backup before
# is a hard link to it, so each is whole and takes the room of what is new.
#
# No row of a backup names a file that it lacks, although all goes on meanwhile: a file is there
# before its row says so and never changes. So the files are copied, then the rows, then what came
# between the two; what is deleted between is kept, because the third step only adds. What remains
# is a file that both came and was deleted within the minutes of one backup: its row comes back
# and says, after the scrub of restore.sh, that its file is missing. A file too many is set aside
# and deleted by its node.
set -euo pipefail
umask 077
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

[ $# -ge 2 ] || { say "usage: ${0##*/} DESTINATION ROOT..."; exit 2; }
need rsync
find_clients
choose_database
destination=$1
shift

mkdir -p "$destination"
# A second one would link to what the first has not finished. The kernel lets go if we die.
exec 9> "$destination/.lock"
flock --nonblock 9 || die "another backup to $destination is running"
last=$(find "$destination" -mindepth 1 -maxdepth 1 -type d -name '2*Z' | sort | tail -n 1)
[ -z "$last" ] || last=$(cd -- "$last" && pwd)
name=$(date -u +%Y%m%dT%H%M%SZ)
while [ -e "$destination/$name" ]; do
    sleep 1
    name=$(date -u +%Y%m%dT%H%M%SZ)
done
# Under this name it is no backup yet. What a dead run left is its own and goes.
rm -rf -- "$destination"/.unfinished-*
place=$destination/.unfinished-$name
mkdir -p "$place/files"

# Copy one root; a file that goes while it is looked at (status 24) is no fault.
copy() {
    local root=$1 node=$2 status=0 known=()
    [ -z "$last" ] || known=(--link-dest="$last/files/$node")
    rsync --archive --hard-links --numeric-ids "${known[@]}" "$root/" "$place/files/$node/" || status=$?
    [ "$status" = 0 ] || [ "$status" = 24 ] || die "$root could not be copied (rsync: $status)"
}

nodes=()
for root in "$@"; do
    # What each node has written into its root; a disk that is not mounted has none.
    rsync --quiet "$root/.vasset-node" "$place/node" || die "$root is no storage root of V-Asset"
    node=$(<"$place/node")
    rm "$place/node"
    [[ $node =~ ^[a-z0-9][a-z0-9_-]*$ ]] || die "$root names no node"
    [[ " ${nodes[*]} " != *" $node "* ]] || die "$root is $node once more"
    nodes+=("$node")
    copy "$root" "$node"
done

pg_dump --dbname="$database" --format=custom --no-owner --no-privileges --file="$place/rows.dump"

for node in "${nodes[@]}"; do
    copy "$1" "$node"
    shift
done

# Whole, and on the disk, before it has the name of a backup.
pg_restore --list "$place/rows.dump" > /dev/null
sync -f "$place"
mv -- "$place" "$destination/$name"
sync -f "$destination"
printf '%s\n' "$destination/$name"
