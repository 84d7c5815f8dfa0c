#!/bin/sh
# Make the files that docker-compose.yml wants in ./secrets, each once; what is there is kept.
# The directory is yours alone; the files in it are readable, because the containers' users have other ids.
set -eu
cd "$(dirname "$0")/../.."

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
# The public half of an Ed25519 seed: PKCS #8 is a fixed head and the seed, and the key is the end of what comes back.
public_key() { # seed in base64url
    { printf '\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040'; printf '%s=' "$1" | tr -- '-_' '+/' | openssl base64 -d -A; } |
        openssl pkey -inform DER -pubout -outform DER | tail -c 32 | openssl base64 -A | tr '+/' '-_' | tr -d '='
}

keep owner_password "$(random)"
keep app_password "$(random)"
keep tokens_password "$(random)"
keep signer_password "$(random)"
keep valkey_password "$(random)"
database() { echo "postgres://keydesk_$1:$(cat "secrets/$1_password")@postgres:5432/keydesk"; }
keep owner_database_url "$(database owner)"
keep database_url "$(database app)"
keep tokens_database_url "$(database tokens)"
keep signer_database_url "$(database signer)"
keep broker_url "redis://:$(cat secrets/valkey_password)@valkey:6379/0"
keep cache_url "redis://:$(cat secrets/valkey_password)@valkey:6379/1"
keep secret_key "$(random)$(random)"
keep secrets_keys "$(date +%Y-%m):$(random)"
keep log_signing_keys "$(date +%Y-%m):$(random)"
# "id:seed,id:seed" becomes "id:public,id:public"
keep log_verifier_keys "$(tr ',' '\n' <secrets/log_signing_keys | while IFS=: read -r id seed || [ -n "$id" ]; do
    printf '%s:%s\n' "$id" "$(public_key "$seed")"
done | paste -sd, - | tr -d '\n')"
