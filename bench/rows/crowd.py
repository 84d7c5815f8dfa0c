"""Fills a database far beyond what a page can read whole, and prints who asks for which page.

`python -m bench.rows.crowd`, which bench/pages.py starts.

The example of `make demo` is in the middle of it; one of its clients has a long past, and its contact many clients.
Rows are made by SQL, without triggers; the entries of the change log carry true hashes, so that verifying still works.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid5

import django

django.setup()

from django.conf import settings  # noqa: E402  (after django.setup())
from django.db import connection  # noqa: E402  (after django.setup())
from django.test import Client as Browser  # noqa: E402  (after django.setup())
from django.test.utils import CaptureQueriesContext  # noqa: E402  (after django.setup())
from django.urls import reverse  # noqa: E402  (after django.setup())
from django.utils import timezone  # noqa: E402  (after django.setup())

from audit import canonical, checkpoints  # noqa: E402  (after django.setup())
from audit.actions import Action  # noqa: E402  (after django.setup())
from audit.models import Entry, LogHead  # noqa: E402  (after django.setup())
from clients.models import Client, Registration, User  # noqa: E402  (after django.setup())
from dev.example import organisation  # noqa: E402  (after django.setup())
from tests.e2e.support import pages  # noqa: E402  (after django.setup())

NAMES = UUID("5f0c1d52-7a3e-4b8e-9d55-6d2f6d1c9a01")
ACTS = [Action.SECRET_VIEWED, Action.KEY_ADDED, Action.SECRET_REGENERATED, Action.CLIENT_SUSPENDED]
BUSY = 20  # one in so many tokens and refusals is Lotte's client's
CHANGED = 500  # one in so many entries of the change log is about it
HERS = 30  # clients that Lotte looks after, too

# %(n)s clients, each with a contact, two scopes, a certificate or a secret, its uses and ten days of counts.
CROWD = """
INSERT INTO clients_user (uid, email, mailbox, name, role, language, is_active, created_at, password)
SELECT gen_random_uuid(), 'person' || i || '@crowd.example', 'person' || i || '@crowd.example',
    'Person ' || i, 'contact', 'en', true, %(now)s, '!'
FROM generate_series(1, %(n)s) i;

INSERT INTO clients_client (uid, client_id, name, organisation, purpose, status, created_at, secret_allowed,
    may_request_tokens, issuer_audience_only, version, epoch)
SELECT gen_random_uuid(), 'crowd-' || i,
    (ARRAY['Meter', 'Parcel', 'Wage', 'Quay', 'School'])[1 + i %% 5] || ' link ' || i,
    'Organisation ' || i / 4, 'Made for the benchmark.',
    (ARRAY['active', 'active', 'active', 'suspended', 'closed'])[1 + i %% 5],
    %(now)s - i * interval '1 minute', i %% 3 <> 0, true, false, 1, 1
FROM generate_series(1, %(n)s) i;

CREATE TEMPORARY TABLE crowd AS
SELECT c.id, row_number() OVER (ORDER BY c.id) AS i FROM clients_client c WHERE client_id LIKE 'crowd-%%';

INSERT INTO clients_clientcontact (uid, client_id, user_id, role, added_at)
SELECT gen_random_uuid(), crowd.id, u.id, 'owner', %(now)s
FROM crowd JOIN clients_user u ON u.email = 'person' || crowd.i || '@crowd.example';
INSERT INTO clients_clientcontact (uid, client_id, user_id, role, added_at)
SELECT gen_random_uuid(), crowd.id, %(lotte)s, 'editor', %(now)s FROM crowd WHERE i <= %(hers)s;

INSERT INTO clients_clientscope (client_id, scope_id, is_default)
SELECT crowd.id, s.id, true FROM crowd
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS k, count(*) OVER () AS all FROM clients_scope) s
    ON s.k IN (crowd.i %% s.all, (crowd.i + 1) %% s.all);
DELETE FROM clients_clientscope held USING clients_scope s
WHERE s.id = held.scope_id AND s.name = 'keydesk.changes.read' AND held.client_id %% 1000 <> 0;

INSERT INTO clients_key (uid, client_id, kind, kid, jwk, thumbprint, algorithms, description, subject, issuer,
    serial, not_before, not_after, added_at, added_by, active_from)
SELECT gen_random_uuid(), id, 'certificate', 'kid-' || i, jsonb_build_object('kty', 'RSA', 'x5t', 'kid-' || i),
    'thumbprint-' || i, '["RS256", "PS256"]', 'RSA 3072', 'CN=crowd', 'CN=crowd',
    '4d1a907c' || lpad(to_hex(i), 8, '0'),
    %(now)s - interval '100 days', %(now)s + (1 + i %% 700) * interval '1 day', %(now)s - interval '99 days',
    'Person', %(now)s - interval '99 days'
FROM crowd WHERE i %% 2 = 0;

INSERT INTO clients_secret (uid, client_id, digest, sealed_with, hint, created_at, created_by)
SELECT gen_random_uuid(), id, sha256(('secret' || i)::bytea), '', substr(md5(i::text), 1, 4),
       %(now)s - interval '99 days', 'Person'
FROM crowd WHERE i %% 3 <> 0;

INSERT INTO tokens_credentialuse (credential, client_id, last_used_at, uses)
SELECT 'key:' || k.id, k.client_id, %(now)s - k.id %% 90 * interval '1 day', 1000 FROM clients_key k
JOIN crowd ON crowd.id = k.client_id;

INSERT INTO tokens_usageday (client_id, day, credential, issued, refused)
SELECT id, (%(now)s - d * interval '3 days')::date, 'key:1', 100, 1 FROM crowd, generate_series(1, 10) d;

INSERT INTO tokens_usagedetail (client_id, day, credential, network, audience, kid, algorithm, key_bits, lifetime,
    token_in_query, uses, issued, refused, first_at, last_at)
SELECT used.client_id, (%(now)s - d * interval '3 days')::date, used.credential, '10.1.' || used.id %% 250 || '.7',
    used.audience, used.kid, used.algorithm, used.bits, used.lifetime, false, 100, 100, 0,
    %(now)s - d * interval '3 days', %(now)s - d * interval '3 days'
FROM generate_series(0, 9) d, (
    SELECT client_id, id, 'key:' || id AS credential, 3072 AS bits, 300 AS lifetime, 'own' AS kid,
        CASE WHEN id %% 7 = 0 THEN 'token_url' ELSE 'issuer' END AS audience,
        CASE WHEN id %% 1009 = 0 THEN 'PS256' ELSE 'RS256' END AS algorithm
    FROM clients_key WHERE subject = 'CN=crowd'
    UNION ALL SELECT client_id, id, 'secret:' || id, 0, 0, '', '', '' FROM clients_secret WHERE sealed_with = ''
) used;

INSERT INTO clients_registration (uid, kind, status, client_name, organisation, contact_name, contact_email, purpose,
    reason, language, requester_id, client_id, created_at, submitted_at, decided_by_id, decided_at)
SELECT gen_random_uuid(), 'new', CASE WHEN i %% 100 = 0 THEN 'submitted' ELSE 'approved' END, 'Request ' || i,
    'Organisation ' || i / 4, 'Person ' || i, 'person' || i || '@crowd.example', 'Made for the benchmark.', '',
    'en', u.id, CASE WHEN i %% 100 = 0 THEN NULL ELSE crowd.id END, %(now)s - i * interval '108 minutes',
    %(now)s - i * interval '108 minutes', CASE WHEN i %% 100 = 0 THEN NULL ELSE %(noor)s END,
    CASE WHEN i %% 100 = 0 THEN NULL ELSE %(now)s - i * interval '100 minutes' END
FROM crowd JOIN clients_user u ON u.email = 'person' || crowd.i || '@crowd.example' WHERE i <= %(n)s / 4;
INSERT INTO clients_registrationscope (registration_id, scope_id)
SELECT r.id, s.id FROM clients_registration r, clients_scope s
WHERE r.client_name LIKE 'Request %%' AND s.id %% 3 = r.id %% 3;

INSERT INTO tokens_token (digest, client_id, epoch, scope, issued_at, expires_at, credential, address)
SELECT sha256(('token' || g.i)::bytea), CASE WHEN g.i %% %(busy)s = 0 THEN %(client)s ELSE crowd.id END,
    CASE WHEN g.i %% %(busy)s = 0 THEN %(epoch)s ELSE 1 END, 'address.read',
    %(now)s - g.i %% 3500 * interval '1 second', %(now)s + interval '1 day', 'key:1', '192.0.2.1'
FROM generate_series(1, %(n)s * 10) g (i) JOIN crowd ON crowd.i = 1 + g.i %% %(n)s;

INSERT INTO tokens_journalentry (client_id, at, request_id, endpoint, error, rule, facts, address)
SELECT CASE WHEN g.i %% %(busy)s = 0 THEN %(client)s ELSE crowd.id END, %(now)s - g.i %% 2500000 * interval '1 second',
    'request-' || g.i, 'token', 'invalid_client', (ARRAY['audience', 'kid', 'signature', 'expired'])[1 + g.i %% 4],
    '{"sent": "a", "expected": "b"}', '192.0.2.1'
FROM generate_series(1, %(n)s * 5) g (i) JOIN crowd ON crowd.i = 1 + g.i %% %(n)s;
"""


def make(clients: int, entries: int, now: datetime) -> None:
    pages.seed(now)
    busy = Client.objects.get(name=organisation.WITH_CERTIFICATE)
    people = {name: User.objects.get(email=email).pk for name, email in PEOPLE.items()}
    given = {"n": clients, "now": now, "busy": BUSY, "hers": HERS, "client": busy.pk, "epoch": busy.epoch, **people}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in CROWD.split(";\n"):
            if statement.strip():
                cursor.execute(statement, given)
        _log(entries, busy, now)
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("ANALYZE")
    checkpoints.sign_checkpoint(now)


PEOPLE = {"lotte": organisation.CONTACT, "noor": pages.NOOR}


def _log(entries: int, busy: Client, now: datetime) -> None:
    head = LogHead.objects.get()
    assert head.last_at is not None
    step = (timezone.now() - head.last_at) / (entries + 1)
    columns = ", ".join((*canonical.COLUMNS, "leaf_hash"))
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {Entry._meta.db_table} ({columns}) FROM STDIN") as copy:
            for entry in _entries(entries, busy, head.size, head.last_at, step):
                at = canonical.moment(entry["at"])
                leaf = canonical.leaf_hash({**entry, "at": at})
                copy.write_row([*(entry | {"changes": json.dumps(entry["changes"])}).values(), leaf])
        cursor.execute(
            "UPDATE audit_loghead SET size = %s, last_at = %s", [head.size + entries, head.last_at + entries * step]
        )


def _entries(count: int, busy: Client, size: int, last_at: datetime, step: timedelta) -> Iterator[dict]:
    refs = [str(uuid5(NAMES, str(number))) for number in range(10_000)]
    for i in range(1, count + 1):
        ref = str(busy.uid) if i % CHANGED == 0 else refs[i % len(refs)]
        yield {
            "seq": size + i,
            "at": last_at + i * step,
            "action": ACTS[i % len(ACTS)].value,
            "actor_id": f"user:{i % 5000}",
            "actor_label": f"Person {i % 5000} <person{i % 5000}@crowd.example>",
            "subject_id": f"client:{ref}",
            "subject_label": f"Client {i % len(refs)}",
            "client_ref": ref,
            "changes": {"status": ["active", "suspended"]},
            "note": "",
            "address": "192.0.2.1",
            "request_id": f"request-{i}",
        }


def visits(only: str = "") -> list[dict[str, object]]:
    """Each page for each role, with the cookies to ask for it, and how often it asks the database.

    `only`: those whose name begins so.
    """
    found = []
    browsers = {role: pages.browser_of(role) for role in pages.ROLES}
    for place in pages.places(pages.things()):
        if place.form is not None or not place.name.startswith(only):
            continue
        browser = browsers[place.role]
        browser.defaults["HTTP_HOST"] = urlsplit(settings.PUBLIC_URL).netloc
        browser.get(place.path)
        with CaptureQueriesContext(connection) as captured:
            answer = browser.get(place.path)
        if answer.status_code in (200, 422, 404) and answer["Content-Type"].startswith("text/html"):
            cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
            found.append({**vars(place), "cookies": cookies, "queries": len(captured)})
    searched = [visit for visit in _searched() if visit[1].startswith(only)]
    return found + [_visit(browsers[role], role, name, path) for role, name, path in searched]


def _searched() -> Iterator[tuple[str, str, str]]:
    """Yield the search for each kind of text, each filter of the change log, and clients by scope and algorithm.

    Rare, frequent and absent ones.
    """
    request = Registration.objects.filter(client_name="Request 500").get()
    texts = {
        "client id": "crowd-500", "name": "link 500", "frequent word": "link", "organisation": "Organisation 125",
        "address of a contact": "person500@crowd.example", "domain": "@crowd.example", "key id": "kid-500",
        "thumbprint": "thumbprint-500", "serial number": "4D:1A:90:7C:00:00:01:F4", "subject": "CN=crowd",
        "end of a secret": "4f2a", "request": request.number,
        "request id": "request-500", "IP address": "192.0.2.1", "scope": "address.read", "entry": "5000",
        "nothing": "zzyzx-of-nobody",
    }  # fmt: skip
    for kind, text in texts.items():
        yield "security", f"search, {kind}", reverse("account:search", query={"q": text})
    filters = {
        "who": "person500@crowd.example", "client": "crowd-500", "action": "key.", "not_who": "person500@crowd.example",
        "not_action": "key.", "address": "192.0.2.1", "request_id": "request-500", "since": "2026-01-01",
        "organisation": "Organisation 125", "scope": "address.read", "api": "addresses", "subject": "kid-500",
    }  # fmt: skip
    for name, text in filters.items():
        yield "auditor", f"search of the log, {name}", reverse("auditor:change_log", query={name: text})
    for kind, scope in {"rare": "keydesk.changes.read", "frequent": "address.read", "absent": "zzyzx.read"}.items():
        yield "security", f"search of clients, {kind} scope", reverse("security:clients", query={"scope": scope})
    for kind, signed in {"rare": "PS256", "frequent": "RS256", "absent": "ES512"}.items():
        yield "security", f"search of clients, {kind} algorithm", reverse("security:clients", query={"signed": signed})


def _visit(browser: Browser, role: str, name: str, path: str) -> dict[str, object]:
    browser.defaults["HTTP_HOST"] = urlsplit(settings.PUBLIC_URL).netloc
    with CaptureQueriesContext(connection) as captured:
        browser.get(path)
    cookies = "; ".join(f"{cookie}={morsel.value}" for cookie, morsel in browser.cookies.items())
    return {"role": role, "name": name, "path": path, "cookies": cookies, "queries": len(captured)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    make(options.clients, options.entries, timezone.now())
    print(json.dumps(visits(options.only)))
