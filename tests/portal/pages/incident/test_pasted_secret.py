"""Something leaked: whose it is, what it can do, and revoking it in one act."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys as key_acts
from clients.models import Mail
from tests.portal.support.staff import signed_in
from tests.support import factories, keys
from tokens.models import Token
from tokens.protocol import token_format

pytestmark = pytest.mark.django_db


def look_up(value: str) -> str:
    return signed_in(factories.noor()).post(reverse("security:incident"), {"value": value}, follow=True).text


def token_of(client, credential: str) -> str:
    now = datetime.now(UTC)
    text = token_format.generate()
    Token.objects.create(
        digest=token_format.digest(text), client=client, epoch=client.epoch, scope="address.read", issued_at=now,
        expires_at=now + timedelta(hours=1), credential=credential,
    )  # fmt: skip
    return text


def live() -> int:
    return Token.objects.live(datetime.now(UTC)).count()


def reference(page: str) -> str:
    return page.split('name="leak" value="')[1].split('"')[0]


def test_a_leaked_secret_is_found_and_revoked_with_every_token(now) -> None:
    client, secret = factories.client()
    token_of(client, client.secrets.get().credential)
    page = look_up(f" {secret}\n")
    assert client.name in page
    assert "Works now" in page
    assert "Nothing else authenticates this client" in page
    assert secret not in page
    signed_in(factories.noor()).post(
        reverse("security:revoke_leak"),
        {"leak": reference(page), "act": "revoke", "case": "SEC-2026-031", "reason": "Seen on a forum"},
    )
    assert not client.secrets.usable(datetime.now(UTC)).exists()
    assert live() == 0
    assert Entry.objects.first().action == "incident.revoked"
    assert Mail.objects.filter(kind=Mail.Kind.LEAK_REVOKED, to="lotte@leiestroom.example").count() == 1
    assert "Does not work any more" in look_up(secret)


@pytest.mark.parametrize(
    "around",
    [
        '"{secret}"', "'{secret}',", "{id}:{secret}", "CLIENT_SECRET={secret}  # live", "Authorization: Basic {basic}",
        "curl --user '{id}:{secret}' --data grant_type=client_credentials", "client_secret={secret}&scope=address.read",
        "basic {basic}", '{{"secret": "{secret}"}}', "{secret}next line", "client_id%3D{id}%26client_secret%3D{secret}",
    ],
)  # fmt: skip
def test_a_secret_is_found_in_what_it_stood_in(now, around) -> None:
    """The page found nothing when the quotes or the header were pasted too."""
    client, secret = factories.client()
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    page = look_up(around.format(id=client.client_id, secret=secret, basic=basic))
    assert "Works now" in page
    assert secret not in page
    assert basic not in page


def test_a_client_id_is_told_to_be_one_also_when_it_was_regenerated(now) -> None:
    client, _secret = factories.client()
    old = client.client_id
    lifecycle.change_client_id(client=client, seen=old, by=factories.SYSTEM, now=now)
    for client_id in (old, client.client_id):
        page = look_up(f"'{client_id}'")
        assert "no secret but a client id" in page
        assert reverse("security:client", args=[client.uid]) in page


def test_a_token_is_found_in_its_header(now) -> None:
    client, _secret = factories.client()
    assert "An access token of" in look_up(f"Authorization: Bearer {token_of(client, 'secret:1')}")


def test_several_in_one_paste_are_looked_up_one_by_one(now) -> None:
    client, secret = factories.client()
    token, entries = token_of(client, "secret:1"), Entry.objects.count()
    page = look_up(f"{secret} {token}")
    assert "Paste them one at a time" in page
    assert secret not in page
    assert Entry.objects.count() == entries
    assert "Works now" in look_up(f"{secret} {secret}")


def test_one_that_was_cut_off_is_said_to_be(now) -> None:
    _client, secret = factories.client()
    assert "part of it is missing or mistyped" in look_up(secret[:-3])
    assert "part of it is missing or mistyped" in look_up(f"{secret[:-1]}!")
    assert "Our secrets begin with kds_" in look_up("rubbish")


@pytest.mark.parametrize("text", ["Basic ====", "basic " + "A" * 33, "Basic /////////w==", "kds_" + "é" * 49, "%ff%00"])
def test_rubbish_is_nobodys_and_no_fault(text) -> None:
    assert signed_in(factories.noor()).post(reverse("security:incident"), {"value": text}).status_code == 302


def test_a_leaked_token_is_revoked_alone(now) -> None:
    client, _secret = factories.client()
    leaked, _other = token_of(client, "secret:1"), token_of(client, "secret:1")
    page = look_up(leaked)
    assert "An access token of" in page
    assert "address.read" in page
    signed_in(factories.noor()).post(
        reverse("security:revoke_leak"),
        {"leak": reference(page), "act": "revoke", "case": "SEC-2026-031", "reason": "Seen on a forum"},
    )
    assert live() == 1
    again = signed_in(factories.noor()).post(
        reverse("security:revoke_leak"),
        {"leak": reference(page), "act": "revoke", "case": "SEC-2026-031", "reason": "Seen on a forum"},
        follow=True,
    )
    assert "invalidated already" in again.content.decode()


def test_the_value_is_nowhere_afterwards(now, caplog) -> None:
    _client, secret = factories.client()
    look_up(secret)
    entry = Entry.objects.first()
    kept = f"{entry.__dict__} {caplog.text}"
    assert entry.action == "incident.looked_up"
    assert secret not in kept
    assert secret[4:20] not in kept


def test_a_value_that_is_nobodys_is_logged_as_such() -> None:
    assert "No client has this secret or token" in look_up("kds_nothing")
    assert Entry.objects.first().subject_label == "nobody"


@pytest.mark.parametrize("leak", ["", "token:zz", "secret:1", "x", "token:" + "00" * 32])
def test_a_reference_to_nothing_is_not_there(leak) -> None:
    told = {"leak": leak, "act": "revoke", "case": "SEC-2026-031", "reason": "Seen on a forum"}
    assert signed_in(factories.noor()).post(reverse("security:revoke_leak"), told).status_code == 404


def test_a_client_with_a_key_goes_on_after_its_secret_leaked() -> None:
    client, secret = factories.client()
    key_acts.add(client=client, key=keys.public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert "Nothing else authenticates this client" not in look_up(secret)


@pytest.mark.parametrize("person", [factories.lotte, factories.ada])
def test_incidents_are_for_the_security_team(person) -> None:
    browser = signed_in(person())
    assert browser.get(reverse("security:incident")).status_code == 404
    assert browser.post(reverse("security:revoke_leak"), {"leak": "x"}).status_code == 404


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    cache.clear()


def test_back_and_reload_show_the_answer_again_without_another_look_up() -> None:
    _client, secret = factories.client()
    browser = signed_in(factories.noor())
    address = browser.post(reverse("security:incident"), {"value": secret})["Location"]
    for _time in range(2):
        assert "Works now" in browser.get(address).text
    assert Entry.objects.filter(action="incident.looked_up").count() == 1
    assert secret not in str(browser.session.items())
    assert "Works now" not in signed_in(factories.bram()).get(address).text
