"""Bad input anywhere: never a fault of ours, and nothing typed is lost. The access matrix knows all the pages."""

from __future__ import annotations

import html
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from clients.models import Registration
from tests.portal.support.addresses import arguments
from tests.portal.test_access import MATRIX, ROLES, browser_of

pytestmark = pytest.mark.django_db

HOSTILE = {
    "NUL": "a\0b",
    "odd characters": "\r\n\x1b[31m\x85 \u202egnp\u2066 👩🏽\u200d🚀 <b>\"'{{ 7|add:7 }} %s %(name)s {actor} '; --",
    "a number beyond all columns": "9" * 30,
    "a number beyond all parsers": "9" * 5000,
    "brackets": "[" * 20_000,
    "nested CBOR": '{"id": "AA", "rawId": "AA", "response": {"authenticatorData": "%s", "userHandle": "MQ"}}'
    % ("gYGB" * 9000),
    "a negative number": "-1",
    "an unknown identifier": "00000000-0000-4000-8000-000000000000",
    "the last day": "9999-12-31",
}
LARGE = "x" * 100_000
# Names of fields and of parameters in addresses, also where the page shows no such field.
NAMES = (
    "act", "action", "after", "alg", "algorithm", "allowed", "api", "before", "client", "code", "credential", "days",
    "decision", "email", "expiring", "format", "id", "leak", "language", "login", "made", "material", "method", "next",
    "on", "old", "organisation", "overlap", "page", "pasted", "q", "replaces", "request_id", "role", "scope", "scopes",
    "seen", "show", "since", "start", "state", "passkey", "text", "token", "unused", "until", "value", "way",
    "who",
)  # fmt: skip
SURROGATES = b"%ED%A0%80%FF%C0%AF=%ED%A0%80%FF%00&way=%FF%FE"  # bytes that are no UTF-8, also as a name
FORM = "application/x-www-form-urlencoded"
BODIES: dict[str, dict[str, Any]] = {
    "bytes that are no text": {"data": SURROGATES, "content_type": FORM},
    "a broken multipart": {"data": b"--x\r\nContent-Dis", "content_type": "multipart/form-data; boundary=x"},
    "no boundary": {"data": b"x", "content_type": "multipart/form-data"},
    "an unknown encoding": {"data": b"a=b", "content_type": FORM, "CONTENT_TYPE": f"{FORM}; charset=nonsense"},
    "too many fields": {"data": "&".join(f"a{n}=1" for n in range(300)), "content_type": FORM},
    "too many bytes": {"data": b"a=" + b"x" * 700_000, "content_type": FORM},
    "a file where text belongs": {"data": {"pasted": SimpleUploadedFile("a\0b.pem", b"\0")}},
    "odd headers": {
        "data": {}, "HTTP_COOKIE": "keydesk=\0; keydesk-timezone=../../etc/passwd; keydesk-language=\xff",
        "HTTP_ACCEPT_LANGUAGE": "x" * 600, "HTTP_X_FORWARDED_FOR": "\r\n1", "HTTP_REFERER": "::::",
    },
}  # fmt: skip
# Values that we must not keep: passwords, codes, leaked values and sample tokens are never sent back.
# A login without an @ may be a password (tests/portal/sign_in/test_staff_sign_in.py).
NEVER_SENT_BACK = {"password", "code", "value", "assertion", "token", "login"}


class Fields(HTMLParser):
    """The fields of a page's own forms: name -> (kind, the first value). Forms that post elsewhere are left out."""

    def __init__(self, page: str, url: str) -> None:
        super().__init__()
        self.found: dict[str, tuple[str, str]] = {}
        self.url, self.own = url, False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.own = given.get("action", self.url).partition("#")[0] in ("", self.url)
        if self.own and tag in ("input", "textarea", "select", "button") and given.get("name"):
            kind = given.get("type", "text") if tag == "input" else tag
            self.found.setdefault(given["name"], (kind, given.get("value", "")))


def reachable() -> Iterator[tuple[str, str, str]]:
    """(address, method, role) of every page and form, each with one role that may open it."""
    for name, rows in MATRIX.items():
        for method, row in zip(("get", "post"), rows, strict=True):
            answers = dict(zip(ROLES, row.split(), strict=True))
            # Anonymous readers are redirected, so for a 302 they come last.
            for wanted, order in (
                ({"200", "422"}, ("anonymous", "owner", "security", "invited")),
                ({"302"}, ("owner", "security", "invited", "anonymous")),
            ):
                roles = [role for role in order if answers[role] in wanted]
                if roles and name != "account:sign_out":
                    yield name, method, roles[0]
                    break


class Visitors:
    """A browser per role; what a request did is undone after it."""

    def __init__(self, things: dict[str, Any]) -> None:
        self.things = things
        self.browsers = {role: browser_of(role) for role in ROLES}
        for browser in self.browsers.values():
            browser.raise_request_exception = False
        self.read: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}

    def url(self, name: str) -> str:
        return reverse(name, kwargs=arguments(name, self.things))

    def send(self, name: str, method: str, role: str, data: Any = None, **more: Any) -> tuple[int, str]:
        url = self.url(name) + more.pop("query", "")
        browser: Client = self.browsers[role]
        cache.clear()  # or allauth would soon refuse to read what is sent at all
        with transaction.atomic():
            cookies = browser.cookies.copy()
            response = getattr(browser, method)(url, data, **more)
            text = "" if response.streaming else response.text
            browser.cookies = cookies
            transaction.set_rollback(True)
        return response.status_code, text

    def fields(self, name: str, role: str) -> dict[str, tuple[str, str]]:
        """Return those of the page, which is read once: no request changes it."""
        if (name, role) not in self.read:
            self.read[name, role] = Fields(self.send(name, "get", role)[1], self.url(name)).found
        return self.read[name, role]


@pytest.fixture
def visitors(things: dict[str, Any]) -> Visitors:
    Registration.objects.update(status=Registration.Status.CHANGES_REQUESTED)  # so that its form can be reached
    return Visitors(things)


@pytest.mark.parametrize("area", ["contact", "staff"])
def test_no_value_in_any_field_or_address_is_a_fault_of_ours(visitors: Visitors, area: str) -> None:
    faults = []
    for name, method, role in reachable():
        if (role == "security") != (area == "staff"):
            continue
        known = visitors.fields(name, role)
        sent = {kind: dict.fromkeys((*known, *NAMES), value) for kind, value in HOSTILE.items()}
        if method == "post":
            sent["large"] = dict.fromkeys(list(known)[:5], LARGE)
        else:
            sent = {kind: sent[kind] for kind in ("NUL", "a number beyond all columns")}
        for kind, data in sent.items():
            status, _text = visitors.send(name, method, role, data)
            faults += [f"{method} {name}: {kind}: {status}"] if status >= 500 else []
    assert not faults, "\n".join(faults)


FILTERED = ("auditor:change_log", "auditor:client_at", "security:clients", "contact:failures", "security:queue")


@pytest.mark.parametrize("name", FILTERED)
def test_no_filter_in_an_address_is_a_fault_of_ours(visitors: Visitors, name: str) -> None:
    """Send a single value at a time: a refused one would keep the others from being used."""
    role, faults = "owner" if name == "contact:failures" else "security", []
    for field in (*visitors.fields(name, role), "before", "after", "show", "client"):
        for value in (
            "a\0b",
            "9" * 30,
            "0000-00-00",
            "0001-01-01",
            "9999-12-31",
            "00000000-0000-0000-0000-00000000000g",
        ):
            status, _text = visitors.send(name, "get", role, {field: value})
            faults += [f"{field}: {value}: {status}"] if status >= 500 else []
    assert not faults, "\n".join(faults)


def test_no_body_or_header_is_a_fault_of_ours(visitors: Visitors) -> None:
    faults = []
    for name, role in (
        ("public:request_client", "anonymous"),
        ("account_login", "anonymous"),
        ("account:set_language", "owner"),
        ("contact:reveal_secret", "owner"),
        ("contact:add_key", "owner"),
        ("security:review", "security"),
    ):
        for kind, sent in BODIES.items():
            status, _text = visitors.send(name, "post", role, **sent)
            faults += [f"{name}: {kind}: {status}"] if status >= 500 else []
        query = visitors.send(name, "get", role, query="?" + SURROGATES.decode())[0]
        faults += [f"{name}: surrogates in the address: {query}"] if query >= 500 else []
    assert not faults, "\n".join(faults)


PATHS = (
    "/open/%00/", "/open/%ED%A0%80/", "/open/" + "x" * 8000 + "/", "/docs/%00/", "/docs/samples/make_jwk/..%2f..%2fx",
    "/log/entries/" + "9" * 40 + "/", "/security/scopes/" + "9" * 40 + "/", "/accounts/sso/oidc/%00/login/",
    "/security/clients/%0d%0aSet-Cookie:x/", "/static/../portal/settings.py", "//evil.example/",
    "/accounts/2fa/webauthn/keys/" + "9" * 40 + "/edit/",
)  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_no_path_is_a_fault_of_ours(visitors: Visitors, role: str) -> None:
    for path in PATHS:
        response = visitors.browsers[role].get(path)
        assert response.status_code < 500, path
        assert not response.headers.get("Location", "").startswith(("//", "http")), path
        assert "Set-Cookie:x" not in str(response.headers)


def test_nothing_typed_is_lost_when_a_form_is_refused(visitors: Visitors) -> None:
    lost, forms = [], set()
    for name, method, role in reachable():
        if method != "post":
            continue
        shown = visitors.fields(name, role)
        typed = {
            field: f"{field} Zoë <i> " + "x" * 5000
            for field, (kind, _value) in shown.items()
            if kind in ("text", "email", "number", "textarea", "search") and field not in NEVER_SENT_BACK
        }
        if not typed:
            continue
        ways = [value for field, (kind, value) in shown.items() if field == "way"]
        for way in ways or [""]:
            status, text = visitors.send(name, "post", role, {**typed, "way": way}, follow=True)
            if status == 405:
                continue
            forms.add(name)
            lost += [f"{name}: {status}"] if status not in (200, 422) else []
            lost += [f"{name}: {field}" for field, value in typed.items() if html.escape(value) not in text]
    assert not lost, "\n".join(lost)
    assert {
        "public:request_client",
        "contact:propose_change",
        "contact:add_key",
        "contact:contacts",
        "security:client_settings",
        "security:create_scope",
        "public:ask_link",
    } <= forms
