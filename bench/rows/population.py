"""Rows by the million, made by SQL: tokens that live or have expired, and clients with a secret each."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import psycopg

from bench.place import Place
from dev.servers import postgres
from foundation.secret_format import checksum

SHARE = 10  # every tenth token is of one client, the others are of ten thousand
STEPS = 10
MAX_SAMPLES = 2_000  # for each step: tokens whose text is known, spread over the whole table

# Sorted, because a million random places of an index are faster visited in order.
TOKENS = """
INSERT INTO tokens_token (digest, client_id, epoch, scope, issued_at, expires_at, credential, address)
SELECT sha256(('bulk ' || n)::bytea) AS digest,
       CASE WHEN n %% %(share)s = 0 THEN %(client)s ELSE 1000000 + n %% 10000 END, 1, %(scope)s,
       now() - n %% 3600 * interval '1 second', now() + %(lifetime)s * interval '1 second', 'secret:1', '192.0.2.1'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
ORDER BY digest
"""

SAMPLES = """
INSERT INTO tokens_token (digest, client_id, epoch, scope, issued_at, expires_at, credential)
SELECT digest, %(client)s, 1, %(scope)s, now(), now() + interval '1 day', 'secret:1'
FROM unnest(%(digests)s::bytea[]) AS digest
"""

# Without triggers, which would move each client's version three times.
CLIENTS = """
SET LOCAL session_replication_role = replica;
INSERT INTO clients_client (uid, client_id, name, organisation, purpose, status, created_at, secret_allowed,
                            may_request_tokens, issuer_audience_only, version, epoch)
SELECT gen_random_uuid(), 'scale-' || n, 'Scale ' || n, '', '', 'active', now(), true, true, false, 1, 1
FROM generate_series({first}, {last}) AS n;
INSERT INTO clients_secret (uid, client_id, digest, sealed_with, hint, created_at, created_by)
SELECT gen_random_uuid(), id, sha256(('secret of ' || client_id)::bytea), '', '', now(), 'bench'
FROM clients_client WHERE split_part(client_id, '-', 2)::int BETWEEN {first} AND {last} AND client_id LIKE 'scale-%';
INSERT INTO clients_clientscope (client_id, scope_id, is_default)
SELECT client.id, scope.id, true FROM clients_client client, clients_scope scope
WHERE client.client_id LIKE 'scale-%' AND split_part(client.client_id, '-', 2)::int BETWEEN {first} AND {last}
  AND scope.name = '{scope}'
"""


class Population:
    """`samples`: tokens that can be presented, among all those that cannot."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.samples: list[str] = []
        self.tokens = self.clients = 0
        self._connection = psycopg.connect(
            host=str(place.sockets), user=postgres.USER, dbname="keydesk", autocommit=True
        )
        name = place.actors.clients["basic"]["client_id"]
        self.client: int = self._one("SELECT id FROM clients_client WHERE client_id = %s", name)

    def grow_tokens(self, size: int) -> None:
        """Until that many live."""
        step = (size - self.tokens) // STEPS
        for last in (*range(self.tokens + step, size, step), size):
            samples = list(_sample_tokens(len(self.samples), min(MAX_SAMPLES, step // SHARE)))
            digests = [hashlib.sha256(text.encode()).digest() for text in samples]
            self._run(SAMPLES, digests=digests)
            self._run(TOKENS, first=self.tokens + 1 + len(samples), last=last, lifetime=86_400)
            self.samples += samples
            self.tokens = last
        random.shuffle(self.samples)
        self.settle()

    def grow_clients(self, size: int) -> None:
        with self._connection.transaction():
            statement = CLIENTS.format(first=self.clients + 1, last=size, scope=self.place.actors.scope)
            self._connection.execute(statement)  # type: ignore[arg-type]
        self.clients = size
        self.settle()

    def add_expired(self, count: int) -> None:
        first = 1_000_000_000
        self._run(TOKENS, first=first, last=first + count - 1, lifetime=-60)
        self.settle()

    def remove_issued(self) -> None:
        """Delete the rows added by measuring, known by their lifetime: an hour, ours a day."""
        self._connection.execute("DELETE FROM tokens_token WHERE expires_at < now() + interval '2 hours'")

    def settle(self) -> None:
        """Statistics are fresh, no vacuum starts in the middle of a measurement, and the log's files are free again."""
        for table in ("tokens_token", "clients_client", "clients_secret", "clients_clientscope"):
            self._connection.execute(f"VACUUM ANALYZE {table}")  # type: ignore[arg-type]
        self._connection.execute("CHECKPOINT")

    def living_tokens(self) -> int:
        """Of the one client."""
        return self._one(
            "SELECT count(*) FROM tokens_token t JOIN clients_client c ON c.id = t.client_id AND c.epoch = t.epoch"
            " WHERE c.id = %s AND t.revoked_at IS NULL AND t.expires_at > now()",
            self.client,
        )

    def bytes_of_tokens(self) -> int:
        return self._one("SELECT pg_total_relation_size('tokens_token')")

    def close(self) -> None:
        self._connection.close()

    def _run(self, statement: str, **values: object) -> None:
        common = {"client": self.client, "scope": self.place.actors.scope, "share": SHARE}
        self._connection.execute(statement, {**common, **values})  # type: ignore[arg-type]

    def _one(self, query: str, *values: object) -> int:
        (row,) = self._connection.execute(query, values).fetchall()  # type: ignore[arg-type]
        return int(row[0])


def secret_of(number: int) -> tuple[str, str]:
    """Id and secret of one of the clients."""
    return f"scale-{number}", f"secret of scale-{number}"


def _sample_tokens(first: int, count: int) -> Iterator[str]:
    for number in range(first, first + count):
        body = f"kdt_{number:043d}"
        yield body + checksum(body)
