"""Verifying the change log in the browser: asked for, carried out by the worker, read and printed."""

import re
import shlex
from collections.abc import Iterator
from html import unescape

import psycopg
import pytest
from celery import Celery, current_app
from django.db import connection
from django.urls import reverse
from django.utils import timezone, translation

from audit import checkpoints, log, offline, signed_notes, verification_runs
from audit.actions import Action
from audit.models import Entry, Verification
from audit.verification import Report
from clients.acts import lifecycle
from portal.pages.auditor.verify_log import _checks
from tests.audit.forging import ruling_the_database
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def entries(now) -> None:
    client, _secret = factories.client()
    lifecycle.suspend(client=client, reason="Leaked", by=factories.by(factories.noor()), now=now)
    checkpoints.sign_checkpoint(timezone.now())


def asked() -> Verification:
    response = signed_in(factories.ada()).post(reverse("auditor:verify_log"))
    verification = Verification.objects.get()
    assert response.url == reverse("auditor:verification", args=[verification.pk])
    return verification


def page(verification: Verification) -> str:
    return signed_in(factories.ada()).get(reverse("auditor:verification", args=[verification.pk])).content.decode()


def verified() -> str:
    verification = asked()
    verification_runs.carry_out(verification.pk)
    return page(verification)


def tamper(seq: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE audit_entry SET note = 'nothing happened' WHERE seq = %s", [seq])
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_the_answer_comes_before_the_log_is_read_and_progress_follows() -> None:
    verification = asked()
    assert "Waiting for a worker" in page(verification)
    Verification.objects.update(started_at=timezone.now(), checked=1, total=4000)
    text = page(verification)
    assert "<b>1</b> of 4,000 entries checked" in text
    assert "The change log is intact" not in text


def test_progress_is_told_while_the_log_is_read(monkeypatch) -> None:
    monkeypatch.setattr(log, "PROGRESS_INTERVAL_ENTRIES", 2)
    told: list[int] = []
    assert log.verify(progress=told.append).ok
    assert told == list(range(2, Entry.objects.count() + 1, 2))


def test_the_result_says_that_the_log_is_intact_and_stays_at_its_address() -> None:
    text = verified()
    for words in ("The change log is intact", "match", "Always forward", "Asked by Ada Claes"):
        assert words in text
    again = signed_in(factories.noor()).get(reverse("auditor:verify_log")).content.decode()
    assert reverse("auditor:verification", args=[Verification.objects.get().pk]) in again
    assert "Intact, checked" in signed_in(factories.ada()).get(reverse("auditor:change_log")).content.decode()


def test_the_result_names_the_first_bad_entry() -> None:
    seq = Entry.objects.first().seq
    tamper(seq)
    text = verified()
    assert f"Entry {seq} is not what was written" in text
    assert "The change log is intact" not in text
    assert "Not intact, checked" in signed_in(factories.ada()).get(reverse("auditor:change_log")).content.decode()


def test_a_finished_verification_is_not_repeated_by_a_second_task() -> None:
    verification = asked()
    verification_runs.carry_out(verification.pk)
    tamper(1)
    verification_runs.carry_out(verification.pk)
    assert Verification.objects.get().result.ok


def test_a_verification_whose_worker_died_is_carried_out_by_another() -> None:
    verification = asked()
    Verification.objects.update(started_at=timezone.now(), checked=1)
    verification_runs.carry_out_left_over(now=timezone.now())
    assert "The change log is intact" in page(verification)


def test_a_verification_that_another_worker_is_busy_with_is_left_to_it() -> None:
    verification = asked()
    name = f"verification:{verification.pk}"
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other_worker:
        other_worker.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        verification_runs.carry_out_left_over(now=timezone.now())
        assert "Waiting for a worker" in page(verification)
        other_worker.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
    verification_runs.carry_out_left_over(now=timezone.now())
    assert "The change log is intact" in page(verification)


def test_one_that_no_worker_finished_within_a_day_is_given_up() -> None:
    asked()
    verification_runs.carry_out_left_over(now=timezone.now() + verification_runs.GIVE_UP_AFTER)
    assert not Verification.objects.exclude(finished_at=None).exists()


def test_who_asks_while_one_runs_looks_at_that_one() -> None:
    verification = asked()
    signed_in(factories.noor()).post(reverse("auditor:verify_log"))
    assert Verification.objects.get() == verification
    verification_runs.carry_out(verification.pk)
    signed_in(factories.noor()).post(reverse("auditor:verify_log"))
    assert Verification.objects.count() == 2


@pytest.fixture
def no_broker(monkeypatch) -> Iterator[None]:
    """Celery speaks to a port where nobody listens."""
    usual = current_app._get_current_object()
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")  # Celery reads it before anything else
    Celery("alone").config_from_object("django.conf:settings", namespace="CELERY")
    yield
    usual.set_current()


def test_without_a_broker_the_verification_waits_until_beat_finds_it(
    no_broker, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        verification = asked()
    assert "Waiting for a worker" in page(verification)
    verification_runs.carry_out_left_over(now=timezone.now())
    assert "The change log is intact" in page(verification)


def test_opening_the_page_starts_nothing() -> None:
    assert signed_in(factories.ada()).get(reverse("auditor:verify_log")).status_code == 200
    assert not Verification.objects.exists()


def test_the_checkpoints_and_the_public_key_are_there_to_keep_elsewhere() -> None:
    log.record(action=Action.LINK_OPENED, actor=factories.SYSTEM, subject=log.SITE)
    checkpoints.sign_checkpoint(timezone.now())
    browser = signed_in(factories.ada())
    text = b"".join(browser.get(reverse("auditor:signed_checkpoints"))).decode()
    assert signed_notes.split(text) == checkpoints.notes()
    assert len(signed_notes.split(text)) == 2
    assert str(checkpoints.verifier_keys()[0]) in browser.get(reverse("auditor:verify_log")).content.decode()


def test_the_command_on_the_page_checks_its_files_without_keydesk(tmp_path, monkeypatch, capsys) -> None:
    browser = signed_in(factories.ada())
    page = unescape(browser.get(reverse("auditor:verify_log")).content.decode())
    kept = b"".join(browser.get(reverse("auditor:signed_checkpoints")))
    exported = browser.post(reverse("auditor:log_export"), {"format": "jsonl"})
    command = shlex.split(re.sub(r"<[^>]+>", "", page[page.index("python audit/offline.py") :].partition("</pre>")[0]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / command[3]).write_bytes(kept)
    (tmp_path / exported["Content-Disposition"].partition('"')[2].rstrip('"')).write_bytes(b"".join(exported))
    assert offline.main(command[2:]) == 0
    assert "The change log is intact" in capsys.readouterr().out


def test_the_figures_of_the_result_are_in_the_readers_language() -> None:
    report = Report(entries=1_234_567, signed=1_234_000, intact=1_234_567, checkpoints=1)
    with translation.override("nl"):
        assert _checks(report)[0]["result"] == "1.234.567 van 1.234.567 kloppen"


def test_a_log_without_a_checkpoint_is_never_called_intact() -> None:
    with ruling_the_database() as cursor:
        cursor.execute("DELETE FROM audit_checkpoint")
    browser = signed_in(factories.ada())
    asked = browser.post(reverse("auditor:verify_log"))
    verification_runs.carry_out_left_over(now=timezone.now())
    page = browser.get(asked.url).text
    assert "Nothing wrong was found, and nothing is proven" in page
    assert "The change log is intact" not in page
    assert "Not proven" in browser.get(reverse("auditor:verify_log")).text
    log_page = browser.get(reverse("auditor:change_log")).text
    assert "Not proven, checked" in log_page
    assert "Intact, checked" not in log_page


def test_the_result_says_what_checkpoints_of_one_database_do_not_prove() -> None:
    text = verified()
    assert "An older copy of it, put back as a whole, would look the same" in text
    assert "These results are what this database holds." in text
