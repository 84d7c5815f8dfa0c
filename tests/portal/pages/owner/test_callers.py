"""The list of an API's callers, which may be long."""

import pytest
from django.urls import reverse

from portal.pages.owner import apis
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import api_owner, elif_

pytestmark = pytest.mark.django_db


def test_many_callers_have_pages_and_each_is_on_one_of_them(monkeypatch) -> None:
    api_owner()
    monkeypatch.setattr(apis, "PAGE_SIZE", 2)
    callers = [factories.client()[0] for _number in range(3)]
    names = sorted(client.name for client in callers)  # of one organisation
    for _number in range(3):
        factories.submitted_request()
    browser, address = signed_in(elif_()), reverse("owner:api", args=["addresses"])
    first, second = browser.get(address).text, browser.get(address, {"page": 2}).text
    assert [name in first for name in names] == [True, True, False]
    assert [name in second for name in names] == [False, False, True]
    assert 'href="?page=2#callers"' in first
    assert "3 callers" in second
    assert "The first 2 of 3." in first, "requests that wait"
