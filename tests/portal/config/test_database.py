"""Options of Django's connections, and pages while commits wait for a standby."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.config import database
from portal.web.commits import COMMITS_WAIT
from tests.portal.support import browsers
from tests.support import factories

pytestmark = pytest.mark.django_db


def settings_of_a_new_connection(**options: Any) -> dict[str, str]:
    with closing(connection.copy()) as own:
        own.settings_dict = {**own.settings_dict, "OPTIONS": {**own.settings_dict["OPTIONS"], **options}}
        with own.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings")
            return dict(cursor.fetchall())


@pytest.fixture
def serving_pages() -> Iterator[None]:
    database.bound_statements()
    yield
    database._bounds.clear()


def test_commands_and_tasks_may_take_their_time() -> None:
    shown = settings_of_a_new_connection()
    assert {shown[name] for name in database.PAGE_BOUNDS} == {"0"}


def test_a_process_that_serves_pages_bounds_its_statements(serving_pages: None) -> None:
    shown = settings_of_a_new_connection()
    assert [shown[name] for name in database.PAGE_BOUNDS] == ["12000", "8000", "60000"]  # milliseconds


@pytest.mark.parametrize("level", ["on", "remote_apply"])
def test_a_commit_waits_for_what_the_setting_says_whatever_the_role_has(level: str, settings: Any) -> None:
    settings.SYNCHRONOUS_COMMIT = level
    assert settings_of_a_new_connection(options="-c synchronous_commit=off")["synchronous_commit"] == level


# --- While commits wait for a standby ---------------------------------------------------------------------------------

WAITING = {COMMITS_WAIT: True}


def test_a_form_is_answered_503_at_once_and_changes_nothing() -> None:
    mine, _secret = factories.client()
    browser = browsers.of(factories.lotte())
    answer = browser.post(f"/clients/{mine.uid}/invalidate-tokens/", {"confirm": "on"}, **WAITING)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "Something went wrong on our side" in answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_pages_are_shown_and_write_nothing_not_even_a_used_session() -> None:
    browser = browsers.of(factories.lotte())
    browser.get("/clients/")
    session = browser.session
    session["seen_at"] -= 600  # long enough to be noted again
    session.save()
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/clients/", **WAITING).status_code == 200
    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []
    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/clients/").status_code == 200
    assert [query["sql"] for query in asked if query["sql"].startswith("UPDATE")] != []
