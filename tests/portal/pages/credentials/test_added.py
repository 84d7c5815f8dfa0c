"""API M-12: what a client added by itself is ended from the mail about it, and contacts turn that on again."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts.credentials import keys, trusts
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, Key, Mail, Secret
from tests.portal.api.support.callers import caller, token_for
from tests.portal.api.support.proofs import proof
from tests.portal.support import browsers
from tests.support.factories import by, issuer, lotte, noor
from tests.support.keys import jwk_of, new_ec, public_key
from tokens.acts import incident
from tokens.models import Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def planted(made: Client) -> Key:
    """A key that somebody with a token of the client added."""
    private = new_ec()
    answer = caller(made)("POST", "self/keys", {"jwk": jwk_of(private), "proof": proof(private, made.client_id)})
    assert answer.status_code == 201, answer.text
    return made.keys.get()


def page_of(mail: Mail) -> str:
    return " ".join(render(mail, now=timezone.now()).body.split())


def test_the_mail_about_an_addition_leads_to_its_end(made, planted):
    mail = Mail.objects.get(kind="client_changed")
    assert targets.of(mail) == reverse("contact:end_added", args=[made.uid, planted.uid])
    assert "If none of you set that up, end it here" in page_of(mail)
    shown = browsers.of(lotte()).get(targets.of(mail))
    assert shown.status_code == 200
    assert planted.kid in shown.content.decode()
    planted.refresh_from_db()
    assert planted.retires_at is None  # looking at it changes nothing


def test_what_a_contact_added_leads_to_the_client(made):
    keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    mail = Mail.objects.get(kind="client_changed")
    assert targets.of(mail) == reverse("contact:client", args=[made.uid])


def test_ending_it_ends_its_tokens_and_pauses_what_the_client_adds(made, planted):
    token_for(made, planted)
    answer = browsers.of(lotte()).post(reverse("contact:end_added", args=[made.uid, planted.uid]), {"pause": "on"})
    assert answer.status_code == 302
    planted.refresh_from_db()
    made.refresh_from_db()
    assert planted.state(timezone.now()) == Key.State.RETIRED
    assert made.self_service == "paused"
    assert not Token.objects.filter(credential=planted.credential, revoked_at=None).exists()
    entry = Entry.objects.get(action="credential.added_ended")
    assert entry.changes["tokens"] == [1, 0]
    assert entry.changes["self_service"] == ["on", "paused"]
    assert Mail.objects.filter(facts__action="credential.added_ended").count() == 1


def test_a_trust_is_ended_like_a_key(made, now):
    trust = trusts.add(client=made, issuer=issuer(), subject="repo:meters", claims={}, by=by(lotte()), now=now)
    token_for(made, trust)
    browser, url = browsers.of(lotte()), reverse("contact:end_added", args=[made.uid, trust.uid])
    assert "repo:meters" in browser.get(url).content.decode()
    browser.post(url, {"pause": "on"})
    trust.refresh_from_db()
    assert trust.ends_at is not None
    assert not Token.objects.filter(credential=trust.credential, revoked_at=None).exists()
    assert "It has ended already" in browser.get(url).content.decode()


def test_the_only_way_in_is_ended_too_after_a_warning(made):
    answer = caller(made)("POST", "self/secret", {"overlap": 0})
    secret = made.secrets.get(uid=answer.json()["id"])
    url = reverse("contact:end_added", args=[made.uid, secret.uid])
    browser = browsers.of(lotte())
    assert "Then the client has no way to authenticate." in browser.get(url).content.decode()
    browser.post(url, {})
    secret.refresh_from_db()
    made.refresh_from_db()
    assert (secret.state(timezone.now()), made.self_service) == (Secret.State.ENDED, "on")
    assert "It has ended already" in browser.get(url).content.decode()
    browser.post(url, {})
    assert Entry.objects.filter(action="credential.added_ended").count() == 1


def test_after_an_incident_a_contact_turns_it_on_again(made):
    old = keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now() - timedelta(days=1))
    incident.revoke(leak=incident.Leak(old), by=by(noor()), now=timezone.now(), reason="Found in a repository")
    call, private = caller(made), new_ec()
    body = {"jwk": jwk_of(private), "proof": proof(private, made.client_id)}
    assert call("POST", "self/keys", body).json()["code"] == "self_service_off"
    browser, url = browsers.of(lotte()), reverse("contact:self_service", args=[made.uid])
    assert url in browser.get(reverse("contact:client", args=[made.uid])).content.decode()
    browser.post(url, {"to": "on"})
    assert Entry.objects.get(action="client.self_service_on").changes == {"self_service": ["paused", "on"]}
    assert Mail.objects.filter(facts__action="client.self_service_on").count() == 1
    assert call("POST", "self/keys", body).status_code == 201


def test_what_the_security_team_turned_off_stays_off(made):
    Client.objects.filter(pk=made.pk).update(self_service="off")
    browser, url = browsers.of(lotte()), reverse("contact:self_service", args=[made.uid])
    assert "Ask the Security team" in browser.get(url).content.decode()
    browser.post(url, {"to": "on"})
    made.refresh_from_db()
    assert made.self_service == "off"


def test_a_contact_turns_the_api_for_itself_off_and_on_again(made):
    call, browser = caller(made), browsers.of(lotte())
    url = reverse("contact:self_service", args=[made.uid])
    assert call("GET", "self").status_code == 200
    assert "Choose what the client may do." in browser.post(url, {}).content.decode()
    browser.post(url, {"to": "off_by_contact"})
    assert Entry.objects.get(action="client.self_service_off").changes == {"self_service": ["on", "off_by_contact"]}
    assert call("GET", "self").status_code == 403
    assert url in browser.get(reverse("contact:client", args=[made.uid])).content.decode()
    browser.post(url, {"to": "on"})
    assert call("GET", "self").status_code == 200
