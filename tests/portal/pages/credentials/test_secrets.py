"""Client secrets on the contact's pages (docs/security.md, secrets)."""

import hashlib
import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import one_time_codes
from clients.acts.credentials import client_secrets, keys
from clients.models import Client, Mail, Secret
from tests.portal.support import browsers
from tests.portal.support.html import without_breaks
from tests.support import factories
from tests.support.keys import public_key
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> tuple[Client, str]:
    return factories.client()


def test_the_client_page_shows_dots_and_the_last_four_characters(made, browser) -> None:
    client, secret = made
    text = browser.get(reverse("contact:credentials", args=[client.uid])).content.decode()
    assert secret not in text
    assert secret[-4:] in text


def test_a_reveal_shows_the_secret_once_and_is_logged(made, browser) -> None:
    client, secret = made
    address = browser.post(reverse("contact:reveal_secret", args=[client.uid]))["Location"]
    assert secret not in str(browser.session.items())
    assert secret not in browser.head(address).text
    response = browser.get(address)
    assert secret in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert Entry.objects.with_action(Action.SECRET_VIEWED).count() == 1
    for url in (address, reverse("contact:credentials", args=[client.uid])):
        assert secret not in browser.get(url).text
    assert "The secret is hidden again" in browser.get(address).text


def test_a_reveal_that_is_not_looked_at_within_a_minute_is_over(made, browser) -> None:
    address = browser.post(reverse("contact:reveal_secret", args=[made[0].uid]))["Location"]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        assert "The secret is hidden again" in browser.get(address).text


def test_a_reveal_is_shown_to_its_own_session_and_at_its_own_client_only(made, browser) -> None:
    client, secret = made
    other, _secret = factories.client()
    address = browser.post(reverse("contact:reveal_secret", args=[client.uid]))["Location"]
    assert secret not in browsers.of(factories.lotte()).get(address).text
    assert secret not in browser.get(address.replace(str(client.uid), str(other.uid))).text


def test_where_secrets_are_shown_once_nothing_of_the_new_one_is_kept(made, browser, settings) -> None:
    client, _old = made
    settings.SECRETS_VIEWABLE = False
    form = {"replaces": client.secrets.get().uid, "overlap": "0"}
    answer = browser.post(reverse("contact:regenerate_secret", args=[client.uid]), form)
    assert client.secrets.current().get().ciphertext is None
    cookie = answer.cookies["keydesk-secret"]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (60, True, "Strict")
    assert cookie.value not in str(browser.session.items())
    text = browser.get(answer["Location"]).text
    (shown,) = set(re.findall(r"kds_[\w-]{49}", text))
    assert client.secrets.current().get().digest == hashlib.sha256(shown.encode()).digest()
    assert not browser.cookies["keydesk-secret"].value
    browser.cookies["keydesk-secret"] = cookie.value
    assert "The secret is hidden again" in browser.get(answer["Location"]).text


def test_a_get_alone_never_shows_a_secret(made, browser) -> None:
    client, secret = made
    for name in (
        "contact:reveal_secret",
        "contact:shown_secret",
        "contact:regenerate_secret",
        "contact:client",
        "contact:secret_authentication",
    ):
        assert secret not in browser.get(reverse(name, args=[client.uid]), follow=True).content.decode()
    assert not Entry.objects.with_action(Action.SECRET_VIEWED).exists()


def test_a_reveal_asks_for_a_mailed_code_first(made) -> None:
    client, secret = made
    lotte = factories.lotte()
    browser = browsers.of(lotte, stepped_up=False)
    url = reverse("contact:reveal_secret", args=[client.uid])
    page = browser.post(url)["Location"]
    asked = browser.get(page).text
    assert secret not in asked
    assert "We sent a six-digit code to" in asked
    assert secret in browser.post(page, {"code": one_time_codes.value(lotte.codes.get())}, follow=True).text


def test_regenerating_shows_the_new_secret_and_keeps_the_old_for_a_while(made, browser) -> None:
    client, old = made
    url = reverse("contact:regenerate_secret", args=[client.uid])
    asked = browser.get(url).content.decode()
    assert "Regenerate the client secret?" in asked
    assert "until they expire, unless you invalidate them too" in asked
    current = client.secrets.current().get()
    text = browser.post(url, {"replaces": current.uid, "overlap": "24h"}, follow=True).text
    assert "Your new client secret" in text
    assert f"The old secret, which ends in {current.hint}, works until" in text
    new = client.secrets.current().get()
    assert new.hint in text
    assert old not in text
    current.refresh_from_db()
    assert current.state(current.ends_at.replace(year=2000)) == Secret.State.RETIRING
    assert Entry.objects.with_action(Action.SECRET_REGENERATED).count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).count() == 1


def test_a_secret_made_while_secrets_are_off_is_said_not_to_work_yet(made, browser) -> None:
    client, _old = made
    url, form = (
        reverse("contact:regenerate_secret", args=[client.uid]),
        {"replaces": client.secrets.get().uid, "overlap": "0"},
    )
    told = "secrets are turned off for this client"
    assert told not in browser.get(url).content.decode()
    Client.objects.filter(pk=client.pk).update(secret_allowed=False)
    assert told in browser.get(url).content.decode()
    assert told in browser.post(url, form, follow=True).text
    assert told in browser.post(reverse("contact:reveal_secret", args=[client.uid]), follow=True).text


def test_sending_the_same_form_twice_makes_one_new_secret(made, browser) -> None:
    client, _old = made
    url = reverse("contact:regenerate_secret", args=[client.uid])
    form = {"replaces": client.secrets.current().get().uid, "overlap": "0"}
    browser.post(url, form)
    answer = browser.post(url, form, follow=True).content.decode()
    assert "This secret was regenerated meanwhile" in answer
    assert client.secrets.count() == 2


def test_without_an_overlap_the_form_asks_for_one(made, browser) -> None:
    client, _old = made
    response = browser.post(
        reverse("contact:regenerate_secret", args=[client.uid]),
        {"replaces": client.secrets.get().uid, "overlap": "1 year"},
    )
    assert response.status_code == 422
    assert client.secrets.count() == 1


def test_a_client_without_a_secret_can_make_one(made, browser) -> None:
    client, _old = made
    client.secrets.all().delete()
    page = browser.get(reverse("contact:credentials", args=[client.uid])).content.decode()
    assert "The client has no secret" in page
    browser.post(reverse("contact:regenerate_secret", args=[client.uid]), {"replaces": ""})
    assert client.secrets.current().count() == 1


def test_an_old_secret_can_be_ended_at_once(made, browser) -> None:
    client, _old = made
    old = client.secrets.get()
    browser.post(reverse("contact:regenerate_secret", args=[client.uid]), {"replaces": old.uid, "overlap": "7d"})
    url = reverse("contact:end_secret", args=[client.uid, old.uid])
    assert "Retire this secret?" in browser.get(url).content.decode()
    answer = browser.post(url, follow=True).content.decode()
    assert "no longer works" in answer
    for again in (browser.post(url, follow=True), browser.get(url, follow=True)):  # a second click, another tab
        assert again.redirect_chain == [(reverse("contact:credentials", args=[client.uid]), 302)]
        assert "This secret had stopped working already" in again.content.decode()
    assert Entry.objects.with_action(Action.SECRET_ENDED).count() == 1


def test_the_longest_name_and_address_manage_keys_and_secrets_too(made) -> None:
    client, _old = made
    user = factories.person("v" * 60 + "@" + "gemeente-" * 6 + "." + "x" * 60 + ".example", "N" * 150)
    client.contacts.update(user=user)
    key = keys.add(client=client, key=public_key(), by=factories.by(user), now=datetime.now(UTC))
    form = {"replaces": client.secrets.get().uid, "overlap": "0"}
    assert browsers.of(user).post(reverse("contact:regenerate_secret", args=[client.uid]), form).status_code == 302
    text = without_breaks(browsers.of(user).get(reverse("contact:credentials", args=[client.uid])).text)
    assert key.added_by == client.secrets.current().get().created_by == user.audit_label
    assert text.count(html.escape(user.audit_label)) == 2


def test_a_secret_that_cannot_be_opened_any_more_is_a_message(made, browser, settings) -> None:
    client, _old = made
    settings.SECRETS_VIEWABLE = False
    answer = browser.post(reverse("contact:reveal_secret", args=[client.uid]), follow=True).content.decode()
    assert "can no longer be shown" in answer


def test_the_secret_of_a_strangers_client_does_not_exist(made) -> None:
    client, _old = made
    stranger = browsers.of(factories.wim())
    secret = client.secrets.get()
    for name, args in (
        ("contact:reveal_secret", [client.uid]),
        ("contact:regenerate_secret", [client.uid]),
        ("contact:secret_authentication", [client.uid]),
        ("contact:end_secret", [client.uid, secret.uid]),
    ):
        assert stranger.post(reverse(name, args=args)).status_code == 404


def test_an_ended_secret_is_listed_among_those_that_no_longer_work(made, browser) -> None:
    client, _old = made
    secret = client.secrets.get()
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert "Secrets that no longer work" not in browser.get(reverse("contact:credentials", args=[client.uid])).text
    browser.post(reverse("contact:end_secret", args=[client.uid, secret.uid]))
    text = browser.get(reverse("contact:credentials", args=[client.uid])).content.decode()
    assert "Secrets that no longer work" in text
    assert f"…{secret.hint}</span>, made" in text


@pytest.mark.django_db(transaction=True)
def test_twenty_submits_at_once_leave_one_new_secret_and_show_that_one() -> None:
    client, _old = factories.client()
    form = {"replaces": str(client.secrets.get().uid), "overlap": "1h"}
    url, lotte = reverse("contact:regenerate_secret", args=[client.uid]), factories.lotte()
    waiting = [browsers.of(lotte) for _browser in range(20)]
    answers = at_once(20, lambda number: waiting[number].post(url, form, follow=True).text)
    shown = [found.group() for answer in answers if (found := re.search(r"kds_[\w-]{49}", answer))]
    assert len(shown) == 1
    assert Secret.objects.current().get().digest == hashlib.sha256(shown[0].encode()).digest()
    assert client.secrets.count() == 2
    assert Entry.objects.with_action(Action.SECRET_REGENERATED).count() == 1


def test_the_page_that_retires_a_replaced_secret_says_when_it_would_end_by_itself(made, browser) -> None:
    client, _secret = made
    old, now = client.secrets.get(), datetime.now(UTC)
    client_secrets.regenerate(
        client=client, replaces=old, overlap=timedelta(days=7), by=factories.by(factories.lotte()), now=now
    )
    text = browser.get(reverse("contact:end_secret", args=[client.uid, old.uid])).text
    assert "Otherwise it stops working on" in text
    assert "It stops working on" not in text
