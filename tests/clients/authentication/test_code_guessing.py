"""Twenty failures a day end the codes of a mailbox, and its owner hears of it."""

from datetime import datetime, timedelta

import pytest

from audit.models import Entry
from clients.access import one_time_codes
from clients.acts import client_requests
from clients.authentication import code_guessing
from clients.mail import outbox
from clients.mail.rendering import render
from clients.models import Mail, MailedCode, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, lotte
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db
STEP_UP, CONFIRM = MailedCode.Purpose.STEP_UP, MailedCode.Purpose.CONFIRM_REQUEST


def issued(now: datetime = NOW, *, email: str = "", user: User | None = None, purpose: str = STEP_UP) -> MailedCode:
    return one_time_codes.issue(purpose=MailedCode.Purpose(purpose), email=email or lotte().email, user=user, now=now)


def wrong(code: MailedCode) -> str:
    return f"{(int(one_time_codes.value(code)) + 1) % 10**6:06d}"


def guess(code: MailedCode, times: int = MailedCode.MAX_ATTEMPTS, now: datetime = NOW) -> one_time_codes.CodeRefused:
    for _attempt in range(times):
        with pytest.raises(one_time_codes.CodeRefused) as refused:
            code_guessing.spend(code, typed=wrong(code), by=SYSTEM, now=now)
    return refused.value


def guess_twenty_times(now: datetime = NOW, **about: object) -> None:
    for spelling in ("lotte@leiestroom.example", "Lotte+1@leiestroom.example", "lotte@leiestroom.example."):
        guess(issued(now, email=spelling, **about), now=now)  # type: ignore[arg-type]
    last = issued(now, **about)  # type: ignore[arg-type]
    assert not guess(last, 4, now).ended
    assert guess(last, 1, now).ended


def test_twenty_failures_end_codes_for_a_day_and_tell_the_owner_once() -> None:
    spare = issued(NOW - timedelta(minutes=1))
    owner = lotte()
    guess_twenty_times(user=owner)
    with pytest.raises(one_time_codes.CodeRefused) as refused:
        code_guessing.spend(spare, typed=one_time_codes.value(spare), by=SYSTEM, now=NOW)
    assert refused.value.ended
    assert not refused.value.tries_left
    with pytest.raises(Refusal, match=Code.CODES_ENDED):
        issued(NOW + timedelta(hours=23))
    mail = Mail.objects.get()
    assert (mail.kind, mail.to, mail.user) == (Mail.Kind.CODES_ENDED, owner.email, owner)
    assert [entry.subject_id for entry in Entry.objects.filter(action="code.locked")] == [owner.audit_id]

    later = NOW + timedelta(days=1, seconds=1)
    code = issued(later)
    code_guessing.spend(code, typed=one_time_codes.value(code), by=SYSTEM, now=later)


def test_when_guessing_goes_on_the_owner_hears_of_it_again_after_a_day() -> None:
    guess_twenty_times()
    for hours in (25, 50):
        guess_twenty_times(NOW + timedelta(hours=hours))
    assert Mail.objects.filter(kind=Mail.Kind.CODES_ENDED).count() == 3


def test_codes_that_were_right_are_no_failures() -> None:
    for minutes in range(0, 200, 8):
        now = NOW + timedelta(minutes=minutes)
        code = issued(now)
        code_guessing.spend(code, typed=one_time_codes.value(code), by=SYSTEM, now=now)
    assert one_time_codes.failures(STEP_UP, lotte().mailbox, NOW + timedelta(minutes=200)) == 0
    assert not Mail.objects.exists()


def test_a_stranger_who_guesses_at_requests_keeps_nobody_from_a_step_up() -> None:
    owner = lotte()
    guess_twenty_times(purpose=CONFIRM)
    code = issued(user=owner)
    code_guessing.spend(code, typed=one_time_codes.value(code), by=SYSTEM, now=NOW)
    assert Mail.objects.get().user == owner  # whom the address belongs to is told, whoever guessed


def test_the_owner_of_an_unknown_address_is_told_nothing_that_was_typed() -> None:
    typed = dict.fromkeys(("client_name", "organisation", "contact_name", "purpose"), "EVIL")
    asked = client_requests.submit(
        content=factories.content(**typed, contact_email="new@bank.example"), language="nl", by=SYSTEM, now=NOW
    )
    for minute in range(4):
        now = NOW + timedelta(minutes=minute)
        if minute:
            client_requests.mail_code(registration=asked, now=now)
        guess(asked.codes.latest("created_at"), now=now)
    mail = Mail.objects.get(kind=Mail.Kind.CODES_ENDED)
    text = render(mail, now=NOW)
    assert (mail.to, mail.language) == ("new@bank.example", "nl")
    assert "EVIL" not in text.subject + text.body + text.html
    assert Entry.objects.get(action="code.locked").subject_label == asked.number


@pytest.mark.django_db(transaction=True)
def test_forty_guesses_at_once_fail_twenty_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)
    mine = [
        MailedCode.objects.create(
            purpose=STEP_UP, email=lotte().email, user=lotte(), created_at=NOW, expires_at=NOW + timedelta(minutes=10)
        )
        for _code in range(8)
    ]
    outcomes = at_once(40, lambda i: code_guessing.spend(mine[i % 8], typed=wrong(mine[i % 8]), by=SYSTEM, now=NOW))
    assert {type(outcome) for outcome in outcomes} == {one_time_codes.CodeRefused}
    assert sum(code.attempts for code in MailedCode.objects.all()) == one_time_codes.FAILURES_PER_DAY
    assert Mail.objects.filter(kind=Mail.Kind.CODES_ENDED).count() == 1
