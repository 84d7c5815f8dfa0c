"""The tabs of a client's pages with their numbers, and the state that names what ends first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from clients.acts.credentials import keys
from clients.models import Client, Key, Trust
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import Token

pytestmark = pytest.mark.django_db


def tabs_of(page: str) -> str:
    tabs = page.partition('<nav class="kd-subnav"')[2].partition("</nav>")[0]
    return " ".join(re.sub("<[^>]+>", " ", tabs).split()).partition("> ")[2]


def test_each_tab_has_the_number_of_what_its_page_lists(made: Client, browser) -> None:
    now = datetime.now(UTC)
    keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now)
    factories.refused(made, at=now, count=7)
    Token.objects.create(
        digest=b"1" * 32, client=made, epoch=made.epoch, scope="address.read", issued_at=now,
        expires_at=now + timedelta(days=1), credential="key:1",
    )  # fmt: skip
    names = ("client", "credentials", "tokens", "client_history")
    pages = [reverse(f"contact:{name}", args=[made.uid]) for name in names]
    for url in (*pages, f"{reverse('contact:failures')}?client={made.uid}&days=1"):
        page = browser.get(url).content.decode()
        assert tabs_of(page) == "Overview Credentials 2 Tokens 1 Failures 7 in 24 hours History", url
        assert page.partition('<nav class="kd-subnav"')[2].count('aria-current="page"') == 1


def test_the_area_of_every_tab_is_my_clients(made: Client, browser) -> None:
    tab = f"{reverse('contact:failures')}?client={made.uid}"
    for url, area in ((tab, "My clients"), (reverse("contact:failures"), "Why did it fail?")):
        navigation = browser.get(url).content.decode().partition("kd-nav__list")[2].partition("</nav>")[0]
        assert re.findall(r'aria-current="page">\s*(.+?)\s*</a>', navigation) == [area]


def test_the_pages_of_ones_own_sign_in_are_in_the_area_of_my_clients(made: Client, browser) -> None:
    for name in ("contact:passkeys", "contact:phone", "contact:calendar", "account:sessions"):
        navigation = browser.get(reverse(name)).content.decode().partition("kd-nav__list")[2].partition("</nav>")[0]
        assert re.findall(r'aria-current="page">\s*(.+?)\s*</a>', navigation) == ["My clients"], name


@pytest.mark.parametrize(
    ("key_days", "trust_days", "first"), [(20, 9, "A trust expires in 9 days"), (6, 9, "Expires in 6 days")]
)
def test_the_state_and_the_first_act_are_about_what_ends_first(
    made: Client, browser, key_days: int, trust_days: int, first: str
) -> None:
    now = datetime.now(UTC)
    key, trust = keys.add(client=made, key=certificate(), by=factories.SYSTEM, now=now), factories.trust(made)
    Key.objects.filter(pk=key.pk).update(not_after=now + timedelta(days=key_days))
    Trust.objects.filter(pk=trust.pk).update(expires_at=now + timedelta(days=trust_days))
    figures, _, todos = browser.get(reverse("contact:client", args=[made.uid])).content.decode().partition("attention")
    acts = re.findall("Add the next key|Extend the trust", todos)
    assert first in figures
    assert acts == sorted(["Add the next key", "Extend the trust"], reverse=trust_days < key_days)
    assert first in browser.get(reverse("contact:clients")).content.decode()


def test_acts_have_three_levels_and_what_ends_something_stands_apart(made: Client, browser) -> None:
    """At most one main button a page, other acts quieter; what ends something at once in a section at the end."""
    now = datetime.now(UTC)
    keys.add(client=made, key=public_key(), by=factories.SYSTEM, now=now)
    for name in ("client", "credentials", "tokens", "client_history", "contacts"):
        page = browser.get(reverse(f"contact:{name}", args=[made.uid])).text
        main_buttons = re.findall(r'class="govuk-button"(?!>Stay signed in)', page)  # that one is in a closed dialog
        assert len(main_buttons) <= 1, name
        assert "govuk-button--warning" not in page, name
    client = browser.get(reverse("contact:client", args=[made.uid])).text
    above, section = client.split('<section class="kd-danger"')
    for act in ("invalidate_tokens", "change_client_id"):
        address = reverse(f"contact:{act}", args=[made.uid])
        assert address in section
        assert address not in above
    assert "<section" not in section, "it is the last one"
