"""API M-9 and M-10: a client hands over the address of its keys, names it and takes it back (PROTOCOL F-37)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Entry
from clients.acts.credentials import keys
from clients.acts.federation import jwks_uris, published_keys
from clients.federation import installation
from clients.mail import targets
from clients.models import Client, JwksUri, Mail
from tests.portal.api.support.callers import Caller, caller, token_for
from tests.portal.support import browsers
from tests.support import factories
from tests.support.factories import by, lotte
from tests.support.key_server import KeyServer, serving
from tests.support.keys import jwk_of, new_ec, public_key
from tokens.models import Token

pytestmark = pytest.mark.django_db
URL = "https://keys.example/jwks"


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[KeyServer]:
    with serving(tmp_path) as server:
        settings.FEDERATION_ALLOWED_HOSTS = frozenset({server.host})
        settings.FEDERATION_CA_FILE = server.ca_file
        yield server


@pytest.fixture
def followed(call: Caller, made: Client, server: KeyServer) -> JwksUri:
    """An address that the client handed over, after the worker was there."""
    url = server.publish(jwk_of(new_ec(), kid="ours"))
    assert call("POST", "self/keys", {"jwks_uri": url}).status_code == 201
    row = made.jwks_uris.get()
    published_keys.refresh(jwks_uri=row, fetcher=installation.fetcher(), now=timezone.now())
    return row


def test_an_address_is_followed_from_the_answer_on(call, made):
    answer = call("POST", "self/keys", {"jwks_uri": URL, "label": "Cluster"})
    assert answer.status_code == 201, answer.text
    row = JwksUri.objects.in_use().get()
    assert (row.client, row.url) == (made, URL)
    shown = answer.json()
    assert (shown["id"], shown["type"], shown["state"]) == (str(row.uid), "jwks_uri", "active")
    assert shown["label"] == "Cluster"
    assert answer["ETag"] == f'"{shown["etag"]}"'
    assert Entry.objects.get(action="jwks_uri.added").actor_id == f"client:{made.uid}"
    assert Mail.objects.get(facts__action="jwks_uri.added").facts["network"] == "127.0.0.0/24"


def test_its_keys_stand_beside_it_once_the_worker_was_there(call, followed):
    listed = call("GET", "self").json()["credentials"]
    assert {(each["type"], each["kid"]) for each in listed} >= {("jwk", "ours"), ("jwks_uri", None)}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://keys.example/jwks", "address_not_https"),
        ("https://10.0.0.1/jwks", "address_not_public"),
        ("https://keys.example:8443/jwks", "address_port"),
        ("https://a:b@keys.example/jwks", "address_with_credentials"),
        ("https://keys.example/\x00", "fields_invalid"),
    ],
)
def test_what_may_not_be_fetched_is_refused(call, made, url, code):
    answer = call("POST", "self/keys", {"jwks_uri": url})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert not made.jwks_uris.exists()


@pytest.mark.parametrize(
    "more", [{"jwk": {}}, {"start": "now"}, {"previous": "retire"}, {"overlap": 0}, {"proof": "x"}]
)
def test_nothing_of_a_key_stands_beside_an_address(call, made, more):
    answer = call("POST", "self/keys", {"jwks_uri": URL, **more})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, *more)
    assert not made.jwks_uris.exists()


def test_a_client_follows_one_address_and_names_few_an_hour(call, made):
    call("POST", "self/keys", {"jwks_uri": URL})
    second = call("POST", "self/keys", {"jwks_uri": "https://other.example/jwks"})
    assert (second.status_code, second.json()["code"]) == (409, "jwks_uri_in_use")
    made.jwks_uris.update(ends_at=timezone.now())
    for number in range(9):
        made.jwks_uris.create(url=f"{URL}/{number}", added_at=timezone.now(), added_by="x", ends_at=timezone.now())
    often = call("POST", "self/keys", {"jwks_uri": URL})
    assert (often.status_code, often.json()["code"]) == (429, "jwks_uri_too_often")


@pytest.mark.parametrize("state", ["paused", "off"])
def test_a_client_that_adds_nothing_by_itself_adds_no_address(call, made, state):
    call_before = caller(made)
    Client.objects.filter(pk=made.pk).update(self_service=state)
    answer = call_before("POST", "self/keys", {"jwks_uri": URL})
    assert answer.status_code == 403
    assert answer.json()["code"] == ("self_service_off" if state == "paused" else "insufficient_scope")
    assert not made.jwks_uris.exists()


# --- One address ------------------------------------------------------------------------------------------------------


def test_an_address_gets_a_label_and_is_taken_back_with_its_keys(call, made, followed):
    path = f"self/keys/{followed.uid}"
    assert call("PATCH", path, {"label": "x"}).json()["code"] == "if_match_missing"
    changed = call("PATCH", path, {"label": "Cluster"}, **{"If-Match": call("GET", path)["ETag"]})
    assert (changed.status_code, changed.json()["label"]) == (200, "Cluster")
    stale = call("DELETE", path, **{"If-Match": '"old"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert call("DELETE", path, **{"If-Match": changed["ETag"]}).status_code == 204
    gone = call("GET", path)
    assert (gone.status_code, gone.json()["state"]) == (200, "retired")
    assert not made.keys.usable(timezone.now()).exists()
    again = call("DELETE", path, **{"If-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "jwks_uri_over")


def test_an_address_is_neither_staged_nor_ended_later(call, followed):
    path, any_state = f"self/keys/{followed.uid}", {"If-Match": "*"}
    for answer in (
        call("PATCH", path, {"active": True}, **any_state),
        call("DELETE", f"{path}?overlap=60", **any_state),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    followed.refresh_from_db()
    assert followed.ends_at is None


def test_the_last_way_in_stays(made, followed):
    Client.objects.filter(pk=made.pk).update(secret_allowed=False)
    call, path = caller(made, credential=made.keys.get()), f"self/keys/{followed.uid}"
    answer = call("DELETE", path, **{"If-Match": call("GET", path)["ETag"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_way_in")
    keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    assert call("DELETE", path, **{"If-Match": "*"}).status_code == 204


def test_what_waits_for_a_contacts_word_or_is_of_another_is_not_there(call, made):
    other, _secret = factories.client()
    waiting = jwks_uris.look_up(client=made, url=URL, by=by(lotte()), now=timezone.now())
    others = jwks_uris.add(client=other, url=URL, by=by(lotte()), now=timezone.now())
    for row in (waiting, others):
        assert call("GET", f"self/keys/{row.uid}").status_code == 404


def test_the_mail_leads_to_its_end_with_its_keys_and_tokens(made, followed):
    """API M-12."""
    key, browser = made.keys.get(), browsers.of(lotte())
    token_for(made, key)
    url = targets.of(Mail.objects.get(facts__action="jwks_uri.added"))
    assert followed.url in browser.get(url).content.decode()
    assert browser.post(url, {"pause": "on"}).status_code == 302
    made.refresh_from_db()
    assert made.self_service == "paused"
    assert not made.keys.usable(timezone.now()).exists()
    assert not JwksUri.objects.in_use().exists()
    assert not Token.objects.filter(credential=key.credential, revoked_at=None).exists()
    assert Entry.objects.get(action="credential.added_ended").changes["kids"] == ["ours", None]
    assert "It has ended already" in browser.get(url).content.decode()
