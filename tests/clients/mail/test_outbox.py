"""Mail that cannot be lost, over real SMTP: at least once, recognisable twice, and never a secret at rest."""

import re
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from clients.access import management_links, one_time_codes
from clients.access.management_links import LinkNotUsable
from clients.mail import outbox
from clients.models import Mail, MailedCode, ManagementLink
from clients.refusal_codes import Code
from clients.tasks import send_pending_mail
from foundation.refusals import Refusal
from portal.config.schedule import SCHEDULE
from tests.support.factories import NOW, SYSTEM, client, lotte
from tests.support.smtp import Inbox

pytestmark = pytest.mark.django_db(transaction=True)

SOON = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests deliver by hand; the worker and its broker have their own (tests/e2e)."""
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)


def queued_link(now: datetime = NOW) -> Mail:
    with transaction.atomic():
        return outbox.queue_link(user=lotte(), now=now)


def token_in(inbox: Inbox, index: int = -1) -> str:
    body = inbox.messages[index].get_body(("plain",)).get_content()
    return re.search(r"/open/([\w-]+)/", body).group(1)


def test_a_rolled_back_act_mails_nothing():
    with transaction.atomic():
        outbox.queue_link(user=lotte(), now=NOW)
        transaction.set_rollback(True)
    assert Mail.objects.count() == 0


def test_the_link_in_the_mail_opens_and_is_nowhere_in_the_database(inbox):
    mail = queued_link()
    assert outbox.deliver(mail_id=mail.pk, now=NOW)
    token = token_in(inbox)
    assert len(token) == 43  # 256 bits, base64url

    with connection.cursor() as cursor:
        for table in ("clients_mail", "clients_managementlink"):
            cursor.execute(f"SELECT string_agg(row::text, '') FROM {table} row")
            assert token not in cursor.fetchone()[0]
    assert management_links.use(token, by_address="192.0.2.7", request_id="r", now=NOW + SOON).user == lotte()


def test_a_mail_is_sent_once_however_often_its_task_arrives(inbox):
    mail = queued_link()
    assert [outbox.deliver(mail_id=mail.pk, now=NOW) for _ in range(3)] == [True, False, False]
    assert len(inbox.messages) == 1


@pytest.mark.parametrize("manners", ["greylist", "hang"])
def test_a_server_that_does_not_take_it_now_gets_it_later(inbox, manners):
    mail = queued_link()
    inbox.manners = manners
    assert not outbox.deliver(mail_id=mail.pk, now=NOW)
    mail.refresh_from_db()
    assert mail.state == Mail.State.PENDING
    assert mail.next_attempt_at > NOW
    assert not outbox.deliver(mail_id=mail.pk, now=NOW)  # not before its time

    inbox.manners = "accept"
    assert outbox.deliver(mail_id=mail.pk, now=mail.next_attempt_at)
    assert len(inbox.messages) == 1


def test_the_delay_doubles_up_to_six_hours_for_about_a_day_and_a_half(inbox):
    inbox.manners = "greylist"
    mail, now, delays = queued_link(), NOW, []
    while mail.state == Mail.State.PENDING:
        outbox.deliver(mail_id=mail.pk, now=now)
        mail.refresh_from_db()
        delays.append((mail.next_attempt_at - now).total_seconds())
        now = mail.next_attempt_at
    assert delays[:4] == [10, 20, 40, 80]
    assert max(delays) == 6 * 3600
    assert mail.attempts == outbox.MAX_ATTEMPTS
    assert 33 < sum(delays[:-1]) / 3600 < 39  # hours between the first attempt and the last
    assert list(Mail.objects.undeliverable()) == [mail]


def test_an_address_that_does_not_exist_is_shown_at_once(inbox):
    inbox.manners = "refuse"
    mail = queued_link()
    outbox.deliver(mail_id=mail.pk, now=NOW)
    mail.refresh_from_db()
    assert mail.state == Mail.State.FAILED
    assert "5.1.1" in mail.last_error


def test_a_refusal_that_quotes_the_link_leaves_none_of_it_in_the_database(inbox):
    inbox.manners = "quote"
    mail = queued_link()
    outbox.deliver(mail_id=mail.pk, now=NOW)
    mail.refresh_from_db()
    assert "5.7.1 Listed: http://testserver/open/" in mail.last_error  # what was said stays, but for the link
    assert management_links.token(mail.link)[:20].lower() not in mail.last_error.lower()


def test_a_refusal_that_quotes_the_code_leaves_it_out_of_the_database(inbox):
    inbox.manners = "quote"
    code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    mail = outbox.queue_code(code=code, language="en", now=NOW)
    outbox.deliver(mail_id=mail.pk, now=NOW)
    mail.refresh_from_db()
    assert "5.7.1 Listed: " in mail.last_error
    assert one_time_codes.value(code) not in re.sub(r"\D", "", mail.last_error.partition("Listed")[2])


def test_a_code_that_has_ended_is_not_mailed_any_more(inbox):
    code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    mail = outbox.queue_code(code=code, language="en", now=NOW)
    assert not outbox.deliver(mail_id=mail.pk, now=code.expires_at)
    assert not inbox.messages
    assert not Mail.objects.exists()


def test_of_two_links_that_waited_only_the_newer_one_is_mailed(inbox):
    old, new = queued_link(), queued_link()
    assert [outbox.deliver(mail_id=mail.pk, now=NOW) for mail in (old, new)] == [False, True]
    assert len(inbox.messages) == 1
    management_links.find(token_in(inbox), now=NOW)


def test_news_is_mailed_also_when_the_link_in_it_was_replaced(inbox):
    mine, _secret = client(contact=lotte())
    with transaction.atomic():
        news = outbox.queue_link(user=lotte(), kind=Mail.Kind.CLIENT_READY, client=mine, now=NOW)
    queued_link()
    assert outbox.deliver(mail_id=news.pk, now=NOW)


def test_what_is_over_cannot_be_tried_again():
    mail = queued_link()
    Mail.objects.filter(pk=mail.pk).update(state=Mail.State.FAILED)
    queued_link()
    with pytest.raises(Refusal, match=Code.MAIL_OUT_OF_DATE):
        outbox.retry(mail=mail, by=SYSTEM, now=NOW)


def test_a_line_dropped_after_data_gives_a_duplicate_that_is_recognised(inbox):
    mail = queued_link()
    inbox.manners = "drop"
    assert not outbox.deliver(mail_id=mail.pk, now=NOW)
    inbox.manners = "accept"
    mail.refresh_from_db()
    assert outbox.deliver(mail_id=mail.pk, now=mail.next_attempt_at)

    first, second = inbox.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert str(mail.pk) in first["Message-ID"]
    assert token_in(inbox, 0) == token_in(inbox, 1)
    management_links.find(token_in(inbox, 0), now=NOW)


def test_the_sweep_finds_what_no_task_was_queued_for(inbox):
    mail = queued_link(timezone.now())
    send_pending_mail()
    mail.refresh_from_db()
    assert mail.state == Mail.State.SENT


def test_a_sweep_over_a_server_that_hangs_ends_and_the_next_one_goes_on(inbox):
    inbox.manners = "hang"
    for to in ("a@keydesk.example", "b@keydesk.example", "c@keydesk.example"):
        code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=to, user=lotte(), now=NOW)
        outbox.queue_code(code=code, language="en", now=NOW)
    clock = iter(NOW + timedelta(seconds=20 * step) for step in range(100))
    outbox.sweep(clock=lambda: next(clock))
    assert 0 < Mail.objects.filter(attempts=1).count() < 3
    inbox.manners = "accept"
    outbox.sweep(clock=lambda: NOW + outbox.SWEEP_TIMEOUT)
    assert not Mail.objects.filter(attempts=0).exists()


def test_of_two_sweeps_at_once_one_does_the_work(inbox):
    mail = queued_link()
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other_worker:
        other_worker.execute("SELECT pg_advisory_lock(hashtextextended('clients.mail.outbox.sweep', 0))")
        outbox.sweep(clock=lambda: NOW)
        mail.refresh_from_db()
        assert mail.attempts == 0
        other_worker.execute("SELECT pg_advisory_unlock(hashtextextended('clients.mail.outbox.sweep', 0))")
    outbox.sweep(clock=lambda: NOW)
    mail.refresh_from_db()
    assert mail.state == Mail.State.SENT


def test_a_task_that_no_worker_took_is_dropped_when_the_next_one_is_made():
    for entry in SCHEDULE.values():
        assert entry["options"]["expires"] == entry["schedule"].total_seconds()


def test_a_name_cannot_add_a_header_or_a_line_to_the_subject(inbox):
    mine, _secret = client(contact=lotte())
    mine.name = "Innocent\r\nBcc: everybody@example.org\x1b[31m"
    mine.save()
    with transaction.atomic():
        mail = outbox.queue(
            kind=Mail.Kind.CLIENT_CHANGED, to="a@example.org", client=mine, user=lotte(), now=NOW,
            facts={"action": "key.added", "subject": mine.name, "by": "Lotte", "at": NOW.isoformat()},
        )  # fmt: skip
    outbox.deliver(mail_id=mail.pk, now=NOW)
    assert inbox.messages[-1]["Bcc"] is None
    assert "\n" not in inbox.messages[-1]["Subject"]


# --- Links ------------------------------------------------------------------------------------------------------------


def delivered_token(inbox: Inbox) -> str:
    outbox.deliver(mail_id=queued_link().pk, now=NOW)
    return token_in(inbox)


def test_a_link_opens_once(inbox):
    token = delivered_token(inbox)
    management_links.use(token, by_address="", request_id="", now=NOW + SOON)
    with pytest.raises(LinkNotUsable):
        management_links.use(token, by_address="", request_id="", now=NOW + SOON)


def test_looking_at_a_link_changes_nothing(inbox):
    token = delivered_token(inbox)
    for _ in range(5):
        management_links.find(token, now=NOW + SOON)
    assert ManagementLink.objects.get().used_at is None


def test_a_newer_link_replaces_the_older_one(inbox):
    old, new = delivered_token(inbox), delivered_token(inbox)
    assert old != new
    with pytest.raises(LinkNotUsable):
        management_links.find(old, now=NOW + SOON)
    management_links.find(new, now=NOW + SOON)


def test_a_link_ends_after_72_hours(inbox):
    token = delivered_token(inbox)
    management_links.find(token, now=NOW + timedelta(hours=71, minutes=59))
    with pytest.raises(LinkNotUsable):
        management_links.find(token, now=NOW + timedelta(hours=72))


@pytest.mark.parametrize("damage", [lambda t: t[:-1], lambda t: t + "A", lambda t: t.swapcase(), lambda t: ""])
def test_a_damaged_link_opens_nothing(inbox, damage):
    with pytest.raises(LinkNotUsable):
        management_links.find(damage(delivered_token(inbox)), now=NOW + SOON)


def test_a_code_is_nowhere_in_the_database():
    code = one_time_codes.issue(purpose=MailedCode.Purpose.STEP_UP, email=lotte().email, user=lotte(), now=NOW)
    value = one_time_codes.value(code)
    assert re.fullmatch(r"\d{6}", value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row::text FROM clients_mailedcode row")
        assert value not in cursor.fetchone()[0].replace(str(code.uid), "")
