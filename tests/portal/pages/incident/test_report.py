"""The case of an incident: what each entry keeps, and the report that is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts.credentials import keys as key_acts
from clients.acts.credentials import trusts
from clients.mail.rendering import render
from clients.models import Client, JwksUri, Key, Mail, Secret
from foundation.refusals import Refusal
from tests.portal.pages.incident.test_incident import revoke
from tests.portal.pages.incident.test_pasted_secret import look_up, token_of
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tests.support.factories import by, lotte, noor
from tokens.acts import incident
from tokens.acts.refusal_codes import TokenCode
from tokens.models import Token, UsageDetail

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


@pytest.mark.parametrize("act", ["revoke", "tokens", "everything", "suspend"])
def test_the_entry_of_each_act_keeps_the_case_and_who_used_it(client, key, act) -> None:
    token_of(client, key.credential)
    revoke(look_up(key.kid), act)
    changes = Entry.objects.filter(subject_id__in=[key.audit_id, client.audit_id]).first().changes
    assert changes["case"] == [None, CASE]
    assert changes["networks"][1][0].startswith("203.0.113.77 (3, ")
    assert len(changes["addresses"][1]) == 1


@pytest.mark.parametrize("act", ["revoke", "tokens", "everything", "suspend"])
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


def test_the_report_tells_of_the_mails_about_its_acts_alone(client, key) -> None:
    revoke(look_up(key.kid))
    (about,) = Mail.objects.filter(kind=Mail.Kind.LEAK_REVOKED)
    now, later = about.created_at, about.created_at + timedelta(hours=1)
    for kind, at, facts in ((Mail.Kind.CONTACT_PROPOSED, now, {}), (Mail.Kind.LEAK_REVOKED, later, about.facts)):
        Mail.objects.create(kind=kind, to=about.to, client=client, created_at=at, next_attempt_at=at, facts=facts)
    url = reverse("security:incident_report", args=[client.uid], query={"case": CASE})
    answer = signed_in(noor()).get(url)
    assert list(answer.context["mails"]) == [about]
    assert f'href="{reverse("security:incident")}" aria-current="page"' in answer.text


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


def test_everything_that_lets_a_client_in_ends_in_one_act(client, key) -> None:
    """A mail, and an entry for each credential, so that the past of each and a restored database know it."""
    issuer = factories.issuer()
    trusts.add(client=client, issuer=issuer, subject="repo:meters", claims={}, by=by(lotte()), now=factories.NOW)
    address = JwksUri.objects.create(client=client, url="https://keys.example/jwks", added_at=factories.NOW)
    published = key_acts.add(client=client, key=keys.public_key(), by=by(lotte()), now=factories.NOW)
    Key.objects.filter(pk=published.pk).update(jwks_uri=address)
    token_of(client, key.credential)
    page = revoke(look_up(key.kid), "everything").text
    now = datetime.now(UTC)
    assert not client.keys.usable(now).exists()
    assert not client.secrets.usable(now).exists()
    assert not client.trusts.not_ended(now).exists()
    assert not client.jwks_uris.filter(ends_at=None).exists()
    assert not Token.objects.live(now).exists()
    entries = Entry.objects.filter(changes__case__1=CASE)
    assert sorted(entries.values_list("action", flat=True)) == [*["incident.revoked"] * 4, "jwks_uri.removed"]
    assert all(reverse("auditor:log_entry", args=[entry.seq]) in page for entry in entries)
    (mail,) = Mail.objects.filter(kind=Mail.Kind.LEAK_REVOKED)
    text = render(mail, now=now, link_url="https://x/")
    assert text.subject == f"Action needed: all keys and secrets of {client.name} were ended"
    assert f"{client.name} cannot authenticate" in " ".join(text.body.split())
    assert "End all its keys" not in look_up(client.client_id), "nothing is left to end"
    with pytest.raises(Refusal, match=TokenCode.NOTHING_LETS_IN):
        incident.revoke_all(client=client, by=by(noor()), now=now)


@pytest.mark.parametrize("name", ["security:change_client_status", "security:invalidate_tokens"])
def test_an_act_on_the_clients_own_page_can_belong_to_a_case(client, key, name) -> None:
    address = reverse(name, args=[client.uid, *(["suspend"] if name.endswith("status") else [])])
    assert signed_in(noor()).post(address, {"reason": "They asked", "case": "4711"}).status_code == 302
    assert Entry.objects.first().changes["case"] == [None, "4711"]
    report = signed_in(noor()).get(reverse("security:incident_report", args=[client.uid], query={"case": "4711"}))
    assert report.status_code == 200
    assert "They asked" in report.text


def test_without_a_case_nothing_of_one_is_kept(client) -> None:
    address = reverse("security:change_client_status", args=[client.uid, "suspend"])
    assert signed_in(noor()).post(address, {"reason": "They asked"}).status_code == 302
    assert Entry.objects.first().changes == {"status": ["active", "suspended"]}
