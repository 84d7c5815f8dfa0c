"""The contact's home: is everything all right, at a glance."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Key, Secret
from tests.portal.support import browsers
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import CredentialUse, UsageDay

pytestmark = pytest.mark.django_db


def home() -> str:
    return browsers.of(factories.lotte()).get(reverse("contact:clients")).content.decode()


def test_a_contact_sees_their_clients_and_nobody_elses() -> None:
    mine, _secret = factories.client()
    other, _secret = factories.client(contact=factories.wim())
    text = home()
    assert mine.client_id in text
    assert other.client_id not in text


def test_a_visitor_is_sent_to_the_front_page() -> None:
    assert Browser().get(reverse("contact:clients")).headers["Location"].startswith(reverse("public:landing"))


def test_a_certificate_that_ends_soon_comes_first_with_its_date() -> None:
    now = datetime.now(UTC)
    factories.client()
    ending, _secret = factories.client()
    key = keys.add(client=ending, key=certificate(), by=factories.by(factories.lotte()), now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12, hours=1))
    text = home()
    assert "Expires in 12 days" in text
    assert "Replace one key before" in text
    assert text.index(f'id="{ending.uid}"') < text.index("Waiting for first use")


def test_a_successor_ends_the_warning() -> None:
    now = datetime.now(UTC)
    ending, _secret = factories.client()
    by = factories.by(factories.lotte())
    key = keys.add(client=ending, key=certificate(), by=by, now=now)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=12))
    keys.add(client=ending, key=public_key(), by=by, now=now)
    assert "Replace one key before" not in home()


def test_a_client_without_a_working_credential_cannot_sign_in() -> None:
    made, _secret = factories.client()
    made.secrets.update(ends_at=datetime.now(UTC))
    text = home()
    assert "Cannot authenticate" in text
    assert "or make a secret" in text


def test_no_new_secret_is_advised_to_whom_it_would_not_help() -> None:
    made, _secret = factories.client()
    type(made).objects.filter(pk=made.pk).update(secret_allowed=False)  # and the key that it had is gone
    text = home()
    assert "turn secrets on again" in text
    assert "or make a secret" not in text


def test_refused_requests_lead_to_the_journal() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    for rule in ("audience", "audience", "kid"):
        factories.refused(made, rule, at=now)
    text = home()
    assert "3 requests refused in 24 hours, 2 causes" in text
    assert f"{reverse('contact:failures')}?client={made.uid}" in text


def test_a_client_that_never_got_a_token_is_led_to_the_first_one() -> None:
    made, _secret = factories.client()
    text = home()
    assert "Everything is all right" not in text
    assert f"{made.name} has not got a token yet" in text
    assert f"{reverse('contact:client', args=[made.uid])}#first-token" in text


def test_when_nothing_is_wrong_the_page_says_so_first() -> None:
    made, _secret = factories.client()
    CredentialUse.objects.create(
        credential=made.secrets.get().credential, client=made, last_used_at=datetime.now(UTC), uses=1
    )
    assert "Everything is all right" in home()
    factories.refused(made, at=datetime.now(UTC))
    assert "Everything is all right" not in home()


def test_every_credential_has_its_line_and_the_first_to_end_is_on_top() -> None:
    made, _secret = factories.client()
    now, by = datetime.now(UTC), factories.by(factories.lotte())
    later = keys.add(client=made, key=public_key(), by=by, now=now)
    keys.retire(key=later, overlap=timedelta(days=7), by=by, now=now)
    Secret.objects.update(expires_at=None)
    text = home()
    assert text.count("Used: never") == 2
    assert text.index(f"{later.title}: until") < text.rindex("Client secret, ends in")
    assert "No end date" in text
    assert f"{later.title}, on " in text  # expires next


def test_tokens_and_refusals_of_a_month_are_drawn() -> None:
    made, _secret = factories.client()
    UsageDay.objects.create(client=made, day=datetime.now(UTC).date(), credential="", issued=0, refused=4)
    UsageDay.objects.create(client=made, day=datetime.now(UTC).date(), credential="key:1", issued=31, refused=0)
    assert "Per day, last 30 days: 31 tokens and, on top, 4 refused" in home()


def test_the_last_use_is_shown() -> None:
    made, _secret = factories.client()
    now = datetime.now(UTC)
    secret = made.secrets.get()
    CredentialUse.objects.create(credential=secret.credential, client=made, last_used_at=now, uses=5)
    text = home()
    assert "just now" in text
    assert "Active" in text


def test_a_name_cannot_bring_markup_into_the_page() -> None:
    made, _secret = factories.client()
    type(made).objects.filter(pk=made.pk).update(name="<script>alert(1)</script>")
    assert "<script>alert(1)</script>" not in home()


def test_the_page_asks_the_database_as_often_for_ten_clients_as_for_one() -> None:
    browser = browsers.of(factories.lotte())
    factories.client()
    for_one = browsers.queries(browser, reverse("contact:clients"))
    for _more in range(9):
        factories.client()
    assert browsers.queries(browser, reverse("contact:clients")) == for_one
