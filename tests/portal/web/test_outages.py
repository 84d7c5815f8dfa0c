"""Answers while the database has just become a replica, as in a planned switchover of several machines."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.portal.support import browsers
from tests.support.factories import lotte

URL = "/accounts/session/"  # puts the end of the session off
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser():
    browser = browsers.of(lotte())
    browser.raise_request_exception = False
    return browser


def test_a_server_that_became_a_replica_is_left_with_a_503(browser) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    answer = browser.post(URL)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert browser.post(URL).status_code == 200  # over a connection of its own


def test_a_fault_of_ours_in_the_database_stays_a_500(browser, monkeypatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE clients_session RENAME TO gone")
    try:
        assert browser.post(URL).status_code == 500
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO clients_session")
