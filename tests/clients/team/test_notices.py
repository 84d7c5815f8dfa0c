"""Notices to the Security team: what causes one, who is mailed about it, and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from audit.models import Verification
from clients.acts import lifecycle, proposals, review
from clients.acts.credentials import keys
from clients.acts.team import notice_mails
from clients.mail import outbox, team_notices
from clients.mail.rendering import render
from clients.models import Mail, Notice, Proposal, Recertification, Registration, User
from clients.team import notices
from tests.support import factories
from tests.support.factories import SYSTEM, bram, by, client, lotte, noor, submitted_request

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Europe/Brussels"))
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def kinds() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def digests(user: User) -> list[Mail]:
    return list(Mail.objects.filter(kind=Mail.Kind.TEAM_NOTICES, user=user).order_by("created_at"))


def test_a_request_that_waits_is_noted_once_it_is_confirmed():
    registration = submitted_request(MONDAY)
    assert kinds() == [Notice.Kind.REQUEST_WAITS]
    assert Notice.objects.get().about["request"] == str(registration.uid)


def test_a_first_approval_is_told_to_everyone_but_who_gave_it():
    noor(), bram()
    registration = submitted_request(MONDAY, scopes=(factories.scope("person.read", sensitive=True),))
    review.approve(
        registration=registration, scopes=[factories.scope("person.read")], defaults=[],
        seen=registration.content_hash, by=by(noor()), now=MONDAY,
    )  # fmt: skip
    Notice.objects.filter(kind=Notice.Kind.REQUEST_WAITS).delete()
    team_notices.hand_over(now=MONDAY)
    assert kinds() == [Notice.Kind.SECOND_APPROVAL_WAITS]
    assert [len(digests(user)) for user in (noor(), bram())] == [0, 1]


def test_a_proposal_is_told_to_everyone_but_who_made_it():
    noor(), bram()
    proposals.propose(
        kind=Proposal.Kind.SCOPE_RETIRED, about=factories.scope(), content={}, reason="Not used", by=by(noor()),
        now=MONDAY,
    )  # fmt: skip
    team_notices.hand_over(now=MONDAY)
    assert [len(digests(user)) for user in (noor(), bram())] == [0, 1]


def test_most_of_the_target_is_noted_at_80_percent_of_the_working_time_and_once(settings):
    submitted_request(MONDAY)  # five working days of eight hours: 32 hours of work later is Friday, 10:00
    notices.look(now=MONDAY + timedelta(days=4) - MINUTE)
    assert Notice.Kind.TARGET_NEAR not in kinds()
    for minutes in (0, 1):
        notices.look(now=MONDAY + timedelta(days=4, minutes=minutes))
    assert kinds().count(Notice.Kind.TARGET_NEAR) == 1


def test_a_request_that_was_decided_has_no_target():
    Registration.objects.filter(pk=submitted_request(MONDAY).pk).update(status=Registration.Status.WITHDRAWN)
    notices.look(now=MONDAY + timedelta(days=30))
    assert Notice.Kind.TARGET_NEAR not in kinds()


def test_an_uploaded_private_key_is_noted_once_a_day():
    mine, _secret = client()
    for _upload in range(2):
        keys.note_refused_private_key(client=mine, by=by(lotte()), now=MONDAY)
    assert kinds() == [Notice.Kind.PRIVATE_KEY_UPLOADED]


def test_a_change_log_with_a_problem_is_noted_once():
    report = {"entries": 3, "intact": 1, "signed": 0, "checkpoints": 0, "problem": "changed", "first_bad_seq": 2}
    Verification.objects.create(asked_at=MONDAY, asked_by="Ada", total=3, finished_at=MONDAY, report=report)
    fine = {**report, "problem": None, "first_bad_seq": None}
    Verification.objects.create(asked_at=MONDAY, asked_by="Ada", total=3, finished_at=MONDAY, report=fine)
    for _look in range(2):
        notices.look(now=MONDAY + HOUR)
    assert kinds() == [Notice.Kind.VERIFICATION_FAILED]


def test_clients_not_confirmed_in_time_are_one_notice_the_next_day():
    noor()
    for hour in (9, 17):
        Recertification.objects.create(
            client=client()[0], asked_at=MONDAY, told_at=MONDAY, answer_by=MONDAY.replace(hour=hour), suspends=False
        )
    for moment in (MONDAY.replace(hour=23, minute=59), *(MONDAY + timedelta(days=days) for days in (1, 1, 2))):
        notices.look(now=moment)
    assert kinds() == [Notice.Kind.RECERTIFICATION_LATE]
    team_notices.hand_over(now=MONDAY + timedelta(days=1))
    (digest,) = digests(noor())
    body = render(digest, now=MONDAY).body
    assert "Clients that were not confirmed in time: 2" in body
    assert "/security/clients/?recertification=late" in body


def test_a_client_confirmed_or_closed_is_not_late():
    confirmed, closed = client()[0], client()[0]
    for about, confirmed_at in ((confirmed, MONDAY), (closed, None)):
        Recertification.objects.create(
            client=about, asked_at=MONDAY, told_at=MONDAY, answer_by=MONDAY, suspends=False, confirmed_at=confirmed_at
        )
    lifecycle.close(client=closed, reason="Gone", by=SYSTEM, now=MONDAY)
    notices.look(now=MONDAY + timedelta(days=1))
    assert kinds() == []


def test_a_mail_that_is_refused_for_good_is_noted_but_a_digest_is_not(inbox):
    inbox.manners = "refuse"
    facts = {"began_at": MONDAY.isoformat(), "until": MONDAY.isoformat(), "failures": 20}
    failed = outbox.queue_for(user=lotte(), kind=Mail.Kind.CODES_ENDED, now=MONDAY, facts=facts)
    digest = outbox.queue_for(user=noor(), kind=Mail.Kind.TEAM_NOTICES, now=MONDAY, facts={"notices": []})
    for mail in (failed, digest):
        outbox.deliver(mail_id=mail.pk, now=MONDAY)
    assert Mail.objects.filter(state=Mail.State.FAILED).count() == 2
    assert [notice.about for notice in Notice.objects.all()] == [{"mail": str(failed.pk)}]
    assert lotte().email not in Notice.objects.get().subject


def test_a_day_has_one_mail_at_the_next_opening_with_all_that_came():
    noor()
    for hours in (0, 3):
        submitted_request(MONDAY + hours * HOUR)
        team_notices.hand_over(now=MONDAY + hours * HOUR)
    (digest,) = digests(noor())
    assert digest.next_attempt_at == MONDAY + timedelta(days=1) - HOUR  # Tuesday, 9:00
    text = render(digest, now=digest.next_attempt_at)
    assert "2 notices" in text.subject
    for registration in Registration.objects.all():
        assert registration.number in text.body
        assert f"/security/requests/{registration.uid}/" in text.body
        assert f"/security/requests/{registration.uid}/" in text.html


def test_at_once_is_within_a_minute_and_off_is_never():
    notice_mails.choose(when=User.NoticeMails.AT_ONCE, by=by(noor()))
    notice_mails.choose(when=User.NoticeMails.OFF, by=by(bram()))
    submitted_request(MONDAY)
    team_notices.hand_over(now=MONDAY)
    assert [mail.next_attempt_at for mail in digests(noor())] == [MONDAY + MINUTE]
    assert digests(bram()) == []


def test_a_notice_is_handed_over_once():
    noor()
    submitted_request(MONDAY)
    for _time in range(2):
        team_notices.hand_over(now=MONDAY)
    (digest,) = digests(noor())
    assert len(digest.facts["notices"]) == 1


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_the_digest_is_in_the_language_of_its_reader(language):
    factories.person(noor().email, "Noor", User.Role.SECURITY, language)
    for kind in Notice.Kind:
        notices.note(kind, "Meters", about={"webhook": factories.webhook().uid}, once=kind, now=MONDAY)
    team_notices.hand_over(now=MONDAY)
    (digest,) = digests(noor())
    body = render(digest, now=MONDAY).body
    assert ("A request waits for review" in body) is (language == "en")
    assert body.count("http") >= len(Notice.Kind)


def test_who_is_not_of_the_team_has_no_choice_and_no_mail():
    with pytest.raises(Exception, match="not_security_team"):
        notice_mails.choose(when=User.NoticeMails.AT_ONCE, by=SYSTEM)
    factories.ada()
    submitted_request(MONDAY)
    team_notices.hand_over(now=MONDAY)
    assert not Mail.objects.filter(kind=Mail.Kind.TEAM_NOTICES).exists()
