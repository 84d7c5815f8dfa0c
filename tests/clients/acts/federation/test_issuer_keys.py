"""When the keys of issuers are fetched, and what a failure leaves (PROTOCOL F-35), with a real server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from joserfc.jwk import ECKey

from audit.models import Entry
from clients import tasks
from clients.acts.federation import issuer_keys, issuers
from clients.models import Issuer, Mail
from clients.refusal_codes import FetchCode
from tests.support.factories import NOW, SYSTEM, bram, lotte, noor
from tests.support.key_server import ok
from tests.support.keys import jwk_of, new_ec
from tokens.acts.federation.key_requests import issuers_asked_for
from tokens.models import IssuerKeyRequest

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def issuer(server, settings) -> Issuer:
    settings.FEDERATION_ALLOWED_HOSTS = frozenset({server.host})
    url = server.discover(jwk_of(new_ec(), kid="a"))
    return issuers.create(name="Ours", url=url, jwks=None, audience="", max_lifetime=3600, by=SYSTEM, now=NOW)


def refresh(issuer: Issuer, fetcher, at=NOW) -> bool:
    tried = issuer_keys.refresh(issuer=issuer, fetcher=fetcher, now=at)
    issuer.refresh_from_db()
    return tried


def test_a_good_set_is_kept_and_logged(issuer, fetcher, server):
    refresh(issuer, fetcher)
    assert [key["kid"] for key in issuer.keys] == ["a"]
    assert (issuer.keys_fetched_at, issuer.keys_problem) == (NOW, "")
    server.publish(jwk_of(new_ec(), kid="b"))
    refresh(issuer, fetcher, NOW + MINUTE)
    assert [key["kid"] for key in issuer.keys] == ["b"]
    changes = Entry.objects.about(issuer.audit_id).with_action("issuer.keys_changed").first().changes
    assert changes["kids"] == ["a", "b"]


def test_the_same_set_again_makes_no_entry(issuer, fetcher):
    refresh(issuer, fetcher)
    refresh(issuer, fetcher, NOW + MINUTE)
    assert issuer.keys_fetched_at == NOW + MINUTE
    assert Entry.objects.about(issuer.audit_id).with_action("issuer.keys_changed").count() == 1


def test_whoever_asks_it_is_fetched_once_a_minute(issuer, fetcher, server):
    assert refresh(issuer, fetcher)
    assert not refresh(issuer, fetcher, NOW + timedelta(seconds=59))
    assert len(server.requests) == 2  # the document and the keys
    assert refresh(issuer, fetcher, NOW + MINUTE)


def test_a_failure_leaves_the_last_good_set_and_is_shown(issuer, fetcher, server):
    refresh(issuer, fetcher)
    server.answers["/keys"] = ok(b"", status="503 Away")
    refresh(issuer, fetcher, NOW + MINUTE)
    assert [key["kid"] for key in issuer.keys] == ["a"]
    assert (issuer.keys_fetched_at, issuer.keys_problem) == (NOW, FetchCode.FETCH_STATUS)
    server.publish(jwk_of(new_ec(), kid="a"))
    refresh(issuer, fetcher, NOW + 2 * MINUTE)
    assert issuer.keys_problem == ""


def test_a_private_key_refuses_the_set_and_is_told_to_the_team_once(issuer, fetcher, server):
    refresh(issuer, fetcher)
    everybody = {noor().email, bram().email}
    lotte()
    leaked = ECKey.generate_key("P-256").as_dict(private=True)
    server.publish(jwk_of(new_ec(), kid="b"), leaked)
    for minute in (1, 2):
        refresh(issuer, fetcher, NOW + minute * MINUTE)
    assert [key["kid"] for key in issuer.keys] == ["a"]
    mails = Mail.objects.filter(kind=Mail.Kind.ISSUER_KEYS_REFUSED)
    assert {mail.to for mail in mails} == everybody
    assert mails.count() == len(everybody)
    assert leaked["d"] not in str([mail.facts for mail in mails] + [entry.changes for entry in Entry.objects.all()])
    assert Entry.objects.with_action("issuer.keys_refused").count() == 1


def test_keys_are_due_before_they_age_and_failures_are_tried_again_sooner(issuer, fetcher, server):
    assert list(issuer_keys.due(NOW)) == [issuer]
    refresh(issuer, fetcher)
    assert not issuer_keys.due(NOW + 59 * MINUTE)
    assert issuer_keys.due(NOW + 60 * MINUTE)
    server.answers.clear()
    refresh(issuer, fetcher, NOW + 60 * MINUTE)
    assert not issuer_keys.due(NOW + 64 * MINUTE)
    assert issuer_keys.due(NOW + 65 * MINUTE)
    issuers.disable(issuer=issuer, by=SYSTEM, now=NOW)
    assert not issuer_keys.due(NOW + 65 * MINUTE)


def test_pasted_keys_do_not_age(fetcher):
    issuer = issuers.create(
        name="Cluster", url="https://cluster.local", jwks={"keys": [jwk_of(new_ec(), kid="a")]}, audience="",
        max_lifetime=3600, by=SYSTEM, now=NOW,
    )  # fmt: skip
    refresh(issuer, fetcher, NOW + 60 * MINUTE)
    assert issuer.keys_fetched_at == NOW + 60 * MINUTE
    assert [key["kid"] for key in issuer.keys] == ["a"]


def test_a_wish_for_unknown_keys_is_open_until_they_were_looked_at(issuer, fetcher):
    IssuerKeyRequest.objects.create(issuer=issuer, asked_at=NOW)
    assert issuers_asked_for().exists()
    refresh(issuer, fetcher, NOW + timedelta(seconds=5))
    assert not issuers_asked_for().exists()
    IssuerKeyRequest.objects.update(asked_at=NOW + timedelta(seconds=6))
    assert issuers_asked_for().exists()
    issuers.disable(issuer=issuer, by=SYSTEM, now=NOW)
    assert not issuers_asked_for().exists()


def test_the_worker_fetches_within_what_the_settings_allow(issuer, server, settings):
    settings.FEDERATION_CA_FILE = server.ca_file
    tasks.fetch_issuer_keys(issuer.pk)
    issuer.refresh_from_db()
    assert [key["kid"] for key in issuer.keys] == ["a"]
