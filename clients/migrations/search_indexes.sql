-- Indexes for the Security team's search.

-- A search looks within names (ILIKE '%...%'); without trigrams that reads every row. The expression is the one that
-- Django's `icontains` asks with. pg_trgm comes with PostgreSQL, and the owner of a database may install it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX clients_client_client_id_search ON clients_client USING gin (upper(client_id::text) gin_trgm_ops);
CREATE INDEX clients_client_name_search ON clients_client USING gin (upper(name::text) gin_trgm_ops);
CREATE INDEX clients_client_organisation_search ON clients_client USING gin (upper(organisation::text) gin_trgm_ops);
CREATE INDEX clients_user_email_search ON clients_user USING gin (upper(email::text) gin_trgm_ops);
CREATE INDEX clients_user_name_search ON clients_user USING gin (upper(name::text) gin_trgm_ops);
CREATE INDEX clients_registration_client_name_search
    ON clients_registration USING gin (upper(client_name::text) gin_trgm_ops);
CREATE INDEX clients_registration_organisation_search
    ON clients_registration USING gin (upper(organisation::text) gin_trgm_ops);
CREATE INDEX clients_key_subject_search ON clients_key USING gin (upper(subject::text) gin_trgm_ops);

-- Keys and certificates are also found by what identifies them, which is searched for as a whole.
CREATE INDEX clients_key_kid_search ON clients_key (kid);
CREATE INDEX clients_key_thumbprint_search ON clients_key (thumbprint);
CREATE INDEX clients_key_x5t_search ON clients_key ((jwk -> 'x5t'));
CREATE INDEX clients_key_x5t_s256_search ON clients_key ((jwk -> 'x5t#S256'));
