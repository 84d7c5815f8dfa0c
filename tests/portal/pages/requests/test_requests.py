"""A request for a client as its contact lives it: ask, confirm by code, follow, answer, withdraw."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from clients.access import one_time_codes
from clients.mail import outbox
from clients.models import Mail, MailedCode, Registration
from portal.web import form_rate_limits
from tests.portal.support import browsers
from tests.portal.support.html import without_breaks
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db

FORM = {
    "organisation": "Rekenhuis bv",
    "contact_name": "Wim Goossens",
    "contact_email": "Wim@Rekenhuis.example",
    "client_name": "Loonverwerking-koppeling",
    "purpose": "We check addresses before we send letters.",
    "scenario": "client_credentials",
    "scopes": ["address.read"],
}


def ask(browser: Client, **changes: object) -> Registration:
    factories.scope()
    browser.post(reverse("public:request_client"), {**FORM, **changes})
    return Registration.objects.get()


def code_of(registration: Registration) -> str:
    return one_time_codes.value(registration.codes.latest("created_at"))


def confirm(browser: Client, registration: Registration, code: str):
    return browser.post(reverse("public:confirm_request", args=[registration.uid]), {"code": code})


def test_the_form_offers_the_catalogue_by_api_with_descriptions(client) -> None:
    factories.scope("address.read")
    text = client.get(reverse("public:request_client")).content.decode()
    assert "Addresses" in text
    assert "Scope address.read" in text


def test_a_request_reaches_the_queue_only_with_the_mailed_code(client) -> None:
    registration = ask(client)
    assert not Registration.objects.awaiting_review().exists()
    response = confirm(client, registration, code_of(registration))
    assert response.headers["Location"] == reverse("contact:request", args=[registration.uid])
    assert Registration.objects.awaiting_review().get() == registration


def test_the_code_signs_the_contact_in_with_a_new_session(client) -> None:
    registration = ask(client)
    before = client.session.session_key
    confirm(client, registration, code_of(registration))
    assert client.session.session_key != before
    assert client.session["method"] == "code"
    page = client.get(reverse("contact:request", args=[registration.uid])).content.decode()
    assert "The Security team reads your request" in page


def test_a_code_never_signs_a_staff_member_in(client) -> None:
    noor = factories.noor()
    registration = ask(client, contact_email=noor.email)
    confirm(client, registration, code_of(registration))
    assert "_auth_user_id" not in client.session
    assert not noor.links.exists()
    assert "We mailed a link" not in client.get(reverse("public:confirm_request", args=[registration.uid])).text


@pytest.mark.parametrize("spelling", ["wim@rekenhuis.example", "Wim+x@rekenhuis.example", "wim@rekenhuis。example"])
def test_the_code_signs_nobody_in_whom_we_know_and_mails_them_a_link(client, spelling: str) -> None:
    wim = factories.wim()
    registration = ask(client, contact_email=spelling)
    page = confirm(client, registration, code_of(registration))
    assert "_auth_user_id" not in client.session
    text = without_breaks(client.get(page.headers["Location"]).text)
    assert "Your request is with the Security team" in text
    assert "We mailed a link to <b>wim@rekenhuis.example</b>" in text
    mail = Mail.objects.get(kind=Mail.Kind.REQUEST_RECEIVED)
    assert (mail.to, mail.user) == (wim.email, wim)
    outbox.deliver(mail_id=mail.pk, now=mail.next_attempt_at)
    assert wim.links.get().target == reverse("contact:request", args=[registration.uid])
    assert registration.number in text
    registration.refresh_from_db()
    assert registration.requester == wim


def test_who_is_signed_in_already_stays_so_and_goes_on_to_the_request() -> None:
    browser = browsers.of(factories.wim())
    registration = ask(browser)
    response = confirm(browser, registration, code_of(registration))
    assert response.headers["Location"] == reverse("contact:request", args=[registration.uid])
    assert "The Security team reads your request" in browser.get(response.headers["Location"]).text


def test_until_the_code_is_right_known_and_unknown_addresses_look_alike() -> None:
    factories.lotte()
    seen = []
    for address in ("lotte@leiestroom.example", "nobody@leiestroom.example"):
        browser = Client()
        registration = ask(browser, contact_email=address)
        url = reverse("public:confirm_request", args=[registration.uid])
        # Each browser asks once, guesses wrong, and has the code mailed again.
        answers = [
            browser.get(url),
            confirm(browser, registration, "no"),
            browser.post(url, {"again": "1"}, follow=True),
        ]
        nonces = r'nonce="[^"]*"|value="[^"]*"|[0-9a-f-]{36}'
        texts = [without_breaks(each.text).replace(address, "") for each in answers]
        seen.append([(each.status_code, re.sub(nonces, "", text)) for each, text in zip(answers, texts, strict=True)])
        seen[-1].append(list(Mail.objects.values_list("kind", "language")))
        Registration.objects.all().delete()
    assert seen[0] == seen[1]


def test_an_incomplete_form_keeps_what_was_typed_and_names_each_mistake(client) -> None:
    factories.scope()
    response = client.post(reverse("public:request_client"), {**FORM, "contact_email": "info@", "scopes": []})
    text = response.content.decode()
    assert response.status_code == 422
    assert "Enter an e-mail address like" in text
    assert "Tick at least one scope" in text
    assert FORM["purpose"] in text
    assert "<title>Error:" in text
    assert not Registration.objects.exists()


def test_a_name_over_two_lines_becomes_one_line(client) -> None:
    assert ask(client, client_name="Loon\r\nverwerking").client_name == "Loon verwerking"


def test_as_much_fits_as_a_browser_lets_one_type(client) -> None:
    typed = "\r\n".join("x" * 39 for _line in range(100))  # 3,999 characters as the browser counts
    assert ask(client, purpose=typed).purpose == typed.replace("\r\n", "\n")


def test_invisible_characters_in_a_name_are_refused(client) -> None:
    factories.scope()
    response = client.post(reverse("public:request_client"), {**FORM, "client_name": "Loon\u202egnikrewrev"})
    assert "invisible characters" in response.content.decode()


@pytest.mark.parametrize("field", ["client_name", "organisation", "contact_name"])
@pytest.mark.parametrize("name", ["\u3164\u3164", "\u0301Noor", "4711", "Log in at https://evil.example"])
def test_what_is_no_name_is_refused_in_every_field(client, field: str, name: str) -> None:
    factories.scope()
    response = client.post(reverse("public:request_client"), {**FORM, field: name})
    assert response.status_code == 422
    assert not Registration.objects.exists()


def test_a_wrong_code_can_be_corrected(client) -> None:
    registration = ask(client)
    right = code_of(registration)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    response = confirm(client, registration, wrong)
    assert response.status_code == 422
    assert "This is not the code we mailed" in response.content.decode()
    assert confirm(client, registration, f"{right[:3]} {right[3:]}").status_code == 302


def test_after_five_wrong_codes_the_right_one_no_longer_works(client) -> None:
    registration = ask(client)
    right = code_of(registration)
    for _attempt in range(MailedCode.MAX_ATTEMPTS):
        confirm(client, registration, f"{(int(right) + 1) % 10**6:06d}")
    assert "Ask for a new one" in confirm(client, registration, right).content.decode()


def test_a_new_code_replaces_the_old_one(client) -> None:
    registration = ask(client)
    old = code_of(registration)
    client.post(reverse("public:confirm_request", args=[registration.uid]), {"again": "1", "code": ""})
    assert registration.codes.count() == 2
    new = code_of(registration)
    if old != new:
        assert confirm(client, registration, old).status_code == 422
    assert confirm(client, registration, new).status_code == 302


def test_the_scenario_is_chosen_shown_and_recorded(client) -> None:
    factories.scope()
    page = client.get(reverse("public:request_client")).text
    assert re.search(r'value="client_credentials" checked', page)
    assert re.search(r'value="authorization_code" disabled', page)
    for missing in ({"scenario": ""}, {"scenario": "authorization_code"}, {"scenario": "implicit"}):
        assert client.post(reverse("public:request_client"), {**FORM, **missing}).status_code == 422
    registration = ask(client)
    assert registration.scenario == "client_credentials"
    seen = registration.content_hash
    Registration.objects.filter(pk=registration.pk).update(scenario="")
    assert Registration.objects.get().content_hash != seen, "a reviewer decides on it"
    Registration.objects.filter(pk=registration.pk).update(scenario="client_credentials")

    page = confirm(client, registration, code_of(registration)).headers["Location"]
    review = reverse("security:review", args=[registration.uid])
    for text in (client.get(page).text, signed_in(factories.noor()).get(review).text):
        assert "Scenario" in text
        assert "Client credentials" in text
    signed_in(factories.noor()).post(review, {"decision": "reject", "seen": seen, "message": "Not now."})
    for action in ("registration.confirmed", "registration.rejected"):
        assert Entry.objects.with_action(action)[0].changes["scenario"] == [None, "client_credentials"]
    record = reverse("auditor:decided_request", args=[registration.uid])
    assert "Client credentials" in signed_in(factories.ada()).get(record).text


def test_who_mistyped_their_address_finds_the_form_as_they_left_it(client) -> None:
    registration = ask(client, contact_email="wim@rekenhius.example")
    url = reverse("public:request_client")
    confirm_url = reverse("public:confirm_request", args=[registration.uid])
    assert url in client.get(confirm_url).content.decode()
    text = client.get(url).content.decode()
    for typed in ("wim@rekenhius.example", FORM["purpose"], FORM["organisation"], 'value="address.read" checked'):
        assert typed in text
    assert confirm_url in text
    assert FORM["purpose"] not in client.get(url, {"empty": ""}).content.decode()
    assert FORM["purpose"] not in Client().get(url).content.decode()
    confirm(client, registration, code_of(registration))
    assert FORM["purpose"] not in client.get(url).content.decode()


def test_a_code_that_no_longer_works_shows_the_button_for_a_new_one(client) -> None:
    registration = ask(client)
    folded = '<details class="govuk-details">'
    assert folded in client.get(reverse("public:confirm_request", args=[registration.uid])).content.decode()
    assert folded not in confirm(client, registration, "000000").content.decode()


def test_the_request_of_another_browser_cannot_be_confirmed(client) -> None:
    registration = ask(client)
    assert confirm(Client(), registration, code_of(registration)).status_code == 404


def test_an_address_gets_at_most_ten_codes_an_hour(client) -> None:
    factories.scope()
    for _request in range(one_time_codes.MAILED_PER_HOUR):
        client.post(reverse("public:request_client"), FORM)
    response = client.post(reverse("public:request_client"), FORM)
    assert "several codes already" in response.content.decode()
    assert Registration.objects.count() == one_time_codes.MAILED_PER_HOUR


def test_one_network_cannot_have_codes_mailed_again_without_end(client, monkeypatch) -> None:
    registration = ask(client)
    monkeypatch.setattr(form_rate_limits, "MAX_POSTS_PER_HOUR", 3)  # the request itself was the first
    url = reverse("public:confirm_request", args=[registration.uid])
    pages = [client.post(url, {"again": "1"}, follow=True).content.decode() for _time in range(3)]
    assert ["A new code is on its way" in page for page in pages] == [True, True, False]
    assert "Too many requests from your network" in pages[-1]
    assert registration.codes.count() == 3
