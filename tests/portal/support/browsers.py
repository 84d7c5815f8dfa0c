"""Contacts' browsers for tests of their pages."""

import time
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clients.access import one_time_codes
from clients.models import MailedCode, User
from portal.sign_in.contacts import BACKEND


def of(user: User, *, stepped_up: bool = True) -> Client:
    """A browser that this contact signed in with: with a passkey a moment ago unless told otherwise.

    That counts as a step-up for most acts; `stepped_up=False` is a link that was opened long ago.
    """
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    if stepped_up:
        session = browser.session
        session["account_authentication_methods"] = [{"method": "mfa", "at": time.time(), "passwordless": True}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return browser


def is_asked(answer: HttpResponse) -> bool:
    """Return whether the answer leads to the page for a code."""
    return answer.status_code == 302 and "confirm=" in answer["Location"]


def newest_code() -> str:
    return one_time_codes.value(MailedCode.objects.latest("created_at"))


def confirmed(browser: Client, url: str, form: dict[str, Any] | None = None) -> HttpResponse:
    """Post the form, and answer with a mailed code when a step-up is asked for; also where a passkey would do."""
    answer = browser.post(url, form or {})
    if not is_asked(answer):
        return answer
    if not MailedCode.objects.exists():
        browser.post(answer["Location"], {"again": "1"})
    return browser.post(answer["Location"], {"code": newest_code()})


def queries(browser: Client, url: str) -> int:
    """How often the page asks the database, once the session has been seen."""
    assert browser.get(url).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)
