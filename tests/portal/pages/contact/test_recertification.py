"""The page on which an owner confirms that a client is still needed, and where the question stands until then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from clients.acts.recertification import questions
from clients.models import Client, ClientContact, User
from portal.ui.dates import day
from tests.portal.support import browsers
from tests.portal.support.html import seen_on
from tests.support import factories
from tests.support.factories import lotte
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def asked(now: datetime) -> Client:
    """A client whose owner was mailed three days ago."""
    made, _secret = factories.client(now=now - 400 * DAY, scopes=(factories.scope("person.read", sensitive=True),))
    questions.settle(now=now - 3 * DAY)
    return made


def path(client: Client) -> str:
    return reverse("contact:recertify", args=[client.uid])


def text_at(url: str, user: User | None = None) -> str:
    return browsers.of(user or lotte()).get(url).text


def joris(client: Client) -> User:
    """A manager of the client, who is no owner."""
    person = factories.person("joris@leiestroom.example", "Joris De Backer")
    ClientContact.objects.create(client=client, user=person, role=ClientContact.Role.EDITOR, added_at=client.created_at)
    return person


def test_the_page_shows_all_that_is_confirmed_and_where_it_is_changed(asked, now) -> None:
    joris(asked)
    CredentialUse.objects.create(
        credential=asked.secrets.get().credential, client=asked, last_used_at=now - 5 * DAY, uses=1
    )
    asked.networks.create(network="192.0.2.0/24", first_at=now, is_new=False)
    text = text_at(path(asked))
    for shown in ("Sensitive", "Lotte Verhaeghe", "Joris De Backer", "5 days ago", "192.0.2.0/24"):
        assert shown in text
    for name in ("propose_change", "contacts", "credentials", "networks"):
        assert f'href="{reverse(f"contact:{name}", args=[asked.uid])}"' in text


def test_one_click_of_an_owner_confirms(asked) -> None:
    browser, name = browsers.of(lotte()), asked.name
    home, page = reverse("contact:clients"), reverse("contact:client", args=[asked.uid])
    for url in (home, page):
        assert path(asked) in browser.get(url).text
    answer = browser.post(path(asked), {"seen": seen_on(browser.get(path(asked)).text)}, follow=True)
    assert answer.redirect_chain == [(page, 302)]
    assert "You confirmed that the client is still needed" in answer.text
    for url in (home, page):
        assert path(asked) not in browser.get(url).text
    assert "Yes: Lotte Verhaeghe confirmed it" in browser.get(path(asked)).text
    assert f"confirmed that {name}" in browser.get(reverse("contact:client_history", args=[asked.uid])).text


def test_what_changed_since_is_shown_before_it_is_confirmed(asked) -> None:
    browser = browsers.of(lotte())
    seen = seen_on(browser.get(path(asked)).text)
    joris(asked)
    answer = browser.post(path(asked), {"seen": seen}, follow=True)
    assert "so nothing was saved" in answer.text
    assert "Joris De Backer" in answer.text
    assert asked.recertifications.open().exists()


def test_a_manager_reads_who_can_confirm_and_cannot(asked) -> None:
    manager = joris(asked)
    text = text_at(path(asked), manager)
    assert "Only an owner can confirm it:" in text
    assert "all of this is right" not in text
    assert browsers.of(manager).post(path(asked), {"seen": seen_on(text_at(path(asked)))}).status_code == 404
    assert asked.recertifications.open().exists()


def test_a_late_client_comes_first_and_can_still_be_confirmed(asked, now) -> None:
    asked.recertifications.update(answer_by=now - DAY)
    quiet, _secret = factories.client()
    home = text_at(reverse("contact:clients"))
    assert home.index(f'id="{asked.uid}"') < home.index(f'id="{quiet.uid}"')
    text = text_at(path(asked))
    assert f"An owner should have confirmed it before {day(now - DAY)}" in text
    assert "all of this is right" in text


def test_a_suspended_client_tells_why_and_is_reactivated_with_one_click(asked, now, settings) -> None:
    settings.RECERTIFY_SUSPENDS = True
    asked.recertifications.update(answer_by=now - DAY, suspends=True)
    questions.settle(now=now)
    page = reverse("contact:client", args=[asked.uid])
    text = text_at(page)
    assert "No owner confirmed in time" in text
    assert "Nobody used it" not in text
    answer = browsers.of(lotte()).post(reverse("contact:undo_unused", args=[asked.uid]), follow=True)
    assert "The client is active again" in answer.text
    assert path(asked) in answer.text


def test_a_client_that_nobody_asked_about_says_so() -> None:
    client, _secret = factories.client()
    assert "Nothing to do now" in text_at(path(client))
    assert "One of you has answered that already" in browsers.of(lotte()).post(path(client), follow=True).text
