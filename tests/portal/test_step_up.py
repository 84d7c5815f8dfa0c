"""The step-up: a mailed code before an act that needs more than a link."""

import re
import time

import pytest
from django.conf import settings
from django.urls import reverse

from clients import codes
from clients.models import MailedCode
from tests import factories
from tests.portal import browsers

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser():
    return browsers.of(factories.lotte(), stepped_up=False)


def code() -> str:
    return codes.value(MailedCode.objects.latest("created_at"))


def test_the_page_names_the_act_and_carries_the_form(made, browser) -> None:
    form = {"replaces": made.secrets.get().uid, "overlap": "7d"}
    text = browser.post(reverse("regenerate_secret", args=[made.uid]), form).content.decode()
    assert "Regenerate the client secret" in text
    assert f'name="replaces" value="{form["replaces"]}"' in text
    assert 'name="overlap" value="7d"' in text


def test_a_code_is_good_for_fifteen_minutes_of_acts(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    browser.post(url)
    browser.post(url, {"step_up_code": code()})
    assert "Your client secret" in browser.post(url).content.decode()
    session = browser.session
    session["stepped_up_at"] = time.time() - settings.STEP_UP_LIFETIME.total_seconds() - 1
    session.save()
    assert "Check your e-mail" in browser.post(url).content.decode()


def test_the_step_up_changes_the_session_key(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    browser.post(url)
    before = browser.session.session_key
    browser.post(url, {"step_up_code": code()})
    assert browser.session.session_key != before


def test_a_wrong_code_shows_the_error_beside_the_field_and_does_nothing(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    browser.post(url)
    wrong = f"{(int(code()) + 1) % 10**6:06d}"
    response = browser.post(url, {"step_up_code": wrong})
    text = response.content.decode()
    assert response.status_code == 422
    assert "This is not the code we mailed" in text
    assert 'aria-invalid="true"' in text
    assert "Your client secret" not in text


def test_pressing_the_button_twice_mails_one_code_and_asking_again_a_second(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    for _time in range(2):
        browser.post(url)
    assert MailedCode.objects.count() == 1
    browser.post(url, {"step_up_again": "1", "step_up_code": ""})
    assert MailedCode.objects.count() == 2


def test_an_empty_answer_costs_no_try(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    browser.post(url)
    for typed in ("", "  ") * 3:
        response = browser.post(url, {"step_up_code": typed})
        assert response.status_code == 422
        assert "Type the six digits from the mail" in response.content.decode()
    assert "Your client secret" in browser.post(url, {"step_up_code": code()}).content.decode()


def test_who_begins_again_after_too_many_wrong_codes_gets_one_that_works(made, browser) -> None:
    url = reverse("reveal_secret", args=[made.uid])
    browser.post(url)
    wrong = f"{(int(code()) + 1) % 10**6:06d}"
    for _attempt in range(MailedCode.MAX_ATTEMPTS):
        browser.post(url, {"step_up_code": wrong})
    assert "We sent a six-digit code to" in browser.post(url).content.decode()
    assert "Your client secret" in browser.post(url, {"step_up_code": code()}).content.decode()


def test_cancel_leads_back_to_a_page(made, browser) -> None:
    for name in ("reveal_secret", "regenerate_secret", "revoke_token", "confirm_key", "invalidate_tokens"):
        url = reverse(name, args=[made.uid])
        asked = browser.post(url, {"material": "x"}).content.decode()
        back = re.search(r'href="([^"]+)">Cancel', asked).group(1)
        assert browser.get(back, follow=True).status_code == 200
