-- Production: what the role of the `tokens` service may do. It faces the Internet, so it reads only what decides about
-- a request (of a secret the digest, never the ciphertext) and writes only tokens, assertions, journal and counts.
-- As the owner, after each `migrate`:  psql "$OWNER_DATABASE_URL" -v tokens=keydesk_tokens -f tokens/grants.sql
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM :"tokens";
GRANT SELECT ON clients_client, clients_api, clients_scope, clients_clientscope, clients_api_served_by TO :"tokens";
GRANT SELECT (id, client_id, digest, ends_at, expires_at) ON clients_secret TO :"tokens";
GRANT SELECT (id, client_id, kid, jwk, algorithms, active_from, retires_at, not_after, expires_at, added_at)
    ON clients_key TO :"tokens";
GRANT SELECT ON clients_policybound TO :"tokens";
GRANT SELECT (id, client_id, issuer_id, subject, claims, ends_at, expires_at, added_at) ON clients_trust TO :"tokens";
GRANT SELECT (id, name, url, audience, max_lifetime, enabled_at, disabled_at, keys, keys_fetched_at, pasted_keys)
    ON clients_issuer TO :"tokens";
GRANT SELECT, INSERT ON tokens_token, tokens_usedassertion TO :"tokens";
GRANT UPDATE (revoked_at) ON tokens_token TO :"tokens";
GRANT INSERT ON tokens_journalentry, tokens_anonymousrefusal TO :"tokens";
GRANT SELECT, INSERT, UPDATE ON tokens_usageday, tokens_usagedetail, tokens_credentialuse, tokens_refusalcount,
    tokens_apicalls, tokens_issuerkeyrequest
    TO :"tokens";
-- Numbers of new rows, and nothing else of these sequences.
SELECT format('GRANT USAGE ON SEQUENCE %s TO %I', sequence, :'tokens')
FROM (SELECT pg_get_serial_sequence(table_name, column_name) AS sequence
      FROM information_schema.columns WHERE table_schema = 'public' AND table_name LIKE 'tokens\_%') columns
WHERE sequence IS NOT NULL
\gexec
