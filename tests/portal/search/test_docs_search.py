"""The search finds sections of the documentation, for everybody, in the reader's language, without the database."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.search import docs_search
from portal.ui.docs.contents import PAGES
from tests.portal.pages.docs.test_docs import client_with_key
from tests.portal.search.test_anything import groups
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support.factories import ada, lotte, noor

pytestmark = pytest.mark.django_db


def hits(browser: Browser, text: str, **headers: str) -> str:
    answer = browser.get(reverse("account:search"), {"q": text}, headers=headers or None)
    assert answer.status_code == 200
    return unescape(" ".join(groups(answer.text).values()))


@pytest.mark.parametrize(
    ("text", "url", "title"),
    [
        ("which scopes", "/docs/get-a-token/#scopes", "Get a token: Which scopes you get"),
        ("unsupported_grant_type", "/docs/errors/#unsupported_grant_type", "unsupported_grant_type"),
        ("ROTATE", "/docs/rotate/", "Rotate without downtime"),
        ("refresh token", "/docs/get-a-token/#answer", "There is no refresh token"),
    ],
)
def test_a_stranger_finds_a_section_with_an_excerpt(client: Browser, text: str, url: str, title: str) -> None:
    found = hits(client, text)
    assert f'href="{url}"' in found
    assert title in found


def test_the_title_of_a_step_ends_before_its_text_in_an_excerpt(client: Browser) -> None:
    """The title of a step and its text are two elements."""
    text = " ".join(hits(client, "secret").split())
    assert "a secret or a key Then" in text


def test_the_best_hit_has_the_words_in_its_title(client: Browser) -> None:
    first = next(docs_search.sections_for("make a key"))[0]
    assert first.url == "/docs/make-a-key/"


@pytest.mark.parametrize(("language", "text"), [("nl", "sleutel"), ("fr", "clé"), ("fr", "cle"), ("de", "schlüssel")])
def test_it_searches_the_texts_of_ones_language(client: Browser, language: str, text: str) -> None:
    assert "/docs/" in hits(client, text, **{"accept-language": language})
    assert hits(client, text) == ""


def test_what_fits_nothing_says_so_to_strangers(client: Browser) -> None:
    assert "Nothing fits “quagga token”." in client.get(reverse("account:search"), {"q": "quagga token"}).text


def test_every_role_finds_the_documentation() -> None:
    for browser in (browsers.of(lotte()), signed_in(noor()), signed_in(ada())):
        assert "/docs/get-a-token/#answer" in hits(browser, "refresh token")


def test_a_contact_finds_own_clients_beside_it() -> None:
    mine = client_with_key()
    found = hits(browsers.of(lotte()), mine.name[:6])
    assert reverse("contact:client", args=[mine.uid]) in found


def test_the_index_has_every_section_and_nothing_of_a_client() -> None:
    mine = client_with_key()
    browsers.of(lotte()).get(reverse("account:search"), {"q": "token"})
    sections = docs_search._index("en")
    assert {section.url for section in sections} >= {
        f"/docs/{page.slug}/#{anchor}" for page in PAGES for anchor in page.sections
    }
    assert all(section.words for section in sections)
    assert mine.client_id not in " ".join(section.folded for section in sections)


def test_a_stranger_s_search_asks_the_database_nothing(client: Browser, django_assert_num_queries) -> None:
    hits(client, "token")
    with django_assert_num_queries(0):
        hits(client, "key " * 60)


def test_a_secret_of_a_stranger_is_not_searched_for(client: Browser) -> None:
    answer = client.post(reverse("account:search"), {"q": "kds_" + "a" * 49})
    assert answer.status_code == 422
    assert "kds_" not in answer.text
