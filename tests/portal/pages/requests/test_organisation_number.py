"""The organisation number: checked on the form, the same organisation wherever it is the same, looked up if set."""

import io
import json

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client as Browser
from django.test import override_settings
from django.urls import reverse

from audit.models import Entry
from clients.models import Client, Registration
from clients.organisations.register import Organisation
from portal.pages.review import risk_signals
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db

NUMBER = "BE 0765.440.163"
HERE = "tests.portal.pages.requests.test_organisation_number."


def register(number: str) -> Organisation | None:
    """Stand for a register that knows one organisation."""
    return Organisation(name="Rekenhuis BV", note="since 2021") if number == NUMBER else None


def ended(number: str) -> Organisation:
    return Organisation(name="Rekenhuis BV", active=False)


def broken(number: str) -> Organisation:
    raise TimeoutError(number)


def states(asked: Registration) -> dict[str, str]:
    known = risk_signals.known_about([asked], ask_register=True)
    return {hint.text: hint.state for hint in risk_signals.signals_of(asked, known)}


def test_the_form_checks_it_and_keeps_its_normal_form(client: Browser) -> None:
    factories.scope()
    texts = {**factories.content(scenario="client_credentials").texts, "scopes": ["address.read"]}
    address = reverse("public:request_client")
    for typed, kept in (("", ""), ("0765 440 163", NUMBER), ("de hrb 12345", "DE HRB 12345")):
        assert client.post(address, {**texts, "organisation_number": typed}).status_code == 302
        assert Registration.objects.latest("pk").organisation_number == kept
    refused = client.post(address, {**texts, "organisation_number": "0765.440.164"})
    assert (refused.status_code, "do not fit the others" in refused.text) == (422, True)


def test_a_site_can_require_it(client: Browser, settings) -> None:
    factories.scope()
    texts = {**factories.content(scenario="client_credentials").texts, "scopes": ["address.read"]}
    settings.ORGANISATION_NUMBER_REQUIRED = True
    refused = client.post(reverse("public:request_client"), texts | {"organisation_number": ""})
    assert (refused.status_code, "Enter the number of your organisation" in refused.text) == (422, True)
    given = client.post(reverse("public:request_client"), texts | {"organisation_number": NUMBER})
    assert given.status_code == 302


def test_the_approval_gives_it_to_the_client_and_the_entry_holds_it(now) -> None:
    asked = factories.submitted_request(now, organisation_number=NUMBER)
    data = {"decision": "approve", "seen": asked.content_hash, "scopes": ["address.read"], "message": ""}
    assert NUMBER in signed_in(factories.noor()).get(reverse("security:review", args=[asked.uid])).text
    assert signed_in(factories.noor()).post(reverse("security:review", args=[asked.uid]), data).status_code == 302
    assert Client.objects.get(registrations=asked).organisation_number == NUMBER
    assert Entry.objects.with_action("registration.approved")[0].changes["organisation_number"] == [None, NUMBER]


def test_the_same_number_is_the_same_organisation_whatever_its_name(now) -> None:
    factories.client(contact=factories.wim(), organisation_number=NUMBER)
    asked = factories.submitted_request(now, organisation="Rekenhuis", organisation_number=NUMBER)
    found = states(asked)
    assert found["1 client has this organisation number"] == "info"
    assert found["Mail domain of this organisation's contacts"] == "ok"
    assert "First client of this organisation" not in found
    browser = signed_in(factories.noor())
    for query in ("?organisation=0765440163", "?q=0765.440.163"):
        assert len(browser.get(reverse("security:clients") + query).context["rows"]) == 1, query
    assert len(browser.get(reverse("security:queue") + "?q=BE0765440163").context["rows"]) == 1


def test_the_same_name_with_another_number_is_a_warning(now) -> None:
    factories.client(organisation_number=NUMBER)
    name = "waterbedrijf leiestroom"
    asked = factories.submitted_request(now, organisation=name, organisation_number="NL 12345678")
    assert states(asked)["Clients by this name have another number"] == "bad"


@pytest.mark.parametrize(
    ("look_up", "organisation", "number", "text", "state"),
    [
        ("", "Rekenhuis bv", NUMBER, "the check digits are right", "info"),
        ("register", "Rekenhuis bv", NUMBER, "is active in the register under this name", "ok"),
        ("register", "Boekhuis bv", NUMBER, "has another name in the register", "warn"),
        ("register", "Rekenhuis bv", "NL 12345678", "is not in the register", "bad"),
        ("ended", "Rekenhuis bv", NUMBER, "has ended in the register", "bad"),
        ("broken", "Rekenhuis bv", NUMBER, "the check digits are right", "info"),
    ],
)
def test_the_reviewer_sees_what_the_register_says(now, look_up, organisation, number, text, state) -> None:
    """A register that does not answer is no green, and keeps nobody from deciding."""
    cache.clear()
    with override_settings(ORGANISATION_REGISTER=f"{HERE}{look_up}" if look_up else ""):
        asked = factories.submitted_request(now, organisation=organisation, organisation_number=number)
        assert {words: weight for words, weight in states(asked).items() if number in words} == {
            f"{number}: {text}" if "check digits" in text else f"{number} {text}": state
        }
        page = signed_in(factories.noor()).get(reverse("security:review", args=[asked.uid])).text
        assert ("The register did not answer" in page) is (look_up == "broken")
        assert ("Not looked up" in page) is (look_up == "")


def test_the_answer_of_the_register_stands_in_the_entry_and_on_the_page_of_later(now) -> None:
    cache.clear()
    asked = factories.submitted_request(now, organisation_number=NUMBER)
    browser, address = signed_in(factories.noor()), reverse("security:review", args=[asked.uid])
    data = {"decision": "reject", "seen": asked.content_hash, "message": "Not now."}
    with override_settings(ORGANISATION_REGISTER=f"{HERE}register"):
        assert browser.post(address, data).status_code == 302
    recorded = Entry.objects.with_action("registration.rejected")[0].changes["signals"][1]
    assert any(text.startswith("ok: in_register ") and NUMBER in text for text in recorded)
    assert f"{NUMBER} is active in the register under this name" in browser.get(address).text


def test_an_operator_gives_it_to_a_client() -> None:
    factories.scope()
    told = ("--name", "Wages", "--contact", "wim@rekenhuis.example", "--scope", "address.read", "--json")
    out = io.StringIO()
    call_command("create_client", *told, "--organisation-number", "0765440163", stdout=out)
    assert Client.objects.get(client_id=json.loads(out.getvalue())["client_id"]).organisation_number == NUMBER
    with pytest.raises(SystemExit):
        call_command("create_client", *told[:-1], "--organisation-number", "0765440164")
