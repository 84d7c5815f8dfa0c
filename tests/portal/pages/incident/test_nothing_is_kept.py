"""Text pasted into the incident page is stored nowhere: no column, log, mail or page."""

from __future__ import annotations

import base64
import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.urls import reverse

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.mail.rendering import render
from clients.models import Mail
from tests.portal.pages.incident.test_incident import assertion_of, pem, private_jwk
from tests.portal.pages.incident.test_pasted_secret import reference, token_of
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor
from tokens.models import UsedAssertion

pytestmark = pytest.mark.django_db


@pytest.fixture
def private() -> Any:
    return keys.new_ec()


# --- Nothing is kept ------------------------------------------------------------------------------------------------
def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        rows = []
        for table in tables:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            rows += [row for (row,) in cursor.fetchall()]
    return "\n".join(rows)


@override_settings(SECRETS_VIEWABLE=False)
def test_what_was_pasted_is_in_no_column_log_mail_or_page(private, caplog) -> None:
    now = datetime.now(UTC)
    made, secret = factories.client(now=now)
    key = key_acts.add(client=made, key=keys.certificate(private), by=by(lotte()), now=factories.NOW)
    assertion, token = assertion_of(made.client_id, private, key.kid), token_of(made, key.credential)
    basic = base64.b64encode(f"{made.client_id}:{secret}".encode()).decode()
    canaries = {
        pem(private): pem(private).splitlines()[1][4:40],
        private_jwk(private): json.loads(private_jwk(private))["d"][4:30],
        secret: secret[6:30],
        token: token[6:30],
        f"Authorization: Basic {basic}": basic[20:50],
        assertion: assertion.rpartition(".")[2][:30],
    }
    browser, pages = signed_in(noor()), []
    with caplog.at_level(logging.DEBUG):
        for pasted in canaries:
            page = browser.post(reverse("security:incident"), {"value": pasted}, follow=True)
            told = {
                "leak": reference(page.text),
                "act": "revoke",
                "case": "SEC-2026-031",
                "reason": "Found in a public repository",
            }
            pages += [page.text, browser.post(reverse("security:revoke_leak"), told, follow=True).text]
    pages += [browser.get(reverse("auditor:change_log")).text]
    mails = [render(mail, now=now) for mail in Mail.objects.exclude(kind=Mail.Kind.CODE).filter(link=None)]
    kept = "\n".join([everything_in_the_database(), caplog.text, *pages, *(f"{mail}" for mail in mails)])
    assert Entry.objects.filter(action="incident.revoked").count() >= 3
    assert not [pasted for pasted, canary in canaries.items() if canary in kept]
    assert not UsedAssertion.objects.exists()  # looking at an assertion does not spend it
