#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: the role that Keydesk works with, which owns nothing.
# What the owner makes later (migrations) it may use; audit/grants.sql then takes the change log back.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
     -v password="$(cat /run/secrets/app_password)" <<'SQL'
CREATE ROLE keydesk_app LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE keydesk TO keydesk_app;
GRANT USAGE ON SCHEMA public TO keydesk_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO keydesk_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO keydesk_app;
SQL
