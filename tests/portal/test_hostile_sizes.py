"""No text that a stranger sends takes long to read, whatever it is made of (docs/security.md, input)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client as Browser
from django.urls import reverse

from foundation.secret_format import generate
from tests.portal.sign_in.test_staff_sign_in import enrolled, type_password
from tests.portal.support import browsers
from tests.portal.test_hostile_input import Visitors, reachable, visitors  # noqa: F401  (a fixture)
from tests.support import factories, patterns
from tests.support.clock import seconds_taken

pytestmark = pytest.mark.django_db

MAX_FIELD_BYTES = 512 * 1024 - 4096  # of a body of 512 KiB
BUDGET = 0.05  # CPU seconds
PAGE_BUDGET = 0.3  # CPU seconds, for a whole page
CREDENTIAL = generate()
BAIT = ("eyJ", "eyJ.", "kds_", "-----BEGIN PRIVATE KEY-----", "a@", "a.", "[", '{"a":', "9", " ", "<&", "\u202e")


def filled(piece: str, size: int = MAX_FIELD_BYTES) -> str:
    return piece * (size // len(piece.encode()))


# --- Patterns ---------------------------------------------------------------------------------------------------------


def slowest(pattern: re.Pattern[Any]) -> float:
    """CPU seconds for the worst of the texts, at 128 KiB: a linear pattern takes 20 ms at most, a quadratic one 500."""
    seconds: dict[int, float] = {}
    for size, tries in ((8 * 1024, 1), (128 * 1024, 5)):
        worst = sorted(seconds, key=lambda number: -seconds[number])[:4]
        for number, text in enumerate(patterns.bait(pattern, size)):
            if not worst or number in worst:
                use = lambda text=text: patterns.use(pattern, text)  # noqa: E731
                seconds[number] = seconds_taken(use, good_enough=BUDGET / 2, tries=tries)
            if seconds[number] > BUDGET:
                return seconds[number]
    return max(seconds.values())


def test_every_pattern_of_the_code_is_linear() -> None:
    found = patterns.patterns()
    assert len(found) > 30
    slow = {name: seconds for name, pattern in found.items() if (seconds := slowest(pattern)) > BUDGET}
    assert not slow


@pytest.mark.parametrize("pattern", [r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+", r"\s+x"], ids=str)
def test_a_pattern_that_is_not_linear_would_be_found(pattern: str) -> None:
    assert slowest(re.compile(pattern)) > BUDGET


# --- Fields -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def every_form(visitors: Visitors, monkeypatch: pytest.MonkeyPatch) -> dict[str, forms.BaseForm]:  # noqa: F811
    """Return a form of each kind that a page of the site makes, by its name."""
    made: dict[str, forms.BaseForm] = {}
    make = forms.BaseForm.__init__

    def recorded(form: forms.BaseForm, *args: Any, **kwargs: Any) -> None:
        make(form, *args, **kwargs)
        made[type(form).__qualname__] = form

    monkeypatch.setattr(forms.BaseForm, "__init__", recorded)
    for name, method, role in (*reachable(), ("mfa_login_webauthn", "post", "anonymous")):
        visitors.send(name, method, role)
    halfway_in().get(reverse("mfa_authenticate"))
    return made


def test_no_field_of_any_form_takes_long_over_half_a_megabyte(every_form: dict[str, forms.BaseForm]) -> None:
    assert {"RequestForm", "LinkForm", "SignInForm", "SignInWithPasskeyForm", "CodeForm"} <= every_form.keys()
    slow = {}
    for form_name, form in every_form.items():
        for name, field in form.fields.items():
            for piece in BAIT:
                seconds = seconds_taken(lambda field=field, piece=piece: read(field, filled(piece)), good_enough=BUDGET)
                if seconds > BUDGET:
                    slow[form_name, name, piece] = seconds
    assert not slow


def read(field: forms.Field, text: str) -> None:
    with suppress(ValidationError):
        field.clean(text)


def test_a_text_that_is_too_long_is_refused_for_its_length_alone() -> None:
    """No other check has seen it: it would have named the credential, too."""
    bounded = {
        f"{form.__qualname__}.{name}": field
        for form in every_subclass(forms.Form)
        for name, field in form.base_fields.items()
        if form.__module__.startswith("portal.") and getattr(field, "max_length", None)
        if not isinstance(field, forms.EmailField | forms.GenericIPAddressField)  # Django bounds what their parsers see
    }
    assert len(bounded) > 40
    for name, field in bounded.items():
        with pytest.raises(ValidationError) as refusal:
            field.clean(f"{CREDENTIAL} " * 10_000)
        assert [error.code for error in refusal.value.error_list] == ["max_length"], name


def every_subclass(of: type[forms.Form]) -> Iterator[type[forms.Form]]:
    for found in of.__subclasses__():
        yield found
        yield from every_subclass(found)


# --- Pages that are open to strangers ---------------------------------------------------------------------------------


def public_forms() -> Iterator[tuple[str, Browser, list[str]]]:
    """The address, a browser that may post to it, and the fields that it reads."""
    yield reverse("public:request_client"), Browser(), ["organisation", "contact_name", "contact_email", "client_name",
                                                 "purpose", "scopes", "scenario"]  # fmt: skip
    yield reverse("public:ask_link"), Browser(), ["email"]
    yield reverse("public:open_link", args=["x" * 43]), Browser(), ["renew"]
    yield reverse("account:set_language"), Browser(), ["language", "next"]
    yield reverse("account:sign_out"), Browser(), ["next"]
    yield reverse("account_login"), Browser(), ["login", "password", "remember", "next"]
    yield reverse("mfa_login_webauthn"), Browser(), ["credential"]
    yield reverse("mfa_authenticate"), halfway_in(), ["code", "credential"]
    asking = Browser()
    asked = asking.post(reverse("public:request_client"), a_request())
    yield asked.url, asking, ["code", "again"]


def halfway_in() -> Browser:
    """A member of staff who typed their password and not their code."""
    browser = Browser()
    type_password(browser, enrolled(factories.noor()))
    return browser


def a_request() -> dict[str, object]:
    return {
        "organisation": "O", "contact_name": "N", "contact_email": "n@example.org", "client_name": "C",
        "purpose": "P", "scopes": [factories.scope().name], "scenario": "client_credentials",
    }  # fmt: skip


def answered(browser: Browser, url: str, data: dict[str, str]) -> int:
    """Return the status of the answer; undo the effects of the POST."""
    cache.clear()
    cookies = browser.cookies.copy()
    with transaction.atomic():
        status = browser.post(url, data).status_code
        transaction.set_rollback(True)
    browser.cookies = cookies
    return status


def test_no_public_page_takes_long_over_half_a_megabyte_in_any_field() -> None:
    statuses: dict[tuple[str, str, str], int] = {}
    slow = {}
    for url, browser, fields in public_forms():
        for field in fields:
            for piece in BAIT:
                act = lambda: statuses.update({case: answered(browser, url, data)})  # noqa: B023, E731
                case, data = (url, field, piece), {field: filled(piece)}
                if (seconds := seconds_taken(act, good_enough=PAGE_BUDGET)) > PAGE_BUDGET:
                    slow[case] = seconds
    assert not slow
    assert not {case: status for case, status in statuses.items() if status not in (200, 302, 404, 422)}


def test_the_step_up_does_not_take_long_over_half_a_megabyte(made) -> None:
    url = reverse("contact:reveal_secret", args=[made.uid])
    browser = browsers.of(made.contacts.get().user, stepped_up=False)
    page = browser.post(url).url
    assert "confirm=" in page
    for address, field in ((page, "code"), (page, "passkey"), (page, "again"), (url, "kept_for_later")):
        for piece in BAIT:
            act = lambda: answered(browser, address, {field: filled(piece)})  # noqa: B023, E731
            assert seconds_taken(act, good_enough=PAGE_BUDGET) < PAGE_BUDGET, (field, piece)


@pytest.mark.parametrize(
    "start", ["/x/", "/open/", "/docs/", "/static/", "/accounts/sso/oidc/", "/request/", "/?next="]
)
def test_no_address_of_sixty_kilobytes_takes_long(start: str) -> None:
    for piece in ("eyJ", "eyJ.", "kds_", "/open/", "%", "%0a", "a/", "access_token=", "+"):
        act = lambda: Browser().get(start + filled(piece, 60_000))  # noqa: B023, E731
        assert seconds_taken(act, good_enough=PAGE_BUDGET) < PAGE_BUDGET, piece
