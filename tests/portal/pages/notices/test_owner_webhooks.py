"""The pages on which owners of an API keep its webhooks, beside the Security team."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import proposals
from clients.models import Delivery, Proposal, User, Webhook
from clients.team import webhooks
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import by, elif_, noor, tom

pytestmark = pytest.mark.django_db

FORM = {"name": "Tickets", "url": "https://tickets.example/hook", "reason": "The desk works there"}


@pytest.fixture
def webhook() -> Webhook:
    factories.api_owner()
    return factories.webhook(of=factories.api())


def test_an_owner_proposes_a_webhook_and_the_second_adds_it():
    factories.api_owner()
    factories.api_owner(tom())
    browser, home = signed_in(elif_()), reverse("owner:api", args=["addresses"])
    answer = browser.post(reverse("owner:create_webhook", args=["addresses"]), FORM)
    proposal = Proposal.objects.get()
    assert answer.url == reverse("owner:proposal", args=["addresses", proposal.uid])
    text = browser.get(answer.url).text
    assert "Another owner of the API or a member of the Security team confirms" in text
    assert "contacts read it too" not in text, "no client is concerned"
    assert browser.post(answer.url, {"act": "confirm", "reason": "Myself"}).status_code == 422
    assert answer.url in signed_in(tom()).get(home).text
    second = signed_in(tom()).post(answer.url, {"act": "confirm", "reason": "Agreed"})
    assert second.url == home
    added = Webhook.objects.get()
    assert (added.name, added.api) == ("Tickets", factories.api())
    page = browser.get(home).text
    assert reverse("owner:webhook", args=["addresses", added.uid]) in page
    assert answer.url not in page


def test_the_security_team_confirms_on_its_own_page_and_reads_what_goes_there():
    factories.api_owner()
    proposal = factories.proposed_webhook(factories.api())
    page = reverse("security:proposal", args=[proposal.uid])
    text = signed_in(noor()).get(page).text
    assert "What owners of Addresses have to know goes there" in text
    assert "https://tickets.example/hook" in text
    assert signed_in(noor()).post(page, {"act": "confirm", "reason": "Agreed"}).status_code == 302
    assert Webhook.objects.get().api == factories.api()


def test_an_owner_declines_or_withdraws():
    factories.api_owner()
    factories.api_owner(tom())
    for who, act, outcome in ((tom(), "decline", "declined"), (elif_(), "withdraw", "withdrawn")):
        proposal = factories.proposed_webhook(factories.api())
        page = reverse("owner:proposal", args=["addresses", proposal.uid])
        assert signed_in(who).post(page, {"act": act, "reason": "Not there"}).status_code == 302
        proposal.refresh_from_db()
        assert proposal.outcome == outcome
    assert not Webhook.objects.exists()


def test_an_address_that_may_not_be_sent_to_is_refused_in_words():
    """PROTOCOL F-35."""
    factories.api_owner()
    url = reverse("owner:create_webhook", args=["addresses"])
    answer = signed_in(elif_()).post(url, {**FORM, "url": "https://10.0.0.1/hook"})
    assert answer.status_code == 422
    assert "This host has no public address" in answer.text


def test_nothing_of_another_api_is_found(webhook):
    other = factories.api_owner(
        factories.person("wies@parcels.example", "Wies", User.Role.API_OWNER), of=factories.api("parcels")
    )
    delivery, proposal = factories.failed_delivery(webhook), factories.proposed_webhook(factories.api())
    team_delivery = factories.failed_delivery()
    for name, uid in (
        ("webhook", webhook.uid), ("webhook_secret", webhook.uid), ("remove_webhook", webhook.uid),
        ("retry_delivery", delivery.pk), ("proposal", proposal.uid), ("webhook", team_delivery.webhook.uid),
        ("retry_delivery", team_delivery.pk), ("webhook_secret", team_delivery.webhook.uid),
    ):  # fmt: skip
        for api in ("parcels", "addresses"):
            address = reverse(f"owner:{name}", args=[api, uid])
            assert signed_in(other).get(address).status_code == 404, address
            assert signed_in(other).post(address, {"reason": "Curious"}).status_code in {404, 405}, address
    assert signed_in(other).get(reverse("owner:create_webhook", args=["addresses"])).status_code == 404
    of_team = reverse("owner:webhook", args=["addresses", team_delivery.webhook.uid])
    assert signed_in(elif_()).get(of_team).status_code == 404


def test_the_owner_sees_the_secret_once_and_the_team_never(webhook):
    secret, browser = webhooks.secret_of(webhook), signed_in(elif_())
    url = reverse("owner:webhook_secret", args=["addresses", webhook.uid])
    shown = browser.post(url, {"reason": "Set up the receiver"}).url
    assert secret in browser.get(shown).text
    assert secret not in browser.get(shown).text
    assert Entry.objects.first().action == "webhook.secret_viewed"
    assert signed_in(noor()).get(reverse("security:webhook_secret", args=[webhook.uid])).status_code == 404


def test_the_owner_sends_again_what_failed(webhook):
    delivery, browser = factories.failed_delivery(webhook), signed_in(elif_())
    page = reverse("owner:webhook", args=["addresses", webhook.uid])
    again = reverse("owner:retry_delivery", args=["addresses", delivery.pk])
    assert again in browser.get(page).text
    assert browser.post(again, {"reason": "It is back"}).url == page
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.PENDING


def test_the_team_sees_whose_webhooks_there_are_and_removes_one(webhook):
    browser = signed_in(noor())
    listed = browser.get(reverse("security:notices")).text
    assert "What owners of Addresses have to know" in listed
    page = browser.get(reverse("security:webhook", args=[webhook.uid])).text
    assert reverse("security:webhook_secret", args=[webhook.uid]) not in page
    gone = browser.post(reverse("security:remove_webhook", args=[webhook.uid]), {"reason": "A private mailbox"})
    assert gone.status_code == 302
    webhook.refresh_from_db()
    assert webhook.ends_at is not None


def test_the_notices_of_the_team_are_without_those_of_owners(webhook):
    factories.client(now=timezone.now())
    assert "The scopes of a caller changed" not in signed_in(noor()).get(reverse("security:notices")).text


def test_a_proposal_that_is_decided_stays_readable(webhook):
    proposal = factories.proposed_webhook(factories.api())
    proposals.decline(proposal=proposal, by=by(noor()), now=timezone.now(), reason="Not there")
    text = signed_in(elif_()).get(reverse("owner:proposal", args=["addresses", proposal.uid])).text
    assert "Declined" in text
