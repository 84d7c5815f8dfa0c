"""Staff who come and go on the pages: two people each time, and none of them the person it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from audit.log import SITE
from audit.models import Entry
from clients.acts import four_eyes, proposals
from clients.acts.people import staff
from clients.models import Mail, Notice, Proposal, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import ada, bram, by, noor, person
from tests.support.parallel import at_once, refused

pytestmark = pytest.mark.django_db

EVA = "eva@keydesk.example"
INVITED = {"name": "Eva Staf", "email": EVA, "role": "security", "reason": "She joins the team."}
NOW = datetime.now(UTC)


def sofie() -> User:
    """The third of the Security team."""
    return person("sofie@keydesk.example", "Sofie Maes", User.Role.SECURITY)


def invite(user: User, **changed: str) -> HttpResponse:
    return signed_in(user).post(reverse("security:invite_staff"), {**INVITED, **changed})


def deactivate(user: User, whom: User) -> HttpResponse:
    return signed_in(user).post(reverse("security:deactivate_staff", args=[whom.uid]), {"reason": "He left."})


def decide(user: User, act: str = "confirm") -> HttpResponse:
    url = reverse("security:proposal", args=[Proposal.objects.latest("pk").uid])
    return signed_in(user).post(url, {"act": act, "reason": "Agreed."})


def test_an_invitation_takes_two_people() -> None:
    assert invite(noor()).status_code == 302
    assert not User.objects.filter(email=EVA).exists()
    assert not Mail.objects.filter(kind=Mail.Kind.STAFF_INVITATION).exists()
    assert decide(noor()).status_code == 409
    assert not User.objects.filter(email=EVA).exists()

    page = signed_in(bram()).get(reverse("security:proposal", args=[Proposal.objects.get().uid])).text
    for words in (EVA, "Security team", "She joins the team.", "set up the sign-in"):
        assert words in page
    assert decide(bram()).status_code == 302
    eva = User.objects.get(email=EVA)
    assert (eva.role, eva.is_active) == (User.Role.SECURITY, True)
    assert Mail.objects.get(kind=Mail.Kind.STAFF_INVITATION).to == EVA
    entry = Entry.objects.with_action("staff.invited")[0]
    assert (entry.actor_id, entry.note) == (bram().audit_id, "Agreed.")
    assert entry.changes["proposed_by"] == [None, noor().audit_label]
    assert entry.changes["proposal_reason"] == [None, "She joins the team."]


def test_a_member_leaves_by_two_others() -> None:
    assert deactivate(noor(), bram()).status_code == 302
    for act in ("confirm", "decline"):
        assert decide(bram(), act).status_code == 409, "not about the own account"
        assert decide(noor(), act).status_code == 409, "not the own proposal"
    waiting = signed_in(bram()).get(reverse("security:proposal", args=[Proposal.objects.get().uid])).text
    assert "Confirm: carry it out" not in waiting
    assert decide(sofie()).status_code == 302
    assert not User.objects.get(pk=bram().pk).is_active
    entry = Entry.objects.with_action("staff.deactivated")[0]
    assert (entry.subject_id, entry.actor_id) == (bram().audit_id, sofie().audit_id)
    assert entry.changes["proposed_by"] == [None, noor().audit_label]


def test_a_member_may_propose_to_leave() -> None:
    deactivate(bram(), bram())
    assert decide(noor()).status_code == 302
    assert not User.objects.get(pk=bram().pk).is_active


def test_no_member_of_staff_acts_alone() -> None:
    told: dict[str, Any] = {"by": by(noor()), "now": NOW, "reason": "Alone"}
    with pytest.raises(four_eyes.NeedsColleague):
        staff.invite_staff(email=EVA, name="Eva", role=User.Role.SECURITY, **told)
    with pytest.raises(four_eyes.NeedsColleague):
        staff.deactivate_staff(email=bram().email, **told)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_close_each_others_account_one_stays() -> None:
    """The Security team cannot lose its last active account on the pages."""
    pair = [noor(), bram()]
    waiting = [_leaving(user) for user in pair]
    outcomes = at_once(2, lambda number: _confirm(waiting[number], pair[1 - number]))
    assert len(refused(outcomes)) == 1
    assert User.objects.filter(role=User.Role.SECURITY, is_active=True).count() == 1


def _leaving(user: User) -> Proposal:
    content = {"email": user.email}
    kind = Proposal.Kind.STAFF_DEACTIVATED
    return proposals.propose(kind=kind, about=SITE, content=content, reason="I leave.", by=by(user), now=NOW)


def _confirm(proposal: Proposal, user: User) -> None:
    proposals.confirm(proposal=Proposal.objects.get(pk=proposal.pk), by=by(user), now=NOW, reason="Agreed.")


@pytest.mark.parametrize(("changed", "code"), [({"email": "ada@audit.example"}, Code.OTHER_ROLE)])
def test_what_the_command_refuses_is_refused_when_proposed(changed, code) -> None:
    ada()
    invite(noor(), **changed)
    assert not Proposal.objects.exists()
    with pytest.raises(Refusal, match=code):
        staff.check_invitation(email=changed["email"], role=User.Role.SECURITY)


def test_the_notice_names_the_person_and_the_lists_too() -> None:
    invite(noor())
    notice = Notice.objects.get(kind=Notice.Kind.PROPOSAL_WAITS)
    assert notice.subject == EVA
    browser = signed_in(bram())
    for name in ("security:notices", "security:proposals"):
        assert EVA in browser.get(reverse(name)).text


def test_where_operators_alone_do_it_there_is_no_page_and_nothing_is_carried_out(settings) -> None:
    invite(noor())
    settings.STAFF_PAGES = False
    assert decide(bram()).status_code == 409
    assert not User.objects.filter(email=EVA).exists()
    browser = signed_in(noor())
    assert browser.get(reverse("security:invite_staff")).status_code == 404
    assert browser.get(reverse("security:deactivate_staff", args=[bram().uid])).status_code == 404
    assert reverse("security:invite_staff") not in browser.get(reverse("auditor:staff")).text


def test_the_list_of_staff_leads_to_both_pages_for_the_team_alone() -> None:
    factories.api_owner()
    with_command = staff.invite_staff(email=EVA, name="Eva", role=User.Role.AUDITOR, by=factories.SYSTEM, now=NOW)
    links = (reverse("security:invite_staff"), reverse("security:deactivate_staff", args=[with_command.uid]))
    assert [link in signed_in(noor()).get(reverse("auditor:staff")).text for link in links] == [True, True]
    assert [link in signed_in(ada()).get(reverse("auditor:staff")).text for link in links] == [False, False]
