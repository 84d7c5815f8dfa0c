"""Deprecated scopes: announced by two people, told, retired on their date, withdrawn before it (PROTOCOL T-47)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import catalogue, four_eyes, proposals
from clients.acts.scopes import deprecation, due
from clients.acts.scopes.deprecation import MIN_NOTICE, Plan
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, Mail, Proposal, Scope
from clients.refusal_codes import Code
from clients.tasks import settle_deprecated_scopes
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, bram, by, lotte, noor
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
END = NOW + 90 * DAY
WHY = "Version 2 replaces it"
DEPRECATED, RETIRED = Mail.Kind.SCOPE_DEPRECATED, Mail.Kind.SCOPE_RETIRED


@pytest.fixture
def held() -> Scope:
    """The scope of Lotte's client."""
    factories.client(scopes=(factories.scope(),), now=NOW)
    return factories.scope()


@pytest.fixture
def successor() -> Scope:
    return factories.scope("address.read.v2")


def plan(successor: Scope | None = None, retires_at: datetime = END) -> Plan:
    return Plan(retires_at, successor, WHY)


def refused(**given: object) -> Code:
    with pytest.raises(Refusal) as caught:
        deprecation.deprecate(**{"by": SYSTEM, "now": NOW, **given})  # type: ignore[arg-type]
    return Code(caught.value.code)


def deprecated(scope: Scope, successor: Scope | None = None) -> Scope:
    deprecation.deprecate(scope=scope, plan=plan(successor), by=SYSTEM, now=NOW)
    return Scope.objects.get(pk=scope.pk)


def mails(kind: Mail.Kind) -> int:
    return Mail.objects.filter(kind=kind).count()


def test_one_of_the_team_cannot_deprecate_a_held_scope_and_two_can(held, successor):
    with pytest.raises(four_eyes.NeedsColleague):
        deprecation.deprecate(scope=held, plan=plan(successor), by=by(noor()), now=NOW)
    kind, content = Proposal.Kind.SCOPE_DEPRECATED, plan(successor).content
    made = proposals.propose(kind=kind, about=held, content=content, reason=WHY, by=by(noor()), now=NOW)
    held.refresh_from_db()
    assert (held.is_deprecated, mails(DEPRECATED)) == (False, 0)
    proposals.confirm(proposal=made, by=by(bram()), now=NOW + DAY, reason="Agreed")
    held.refresh_from_db()
    assert (held.retires_at, held.successor, held.deprecation_reason) == (END, successor, WHY)
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.note, entry.changes["successor"]) == (
        "scope.deprecated", "Agreed", [None, "address.read.v2"],
    )  # fmt: skip
    assert (entry.changes["clients"], entry.changes["proposed_by"]) == ([None, 1], [None, noor().audit_label])


def test_a_scope_that_no_client_holds_is_deprecated_by_one(successor):
    deprecation.deprecate(scope=factories.scope("tax.read"), plan=plan(successor), by=by(noor()), now=NOW)
    assert Scope.objects.get(name="tax.read").is_deprecated


def test_the_contacts_of_holders_are_mailed_with_the_date_the_reason_and_the_successor(held, successor):
    deprecated(held, successor)
    mail = Mail.objects.get(kind=DEPRECATED)
    words = " ".join(render(mail, now=NOW).body.split())
    assert (mail.to, targets.of(mail)) == (lotte().email, reverse("contact:propose_change", args=[mail.client.uid]))
    assert "It works until 22 February 2027" in words
    assert f"The Security team wrote: {WHY}" in words
    assert "Ask for address.read.v2 instead" in words


def test_a_deprecated_scope_is_offered_only_to_its_holders(held, successor):
    deprecated(held, successor)
    holder = Client.objects.get()
    assert held not in Scope.objects.offered()
    assert held in Scope.objects.offered(holder.scopes.all())
    assert held in Scope.objects.usable()
    assert successor in Scope.objects.offered()


@pytest.mark.parametrize("ahead", [timedelta(0), -DAY, MIN_NOTICE - timedelta(seconds=1)])
def test_a_date_that_leaves_less_than_a_week_is_refused(held, ahead):
    assert refused(scope=held, plan=plan(retires_at=NOW + ahead)) == Code.SCOPE_ENDS_TOO_SOON


def test_it_is_not_deprecated_twice_nor_after_its_retirement(held):
    deprecated(held)
    assert refused(scope=held, plan=plan()) == Code.SCOPE_DEPRECATED_ALREADY
    catalogue.retire_scope(scope=held, by=SYSTEM, now=NOW)
    assert refused(scope=held, plan=plan()) == Code.SCOPE_RETIRED_ALREADY


def test_a_successor_can_be_asked_for_and_is_another_scope(held, successor):
    assert refused(scope=held, plan=plan(held)) == Code.SUCCESSOR_NOT_OFFERED
    deprecated(successor)
    assert refused(scope=held, plan=plan(successor)) == Code.SUCCESSOR_NOT_OFFERED
    built_in = Scope.objects.create(name="keydesk.self", api=held.api)
    assert refused(scope=held, plan=plan(built_in)) == Code.SUCCESSOR_NOT_OFFERED
    assert refused(scope=built_in, plan=plan()) == Code.BUILT_IN


def test_holders_are_mailed_again_30_and_7_days_before_once_each(held):
    deprecated(held)
    told = []
    for days in (31, 30, 29, 8, 7, 6, 1):
        due.settle(now=END - days * DAY)
        due.settle(now=END - days * DAY)
        told.append(mails(DEPRECATED))
    assert told == [1, 2, 2, 2, 3, 3, 3]


def test_a_scope_that_ends_in_ten_days_is_not_announced_twice(held):
    deprecation.deprecate(scope=held, plan=plan(retires_at=NOW + 10 * DAY), by=SYSTEM, now=NOW)
    due.settle(now=NOW + DAY)
    assert mails(DEPRECATED) == 1
    due.settle(now=NOW + 3 * DAY)
    assert mails(DEPRECATED) == 2


def test_on_its_date_it_is_retired_with_an_entry_and_a_mail_that_names_the_successor(held, successor):
    deprecated(held, successor)
    due.settle(now=END - timedelta(seconds=1))
    assert mails(RETIRED) == 0
    due.settle(now=END)
    due.settle(now=END + DAY)
    held.refresh_from_db()
    assert (held.retired_at, held.is_deprecated, mails(RETIRED)) == (END, False, 1)
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor_id, entry.note) == ("scope.retired", "system:keydesk", WHY)
    words = " ".join(render(Mail.objects.get(kind=RETIRED), now=END).body.split())
    assert "Ask for address.read.v2 instead" in words


def test_the_task_of_each_minute_does_that(held, successor):
    deprecated(held, successor)
    Scope.objects.filter(pk=held.pk).update(retires_at=NOW - 365 * DAY)
    settle_deprecated_scopes()
    held.refresh_from_db()
    assert held.retired_at is not None


def test_two_workers_retire_it_once(held):
    deprecated(held)
    at_once(2, lambda _number: due.settle(now=END))
    assert (Entry.objects.filter(action="scope.retired").count(), mails(RETIRED)) == (1, 1)


def test_withdrawn_it_stays_and_its_holders_hear_of_it(held, successor):
    scope = deprecated(held, successor)
    deprecation.withdraw(scope=scope, reason="Version 2 is late", by=by(noor()), now=NOW + DAY)
    due.settle(now=END + DAY)
    scope.refresh_from_db()
    assert (scope.retired_at, scope.retires_at, scope.successor, scope.deprecated_at) == (None, None, None, None)
    assert scope in Scope.objects.offered()
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.note) == ("scope.kept", "Version 2 is late")
    mail = Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).latest("created_at")
    assert "The scope does not end on the date that we had announced." in " ".join(render(mail, now=NOW).body.split())


def test_the_owners_of_its_api_are_mailed_the_end_and_the_withdrawal(held, successor):
    factories.api_owner()
    factories.api_owner(factories.tom(), of=factories.api("parcels"))
    scope = deprecated(held, successor)
    deprecation.withdraw(scope=scope, reason="Version 2 is late", by=by(noor()), now=NOW + DAY)
    end, stays = Mail.objects.filter(kind=Mail.Kind.SCOPE_END_FOR_OWNER).order_by("created_at")
    assert end.to == stays.to == factories.elif_().email
    assert targets.of(end) == reverse("owner:api", args=["addresses"])
    text = render(end, now=NOW)
    words = " ".join(text.body.split())
    assert text.subject == "The scope address.read of your API Addresses ends on 22 February 2027"
    assert "1 client has it; its contacts are told as well. They are told to ask for address.read.v2 instead." in words
    assert f"The Security team wrote: {WHY}" in words
    words = " ".join(render(stays, now=NOW + DAY).body.split())
    assert "does not end" in words
    assert "Version 2 is late" not in words


def test_after_its_date_it_is_not_withdrawn(held):
    scope = deprecated(held)
    due.settle(now=END)
    with pytest.raises(Refusal) as caught:
        deprecation.withdraw(scope=scope, reason="Too late", by=by(noor()), now=END)
    assert caught.value.code == Code.SCOPE_NOT_DEPRECATED
