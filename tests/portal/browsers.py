"""Contacts' browsers for tests of their pages."""

import time

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from clients.models import User
from portal.sign_in import BACKEND


def of(user: User, *, stepped_up: bool = True) -> Client:
    """A browser that this contact signed in with, its step-up done a moment ago unless told otherwise."""
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    if stepped_up:
        session = browser.session
        session["stepped_up_at"] = time.time()
        session.save()
    return browser


def queries(browser: Client, url: str) -> int:
    """How often the page asks the database, once the session has been seen."""
    assert browser.get(url).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)
