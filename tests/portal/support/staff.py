"""Signed-in staff for tests of their pages; how one really signs in is tested in test_staff_sign_in.py."""

import time

from django.test import Client

from clients.models import User
from portal.sign_in.contacts import BACKEND


def signed_in(user: User, *, method: str = "mfa") -> Client:
    """A browser in which this person signed in with a second factor (or by another `method`)."""
    browser = Client()
    browser.force_login(user, backend=BACKEND)
    session = browser.session
    session["account_authentication_methods"] = [{"method": method, "at": time.time()}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser
