#!/bin/sh
# Make the secrets of compose.yaml, once: deploy/compose/secrets.sh [FOLDER]
#
# What is there already stays as it is, so it may be run again, and a certificate of your own
# (tls_certificate, tls_key) may be put there before. Keep the folder with the backups: without
# auth_secret nobody can read the cookies and webhook secrets in the database again.
set -eu
umask 077

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:-$here/secrets}
host=${VASSET_HOST:-localhost}
mkdir -p "$folder"
cd "$folder"

# Letters and digits alone, since it stands in addresses.
random() { head -c 64 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | cut -c 1-40; }

# Written beside and renamed: one that was half written would stay for good.
keep() {
    [ -e "$1" ] || { printf '%s\n' "$2" > "$1.new" && mv "$1.new" "$1"; }
}

keep auth_secret "$(random)"
keep grafana_password "$(random)"
keep postgres_password "$(random)"
keep rabbitmq_password "$(random)"
keep valkey_password "$(random)"

keep database_url "postgresql://vasset:$(cat postgres_password)@postgres:5432/vasset"
keep redis_url "redis://:$(cat valkey_password)@valkey:6379/0"
keep broker_url "amqp://vasset:$(cat rabbitmq_password)@rabbitmq:5672/%2F"
keep valkey_auth "requirepass $(cat valkey_password)"
keep rabbitmq_user "default_user = vasset
default_pass = $(cat rabbitmq_password)"

if [ ! -e tls_certificate ]; then
    echo "No certificate yet: making one for $host that no browser trusts." >&2
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
        -subj "/CN=$host" -addext "subjectAltName=DNS:$host,IP:127.0.0.1" \
        -keyout tls_key -out tls_certificate 2>/dev/null
fi

# Compose shows files to containers with the modes that they have here, and those run as several
# users. The folder, which nobody else may enter, is what keeps them.
chmod 700 .
chmod 444 -- *
