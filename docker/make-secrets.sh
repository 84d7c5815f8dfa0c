#!/bin/sh
# Make the files that docker-compose.yml wants in ./secrets, each once; what is there is kept.
# The directory is yours alone; the files in it are readable, because the containers' users have other ids.
set -eu
cd "$(dirname "$0")/.."

keep() { # name, value: no line break at the end, which would become part of the value
    [ -e "secrets/$1" ] && return
    printf '%s' "$2" >"secrets/$1"
    chmod 444 "secrets/$1"
}
random() { openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n'; }
[ "$(random | wc -c)" -eq 43 ] || {
    echo "openssl is needed here, to make random keys: nothing was made." >&2
    exit 1
}

mkdir -p secrets
chmod 700 secrets
keep owner_password "$(random)"
keep app_password "$(random)"
keep owner_database_url "postgres://keydesk_owner:$(cat secrets/owner_password)@postgres:5432/keydesk"
keep database_url "postgres://keydesk_app:$(cat secrets/app_password)@postgres:5432/keydesk"
keep secret_key "$(random)$(random)"
keep secrets_keys "$(date +%Y-%m):$(random)"
keep log_signing_keys "$(date +%Y-%m):$(random)"
