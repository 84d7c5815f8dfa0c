"""Two people at one page at once, over real connections: one wins, the other is told, nothing is left half done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.urls import reverse

from audit.actions import Action
from audit.models import Entry
from clients.access import management_links, one_time_codes
from clients.access.session_store import UID
from clients.acts import proposals
from clients.acts.credentials import client_secrets, keys
from clients.acts.people import contacts
from clients.mail import outbox
from clients.models import Client, ClientContact, Mail, Proposal, Registration, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support import browsers, staff
from tests.support.factories import (
    SYSTEM,
    api,
    bram,
    by,
    client,
    lotte,
    noor,
    person,
    proposed_contact,
    submitted_request,
    wim,
)
from tests.support.keys import public_key
from tests.support.parallel import at_once, refused

pytestmark = pytest.mark.django_db(transaction=True)
NOW, SECOND = datetime.now(UTC), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)


def test_of_twenty_decisions_at_once_one_counts_and_the_others_see_it() -> None:
    asked = submitted_request()
    url = reverse("security:review", args=[asked.uid])
    waiting = [staff.signed_in(reviewer) for reviewer in (noor(), bram())] * 10
    Mail.objects.all().delete()
    form = {"seen": asked.content_hash, "scopes": ["address.read"], "defaults": ["address.read"], "message": "Because."}

    def decide(number: int) -> int:
        decision = "approve" if number % 4 < 2 else "reject"
        return waiting[number].post(url, {**form, "decision": decision}).status_code

    statuses = at_once(20, decide)
    assert sorted(statuses) == [302] + [409] * 19
    asked.refresh_from_db()
    approved = asked.status == Registration.Status.APPROVED
    assert approved or asked.status == Registration.Status.REJECTED
    assert Client.objects.count() == int(approved)
    assert Mail.objects.count() == 1
    assert Entry.objects.filter(action__in=["registration.approved", "registration.rejected"]).count() == 1


def test_of_twenty_confirmations_at_once_one_counts() -> None:
    made, _secret = client()
    proposal, third = proposed_contact(made), person("ines@keydesk.example", "Ines", User.Role.SECURITY)
    waiting = [staff.signed_in(member) for member in (bram(), third)] * 10
    Mail.objects.all().delete()

    def decide(number: int) -> int:
        form = {"act": "confirm" if number % 4 < 2 else "decline", "reason": "I called"}
        return waiting[number].post(reverse("security:proposal", args=[proposal.uid]), form).status_code

    assert sorted(at_once(20, decide)) == [302] + [409] * 19
    confirmed = Proposal.objects.get().outcome == Proposal.Outcome.CONFIRMED
    assert made.contacts.count() == 1 + confirmed
    assert Entry.objects.filter(action__in=["client.contact_added", "proposal.declined"]).count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.CONTACT_ADDED).count() == confirmed


def test_an_owner_and_a_colleague_who_confirm_at_once_do_it_once() -> None:
    made, _secret = client()
    proposed_contact(made)
    Mail.objects.all().delete()
    outcomes = at_once(
        20,
        lambda number: proposals.confirm(
            proposal=Proposal.objects.get(),
            reason="Fine",
            by=by(lotte() if number % 2 else bram()),
            now=datetime.now(UTC),
        ),
    )
    assert outcomes.count(None) == 1
    assert refused(outcomes) == [Code.PROPOSAL_OVER] * 19
    assert Entry.objects.filter(action="client.contact_added").count() == 1
    assert Mail.objects.filter(kind=Mail.Kind.CONTACT_ADDED).count() == 1


def test_of_twenty_proposals_of_the_same_at_once_one_is_kept() -> None:
    made, _secret = client()
    outcomes = at_once(20, lambda _number: proposed_contact(made))
    assert sum(isinstance(outcome, Proposal) for outcome in outcomes) == 1
    assert refused(outcomes) == [Code.PROPOSED_ALREADY] * 19
    assert Entry.objects.filter(action="proposal.made").count() == 1


def test_two_admins_who_suspend_a_client_at_once_do_it_once() -> None:
    made, _secret = client()
    url = reverse("security:change_client_status", args=[made.uid, "suspend"])
    waiting = [staff.signed_in(noor()), staff.signed_in(bram())]
    statuses = at_once(2, lambda number: waiting[number].post(url, {"reason": "Leaked"}).status_code)
    assert sorted(statuses) == [302, 409]
    assert Entry.objects.filter(action="client.suspended").count() == 1


@pytest.mark.parametrize(
    ("page", "typed"),
    [
        ("security:create_scope", {"name": "race.read", "description_en": "x", "reason": "Case 4711"}),
        ("security:create_api", {"name": "Race", "identifier": "race", "description_en": "x", "reason": "Case 4711"}),
    ],
)
def test_of_twenty_who_add_the_same_to_the_catalogue_only_one_does(page, typed) -> None:
    typed, waiting = {**typed, "api": api().pk}, [staff.signed_in(reviewer) for reviewer in (noor(), bram())] * 10
    statuses = at_once(20, lambda number: waiting[number].post(reverse(page), typed).status_code)
    assert sorted(statuses) == [302] + [422] * 19


def test_the_last_key_and_the_last_secret_cannot_both_go() -> None:
    made, _secret = client(now=NOW)
    key, secret = keys.add(client=made, key=public_key(), by=SYSTEM, now=NOW), made.secrets.get()
    waiting = [browsers.of(lotte()), browsers.of(lotte())]
    posts = [
        (reverse("contact:retire_key", args=[made.uid, key.uid]), {"overlap": "0"}),
        (reverse("contact:end_secret", args=[made.uid, secret.uid]), {}),
    ]
    at_once(2, lambda number: waiting[number].post(*posts[number]).status_code)
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert made.keys.usable(later).count() + made.secrets.usable(later).count() == 1
    assert Entry.objects.filter(action__in=["key.retired", "secret.ended"]).count() == 1


@pytest.mark.parametrize("key_first", [True, False])
def test_a_request_that_waited_does_not_count_what_ended_as_a_way_in(key_first: bool) -> None:
    """Each request has the time of its arrival: the one that waits for the lock reads an older clock."""
    made, _secret = client(now=NOW)
    key, secret, later = keys.add(client=made, key=public_key(), by=SYSTEM, now=NOW), made.secrets.get(), NOW + SECOND
    acts = [
        lambda now: keys.retire(key=key, overlap=timedelta(0), by=SYSTEM, now=now),
        lambda now: client_secrets.end(secret=secret, by=SYSTEM, now=now),
    ]
    first, second = acts if key_first else reversed(acts)
    first(later)
    with pytest.raises(Refusal, match=Code.LAST_SECRET if key_first else Code.LAST_KEY):
        second(NOW)


def test_a_key_that_goes_while_secrets_are_turned_off_leaves_a_way_in() -> None:
    made, _secret = client(now=NOW)
    key, actor = keys.add(client=made, key=public_key(), by=SYSTEM, now=NOW), by(lotte())
    acts = [
        lambda: keys.retire(key=key, overlap=timedelta(0), by=actor, now=NOW),
        lambda: client_secrets.set_allowed(client=made, allowed=False, by=actor, now=NOW),
    ]
    outcomes = at_once(2, lambda number: acts[number]())
    assert sum(isinstance(outcome, Exception) for outcome in outcomes) == 1, outcomes
    made.refresh_from_db()
    assert made.secret_allowed or made.keys.usable(NOW).exists()


def test_the_last_two_owners_cannot_remove_each_other() -> None:
    made, _secret = client()
    owner = ClientContact.Role.OWNER
    contacts.add(client=made, email=wim().email, name="", role=owner, by=SYSTEM, now=NOW)
    first, second = made.contacts.get(user=lotte()), made.contacts.get(user=wim())
    waiting = [browsers.of(lotte()), browsers.of(wim())]
    urls = [reverse("contact:remove_contact", args=[made.uid, row.uid]) for row in (second, first)]
    at_once(2, lambda number: waiting[number].post(urls[number]).status_code)
    assert made.contacts.filter(role=owner).count() == 1


@pytest.mark.parametrize("act", ["contact:remove_contact", "contact:change_contact_role"])
def test_of_five_who_change_a_contact_the_same_way_at_once_one_does(act: str) -> None:
    made, _secret = client()
    contacts.add(client=made, email=wim().email, name="", role=ClientContact.Role.EDITOR, by=SYSTEM, now=NOW)
    url = reverse(act, args=[made.uid, made.contacts.get(user=wim()).uid])
    waiting = [browsers.of(lotte(), stepped_up=False) for _browser in range(5)]
    pages = [browser.post(url, {"role": "owner"})["Location"] for browser in waiting]
    typed = [one_time_codes.value(lotte().codes.get(session=browser.session[UID])) for browser in waiting]
    entries, mails = Entry.objects.count(), Mail.objects.count()
    at_once(5, lambda number: waiting[number].post(pages[number], {"code": typed[number]}).status_code)
    assert Entry.objects.exclude(action=Action.STEPUP_PASSED).count() == entries + 1
    assert Mail.objects.count() == mails + 2


def test_a_link_that_twenty_browsers_use_at_once_opens_one_session() -> None:
    with transaction.atomic():
        link = management_links.issue(user=lotte(), now=NOW)
    management_links.activate(link)
    url, waiting = (
        reverse("public:open_link", args=[management_links.token(link)]),
        [browsers.Client() for _browser in range(20)],
    )
    statuses = at_once(20, lambda number: waiting[number].post(url).status_code)
    assert sorted(statuses) == [302] + [404] * 19
