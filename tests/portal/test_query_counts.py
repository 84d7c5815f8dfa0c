"""No list asks the database more often because it is longer: three times the rows, the same number of queries."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import verification_runs
from audit.models import LogHead, Verification
from clients.acts import client_requests
from clients.acts.credentials import keys, trusts
from clients.acts.people import contacts
from clients.acts.scopes import deprecation
from clients.models import Client, ClientContact, Mail, Registration
from tests.portal.support import browsers, staff
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, ada, by, elif_, lotte, noor
from tests.support.keys import public_key
from tokens.models import CredentialUse, JournalEntry, Token, UsageDay

pytestmark = pytest.mark.django_db

FEW = 2


def grow(mine: Client, start: int, count: int) -> None:
    """`count` more of everything that a list can show; `mine` is the client whose own pages are looked at."""
    for number in range(start, start + count):
        scope = factories.scope(f"grown{number}.read", of=factories.api(f"grown{number}"))
        ending = factories.scope(f"ending{number}.read", of=scope.api), factories.scope("ending.read")
        other, _secret = factories.client(scopes=(scope, factories.scope(), *ending))
        mine.client_scopes.create(scope=ending[0])
        for old in (found for found in ending if not found.is_deprecated):
            plan = deprecation.Plan(timezone.now() + timedelta(days=90), scope, "Version 2 replaces it")
            deprecation.deprecate(scope=old, plan=plan, by=SYSTEM, now=timezone.now())
        issuer = factories.issuer(f"Issuer {number}", url=f"https://issuer{number}.example")
        for client in (mine, other):
            key = keys.add(client=client, key=public_key(), by=by(lotte()), now=NOW)
            _traffic(client, key.credential, number)
            trusts.add(client=client, issuer=issuer, subject="repo:meters", claims={}, by=by(lotte()), now=NOW)
        contacts.add(
            client=mine, email=f"person{number}@leiestroom.example", name="Person", role=ClientContact.Role.EDITOR,
            by=by(lotte()), now=NOW,
        )  # fmt: skip
        factories.api_owner(of=scope.api)
        for email in (f"asker{number}@rekenhuis.example", lotte().email):
            asked = {"scopes": (scope, factories.scope()), "organisation": f"Organisation {number}"}
            factories.submitted_request(contact_email=email, **asked)
        factories.decided_request(contact_email=f"asker{number}@rekenhuis.example", scopes=(factories.scope(),))
        first = lotte().registrations.earliest("pk")
        client_requests.comment(registration=first, text="Is there news?", by=by(lotte()), now=NOW)
        factories.recertification(other, asked_at=timezone.now())
        factories.failed_delivery()
        factories.failed_delivery(factories.webhook(of=factories.api()))
        factories.webhook(f"Of owners {number}", of=scope.api)
        factories.webhook(f"Also {number}", of=factories.api())
        for of in (factories.api(), None):
            factories.proposed_webhook(of, name=f"Proposed {number}")
        Mail.objects.filter(client=other).update(state=Mail.State.FAILED, last_error="550")
        asked = Verification.objects.create(asked_at=NOW, asked_by="Ada", total=LogHead.objects.get().size)
        verification_runs.carry_out(asked.pk)


def _traffic(client: Client, credential: str, number: int) -> None:
    facts = {"client": client, "address": "192.0.2.1"}
    digest = sha256(f"{client.pk} {number}".encode()).digest()
    Token.objects.create(
        digest=digest, epoch=client.epoch, scope="address.read", issued_at=NOW, expires_at=NOW + timedelta(days=9999),
        credential=credential, **facts,
    )  # fmt: skip
    for rule in ("audience", "kid"):
        JournalEntry.objects.create(
            at=timezone.now(), request_id=f"r{number}", endpoint="token", error="invalid_client", rule=rule, **facts
        )
    CredentialUse.objects.create(credential=credential, client=client, last_used_at=NOW, uses=3)
    factories.used(client, credential, kid="sha1")
    UsageDay.objects.create(
        client=client, day=timezone.now().date() - timedelta(days=number), credential=credential, issued=3
    )


def lists(mine: Client) -> dict[str, list[str]]:
    """The addresses of every page with a list on it, by who reads it."""
    registration = lotte().registrations.earliest("pk")
    return {
        "contact": lists_of_contact(mine, registration),
        "security": lists_of_security(mine, registration),
        "owner": [
            reverse("owner:apis"),
            reverse("owner:api", args=["addresses"]),
            reverse("owner:webhook", args=["addresses", factories.webhook(of=factories.api()).uid]),
        ],
        "auditor": [
            reverse("auditor:change_log"),
            reverse("auditor:change_log") + f"?client={mine.client_id}",
            reverse("auditor:client_at", args=[mine.uid]),
            reverse("auditor:verify_log"),
            reverse("auditor:make_package"),
            reverse("auditor:staff"),
            reverse("auditor:decided_requests"),
            reverse("auditor:recertification"),
            *(reverse("auditor:reports") + f"?report={name}" for name in ("approvals", "alone", "scopes")),
        ],
    }


def lists_of_contact(mine: Client, registration: Registration) -> list[str]:
    of_mine = (
        "contact:client", "contact:credentials", "contact:client_history", "contact:tokens", "contact:contacts",
        "contact:propose_change", "contact:first_token",
    )  # fmt: skip
    return [
        reverse("contact:clients"),
        reverse("contact:failures"),
        reverse("contact:requests"),
        reverse("contact:calendar"),
        reverse("contact:request", args=[registration.uid]),
        reverse("public:request_client"),
        reverse("docs:page", args=["scopes"]),
        *(reverse(name, args=[mine.uid]) for name in of_mine),
        reverse("contact:recertify", args=[mine.uid]),
    ]


def lists_of_security(mine: Client, registration: Registration) -> list[str]:
    shown = ("show=decided", "who=me", "step=second", "signal=bad", "sort=name", "")
    return [
        reverse("security:dashboard"),
        *(f"{reverse('security:queue')}?{query}" for query in shown),
        reverse("security:review", args=[registration.uid]),
        reverse("security:clients"),
        reverse("security:clients") + "?state=active&method=both&unused=7",
        reverse("security:scopes"),
        reverse("security:create_scope"),
        reverse("security:deprecation", args=[factories.scope("ending.read").pk]),
        reverse("security:failed_mail"),
        reverse("security:notices"),
        reverse("security:webhook", args=[factories.webhook().uid]),
        reverse("security:issuers"),
        reverse("security:outdated_ways"),
        reverse("security:policy"),
        reverse("security:outdated_way", args=["sha1"]),
        *(reverse(name, args=[mine.uid]) for name in ("security:client", "security:client_scopes")),
    ]


def test_no_list_asks_more_often_when_it_is_three_times_as_long():
    mine, _secret = factories.client()
    factories.api_owner()
    readers = {
        "contact": browsers.of(lotte()),
        "security": staff.signed_in(noor()),
        "auditor": staff.signed_in(ada()),
        "owner": staff.signed_in(elif_()),
    }
    grow(mine, 0, FEW)
    few = {url: _queries(readers[who], url) for who, urls in lists(mine).items() for url in urls}
    grow(mine, FEW, 2 * FEW)
    many = {url: _queries(readers[who], url) for who, urls in lists(mine).items() for url in urls}
    per_row = {url: (few.get(url), asked) for url, asked in many.items() if url in few and asked > few[url]}
    assert not per_row


def _queries(browser: Browser, url: str) -> int:
    cache.clear()  # the dashboard remembers its figures for a minute
    with CaptureQueriesContext(connection) as captured:
        answer = browser.get(url)
        assert answer.status_code == 200, url
        if answer.streaming:
            b"".join(answer.streaming_content)
    return len(captured)
