"""Staff and roles: who has which role now and had on a day, and ending a colleague's sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.acts.people import staff as acts
from clients.models import User
from portal.pages.auditor.staff import members_until
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def invite(email: str, role: User.Role, at: datetime) -> User:
    with log.dated(at):
        return acts.invite_staff(email=email, name=email[:4], role=role, by=factories.SYSTEM, now=at)


def deactivate(email: str, at: datetime) -> None:
    with log.dated(at):
        acts.deactivate_staff(email=email, reason="Left", by=factories.SYSTEM, now=at)


def page(user: User, **query: str) -> str:
    return signed_in(user).get(reverse("auditor:staff"), query).text


def test_who_had_which_role_on_a_day_is_read_from_the_log() -> None:
    invite("anna@keydesk.example", User.Role.AUDITOR, DAY)
    invite("bert@keydesk.example", User.Role.SECURITY, DAY + timedelta(days=1))
    deactivate("anna@keydesk.example", DAY + timedelta(days=2))
    invite("anna@keydesk.example", User.Role.AUDITOR, DAY + timedelta(days=4))

    def roles(days: int) -> dict[str, str]:
        found = members_until(DAY + timedelta(days=days, hours=1))
        return {member.given.subject_label[:4]: member.role for member in found.values()}

    assert roles(-1) == {}
    assert roles(0) == {"anna": "auditor"}
    assert roles(1) == {"anna": "auditor", "bert": "security"}
    assert roles(2) == {"bert": "security"}
    assert roles(4) == {"bert": "security", "anna": "auditor"}
    ada = factories.ada()
    assert "anna@keydesk.example" not in page(ada, on="2026-03-04")
    shown = page(ada, on="2026-03-03")
    assert "anna@keydesk.example" in shown
    assert "bert@keydesk.example" in shown
    assert "Second factors" not in shown


def test_now_the_page_has_second_factors_sign_ins_and_sessions() -> None:
    bert = invite("bert@keydesk.example", User.Role.SECURITY, DAY)
    Authenticator.objects.create(user=bert, type=Authenticator.Type.TOTP, data={})
    log.record(action=Action.STAFF_SIGNED_IN, actor=factories.by(bert), subject=bert)
    signed_in(bert).get(reverse("security:dashboard"))
    shown = page(factories.ada())
    assert "Authenticator app" in shown
    assert reverse("auditor:log_entry", args=[Entry.objects.with_action(Action.STAFF_SIGNED_IN).get().seq]) in shown
    assert reverse("security:staff_sessions", args=[bert.uid]) not in shown
    assert reverse("security:staff_sessions", args=[bert.uid]) in page(factories.noor())


def test_the_team_ends_the_sessions_of_a_colleague_with_a_reason() -> None:
    bert = invite("bert@keydesk.example", User.Role.SECURITY, DAY)
    browser = signed_in(bert)
    assert browser.get(reverse("security:dashboard")).status_code == 200
    url = reverse("security:staff_sessions", args=[bert.uid])
    assert signed_in(factories.noor()).post(url, {"reason": "Laptop stolen"}).url == reverse("auditor:staff")
    assert browser.get(reverse("security:dashboard")).status_code == 302
    entry = Entry.objects.with_action(Action.SESSIONS_ENDED).get()
    assert (entry.subject_id, entry.note) == (bert.audit_id, "Laptop stolen")


@pytest.mark.parametrize(("by_two", "way"), [(True, "in the list of staff"), (False, "manage.py deactivate_staff")])
def test_who_ends_sessions_is_told_the_way_to_deactivate_that_this_site_has(settings, by_two, way) -> None:
    settings.STAFF_PAGES = by_two
    url = reverse("security:staff_sessions", args=[invite("bert@keydesk.example", User.Role.SECURITY, DAY).uid])
    assert way in " ".join(signed_in(factories.noor()).get(url).text.split())


def test_ending_your_own_sessions_leaves_the_one_you_do_it_in() -> None:
    noor = factories.noor()
    here, elsewhere = signed_in(noor), signed_in(noor)
    for browser in (here, elsewhere):
        browser.get(reverse("security:dashboard"))
    assert here.post(reverse("security:staff_sessions", args=[noor.uid]), {"reason": "INC-7"}).status_code == 302
    assert here.get(reverse("security:dashboard")).status_code == 200
    assert elsewhere.get(reverse("security:dashboard")).status_code == 302


def test_a_contact_has_no_place_among_the_staff() -> None:
    url = reverse("security:staff_sessions", args=[factories.lotte().uid])
    assert signed_in(factories.noor()).get(url).status_code == 404
