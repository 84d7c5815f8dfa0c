"""Whatever the Security team has in hand finds the client it belongs to."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from cryptography import x509
from django.apps import apps
from django.db import connection
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import keys
from clients.models import Client, Key, Registration
from foundation import secret_format
from portal.search.staff_search import clients_for
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.keys import certificate, public_key
from tokens.models import AnonymousRefusal, JournalEntry, UsageDetail

pytestmark = pytest.mark.django_db

REQUEST_ID, ADDRESS = "f" * 32, "193.190.44.18"


@pytest.fixture
def found() -> Client:
    """A client with one of everything, beside another one."""
    now = datetime.now(UTC)
    other, _secret = factories.client(contact=factories.wim())
    other.client_scopes.all().delete()
    registration = factories.submitted_request(
        now, contact_email="lotte@leiestroom.example", contact_name="Lotte Verhaeghe", client_name="Pompwacht",
        organisation="Polder Noord",
    )  # fmt: skip
    browser = signed_in(factories.noor())
    data = {"decision": "approve", "seen": registration.content_hash, "scopes": ["address.read"]}
    browser.post(reverse("security:review", args=[registration.uid]), data)
    client = Client.objects.get(registrations=registration)
    keys.add(client=client, key=certificate(), by=factories.SYSTEM, now=now)
    JournalEntry.objects.create(
        client=client, at=now, request_id=REQUEST_ID, endpoint="token", error="invalid_client", rule="kid",
        address=ADDRESS,
    )  # fmt: skip
    return client


def key(client: Client) -> Key:
    return client.keys.get(kind=Key.Kind.CERTIFICATE)


def serial(client: Client) -> int:
    leaf = base64.b64decode(key(client).jwk["x5c"][0])
    return x509.load_der_x509_certificate(leaf).serial_number


WAYS: dict[str, Callable[[Client], str]] = {
    "part of the client id": lambda client: client.client_id[2:9],
    "name": lambda client: "POMPW",
    "organisation": lambda client: "polder",
    "contact's name": lambda client: "verhaeghe",
    "contact's address": lambda client: "Lotte@LEIESTROOM.example",
    "contact's mail domain": lambda client: "@leiestroom.example",
    "key id": lambda client: key(client).kid,
    "thumbprint": lambda client: key(client).thumbprint,
    "x5t#S256": lambda client: key(client).jwk["x5t#S256"],
    "x5t in hex": lambda client: base64.urlsafe_b64decode(key(client).jwk["x5t"] + "=").hex(":").upper(),
    "serial number": lambda client: f"{serial(client):x}",
    "serial number as openssl writes it": lambda client: serial(client).to_bytes(21).hex(":").upper(),
    "serial number in decimal digits": lambda client: str(serial(client)),
    "certificate subject": lambda client: "api.leiestroom",
    "secret's hint": lambda client: f"…{client.secrets.get().hint}",
    "request number": lambda client: Registration.objects.get(client=client).number,
    "request id of a refusal": lambda client: REQUEST_ID,
    "request id of an act": lambda client: Entry.objects.with_action("registration.approved")[0].request_id,
    "IP address": lambda client: ADDRESS,
    "scope": lambda client: "address.read",
    "uid": lambda client: str(client.uid),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_found_by(found, way) -> None:
    text = WAYS[way](found)
    assert list(clients_for(text)) == [found], text
    page = signed_in(factories.noor()).get(reverse("security:clients"), {"q": text}).text
    assert found.client_id in page
    assert "1 client" in page


def test_an_earlier_client_id_finds_it(found) -> None:
    earlier = found.client_id
    lifecycle.change_client_id(client=found, seen=earlier, by=factories.SYSTEM, now=datetime.now(UTC))
    assert list(clients_for(earlier)) == [found]


@pytest.mark.parametrize("text", ["0", "00", "00:00", "0x", "0x0"])
def test_a_serial_number_of_zeros_finds_no_key_without_a_certificate(found, text) -> None:
    keys.add(client=found, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    assert not clients_for(text).exists()


def test_the_serial_numbers_of_certificates_from_before_are_read_from_them(found) -> None:
    keys.add(client=found, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    number = serial(found)
    Key.objects.update(serial="")
    assert not clients_for(str(number)).exists()
    with connection.schema_editor() as editor:
        import_module("clients.migrations.0034_key_serial").read_existing(apps, editor)
    assert list(clients_for(str(number))) == [found]
    assert list(Key.objects.order_by("serial").values_list("serial", flat=True)) == ["", f"{number:x}"]


@pytest.mark.parametrize(
    ("network", "address"),
    [("2001:db8::/64", "2001:DB8::7"), ("198.51.100.7", "198.51.100.7"), ("198.51.100.0/24", "198.51.100.9")],
    ids=["/64", "/32", "beyond the bound of a day"],
)
def test_an_address_finds_the_client_that_was_used_from_it(found, network, address) -> None:
    """PROTOCOL C-41: months later, when its tokens are gone."""
    row = factories.used(found, at=datetime.now(UTC) - timedelta(days=200))
    UsageDetail.objects.filter(day=row.day).update(network=network)
    assert list(clients_for(address)) == [found]
    assert not clients_for("198.51.101.7").exists()


def test_one_or_two_characters_find_whole_names_and_not_parts_of_names(found) -> None:
    assert not clients_for("po").exists()
    Client.objects.filter(pk=found.pk).update(name="BI")
    assert list(clients_for("bi")) == [found]


@pytest.mark.parametrize(
    "text", ["nobody", "R-2026-9999", "R-1999-0001", "10.0.0.1", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "%", "\\"]
)
def test_what_belongs_to_nobody_finds_nothing(found, text) -> None:
    assert not clients_for(text).exists()


@pytest.mark.parametrize("way", ["request number", "organisation", "key id", "request id of a refusal"])
def test_the_change_log_finds_the_history_by_it(found, way) -> None:
    entries = (
        signed_in(factories.ada()).get(reverse("auditor:change_log"), {"client": WAYS[way](found)}).context["entries"]
    )
    assert "approved the request" in " ".join(entry["sentence"] for entry in entries)
    assert {entry.get("client", found.name) for entry in entries} == {found.name}


def in_the_log(**filters: str) -> str:
    entries = signed_in(factories.ada()).get(reverse("auditor:change_log"), filters).context["entries"]
    return " / ".join(entry["sentence"] for entry in entries)


@pytest.mark.parametrize("text", ["address.read", "addresses", "Addresses"])
def test_the_change_log_finds_acts_on_a_scope_or_an_api_by_its_name(found, text) -> None:
    sentences = in_the_log(client=text)
    assert "created the" in sentences
    assert "approved" not in sentences


def test_the_change_log_finds_what_was_done_from_an_address(found) -> None:
    assert "confirmed the request" in in_the_log(address="192.0.2.9")
    assert in_the_log(address="192.0.2.200") == ""
    answer = signed_in(factories.ada()).get(reverse("auditor:change_log"), {"address": "the office"})
    assert (answer.status_code, "like 192.0.2.7" in answer.text) == (422, True)


def test_the_id_of_a_refusal_leads_to_why_it_was_refused(found) -> None:
    browser, why = signed_in(factories.noor()), reverse("public:why", args=[REQUEST_ID])
    assert f'href="{why}"' in browser.get(reverse("security:clients"), {"q": REQUEST_ID}).text
    assert f'href="{why}"' not in browser.get(reverse("security:clients"), {"q": "polder"}).text


def test_the_id_of_a_refusal_that_names_no_client_leads_to_why_too(now) -> None:
    AnonymousRefusal.objects.create(
        why="a" * 32, request_id="a" * 32, at=now, endpoint="token", status=401, error="invalid_client",
        rule="unknown_client",
    )  # fmt: skip
    text = signed_in(factories.noor()).get(reverse("security:clients"), {"q": "a" * 32}).text
    assert reverse("public:why", args=["a" * 32]) in text


def test_a_secret_in_the_place_of_an_id_is_not_on_the_page_of_the_journal(found) -> None:
    """Neither in the field, nor in the address that is printed above it and sent along to change the language."""
    secret = secret_format.generate()
    journal = reverse("security:client_failures", args=[found.uid])
    answer = signed_in(factories.noor()).get(journal, {"request_id": f"it was {secret}"})
    assert answer.status_code == 422
    assert secret not in answer.text


def test_the_journal_of_a_client_takes_the_id_of_any_refusal(found) -> None:
    browser = signed_in(factories.noor())
    journal = reverse("security:client_failures", args=[found.uid])
    assert 'name="request_id"' in browser.get(journal).text
    answer = browser.get(journal, {"request_id": f"X-Request-Id: {REQUEST_ID}"})
    assert answer.url == reverse("public:why", args=[REQUEST_ID])
    assert browser.get(answer.url).status_code == 200


@pytest.mark.parametrize(
    ("person", "name", "field", "advice"),
    [
        (factories.noor, "security:clients", "q", "Look it up on the page “Incident”"),
        (factories.noor, "security:queue", "q", "Look it up on the page “Incident”"),
        (factories.ada, "auditor:change_log", "client", "report it on the page “End what leaked”"),
        (factories.lotte, "contact:clients", "q", "replace the secret or revoke the token"),
    ],
)
def test_a_secret_is_not_looked_up_in_an_address(found, person, name, field, advice) -> None:
    """The page tells its reader what to do with it, on pages that this reader can open, and does not repeat it."""
    _client, secret = factories.client()
    factories.client()
    someone = person()
    browser = signed_in(someone) if someone.is_staff_member else browsers.of(someone)
    answer = browser.get(reverse(name), {field: secret})
    assert answer.status_code == 422
    assert advice in answer.text
    assert secret not in answer.text
    assert ("“Incident”" in answer.text) == name.startswith("security:")


def test_a_search_takes_no_more_queries_for_more_clients(found) -> None:
    browser, url = signed_in(factories.noor()), reverse("security:clients", query={"q": "polder"})
    before = browsers.queries(browser, url)
    for _number in range(5):
        factories.client()
    assert browsers.queries(browser, url) == before


# --- The queue --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["number", "organisation", "client_name", "contact_name", "contact_email"])
def test_a_request_is_found_in_the_queue(now, by) -> None:
    wanted = factories.submitted_request(
        now, client_name="Pompwacht", organisation="Polder Noord", contact_name="Pia Claes",
        contact_email="pia@polder.example",
    )  # fmt: skip
    factories.submitted_request(now)
    page = signed_in(factories.noor()).get(reverse("security:queue"), {"q": getattr(wanted, by)}).text
    assert reverse("security:review", args=[wanted.uid]) in page
    assert page.count("/security/requests/") == 1


def test_a_decided_request_is_found_by_its_number_too(now) -> None:
    wanted = factories.submitted_request(now)
    browser = signed_in(factories.noor())
    data = {"decision": "reject", "seen": wanted.content_hash, "message": "Not here."}
    browser.post(reverse("security:review", args=[wanted.uid]), data)
    assert (
        reverse("security:review", args=[wanted.uid])
        in browser.get(reverse("security:queue"), {"q": wanted.number}).text
    )
