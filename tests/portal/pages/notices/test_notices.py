"""The pages of notices and webhooks, as the Security team uses them."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from audit.models import Entry
from clients.models import Notice, Proposal, User, Webhook
from clients.team import webhooks
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, noor

pytestmark = pytest.mark.django_db


def test_a_member_chooses_when_to_be_mailed():
    browser, url = signed_in(noor()), reverse("security:notices")
    assert re.search(r'value="daily"[^>]*checked', browser.get(url).text)
    assert browser.post(url, {"notice_mails": "weekly"}).status_code == 422
    assert browser.post(url, {"notice_mails": "at_once"}).status_code == 302
    assert User.objects.get(pk=noor().pk).notice_mails == "at_once"
    assert User.objects.get(pk=bram().pk).notice_mails == "daily"
    assert Entry.objects.first().changes == {"notice_mails": ["daily", "at_once"]}


def test_the_notices_link_to_what_they_are_about():
    registration = factories.submitted_request()
    text = signed_in(noor()).get(reverse("security:notices")).text
    assert reverse("security:review", args=[registration.uid]) in text
    assert registration.number in text


def test_a_proposed_webhook_is_named_by_its_host() -> None:
    form = {"name": "Tickets", "url": "https://tickets.example/hook?key=1", "reason": "The desk works there"}
    signed_in(noor()).post(reverse("security:create_webhook"), form)
    assert Notice.objects.get(kind=Notice.Kind.PROPOSAL_WAITS).subject == "tickets.example"
    text = signed_in(bram()).get(reverse("security:notices")).text
    assert "proposes a webhook to tickets.example" in text
    assert "hook?key=1" not in text


def test_one_proposes_a_webhook_and_a_colleague_adds_it():
    form = {"name": "Tickets", "url": "https://tickets.example/hook", "reason": "The desk works there"}
    answer = signed_in(noor()).post(reverse("security:create_webhook"), form)
    proposal = Proposal.objects.get()
    assert answer.url == reverse("security:proposal", args=[proposal.uid])
    assert not Webhook.objects.exists()
    page = signed_in(bram()).get(answer.url).text
    assert "https://tickets.example/hook" in page
    assert "Every notice goes there" in page
    signed_in(bram()).post(answer.url, {"act": "confirm", "reason": "Agreed"})
    assert Webhook.objects.get().name == "Tickets"


def test_an_address_inside_the_network_is_refused_in_words():
    form = {"name": "Tickets", "url": "https://10.0.0.1/hook", "reason": "The desk works there"}
    answer = signed_in(noor()).post(reverse("security:create_webhook"), form)
    assert answer.status_code == 422
    assert "This host has no public address" in answer.text


def test_the_secret_is_shown_once_after_a_reason_and_logged():
    webhook = factories.webhook()
    secret, browser = webhooks.secret_of(webhook), signed_in(noor())
    url = reverse("security:webhook_secret", args=[webhook.uid])
    assert secret not in browser.get(url).text
    shown = browser.post(url, {"reason": "Set up the receiver"}).url
    assert secret not in shown
    assert secret in browser.get(shown).text
    assert secret not in browser.get(shown).text
    assert Entry.objects.first().action == "webhook.secret_viewed"
    assert secret not in str(list(Entry.objects.values()))


def test_what_failed_says_why_and_is_sent_again():
    delivery = factories.failed_delivery()
    browser, page = signed_in(noor()), reverse("security:webhook", args=[delivery.webhook.uid])
    assert "The server could not be reached." in browser.get(page).text
    again = reverse("security:retry_delivery", args=[delivery.pk])
    assert again in browser.get(page).text
    assert browser.post(again, {"reason": "It is back"}, follow=True).redirect_chain[-1][0] == page
    delivery.refresh_from_db()
    assert delivery.state == delivery.State.PENDING


def test_the_menu_of_a_member_leads_to_the_notices():
    assert reverse("security:notices") in signed_in(noor()).get(reverse("security:dashboard")).text
    assert reverse("security:notices") not in signed_in(factories.ada()).get(reverse("auditor:change_log")).text


def test_the_pages_of_a_client_say_whose_mail_comes_back(now):
    client, _secret = factories.client()
    User.objects.filter(pk=factories.lotte().pk).update(unreachable_since=now, bounces=2)
    team, lotte = signed_in(noor()), browsers.of(factories.lotte())
    for browser, name in ((team, "security:client"), (lotte, "contact:client"), (lotte, "contact:contacts")):
        page = strip_tags(browser.get(reverse(name, args=[client.uid])).text)
        assert "Mail to lotte@leiestroom.example comes back" in page
