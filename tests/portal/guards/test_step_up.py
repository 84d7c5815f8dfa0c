"""The step-up: a mailed code before an act that needs more than a link."""

import json
import re
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import translation

from audit.actions import Action
from audit.models import Entry
from clients.access import one_time_codes
from clients.access.guarded_acts import SENTENCES, Act
from clients.mail import rendering
from clients.models import Mail, MailedCode
from tests.portal.support import browsers
from tests.portal.support.browsers import confirmed, is_asked, newest_code
from tests.support import factories
from tests.support.keys import jwk_of, new_ec

pytestmark = pytest.mark.django_db
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0 Safari/537.36"


@pytest.fixture
def browser():
    return browsers.of(factories.lotte(), stepped_up=False)


@pytest.fixture
def reveal(made) -> str:
    return reverse("contact:reveal_secret", args=[made.uid])


def wrong() -> str:
    return f"{(int(newest_code()) + 1) % 10**6:06d}"


def shows_a_secret(browser, answer) -> bool:
    return answer.status_code == 302 and "Your client secret" in browser.get(answer["Location"]).text


# --- The page ---------------------------------------------------------------------------------------------------------
def test_the_page_names_the_act_and_the_client(made, browser, reveal) -> None:
    page = browser.post(reveal, follow=True)
    assert page.status_code == 200
    assert "Show the client secret" in page.text
    assert made.name in page.text


def test_the_form_is_carried_out_as_it_was_sent(made, browser) -> None:
    form = {"replaces": made.secrets.get().uid, "overlap": "7d"}
    answer = confirmed(browser, reverse("contact:regenerate_secret", args=[made.uid]), form)
    assert answer["Location"].startswith(reverse("contact:shown_secret", args=[made.uid]))
    old = made.secrets.exclude(ends_at=None).get()
    assert old.ends_at > datetime.now(UTC) + timedelta(days=6)


def test_the_form_waits_on_the_server(made, browser) -> None:
    page = browser.post(reverse("contact:change_client_id", args=[made.uid]), {"seen": made.client_id}, follow=True)
    assert made.client_id not in page.text


def test_the_page_can_be_opened_again_and_after_the_act_leads_on(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    assert browser.get(page).status_code == browser.get(page).status_code == 200
    browser.post(page, {"code": newest_code()})
    assert browser.get(page)["Location"] == reveal
    assert browser.post(page, {"code": "123456"})["Location"] == reveal


def test_the_page_of_another_session_is_none(made, browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    assert browsers.of(factories.lotte(), stepped_up=False).get(page)["Location"] == reveal


def test_cancel_leads_back_to_a_page(made, browser) -> None:
    certificate = json.dumps(jwk_of(new_ec()))
    checked = browser.post(reverse("contact:add_key", args=[made.uid]), {"way": "paste", "pasted": certificate})[
        "Location"
    ]
    forms = {
        reverse("contact:reveal_secret", args=[made.uid]): {},
        reverse("contact:invalidate_tokens", args=[made.uid]): {},
        reverse("contact:regenerate_secret", args=[made.uid]): {"replaces": made.secrets.get().uid, "overlap": "0"},
        checked: {"material": certificate, "start": "now"},
    }
    for url, form in forms.items():
        asked = browser.post(url, form, follow=True).text
        back = re.search(r'href="([^"]+)">Cancel', asked).group(1)
        assert back == url
        assert browser.get(back, follow=True).status_code == 200


@pytest.mark.parametrize("answer", [{"code": "000000"}, {"again": "1"}, {"passkey": "{}"}])
def test_an_answer_that_nobody_waits_for_does_nothing(browser, reveal, answer) -> None:
    assert browser.post(f"{reveal}?confirm=unknown", answer)["Location"] == reveal
    assert not MailedCode.objects.exists()


def test_a_form_that_is_refused_after_the_code_can_be_sent_again(made, browser) -> None:
    url = reverse("contact:contacts", args=[made.uid])
    form = {"name": "An", "email": "an@leiestroom.example", "role": "editor"}
    page = browser.post(url, form)["Location"]
    made.contacts.create(user=factories.person("an@leiestroom.example", "An"), role="editor", added_at=factories.NOW)
    refused = browser.post(page, {"code": newest_code()})
    assert refused.status_code == 422
    assert "an@leiestroom.example" in refused.text
    assert is_asked(
        browser.post(page, {**form, "email": "bo@leiestroom.example"})
    )  # the refused page is at this address


def test_a_form_with_an_error_asks_for_no_code(made, browser) -> None:
    answer = browser.post(reverse("contact:contacts", args=[made.uid]), {"name": "An", "email": "no", "role": "editor"})
    assert answer.status_code == 422
    assert not MailedCode.objects.exists()


# --- The code ---------------------------------------------------------------------------------------------------------
def test_a_wrong_code_shows_an_error_beside_the_field_and_the_tries_left(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    assert "5 tries left" in browser.get(page).text
    response = browser.post(page, {"code": wrong()})
    assert response.status_code == 422
    assert "This is not the code we mailed" in response.text
    assert 'aria-invalid="true"' in response.text
    assert "4 tries left" in response.text
    assert "4 tries left" in browser.get(page).text
    for _attempt in range(3):
        response = browser.post(page, {"code": wrong()})
    assert "1 try left" in response.text
    response = browser.post(page, {"code": wrong()})
    assert "This code no longer works" in response.text
    assert "tries left" not in response.text


def test_pressing_the_button_twice_mails_one_code_and_asking_again_two(browser, reveal) -> None:
    for _time in range(2):
        page = browser.post(reveal)["Location"]
    assert MailedCode.objects.count() == 1
    assert browser.post(page, {"again": "1"})["Location"] == page
    assert MailedCode.objects.count() == 2


def test_an_empty_answer_costs_no_try(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    for typed in ("", "  ") * 3:
        response = browser.post(page, {"code": typed})
        assert response.status_code == 422
        assert "Type the six digits from the mail" in response.text
    assert shows_a_secret(browser, browser.post(page, {"code": newest_code()}))


def test_who_begins_again_after_too_many_wrong_codes_gets_one_that_works(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    for _attempt in range(MailedCode.MAX_ATTEMPTS):
        browser.post(page, {"code": wrong()})
    assert "We sent a six-digit code to" in browser.post(reveal, follow=True).text
    assert shows_a_secret(browser, confirmed(browser, reveal))


def test_a_code_lives_ten_minutes(browser, reveal) -> None:
    page = browser.post(reveal)["Location"]
    code = MailedCode.objects.get()
    assert code.expires_at - code.created_at == timedelta(minutes=10)
    MailedCode.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert "This code no longer works" in browser.post(page, {"code": newest_code()}).text


def test_the_code_of_one_session_is_refused_in_another(browser, reveal) -> None:
    browser.post(reveal)
    code, other = newest_code(), browsers.of(factories.lotte(), stepped_up=False)
    page = other.post(reveal)["Location"]
    refused = other.post(page, {"code": code})
    assert refused.status_code == 422
    assert "This is not the code we mailed" in refused.text


def test_the_code_for_one_act_is_refused_for_another(made, browser, reveal) -> None:
    browser.post(reveal)
    code, page = newest_code(), browser.post(reverse("contact:invalidate_tokens", args=[made.uid]))["Location"]
    assert browser.post(page, {"code": code}).status_code == 422
    assert not Entry.objects.with_action(Action.CLIENT_TOKENS_INVALIDATED).exists()


def test_the_code_for_one_client_is_refused_at_another(browser, reveal) -> None:
    browser.post(reveal)
    code, (other, _secret) = newest_code(), factories.client()
    page = browser.post(reverse("contact:reveal_secret", args=[other.uid]))["Location"]
    assert browser.post(page, {"code": code}).status_code == 422


def test_two_acts_that_wait_at_once_each_have_their_code(made, browser, reveal) -> None:
    first = browser.post(reveal)["Location"]
    code = newest_code()
    browser.post(reverse("contact:invalidate_tokens", args=[made.uid]))
    assert shows_a_secret(browser, browser.post(first, {"code": code}))


# --- What it is good for ----------------------------------------------------------------------------------------------
def test_a_code_is_good_for_fifteen_minutes_of_acts_at_the_same_client(made, browser, reveal) -> None:
    confirmed(browser, reveal)
    assert shows_a_secret(browser, browser.post(reveal))
    assert not is_asked(browser.post(reverse("contact:invalidate_tokens", args=[made.uid])))
    other, _secret = factories.client()
    assert is_asked(browser.post(reverse("contact:reveal_secret", args=[other.uid])))
    session = browser.session
    session["stepped_up_at"] = {str(made.uid): time.time() - 15 * 60 - 1}
    session.save()
    assert is_asked(browser.post(reveal))


@pytest.mark.parametrize("cbor", ["82", "1b00", "bb00", "5bffffffffffffffff"])
def test_a_passkey_answer_of_any_bytes_is_a_wrong_passkey(browser, reveal, cbor) -> None:
    """Extensions (WebAuthn section 9.5) that end in the middle of a number or a list."""
    data = bytes(32) + b"\x80" + bytes(4) + bytes.fromhex(cbor)
    client_data = {"type": "webauthn.get", "challenge": "AAAA", "origin": "https://testserver"}
    answer = {
        "clientDataJSON": urlsafe_b64encode(json.dumps(client_data).encode()).decode().rstrip("="),
        "authenticatorData": urlsafe_b64encode(data).decode().rstrip("="), "signature": "eA",
    }  # fmt: skip
    passkey = json.dumps({"id": "eA", "rawId": "eA", "type": "public-key", "response": answer})
    page = browser.post(browser.post(reveal)["Location"], {"passkey": passkey})
    assert page.status_code == 422
    assert "This passkey did not work" in page.text


def test_a_contact_and_a_passkey_ask_each_time(made, browser, reveal) -> None:
    confirmed(browser, reveal)
    for asking in (browser, browsers.of(factories.lotte())):  # the other one came in with a passkey a moment ago
        for number in range(2):
            form = {"name": "An", "email": f"an{number}@leiestroom.example", "role": "editor"}
            assert is_asked(asking.post(reverse("contact:contacts", args=[made.uid]), form))
            confirmed(asking, reverse("contact:contacts", args=[made.uid]), form)
            assert is_asked(asking.post(reverse("contact:add_passkey")))
            confirmed(asking, reverse("contact:add_passkey"))
        made.contacts.exclude(user=factories.lotte()).delete()


def test_the_step_up_changes_the_session_key(browser, reveal) -> None:
    browser.post(reveal)
    before = browser.session.session_key
    confirmed(browser, reveal)
    assert browser.session.session_key != before


# --- The mail ---------------------------------------------------------------------------------------------------------
def test_the_mail_says_what_the_code_does_when_and_where_it_was_asked(made, browser, reveal) -> None:
    browser.post(reveal, headers={"User-Agent": WINDOWS})
    mail = Mail.objects.get(kind=Mail.Kind.CODE)
    text = rendering.render(mail, now=mail.created_at, code="123456")
    assert text.subject.startswith(f"Your code 123456: Show the client secret, {made.name} (valid until ")
    said = " ".join(text.body.split())
    assert f"This code shows the secret of {made.name}." in said
    assert re.search(r"Asked at \d\d:\d\d from 127\.0\.0\.1, Chrome, Windows\.", said)


def test_nothing_of_the_browsers_own_name_is_in_the_mail(browser, reveal) -> None:
    browser.post(reveal, headers={"User-Agent": "Call 555 1234 <b>now</b> https://evil.example Firefox/1"})
    mail = Mail.objects.get(kind=Mail.Kind.CODE)
    text = rendering.render(mail, now=mail.created_at, code="123456")
    assert "127.0.0.1, Firefox." in " ".join(text.body.split())
    assert "evil" not in text.body + text.html + str(mail.facts)


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_every_act_has_a_sentence_of_its_own(language) -> None:
    with translation.override(language):
        sentences = {str(SENTENCES[act]).format(client="Waterteller") for act in Act}
    assert len(sentences) == len(Act)
    assert one_time_codes.DIGITS == 6
