"""The contact's page of an address of keys: nothing works before it was seen and confirmed (PROTOCOL F-37)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import reverse
from django.utils import timezone

from clients import tasks
from clients.models import Client, JwksUri
from clients.refusal_codes import FetchCode
from tests.portal.support import browsers
from tests.support.factories import wim
from tests.support.key_server import KeyServer, serving
from tests.support.keys import jwk_of, new_ec


@pytest.fixture
def server(tmp_path, settings) -> Iterator[KeyServer]:
    with serving(tmp_path) as server:
        settings.FEDERATION_ALLOWED_HOSTS, settings.FEDERATION_CA_FILE = frozenset({server.host}), server.ca_file
        yield server


def address(client: Client, name: str = "jwks_uri") -> str:
    return reverse(f"contact:{name}", args=[client.uid])


def looked_up(browser, client: Client, url: str) -> JwksUri:
    """Type the address, and have the worker look."""
    assert browser.post(address(client), {"url": url}).status_code == 302
    tasks.fetch_client_keys(JwksUri.objects.get(ends_at=None).pk)
    return JwksUri.objects.get(ends_at=None)


def test_keys_are_seen_confirmed_and_shown(browser, made, server):
    browser.post(address(made), {"url": server.publish(jwk_of(new_ec(), kid="mine"))})
    assert "being looked up" in browser.get(address(made)).text
    tasks.fetch_client_keys(JwksUri.objects.get().pk)
    page = browser.get(address(made)).text
    assert "mine, EC" in page
    assert not made.keys.exists()
    row = JwksUri.objects.get()
    browser.post(address(made), {"seen": row.found_hash})
    assert made.keys.usable(timezone.now()).get().kid == "mine"
    assert "mine" in browser.get(address(made)).text


def test_other_keys_than_the_page_showed_are_not_added(browser, made, server):
    row = looked_up(browser, made, server.publish(jwk_of(new_ec(), kid="mine")))
    page = browser.post(address(made), {"seen": "0" * 64}, follow=True)
    assert not made.keys.exists()
    assert row.found_hash in page.text


def test_a_problem_and_a_skipped_key_are_in_words(browser, made, server):
    looked_up(browser, made, f"{server.url}/nothing")
    assert "did not answer with 200" in browser.get(address(made)).text
    looked_up(browser, made, server.publish(jwk_of(new_ec(), kid="a"), jwk_of(new_ec(), kid="b", use="enc")))
    page = browser.get(address(made)).text
    assert "Keys that cannot be used" in page
    assert "enc" in page


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://keys.example/", "https://u:p@keys.example/", "keys"])
def test_an_address_inside_is_refused_on_the_form(browser, made, url):
    answer = browser.post(address(made), {"url": url})
    assert answer.status_code == 422
    assert not JwksUri.objects.exists()


def test_addresses_are_not_tried_without_end(browser, made):
    for number in range(10):
        assert browser.post(address(made), {"url": f"https://keys{number}.example/"}).status_code == 302
    answer = browser.post(address(made), {"url": "https://keys.example/"})
    assert (answer.status_code, "within an hour" in answer.text) == (422, True)


def test_a_failure_is_on_the_page_of_the_client(browser, made, server):
    row = looked_up(browser, made, server.publish(jwk_of(new_ec(), kid="mine")))
    browser.post(address(made), {"seen": row.found_hash})
    JwksUri.objects.update(problem=FetchCode.FETCH_TOO_SLOW)
    page = browser.get(reverse("contact:client", args=[made.uid])).text
    assert "Its keys cannot be fetched" in page


def test_removing_says_what_stops(browser, made, server):
    row = looked_up(browser, made, server.publish(jwk_of(new_ec(), kid="mine")))
    browser.post(address(made), {"seen": row.found_hash})
    assert "1 key from there stops working at once." in browser.get(address(made, "remove_jwks_uri")).text
    browser.post(address(made, "remove_jwks_uri"))
    assert not made.keys.usable(timezone.now()).exists()


def test_a_stranger_finds_nothing(made, db):
    stranger = browsers.of(wim())
    for name in ("jwks_uri", "remove_jwks_uri"):
        assert stranger.get(address(made, name)).status_code == 404
