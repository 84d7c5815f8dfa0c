"""Mail that came back, as a mail server hands it over: the same as from the mailbox."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from clients.mail.bounces import MAX_BYTES
from clients.models import Mail
from dev.servers.sockets import free_port
from tests.clients.acts.test_bounces import deep, report, sent_mail
from tests.portal.api.support.callers import PATH
from tests.support.factories import lotte

pytestmark = pytest.mark.django_db

AGREED = "3f0f0b8e5f2c4b61a7c0d9e2"


@pytest.fixture(autouse=True)
def _agreed(settings: Any) -> None:
    settings.BOUNCE_TOKEN = AGREED


def post(message: bytes, token: str = f"Bearer {AGREED}") -> HttpResponse:
    headers = {"Authorization": token} if token else {}
    return Browser().post(f"{PATH}bounces", message, content_type="message/rfc822", headers=headers)


def test_a_report_marks_the_mail_and_two_make_the_contact_unreachable() -> None:
    for _time in range(2):
        mail = sent_mail()
        answer = post(report(mail.pk))
        assert (answer.status_code, answer.content) == (204, b"")
        mail.refresh_from_db()
        assert (mail.state, mail.last_error) == (Mail.State.FAILED, "smtp; 550 5.1.1 No such user")
    assert lotte().unreachable_since is not None


def test_the_same_report_twice_counts_once() -> None:
    mail = sent_mail()
    assert [post(report(mail.pk)).status_code for _time in range(2)] == [204, 204]
    assert lotte().bounces == 1


@pytest.mark.parametrize("token", ["", "x", f"{AGREED}x", f"Basic {AGREED}", "Bearer", "Bearer é", AGREED[:-1]])
def test_another_token_is_refused(token: str) -> None:
    mail = sent_mail()
    answer = post(report(mail.pk), token)
    assert (answer.status_code, answer.json()["code"]) == (401, "report_token_invalid")
    assert AGREED not in answer.text
    assert Mail.objects.get(pk=mail.pk).state == Mail.State.SENT


def test_without_a_token_of_the_site_there_is_no_such_address(settings: Any) -> None:
    settings.BOUNCE_TOKEN = ""
    for token in ("", "Bearer ", "x"):
        assert post(b"", token).status_code == 404


@pytest.mark.parametrize("message", [b"", b"Subject: Hello\r\n\r\nI am on holiday.", b"\xff\xfe\x00" * 1000, deep()])
def test_a_message_that_is_no_report_changes_nothing(message: bytes) -> None:
    mail = sent_mail()
    assert post(message).status_code == 204
    assert Mail.objects.get(pk=mail.pk).state == Mail.State.SENT


def test_a_message_over_the_bound_is_refused() -> None:
    assert post(b"x" * (MAX_BYTES + 1)).status_code == 413


def test_a_network_that_guesses_the_token_is_stopped(settings: Any) -> None:
    settings.FAILURE_RATE_LIMIT = 2
    assert [post(b"", "x").status_code for _time in range(4)] == [401, 401, 429, 429]


@pytest.mark.django_db(transaction=True)
def test_the_script_of_the_documentation_hands_over_a_report_and_asks_to_be_called_again(
    live_server: Any, tmp_path: Path
) -> None:
    """Run as Postfix does: the report on standard input; 75 is EX_TEMPFAIL, which pipe(8) tries again."""
    document = Path(__file__).parents[3] / "docs" / "api.md"
    found = re.search(r"```\n(#!/bin/sh\n.*?bounces.*?)```", document.read_text(), re.DOTALL)
    assert found
    header, mail = tmp_path / "header", sent_mail()

    def run(url: str, token: str) -> int:
        header.write_text(f"Authorization: {token}\n")
        script = found[1].replace("/etc/keydesk-bounce.header", str(header)).replace("https://keydesk.example", url)
        return subprocess.run(["sh", "-c", script], input=report(mail.pk), check=False, timeout=30).returncode

    assert run(live_server.url, "Bearer guessed") == 75
    assert run(f"http://127.0.0.1:{free_port()}", f"Bearer {AGREED}") == 75
    mail.refresh_from_db()
    assert mail.state == Mail.State.SENT
    assert run(live_server.url, f"Bearer {AGREED}") == 0
    mail.refresh_from_db()
    assert mail.state == Mail.State.FAILED
