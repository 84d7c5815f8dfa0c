"""The case of an incident: what each entry keeps, and the report that is made of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.models import Client, Key, Mail, Secret
from tests.portal.pages.incident.test_incident import revoke
from tests.portal.pages.incident.test_pasted_secret import look_up, token_of
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor
from tokens.models import UsageDetail

pytestmark = pytest.mark.django_db

CASE = "SEC-2026-031"


@pytest.fixture
def client() -> Client:
    sensitive = factories.scope("person.nrn.read", sensitive=True)
    found, _secret = factories.client(scopes=(factories.scope(), sensitive), now=datetime.now(UTC))
    return found


@pytest.fixture
def key(client: Client) -> Key:
    made = key_acts.add(client=client, key=keys.certificate(), by=by(lotte()), now=factories.NOW)
    UsageDetail.objects.filter(pk=factories.used(client, made.credential).pk).update(network="203.0.113.77")
    return made


@pytest.mark.parametrize("act", ["revoke", "tokens", "suspend"])
def test_the_entry_of_each_act_keeps_the_case_and_who_used_it(client, key, act) -> None:
    token_of(client, key.credential)
    revoke(look_up(key.kid), act)
    changes = Entry.objects.first().changes
    assert changes["case"] == [None, CASE]
    assert changes["networks"][1][0].startswith("203.0.113.77 (3, ")
    assert len(changes["addresses"][1]) == 1


@pytest.mark.parametrize("act", ["revoke", "tokens", "suspend"])
def test_each_act_needs_a_case_number(client, key, act) -> None:
    answer = revoke(look_up(key.kid), act, case=" ")
    assert answer.status_code == 422
    assert "Give the number of the case" in answer.text
    assert Entry.objects.first().action == "incident.looked_up"


def test_the_report_tells_what_happened_by_entries(client, key) -> None:
    page = revoke(look_up(key.kid)).text
    ended, looked_up = Entry.objects.all()[:2]
    for words in (CASE, "Found in a public repository", "203.0.113.77", "person.nrn.read", lotte().email):
        assert words in page.replace("<wbr>", "")
    for entry in (ended, looked_up):
        assert reverse("auditor:log_entry", args=[entry.seq]) in page
    assert Mail.objects.get(kind=Mail.Kind.LEAK_REVOKED).get_state_display() in page


def test_a_case_that_this_client_does_not_have_is_not_there(client, key) -> None:
    revoke(look_up(key.kid))
    other, _secret = factories.client()
    for uid, case in ((other.uid, CASE), (client.uid, "SEC-1"), (client.uid, "")):
        url = reverse("security:incident_report", args=[uid], query={"case": case})
        assert signed_in(noor()).get(url).status_code == 404


def test_an_end_of_a_secret_that_two_have_is_a_list_without_acts(client) -> None:
    other, _secret = factories.client(contact=factories.wim())
    secret, same = client.secrets.get(), other.secrets.get()
    Secret.objects.filter(pk=same.pk).update(hint=secret.hint)
    page = look_up(secret.hint)
    assert 'name="act"' not in page
    for each in (secret, same):
        assert reverse("security:end_secret", args=[each.client.uid, each.uid]) in page


def test_the_card_has_four_words_and_what_each_scope_gives(client, key) -> None:
    page = look_up(key.kid).replace("<wbr>", "")
    for words in ("Works now?", "Valid tokens", "Only way in?", "The software can go on", "person.nrn.read"):
        assert words in page
    for scope in client.scopes.all():
        assert scope.described_in("en") in page
