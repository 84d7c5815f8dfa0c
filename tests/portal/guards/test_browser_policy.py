"""Security headers of every page, and forms and addresses from other sites."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.urls import reverse

from clients.access import management_links
from tests.portal.support import browsers, staff
from tests.portal.support.addresses import arguments
from tests.portal.support.html import Page
from tests.portal.test_access import MATRIX, ROLES, browser_of
from tests.support import factories
from tests.support.factories import NOW, lotte, noor

pytestmark = pytest.mark.django_db

PROGRAM = """
import django, json; django.setup()
from django.conf import settings
from django.test import Client
browser = Client(HTTP_HOST="keydesk.example", raise_request_exception=False)
page = browser.get("/link/", secure=True)
browser.post("/accounts/language/", {"language": "nl"}, secure=True)
plain, other = browser.get("/link/"), browser.get("/link/", secure=True, HTTP_HOST="evil.example")
print(json.dumps({
    "status": page.status_code, "headers": dict(page.headers), "other": other.status_code,
    "cookies": {name: dict(morsel) for name, morsel in browser.cookies.items()},
    "session": [settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY,
                settings.SESSION_COOKIE_SAMESITE, settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN],
    "plain": [plain.status_code, plain.headers["Location"]],
}))
"""


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    """The same site under an https address, behind a proxy; in a process of its own, for settings are read once."""
    env = {**os.environ, "PUBLIC_URL": "https://keydesk.example", "DJANGO_SETTINGS_MODULE": "portal.settings"}
    env |= {"ALLOWED_HOSTS": "keydesk.example,internal"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_under_https_cookies_belong_to_this_host_alone(production: dict[str, Any]) -> None:
    assert production["status"] == 200
    assert production["session"] == ["__Host-keydesk", True, True, "Lax", "/", None]
    assert set(production["cookies"]) == {"__Host-keydesk-csrf", "__Host-keydesk-language"}
    for cookie in production["cookies"].values():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", "")


def test_a_message_for_the_next_page_travels_in_no_cookie_of_its_own() -> None:
    """A cookie without `__Host-` could be set by a neighbouring site of the same domain, with our message in it."""
    browser = browsers.of(lotte())
    answer = browser.post(reverse("account:sign_out"))
    assert set(answer.cookies) <= {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME}
    assert "You are signed out." in browser.get(answer.url).text


def test_under_https_browsers_are_told_to_stay_there(production: dict[str, Any]) -> None:
    assert production["headers"]["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert production["plain"] == [301, "https://keydesk.example/link/"]
    assert production["other"] == 400


def test_every_page_forbids_what_it_does_not_need_and_has_no_inline_code(things: dict[str, Any]) -> None:
    """The access matrix says which pages there are; the policy is only as good as the pages under it."""
    wrong, pages = [], 0
    for role in ROLES:
        browser = browser_of(role)
        for name, (row, _post) in MATRIX.items():
            if row.split()[ROLES.index(role)] == "302":
                continue
            response = browser.get(reverse(name, kwargs=arguments(name, things)))
            if response.streaming:
                continue
            pages += 1
            wrong += [f"{role} {name}: {problem}" for problem in problems(response)]
    assert pages > 150
    assert not wrong, "\n".join(wrong)


def problems(response: Any) -> list[str]:
    found = [name for name, value in HEADERS.items() if value not in response.headers.get(name, "").split(", ")]
    policy = response.headers["Content-Security-Policy"]
    if policy == "default-src 'none'; frame-ancestors 'none'":
        return found  # an answer of the management API
    nonce = re.search(r"script-src 'self' 'nonce-([\w-]{20,})'", policy)
    rest = re.sub(r" 'nonce-[\w-]+'", "", policy)
    found += [] if sorted(rest.split("; ")) == sorted(POLICY.split("; ")) else [policy]
    if not response.headers["Content-Type"].startswith("text/html"):
        return found
    for tag, attrs in Page(response.text).elements:
        found += [f"<{tag} {attr}>" for attr in attrs if attr.startswith("on") or attr == "style"]
        found += [
            f"{tag} {attrs[attr]}" for attr in ("src", "href", "action", "formaction") if is_active(attrs.get(attr, ""))
        ]
        found += ["<style>"] if tag == "style" else []
        if tag == "script" and "src" not in attrs and attrs.get("type") != "application/json":
            found += [] if nonce and attrs.get("nonce") == nonce[1] else ["inline script without the nonce"]
        if tag in ("script", "link", "img", "iframe"):
            address = attrs.get("src") or attrs.get("href", "")
            found += [f"external {address}"] if re.match(r"(https?:)?//", address) else []
    return found


def is_active(address: str) -> bool:
    return re.sub(r"[\s\0]", "", address).lower().startswith(("javascript:", "data:", "vbscript:"))


ADDRESSES = {"src", "href", "action", "formaction"}
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def test_each_answer_has_a_nonce_of_its_own() -> None:
    policies = {Browser().get(reverse("public:ask_link")).headers["Content-Security-Policy"] for _page in range(3)}
    assert len(policies) in (1, 3)  # a page without an inline script needs none


# --- Forms and addresses from elsewhere -------------------------------------------------------------------------------


def test_every_form_of_the_portal_needs_the_token(things: dict[str, Any]) -> None:
    accepted = []
    for role in ("anonymous", "owner", "security"):
        browser = browser_of(role)
        browser.handler.enforce_csrf_checks = True
        for name, (_get, row) in MATRIX.items():
            if row.split()[ROLES.index(role)] in ("200", "302", "422"):
                status = browser.post(reverse(name, kwargs=arguments(name, things))).status_code
                accepted += [f"{role} {name}: {status}"] if status not in (403, 429) else []
    assert not accepted, "\n".join(accepted)


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 302),
    ({"HTTP_ORIGIN": "http://testserver"}, 302),
    ({"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "same-origin"}, 302),  # what no-referrer makes of our own forms
    ({"HTTP_ORIGIN": "null", "HTTP_SEC_FETCH_SITE": "cross-site"}, 403),  # a sandboxed frame somewhere
    ({"HTTP_ORIGIN": "null"}, 403),
    ({"HTTP_ORIGIN": "https://evil.example", "HTTP_SEC_FETCH_SITE": "same-origin"}, 403),
    ({"HTTP_ORIGIN": "http://testserver.evil.example"}, 403),
])  # fmt: skip
def test_a_form_counts_only_when_the_browser_says_that_it_is_ours(headers: dict[str, str], status: int) -> None:
    browser = Browser(enforce_csrf_checks=True)
    page = browser.get(reverse("public:ask_link")).text
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]  # type: ignore[index]
    form = {"csrfmiddlewaretoken": token, "email": "nobody@example.org"}
    assert browser.post(reverse("public:ask_link"), form, **headers).status_code == status


@pytest.mark.parametrize("target", [
    "//evil.example/", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "https:evil.example",
    "javascript:alert(1)", "\thttps://evil.example", "/\t/evil.example", "https://testserver@evil.example/", "http:///evil.example",
])  # fmt: skip
def test_next_leads_only_to_pages_of_this_site(target: str) -> None:
    contact = browsers.of(lotte())
    for browser, url in (
        (contact, reverse("account:set_language")),
        (staff.signed_in(noor()), reverse("account_login")),
        (staff.signed_in(noor()), reverse("account_reauthenticate")),
    ):
        response = browser.post(url, {"next": target, "language": "nl"}, HTTP_REFERER=target)
        where = response.headers.get("Location", "/")
        assert re.match(r"/(?![/\\\t])", where), (url, where)
        assert "evil" not in where


def test_a_next_of_this_site_is_followed() -> None:
    answer = browsers.of(lotte()).post(
        reverse("account:set_language"), {"next": reverse("contact:failures"), "language": "nl"}
    )
    assert answer.headers["Location"] == reverse("contact:failures")


def test_addresses_in_pages_and_mails_come_from_settings_not_the_request() -> None:
    settings.ALLOWED_HOSTS.append("other.example")
    try:
        browser = Browser(HTTP_HOST="other.example", HTTP_X_FORWARDED_HOST="evil.example", HTTP_X_FORWARDED_PROTO="ftp")
        for name in ("public:landing", "docs:index", "public:ask_link"):
            text = browser.get(reverse(name)).text
            assert "other.example" not in text
            assert "evil.example" not in text
        page = browser.get(reverse("docs:page", args=["get-a-token"])).text
        assert "other.example" not in page
        assert settings.PUBLIC_URL in page
    finally:
        settings.ALLOWED_HOSTS.remove("other.example")
    assert Browser(HTTP_HOST="evil.example").get(reverse("public:landing")).status_code == 400
    assert management_links.url(management_links.issue(user=lotte(), now=NOW)).startswith(
        f"{settings.PUBLIC_URL}/open/"
    )


# --- Forms take only the fields they show -----------------------------------------------------------------------------


def test_a_form_takes_nothing_that_it_does_not_show() -> None:
    mine, _secret = factories.client()
    theirs, _secret = factories.client(contact=factories.wim())
    extra = {
        "status": "closed", "client_id": "chosen", "version": "99", "epoch": "99", "uid": str(theirs.uid), "by": "1",
        "role": "security", "requester": "1", "client": str(theirs.uid), "secret_allowed": "false", "user": "1",
        "organisation": "Other", "name": "Other", "token_lifetime": "86400", "is_active": "false", "sensitive": "on",
    }  # fmt: skip
    browser, before = browsers.of(lotte()), type(mine).objects.filter(pk=mine.pk).values().get()
    browser.post(
        reverse("contact:regenerate_secret", args=[mine.uid]),
        {**extra, "replaces": mine.secrets.get().uid, "overlap": "1h"},
    )
    browser.post(reverse("contact:reveal_secret", args=[mine.uid]), extra)
    browser.post(reverse("account:set_language"), {**extra, "language": "nl"})
    after = type(mine).objects.filter(pk=mine.pk).values().get()
    assert {**after, "version": before["version"]} == before
    person = lotte()
    assert (person.role, person.is_active, person.name) == ("contact", True, "Lotte Verhaeghe")
    assert theirs.secrets.count() == 1


def test_a_secret_of_another_client_cannot_be_named_in_a_form_of_ones_own() -> None:
    mine, _secret = factories.client()
    theirs, _secret = factories.client(contact=factories.wim())
    foreign, browser = theirs.secrets.get(), browsers.of(lotte())
    form = {"replaces": foreign.uid, "overlap": "0"}
    assert browser.post(reverse("contact:regenerate_secret", args=[mine.uid]), form).status_code == 404
    assert browser.post(reverse("contact:end_secret", args=[mine.uid, foreign.uid])).status_code == 404
    contact = theirs.contacts.get()
    for name in ("contact:change_contact_role", "contact:remove_contact"):
        assert browser.post(reverse(name, args=[mine.uid, contact.uid]), {"role": "editor"}).status_code == 404
    foreign.refresh_from_db()
    assert foreign.ends_at is None
