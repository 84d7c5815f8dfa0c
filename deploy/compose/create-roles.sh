#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: the roles that Keydesk works with, which own nothing.
# What the owner makes later (migrations) keydesk_app may use; audit/grants.sql then takes the change log back, and
# gives keydesk_signer the checkpoints; tokens/grants.sql gives keydesk_tokens what the authorization server needs.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
     -v password="$(cat /run/secrets/app_password)" -v tokens_password="$(cat /run/secrets/tokens_password)" \
     -v signer_password="$(cat /run/secrets/signer_password)" <<'SQL'
CREATE ROLE keydesk_app LOGIN PASSWORD :'password';
CREATE ROLE keydesk_tokens LOGIN PASSWORD :'tokens_password';
CREATE ROLE keydesk_signer LOGIN PASSWORD :'signer_password';
GRANT CONNECT ON DATABASE keydesk TO keydesk_app, keydesk_tokens, keydesk_signer;
GRANT USAGE ON SCHEMA public TO keydesk_app, keydesk_tokens, keydesk_signer;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO keydesk_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO keydesk_app;
SQL
