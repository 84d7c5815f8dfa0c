"""Faults that are real here: worker killed, broker down, SMTP that refuses, database restarted.

(PROTOCOL Endpoints; docs/security.md, faults.)
"""

import base64
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from dev.servers import postgres
from tests.e2e.support.live import Live
from tests.e2e.support.people import plain
from tests.e2e.support.waiting import wait_for


def invite(live: Live) -> str:
    """An act that mails one person; returns the address."""
    address = f"{uuid.uuid4().hex[:10]}@keydesk.example"
    done = live.manage("invite_staff", "--by", "Piet", address, "--name", "Noor", "--role", "auditor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return address


def mail_state(live: Live, address: str) -> str:
    ((state,),) = live.sql('SELECT state FROM clients_mail WHERE "to" = %s', address)
    return state


def arrives_once(live: Live, address: str) -> None:
    wait_for(lambda: mail_state(live, address) == "sent")
    assert len(live.inbox.to(address)) == 1


def test_a_worker_killed_while_it_sends_loses_no_mail(live):
    live.inbox.manners = "hang"
    address = invite(live)
    wait_for(lambda: live.inbox.waiting)  # the worker is in the middle of the conversation
    live.worker.kill()
    wait_for(lambda: not live.inbox.waiting)
    live.inbox.manners = "accept"
    live.worker.start()
    arrives_once(live, address)


def test_a_broker_that_is_down_at_commit_delays_the_mail_and_not_the_act(live):
    live.broker.stop()
    began = time.monotonic()
    address = invite(live)
    assert time.monotonic() - began < 15
    assert mail_state(live, address) == "pending"
    live.broker.start()
    arrives_once(live, address)


def test_a_broker_that_restarts_during_sending_leaves_the_worker_at_work(live):
    worker = live.worker.process
    live.inbox.manners = "hang"
    under_way = invite(live)
    wait_for(lambda: live.inbox.waiting)
    live.broker.stop()
    time.sleep(1)  # the worker meets a socket that is gone
    live.broker.start()
    live.inbox.manners = "accept"
    arrives_once(live, under_way)
    arrives_once(live, invite(live))
    assert live.worker.process is worker
    assert live.worker.running


CRASH = """
import os
from django.db import transaction
from django.utils import timezone
from clients.acts.people import staff
from clients.actors import COMMAND_LINE
from clients.mail import outbox
outbox.wake_worker = lambda mail_id: transaction.on_commit(lambda: os.kill(os.getpid(), 9))
staff.invite_staff(email="{address}", name="Noor", role="auditor", by=COMMAND_LINE, now=timezone.now())
"""


def test_a_crash_between_the_commit_and_the_queue_delays_the_mail_only(live):
    address = f"{uuid.uuid4().hex[:10]}@keydesk.example"
    assert live.manage("shell", "-c", CRASH.format(address=address)).returncode == -9
    assert mail_state(live, address) == "pending"
    arrives_once(live, address)


def test_a_mail_server_that_greylists_or_drops_the_line_gets_each_mail(live):
    live.inbox.manners = "drop"
    dropped = invite(live)
    wait_for(lambda: live.inbox.to(dropped))  # it has the mail, but we do not know
    live.inbox.manners = "greylist"
    delayed = invite(live)
    for address in (dropped, delayed):
        wait_for(
            lambda address=address: live.sql('SELECT 1 FROM clients_mail WHERE "to" = %s AND attempts > 0', address)
        )
    live.inbox.manners = "accept"
    arrives_once(live, delayed)
    # The one that was dropped comes again, and every mail program can tell that it is the same.
    wait_for(lambda: mail_state(live, dropped) == "sent")
    ((mail_id,),) = live.sql('SELECT id FROM clients_mail WHERE "to" = %s', dropped)
    copies = live.inbox.to(dropped)
    assert {copy["Message-ID"].partition("@")[0] for copy in copies} == {f"<{mail_id}"}
    assert len({plain(copy) for copy in copies}) == 1


def test_a_mail_server_that_refuses_for_good_is_not_asked_again(live):
    live.inbox.manners = "refuse"
    address = invite(live)
    wait_for(lambda: mail_state(live, address) == "failed")  # the Security team sees it: tests/portal
    assert not live.inbox.to(address)


def test_a_task_delivered_twice_sends_one_mail(live):
    address = invite(live)
    ((mail_id,),) = live.sql('SELECT id FROM clients_mail WHERE "to" = %s', address)
    again = f"from clients.tasks import send_mail; [send_mail.delay('{mail_id}') for _ in range(5)]"
    assert live.manage("shell", "-c", again).returncode == 0
    arrives_once(live, address)
    time.sleep(2)
    assert len(live.inbox.to(address)) == 1


# --- The database restarted while tokens are issued -------------------------------------------------------------------


def post(url: str, client_id: str, secret: str, **form: str) -> tuple[int, dict[str, Any]]:
    credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    request = urllib.request.Request(
        url, urllib.parse.urlencode(form).encode(), {"Authorization": f"Basic {credentials}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def credentials(live: Live) -> tuple[str, str]:
    name = f"faults-{uuid.uuid4().hex[:6]}"
    for command in (
        ["create_api", name, "--name", name],
        ["create_scope", f"{name}.read", "--api", name],
    ):
        done = live.manage(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    done = live.manage(
        "create_client", "--name", name, "--contact", "faults@example.org", "--json",
        "--scope", f"{name}.read", "--default-scope", f"{name}.read",
    )  # fmt: skip
    made = json.loads(done.stdout)
    return made["client_id"], made["client_secret"]


def test_a_database_restarted_during_issuance_costs_no_promised_token(live, credentials):
    url = live.another_web(THROTTLING="off")
    token_url, introspect_url = f"{url}/oauth/v2/token", f"{url}/oauth/v2/introspect"
    answers: list[tuple[int, dict[str, Any]]] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(post(token_url, *credentials, grant_type="client_credentials"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    live.postgres.stop()
    time.sleep(1)
    live.postgres.start()
    wait_for(lambda: answers[-1][0] == 200)
    time.sleep(1)
    done.set()
    for thread in threads:
        thread.join(timeout=30)

    statuses = {status for status, _body in answers}
    assert 200 in statuses
    assert statuses <= {200, 503}, statuses
    tokens = [body["access_token"] for status, body in answers if status == 200]
    for token in tokens[:: max(1, len(tokens) // 200)] + tokens[-20:]:
        status, body = post(introspect_url, *credentials, token=token)
        assert (status, body["active"]) == (200, True)


def seconds_of(ask: Callable[[], int]) -> tuple[int, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began


def test_a_database_that_is_gone_is_a_503_at_once_and_all_returns_with_it(live, credentials):
    url = f"{live.url}/oauth/v2/token"

    def token() -> int:
        status, body = post(url, *credentials, grant_type="client_credentials")
        assert status in (200, 503)
        assert status == 200 or body["error"] == "temporarily_unavailable"
        return status

    pages = {"page": f"{live.url}/request/", "readiness": f"{live.operations_url}/readyz"}
    assert (token(), *(page_status(page) for page in pages.values())) == (200, 200, 200)
    live.postgres.stop()
    for ask in (token, token, token, *(lambda page=page: page_status(page) for page in pages.values())):
        status, seconds = seconds_of(ask)
        assert (status, seconds < 8) == (503, True)
    assert page_status(f"{live.operations_url}/healthz") == 200  # a restart of this process would help nobody
    live.postgres.start()
    wait_for(lambda: token() == 200)
    wait_for(lambda: {page_status(page) for page in pages.values()} == {200})


def test_a_database_that_hangs_is_answered_within_seconds(live, credentials):
    """A lock on the table of tokens: connections stay, statements wait."""
    url = f"{live.url}/oauth/v2/token"
    post(url, *credentials, grant_type="client_credentials")
    with psycopg.connect(host=str(live.directory), user=postgres.USER, dbname="keydesk") as connection:
        connection.execute("LOCK TABLE tokens_token IN ACCESS EXCLUSIVE MODE")
        answers = [
            seconds_of(lambda: post(url, *credentials, grant_type="client_credentials")[0]) for _time in range(2)
        ]
        connection.rollback()
    assert {status for status, _seconds in answers} == {503}
    assert max(seconds for _status, seconds in answers) < 8
    wait_for(lambda: post(url, *credentials, grant_type="client_credentials")[0] == 200)


def test_a_page_that_waits_for_a_lock_gives_its_thread_back(live):
    with psycopg.connect(host=str(live.directory), user=postgres.USER, dbname="keydesk") as connection:
        connection.execute("LOCK TABLE clients_scope IN ACCESS EXCLUSIVE MODE")
        status, seconds = seconds_of(lambda: page_status(f"{live.url}/docs/scopes/"))
    assert (status, seconds < 14) == (503, True)


def test_a_task_that_met_an_outage_is_tried_again_before_its_next_round(live):
    """The next round would come after five minutes, and the change log be unsigned until then."""
    invite(live)
    signed = "SELECT coalesce(max(size), 0) FROM audit_checkpoint"
    before = live.sql(signed)
    live.postgres.stop()
    sign = "from audit.tasks import sign_checkpoint; sign_checkpoint.delay()"
    assert live.manage("shell", "-c", sign).returncode == 0
    wait_for(lambda: "sign_checkpoint" in live.worker.log() and "Retry in 30s" in live.worker.log())
    live.postgres.start()
    wait_for(lambda: live.sql(signed) > before, seconds=60)


def page_status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
