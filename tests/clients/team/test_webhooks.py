"""Webhooks of the Security team (API M-19), at a real HTTPS receiver, verified by the specification's own library."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from audit.log import SITE
from audit.models import Entry
from clients import encryption
from clients.acts import proposals
from clients.acts.credentials import client_secrets
from clients.acts.four_eyes import NeedsColleague
from clients.acts.team import webhooks as acts
from clients.federation.fetch import Fetcher
from clients.mail import targets, team_notices
from clients.models import Delivery, Mail, Notice, Proposal, Webhook
from clients.refusal_codes import Code, FetchCode
from clients.team import notices, webhooks
from foundation.dispatch import MAX_ATTEMPTS
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import SYSTEM, bram, by, elif_, noor
from tests.support.key_server import KeyServer, ok, serving

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)
PATH = "/hook?room=7"


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    """Let it be NOW for the library, which refuses what is five minutes old."""
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def server(tmp_path, settings) -> Iterator[KeyServer]:
    with serving(tmp_path) as server:
        settings.FEDERATION_ALLOWED_HOSTS = frozenset({server.host})
        server.answers[PATH] = ok(b"", status="204 No Content")
        yield server


@pytest.fixture
def fetcher(server) -> Fetcher:
    return Fetcher(allowed_hosts=frozenset({server.host}), ca_file=server.ca_file)


@pytest.fixture
def webhook(server) -> Webhook:
    return acts.add(name="Chat", url=f"{server.url}{PATH}", by=SYSTEM, now=NOW)


def delivery_of_a_request() -> Delivery:
    registration = factories.submitted_request(NOW)
    team_notices.hand_over(now=NOW)
    assert Notice.objects.get().about["request"] == str(registration.uid)
    return Delivery.objects.get()


def headers(server: KeyServer, number: int = -1) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in server.requests[number].splitlines()[1:])


def send(delivery: Delivery, fetcher: Fetcher, at: datetime = NOW) -> None:
    webhooks.deliver(delivery_id=delivery.pk, fetcher=fetcher, now=at)
    delivery.refresh_from_db()


def proposed(url: str) -> Proposal:
    return proposals.propose(
        kind=Proposal.Kind.WEBHOOK_ADDED, about=SITE, content={"name": "Chat", "url": url}, reason="For the team",
        by=by(noor()), now=NOW,
    )  # fmt: skip


def test_the_receiver_verifies_the_message_with_the_official_library(webhook, server, fetcher):
    delivery = delivery_of_a_request()
    send(delivery, fetcher)
    assert delivery.state == Delivery.State.SENT
    found = Receiver(webhooks.secret_of(webhook)).verify(server.bodies[0], headers(server))
    notice = delivery.notice
    assert found == {
        "type": "request.waits", "timestamp": notice.at.isoformat(),
        "data": {"subject": notice.subject, **notice.about},
    }  # fmt: skip
    assert server.requests[0].startswith(f"POST {PATH} HTTP/1.1")
    assert headers(server)["Content-Type"] == "application/json"


@pytest.mark.parametrize("what", ["body", "id", "time", "secret"])
def test_what_was_changed_on_the_way_is_found_out(webhook, server, fetcher, what):
    send(delivery_of_a_request(), fetcher)
    sent, body, secret = headers(server), server.bodies[0], webhooks.secret_of(webhook)
    if what == "body":
        body = body.replace(b"request.waits", b"request.wants")
    if what == "id":
        sent["webhook-id"] += "0"
    if what == "time":
        sent["webhook-timestamp"] = str(int(sent["webhook-timestamp"]) + 1)
    if what == "secret":
        secret = "whsec_" + "A" * 44
    with pytest.raises(WebhookVerificationError):
        Receiver(secret).verify(body, sent)


def test_the_secret_has_the_form_and_length_of_the_specification(webhook):
    secret = webhooks.secret_of(webhook)
    assert secret.startswith("whsec_")
    assert len(Receiver(secret)._whsecret) == 32
    assert secret not in webhook.sealed_secret
    assert secret.removeprefix("whsec_") not in str(list(Entry.objects.values()))


def test_a_receiver_that_is_away_gets_the_same_message_later_with_a_new_time(webhook, server, fetcher):
    server.answers[PATH] = ok(b"", status="503 Service Unavailable")
    delivery = delivery_of_a_request()
    send(delivery, fetcher)
    assert (delivery.state, delivery.problem) == (Delivery.State.PENDING, FetchCode.POST_NOT_ACCEPTED)
    assert delivery.next_attempt_at == NOW + timedelta(seconds=10)
    send(delivery, fetcher, NOW + timedelta(seconds=9))
    assert len(server.requests) == 1
    server.answers[PATH] = ok(b"thanks")
    send(delivery, fetcher, NOW + timedelta(seconds=10))
    assert (delivery.state, delivery.problem, delivery.attempts) == (Delivery.State.SENT, "", 2)
    assert headers(server, 0)["webhook-id"] == headers(server, 1)["webhook-id"]
    assert int(headers(server, 1)["webhook-timestamp"]) - int(headers(server, 0)["webhook-timestamp"]) == 10
    assert server.bodies[0] == server.bodies[1]


def test_after_the_last_attempt_the_team_is_told_by_mail_alone(webhook, server, fetcher):
    noor()
    server.answers[PATH] = ok(b"", status="500 Oops")
    delivery = delivery_of_a_request()
    Delivery.objects.update(attempts=MAX_ATTEMPTS - 1)
    send(delivery, fetcher)
    assert delivery.state == Delivery.State.FAILED
    assert Notice.objects.filter(kind=Notice.Kind.WEBHOOK_FAILED).count() == 1
    team_notices.hand_over(now=NOW)
    assert Delivery.objects.count() == 1
    (digest,) = noor().mails.all()
    assert digest.facts["notices"][-1]["kind"] == Notice.Kind.WEBHOOK_FAILED


def test_a_webhook_of_an_api_that_fails_is_mailed_to_its_owners_alone(server, fetcher):
    noor(), factories.api_owner()
    webhook = acts.add(name="Tickets", url=f"{server.url}{PATH}", api=factories.api(), by=SYSTEM, now=NOW)
    server.answers[PATH] = ok(b"", status="500 Oops")
    delivery = factories.failed_delivery(webhook)
    Delivery.objects.update(state=Delivery.State.PENDING, attempts=MAX_ATTEMPTS - 1)
    send(delivery, fetcher)
    team_notices.hand_over(now=NOW)
    assert Delivery.objects.count() == 1
    assert not noor().mails.exists()
    mail = elif_().mails.get(kind=Mail.Kind.WEBHOOK_FAILED)
    assert mail.facts == {"subject": "Tickets", "api": "addresses", "webhook": str(webhook.uid)}
    assert targets.of(mail) == f"/owner/addresses/webhooks/{webhook.uid}/"


def test_a_receiver_that_is_away_does_not_keep_others_waiting(webhook, server, fetcher):
    away = acts.add(name="Away", url=f"{server.url}/away", by=SYSTEM, now=NOW)
    for _ in range(3):
        for hook in (webhook, away):
            failed = factories.failed_delivery(hook)
            Delivery.objects.filter(pk=failed.pk).update(state=Delivery.State.PENDING, attempts=0)
    webhooks.sweep(fetcher=fetcher, clock=lambda: NOW)
    assert {delivery.state for delivery in webhook.deliveries.all()} == {Delivery.State.SENT}
    assert sorted(away.deliveries.values_list("attempts", flat=True)) == [0, 0, 1]


def test_what_failed_can_be_sent_again_once(webhook, server, fetcher):
    delivery = factories.failed_delivery(webhook)
    acts.send_again(delivery=delivery, by=by(noor()), now=NOW, reason="The chat is back")
    with pytest.raises(Refusal, match=Code.DELIVERY_NOT_FAILED):
        acts.send_again(delivery=delivery, by=by(noor()), now=NOW, reason="Twice")
    send(delivery, fetcher)
    assert delivery.state == Delivery.State.SENT
    assert Entry.objects.first().action == "webhook.delivery_retried"


def test_one_person_adds_no_webhook_and_two_do(server):
    url = f"{server.url}{PATH}"
    with pytest.raises(NeedsColleague):
        acts.add(name="Chat", url=url, reason="For the team", by=by(noor()), now=NOW)
    proposal = proposed(url)
    with pytest.raises(Refusal, match=Code.OWN_PROPOSAL):
        proposals.confirm(proposal=proposal, by=by(noor()), now=NOW)
    proposals.confirm(proposal=proposal, by=by(bram()), now=NOW, reason="Agreed")
    assert Webhook.objects.get().url == url
    entry = Entry.objects.get(action="webhook.added")
    assert entry.changes["proposed_by"][1] == noor().audit_label


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://chat.example/", FetchCode.ADDRESS_NOT_HTTPS),
        ("https://127.0.0.1/", FetchCode.ADDRESS_NOT_PUBLIC),
        ("https://user:pass@chat.example/", FetchCode.ADDRESS_WITH_CREDENTIALS),
        ("https://chat.example:8443/", FetchCode.ADDRESS_PORT),
    ],
)
def test_an_address_that_may_not_be_sent_to_cannot_be_proposed(url, code):
    with pytest.raises(Refusal, match=code):
        proposed(url)


def test_a_name_that_resolves_to_the_inside_gets_nothing(webhook, server):
    """PROTOCOL F-35."""
    delivery = delivery_of_a_request()
    send(delivery, Fetcher(resolve=lambda *_args, **_more: [(0, 0, 0, "", ("127.0.0.1", 443))]))
    assert delivery.problem in {FetchCode.ADDRESS_NOT_PUBLIC, FetchCode.ADDRESS_PORT}
    assert server.requests == []


def test_nothing_is_sent_to_a_removed_webhook(webhook, server, fetcher):
    delivery = delivery_of_a_request()
    acts.remove(webhook=webhook, by=by(noor()), now=NOW, reason="Gone")
    webhooks.deliver(delivery_id=delivery.pk, fetcher=fetcher, now=NOW)
    assert server.requests == []
    notices.note(Notice.Kind.MAIL_FAILED, "code", about={}, once="1", now=NOW)
    team_notices.hand_over(now=NOW)
    assert not Delivery.objects.exists()


def test_the_sweep_sends_what_is_due(webhook, server, fetcher):
    delivery_of_a_request()
    webhooks.sweep(fetcher=fetcher, clock=lambda: NOW)
    assert Delivery.objects.get().state == Delivery.State.SENT


def test_a_new_key_of_the_site_encrypts_the_secret_anew(webhook, settings):
    before = webhooks.secret_of(webhook)
    settings.SECRETS_KEYS = {"new": next(iter(settings.SECRETS_KEYS.values()))[::-1], **settings.SECRETS_KEYS}
    client_secrets.reencrypt(by=SYSTEM)
    webhook.refresh_from_db()
    assert webhook.sealed_secret.startswith(f"{encryption.current_key_id()}:")
    assert webhooks.secret_of(webhook) == before


def test_no_value_that_authenticates_is_sent(webhook, server, fetcher):
    _client, secret = factories.client()
    send(delivery_of_a_request(), fetcher)
    assert set(json.loads(server.bodies[0])["data"]) == {"subject", "request", "number"}
    assert secret not in server.bodies[0].decode()
    assert time.time() - int(headers(server)["webhook-timestamp"]) < 600
