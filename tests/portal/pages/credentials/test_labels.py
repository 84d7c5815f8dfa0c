"""Labels of keys and secrets, and the state of a key that waits for its first use, on the pages of contacts."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts.credentials import keys
from clients.acts.credentials.keys import Waits
from clients.models import Mail
from tests.portal.support import browsers
from tests.support.factories import by, lotte
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db


def test_a_key_and_a_secret_get_a_label_that_the_page_shows(made):
    browser, key = browsers.of(lotte()), keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    for row, label in ((key, "Meter reader"), (made.secrets.get(), "Old <b>reader")):
        answer = browser.post(reverse("contact:label", args=[made.uid, row.uid]), {"label": f"  {label}"})
        assert answer.status_code == 302
        row.refresh_from_db()
        assert row.label == label
    page = browser.get(reverse("contact:credentials", args=[made.uid])).content.decode()
    assert "Meter reader" in page
    assert "Old &lt;b&gt;reader" in page
    assert Entry.objects.filter(action="credential.labelled").count() == 2


def test_the_same_label_again_is_no_change(made):
    browser = browsers.of(lotte())
    browser.post(reverse("contact:label", args=[made.uid, made.secrets.get().uid]), {"label": ""})
    assert not Entry.objects.filter(action="credential.labelled").exists()
    assert not Mail.objects.filter(facts__action="credential.labelled").exists()


def test_a_waiting_key_says_whom_it_takes_over_from_and_until_when_it_waits(made):
    old = keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now())
    waits = Waits(old, timedelta(hours=1))
    row = keys.add(client=made, key=public_key(), by=by(lotte()), now=timezone.now(), waits=waits)
    page = browsers.of(lotte()).get(reverse("contact:key", args=[made.uid, row.uid])).content.decode()
    assert "Waiting for first use" in page
    assert f"It takes over from the key {old.kid} once it is used." in page
    assert reverse("contact:activate_key", args=[made.uid, row.uid]) not in page
