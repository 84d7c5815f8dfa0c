"""Proposals: a member of the Security team proposes, another one, or an owner, confirms."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import client_requests, lifecycle, proposals
from clients.acts.people import contacts
from clients.models import Client, ClientContact, Mail, Proposal, Scope, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support import browsers
from tests.portal.support.html import without_breaks
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import bram, by, lotte, noor

pytestmark = pytest.mark.django_db

PRIVATE = "noor.private@mail.example"
OWNER, EDITOR = ClientContact.Role.OWNER, ClientContact.Role.EDITOR


@pytest.fixture
def scope() -> Scope:
    return factories.scope("person.nrn.read", sensitive=True)


@pytest.fixture
def client(scope) -> Client:
    found, _secret = factories.client(scopes=(scope,))
    return found


def add(client: Client, who: User, **data: object):
    data = {"name": "Noor", "email": PRIVATE, "role": "owner", "reason": "They asked on the telephone", **data}
    return signed_in(who).post(reverse("security:add_client_contact", args=[client.uid]), data, follow=True)


def decide(proposal: Proposal, who: User, act: str, reason: str = "I called the organisation"):
    address = reverse("security:proposal", args=[proposal.uid])
    return signed_in(who).post(address, {"act": act, "reason": reason}, follow=True)


def waits() -> Proposal:
    return Proposal.objects.waiting(timezone.now()).get()


def test_a_member_with_a_private_mailbox_gets_no_further_than_a_proposal(client) -> None:
    """Finding D1: one person added herself as owner, opened the link, and read what two people had approved."""
    page = add(client, noor()).content.decode()
    assert "Waits for a colleague" in page
    # No link, no account and no access for the private mailbox, and none when it asks.
    signed_in(noor()).post(reverse("public:ask_link"), {"email": PRIVATE})
    assert not Mail.objects.filter(to=PRIVATE).exists()
    assert not User.objects.filter(email=PRIVATE).exists()
    # She confirms it herself: refused, also when she asks for it anew.
    assert "You proposed this yourself" in decide(waits(), noor(), "confirm").content.decode()
    assert "Someone proposed this already" in add(client, noor()).content.decode()
    assert list(client.contacts.values_list("user__email", flat=True)) == [lotte().email]
    entry = Entry.objects.first()
    assert (entry.action, entry.note) == ("proposal.made", "They asked on the telephone")
    # A colleague confirms: only now the contact is there, and the link is mailed.
    decide(waits(), bram(), "confirm")
    assert client.contacts.get(user__email=PRIVATE).role == OWNER
    assert Mail.objects.filter(to=PRIVATE, kind=Mail.Kind.CONTACT_ADDED).count() == 1


def test_the_entry_of_the_act_names_both_people_and_both_reasons(client) -> None:
    add(client, noor())
    decide(waits(), bram(), "confirm", "I called Lotte, case 12")
    entry = Entry.objects.get(action="client.contact_added")
    assert (entry.actor_label, entry.note) == (bram().audit_label, "I called Lotte, case 12")
    assert entry.changes["proposed_by"] == [None, noor().audit_label]
    assert entry.changes["proposal_reason"] == [None, "They asked on the telephone"]


def test_another_spelling_of_the_mailbox_is_no_second_person(client) -> None:
    """Two rows for one mailbox: written in the database itself, because the acts make one account per mailbox."""
    add(client, noor())
    proposal, twin = waits(), factories.person("twin@keydesk.example", "Noor", User.Role.SECURITY)
    User.objects.filter(pk=twin.pk).update(email="noor+work@keydesk.example")
    twin.refresh_from_db()
    with pytest.raises(Refusal, match=Code.OWN_PROPOSAL):
        proposals.confirm(proposal=waits(), reason="Fine", by=by(twin), now=timezone.now())
    assert proposal.state(timezone.now()) == Proposal.Outcome.WAITING


def test_a_contact_of_a_client_without_sensitive_scopes_is_added_by_one(now) -> None:
    plain, _secret = factories.client()
    add(plain, noor())
    assert plain.contacts.count() == 2
    assert Entry.objects.get(action="client.contact_added").note == "They asked on the telephone"


@pytest.mark.parametrize("by_request", [True, False])
def test_a_contact_of_a_client_that_waits_for_a_sensitive_scope_takes_two(scope, by_request) -> None:
    """Else one person adds a private mailbox while a scope waits, and whoever approves the scope does not see it."""
    plain, _secret = factories.client()
    if by_request:
        client_requests.propose_change(
            client=plain, content=factories.content(scopes=(scope,)), by=by(lotte()), now=timezone.now()
        )
    else:
        proposals.propose(
            kind=Proposal.Kind.SCOPES_GIVEN, about=plain, content={"scopes": [scope.name], "default_scopes": []},
            reason="They asked", by=by(noor()), now=timezone.now(),
        )  # fmt: skip
    assert "Nothing changes until a colleague confirms" in add(plain, noor()).content.decode()
    assert plain.contacts.count() == 1


def test_a_contact_becomes_owner_by_two_people_and_editor_by_one(client) -> None:
    row = contacts.add(client=client, email=PRIVATE, name="N", role=EDITOR, by=by(lotte()), now=factories.NOW)
    promote = reverse("security:change_client_contact", args=[client.uid, row.uid, "owner"])
    signed_in(noor()).post(promote, {"reason": "The owner left"})
    row.refresh_from_db()
    assert (row.role, waits().kind) == (EDITOR, Proposal.Kind.CONTACT_PROMOTED)
    decide(waits(), bram(), "confirm")
    row.refresh_from_db()
    assert row.role == OWNER
    signed_in(noor()).post(
        reverse("security:change_client_contact", args=[client.uid, row.uid, "editor"]), {"reason": "Left"}
    )
    row.refresh_from_db()
    assert row.role == EDITOR


def test_the_page_tells_who_proposed_what_until_when_and_whom_it_affects(client, scope) -> None:
    add(client, noor())
    proposal, browser = waits(), signed_in(bram())
    for address in (reverse("security:proposals"), reverse("security:proposal", args=[proposal.uid])):
        page = browser.get(address).content.decode()
        for words in ("Add a contact", client.name, noor().email, "They asked on the telephone"):
            assert words in page
    for words in (f"Noor &lt;{PRIVATE}&gt;", "After: </span>Owner", scope.name, lotte().email, "Confirm: carry it out"):
        assert words in page
    own = signed_in(noor()).get(reverse("security:proposal", args=[proposal.uid])).content.decode()
    assert "Confirm: carry it out" not in own
    assert "Withdraw my proposal" in own


def test_the_team_sees_that_somebody_waits_and_the_proposer_does_not(client) -> None:
    add(client, noor())
    page = signed_in(bram()).get(reverse("security:dashboard")).content.decode()
    assert "asks a colleague to confirm" in page
    assert 'Proposals <span class="kd-count">1</span>' in page
    page = signed_in(noor()).get(reverse("security:dashboard")).content.decode()
    assert "asks a colleague to confirm" not in page
    assert "Proposals <span" not in page, "no number where nothing waits"


@pytest.mark.parametrize(
    ("who", "act", "outcome", "action"),
    [(bram, "decline", "declined", "proposal.declined"), (noor, "withdraw", "withdrawn", "proposal.withdrawn")],
)
def test_a_proposal_that_is_declined_or_withdrawn_changes_nothing(client, who, act, outcome, action) -> None:
    add(client, noor())
    proposal = waits()
    decide(proposal, who(), act, "Not this person")
    proposal.refresh_from_db()
    assert (proposal.outcome, client.contacts.count()) == (outcome, 1)
    entry = Entry.objects.first()
    assert (entry.action, entry.note, entry.subject_id) == (action, "Not this person", client.audit_id)
    assert decide(proposal, bram(), "confirm").status_code == 409
    assert client.contacts.count() == 1


def test_only_the_proposer_withdraws(client) -> None:
    add(client, noor())
    assert decide(waits(), bram(), "withdraw").status_code == 409


@pytest.mark.parametrize("act", ["confirm", "decline", "withdraw"])
def test_a_decision_needs_a_reason(client, act) -> None:
    add(client, noor())
    assert decide(waits(), bram(), act, "").status_code == 422
    assert decide(waits(), bram(), "other").status_code == 422


def test_a_proposal_is_void_after_seven_days(client) -> None:
    add(client, noor())
    proposal = waits()
    late = proposal.proposed_at + timedelta(days=7)
    assert not Proposal.objects.waiting(late).exists()
    assert proposal.state(late) == Proposal.Outcome.VOID
    with pytest.raises(Refusal, match=Code.PROPOSAL_OVER):
        proposals.confirm(proposal=proposal, reason="Late", by=by(bram()), now=late)
    again = proposals.propose(
        kind=Proposal.Kind.CONTACT_ADDED,
        about=client,
        content=proposal.content,
        reason="Again",
        by=by(noor()),
        now=late,
    )
    proposal.refresh_from_db()
    assert (proposal.outcome, again.outcome) == (Proposal.Outcome.VOID, Proposal.Outcome.WAITING)


def test_what_changed_meanwhile_is_not_confirmed(client) -> None:
    add(client, noor())
    lifecycle.change_scopes(
        client=client, scopes=[], defaults=[], reason="Not needed", by=by(noor()), now=datetime.now(UTC)
    )
    proposal, address = waits(), reverse("security:proposal", args=[waits().uid])
    page = signed_in(bram()).get(address).content.decode()
    assert "This is out of date" in page
    assert "Confirm: carry it out" not in page
    assert decide(proposal, bram(), "confirm").status_code == 409
    assert client.contacts.count() == 1
    assert decide(proposal, bram(), "decline").status_code == 200


# --- An owner in place of a colleague -------------------------------------------------------------------------------
def test_an_owner_is_mailed_and_accepts_with_a_step_up(client) -> None:
    add(client, noor(), email="wim@rekenhuis.example", name="Wim")
    proposal, mail = waits(), Mail.objects.get(kind=Mail.Kind.CONTACT_PROPOSED)
    address = reverse("contact:proposed_contact", args=[client.uid, proposal.uid])
    assert (mail.to, mail.facts["proposal"]) == (lotte().email, str(proposal.uid))
    assert address in browsers.of(lotte()).get(reverse("contact:contacts", args=[client.uid])).content.decode()
    assert "wim@rekenhuis.example" in without_breaks(browsers.of(lotte()).get(address).text)
    browsers.of(lotte(), stepped_up=False).post(address, {"act": "accept"})
    assert client.contacts.count() == 1
    browsers.of(lotte()).post(address, {"act": "other"})
    assert client.contacts.count() == 1
    browsers.confirmed(browsers.of(lotte()), address, {"act": "accept"})
    assert client.contacts.get(user__email="wim@rekenhuis.example").role == OWNER
    entry = Entry.objects.get(action="client.contact_added")
    assert (entry.actor_label, entry.changes["proposed_by"]) == (lotte().audit_label, [None, noor().audit_label])
    assert browsers.of(lotte()).get(address).status_code == 404  # it is over


def test_an_owner_declines(client) -> None:
    add(client, noor())
    browsers.of(lotte()).post(reverse("contact:proposed_contact", args=[client.uid, waits().uid]), {"act": "decline"})
    assert not Proposal.objects.waiting(timezone.now()).exists()
    assert client.contacts.count() == 1


def test_an_editor_or_a_stranger_accepts_nothing(client) -> None:
    contacts.add(client=client, email="ed@x.example", name="Ed", role=EDITOR, by=by(lotte()), now=factories.NOW)
    add(client, noor())
    proposal = waits()
    assert not Mail.objects.filter(kind=Mail.Kind.CONTACT_PROPOSED, to="ed@x.example").exists()
    for person in (User.objects.get(email="ed@x.example"), factories.wim()):
        address = reverse("contact:proposed_contact", args=[client.uid, proposal.uid])
        assert browsers.of(person).post(address, {"act": "accept"}).status_code == 404
        with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
            proposals.confirm(proposal=proposal, by=by(person), now=timezone.now())


def test_an_owner_decides_on_contacts_and_on_nothing_else(client, scope) -> None:
    more = factories.scope("parcel.read")
    proposal = proposals.propose(
        kind=Proposal.Kind.SCOPES_GIVEN, about=client, reason="They need it", by=by(noor()), now=timezone.now(),
        content={"scopes": [scope.name, more.name], "default_scopes": []},
    )  # fmt: skip
    address = reverse("contact:proposed_contact", args=[client.uid, proposal.uid])
    assert browsers.of(lotte()).post(address, {"act": "accept"}).status_code == 404
    with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
        proposals.confirm(proposal=proposal, by=by(lotte()), now=timezone.now())


def test_a_member_who_is_its_contact_neither_proposes_nor_decides(client) -> None:
    """An owner can add any address, also that of a member of the staff."""
    contacts.add(client=client, email=bram().email, name="", role=EDITOR, by=by(lotte()), now=factories.NOW)
    assert "You are a contact of this client" in add(client, bram()).content.decode()
    add(client, noor())
    assert decide(waits(), bram(), "confirm").status_code == 409


@pytest.mark.parametrize("who", [factories.ada, lotte], ids=["auditor", "contact"])
def test_nobody_else_proposes(client, who) -> None:
    with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
        proposals.propose(
            kind=Proposal.Kind.SCOPE_RETIRED, about=factories.scope(), content={}, reason="Because", by=by(who()),
            now=timezone.now(),
        )  # fmt: skip
