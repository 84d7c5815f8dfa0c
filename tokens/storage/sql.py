"""SQL of the hot path. Each statement answers a whole batch; `n` and `position` number the items of the batch.

A connection plans each statement once, perhaps while the tables are empty, and keeps the plan while they grow. So rows
are found by `LATERAL (... WHERE key = ... OFFSET 0)`: OFFSET 0 keeps other conditions out of the subquery, so that only
the key's index can find the row. (As plain joins the first plan scanned all tokens that have not expired.)
"""

# Stores tokens and spends assertions, in one statement and one commit.
#
#   valid    Items whose client still is as it was when the credentials were checked: same version, active. An item that
#            does not join is stale: it changes nothing, not even its assertion, and is checked again.
#   spent    Newly consumed assertions. A used `jti` conflicts, also with an uncommitted one of another process, whose
#            commit is awaited. Sorted, so that two processes cannot deadlock.
#   fresh    Valid items without an assertion, or with one in `spent`. `IN (SELECT ...)` and not a join: the planner
#            does not know how many rows `spent` has.
#   written  Their tokens, with the client's token generation (`epoch`) at this moment. (A fresh item without a digest
#            only consumes its assertion: introspection and revocation.) Of a federated assertion they end by `ends_by`.
ISSUE = """
WITH given AS (
    SELECT * FROM unnest(
        %b::bigint[], %b::bigint[], %b::bigint[], %b::bytea[], %b::text[], %b::text[], %b::text[], %b::bytea[],
        %b::bigint[], %b::bigint[]
    ) AS g(position, client_id, version, digest, scope, credential, address, jti_digest, jti_expires_at, ends_by)
), valid AS (
    SELECT given.*, client.epoch, coalesce(client.token_lifetime, %b) AS lifetime, to_timestamp(%b) AS now
    FROM given
    CROSS JOIN LATERAL (SELECT * FROM clients_client WHERE id = given.client_id OFFSET 0) client
    WHERE client.version = given.version AND client.status = 'active'
), spent AS (
    INSERT INTO tokens_usedassertion (client_id, jti_digest, expires_at)
    SELECT client_id, jti_digest, to_timestamp(jti_expires_at) FROM valid WHERE jti_digest <> ''
    ORDER BY client_id, jti_digest
    ON CONFLICT DO NOTHING
    RETURNING client_id, jti_digest
), fresh AS (
    SELECT * FROM valid WHERE jti_digest = '' OR (client_id, jti_digest) IN (SELECT client_id, jti_digest FROM spent)
), written AS (
    INSERT INTO tokens_token (digest, client_id, epoch, scope, issued_at, expires_at, credential, address)
    SELECT digest, client_id, epoch, scope, now,
           least(now + lifetime * interval '1 second', to_timestamp(nullif(ends_by, 0))), credential,
           nullif(address, '')::inet
    FROM fresh WHERE digest <> ''
)
SELECT position, position IN (SELECT position FROM fresh) FROM valid
"""

# Finds tokens. The joins decide whether a token is active, apart from its scopes: tokens of a suspended client, and
# invalidated ones (of an older token generation, `epoch`), find no owner. The owner's version tells whether the
# snapshot with its scopes is current.
LOOK_UP = """
SELECT g.n, caller.id IS NOT NULL, owner.client_id, owner.version, owner.epoch, token.scope,
       floor(extract(epoch FROM token.issued_at))::bigint, floor(extract(epoch FROM token.expires_at))::bigint,
       token.credential
FROM unnest(%b::bytea[], %b::bigint[], %b::bigint[]) WITH ORDINALITY AS g(digest, caller_id, caller_version, n)
LEFT JOIN LATERAL (SELECT * FROM clients_client WHERE id = g.caller_id OFFSET 0) caller
  ON caller.version = g.caller_version AND caller.status = 'active'
LEFT JOIN LATERAL (SELECT * FROM tokens_token WHERE digest = g.digest OFFSET 0) token
  ON token.revoked_at IS NULL AND token.expires_at > to_timestamp(%b)
LEFT JOIN LATERAL (SELECT * FROM clients_client WHERE id = token.client_id OFFSET 0) owner
  ON owner.epoch = token.epoch AND owner.status = 'active'
"""

# Revokes a client's own tokens; others' and unknown ones are ignored (RFC 7009 section 2.2).
# Locked in order, for the same reason as above.
REVOKE = """
WITH valid AS (
    SELECT g.* FROM unnest(%b::bytea[], %b::bigint[], %b::bigint[]) WITH ORDINALITY AS g(digest, client_id, version, n)
    CROSS JOIN LATERAL (SELECT * FROM clients_client WHERE id = g.client_id OFFSET 0) client
    WHERE client.version = g.version AND client.status = 'active'
), own AS (
    SELECT token.digest FROM valid
    CROSS JOIN LATERAL (SELECT * FROM tokens_token WHERE digest = valid.digest OFFSET 0) token
    WHERE token.client_id = valid.client_id
), alive AS (
    SELECT digest FROM tokens_token WHERE digest = ANY(ARRAY(SELECT digest FROM own)) AND revoked_at IS NULL
    ORDER BY digest FOR UPDATE
), revoked AS (
    UPDATE tokens_token SET revoked_at = to_timestamp(%b) WHERE digest = ANY(ARRAY(SELECT digest FROM alive))
)
SELECT n FROM valid
"""

# Clients with everything that decides about their HTTP requests, from one snapshot of the database. The subqueries run
# only for clients whose version differs from the one in the cache.
CLIENTS = """
SELECT g.n, client.version, client.id, client.client_id, client.epoch, client.status, client.secret_allowed,
       client.may_request_tokens, client.issuer_audience_only, client.token_lifetime, client.rate_limit,
       extract(epoch FROM client.restored_at), client.uid::text, client.name, client.organisation, client.self_service,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_array(policy.bound, policy.value, extract(epoch FROM
               CASE WHEN client.created_at >= policy.in_force_from THEN policy.in_force_from
                    ELSE policy.existing_from END)))
           FROM clients_policybound policy
           WHERE (policy.client_id IS NULL OR policy.client_id = client.id)
             AND (policy.api_id IS NULL OR policy.api_id IN (
                 SELECT scope.api_id FROM clients_clientscope held
                 JOIN clients_scope scope ON scope.id = held.scope_id AND scope.retired_at IS NULL
                 WHERE held.client_id = client.id
             ))
             AND (client.created_at >= policy.in_force_from OR policy.existing_from IS NOT NULL)
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_object(
               'id', secret.id, 'digest', encode(secret.digest, 'hex'), 'ends_at', extract(epoch FROM secret.ends_at),
               'expires_at', extract(epoch FROM secret.expires_at)
           ))
           FROM clients_secret secret
           WHERE secret.client_id = client.id
             AND (secret.ends_at IS NULL OR secret.ends_at > now() - interval '30 days')
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_object(
               'id', key.id, 'kid', key.kid, 'jwk', key.jwk, 'algorithms', key.algorithms,
               'active_from', extract(epoch FROM key.active_from), 'retires_at', extract(epoch FROM key.retires_at),
               'not_after', extract(epoch FROM key.not_after), 'expires_at', extract(epoch FROM key.expires_at)
           ) ORDER BY key.added_at DESC)
           FROM clients_key key
           WHERE key.client_id = client.id
             AND (key.retires_at IS NULL OR key.retires_at > now() - interval '30 days')
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_array(scope.name, api.identifier, held.is_default) ORDER BY scope.name)
           FROM clients_clientscope held
           JOIN clients_scope scope ON scope.id = held.scope_id AND scope.retired_at IS NULL
           JOIN clients_api api ON api.id = scope.api_id
           WHERE held.client_id = client.id
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(scope.name)
           FROM clients_api_served_by served
           JOIN clients_scope scope ON scope.api_id = served.api_id AND scope.retired_at IS NULL
           WHERE served.client_id = client.id
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_object(
               'id', trust.id, 'issuer', trust.issuer_id, 'subject', trust.subject, 'claims', trust.claims,
               'ends_at', extract(epoch FROM trust.ends_at), 'expires_at', extract(epoch FROM trust.expires_at)
           ) ORDER BY trust.id)
           FROM clients_trust trust
           WHERE trust.client_id = client.id
             AND (trust.ends_at IS NULL OR trust.ends_at > now() - interval '30 days')
       ) END,
       CASE WHEN client.version <> g.known_version THEN (
           SELECT json_agg(json_build_object(
               'id', issuer.id, 'url', issuer.url, 'audience', issuer.audience, 'max_lifetime', issuer.max_lifetime,
               'enabled_at', extract(epoch FROM issuer.enabled_at), 'is_enabled', issuer.disabled_at IS NULL,
               'keys', issuer.keys, 'is_pasted', issuer.pasted_keys IS NOT NULL,
               'keys_fetched_at', extract(epoch FROM issuer.keys_fetched_at)
           ))
           FROM clients_issuer issuer
           WHERE issuer.id IN (SELECT trust.issuer_id FROM clients_trust trust WHERE trust.client_id = client.id)
       ) END
FROM unnest(%b::text[], %b::bigint[]) WITH ORDINALITY AS g(client_id, known_version, n)
CROSS JOIN LATERAL (SELECT * FROM clients_client WHERE client_id = g.client_id OFFSET 0) client
"""

# False on a standby and on a database that was set to read-only.
WRITABLE = """
SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
"""

# Makes a commit wait for a standby, where commits do: writes a message to the WAL, since an empty commit does not wait.
LEASE = """
SELECT confirms, pg_is_in_recovery(),
       CASE WHEN confirms AND NOT pg_is_in_recovery() THEN pg_logical_emit_message(true, 'keydesk', ''::text) END
FROM (SELECT current_setting('synchronous_standby_names') <> '' AS confirms) AS setting
"""

# Scopes by name, or all: when each was retired, and the one to ask for instead.
SCOPES = """
SELECT scope.name, extract(epoch FROM scope.retired_at), successor.name
FROM clients_scope scope
LEFT JOIN clients_scope successor ON successor.id = scope.successor_id AND successor.retired_at IS NULL
WHERE scope.name = ANY(coalesce(%b::text[], ARRAY(SELECT name FROM clients_scope)))
"""
