"""Owners of APIs: named by two people, they see and decide on what is theirs, and on nothing else."""

import csv

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import api_callers, client_requests, lifecycle, proposals, review
from clients.acts.people import api_owners, staff
from clients.mail.rendering import render
from clients.models import Api, ApiOwner, Client, Mail, Proposal, Registration, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support.html import without_breaks
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import NOW, api_owner, bram, by, elif_, noor, scope
from tokens.models import ApiCalls

pytestmark = pytest.mark.django_db

REASON = {"reason": "She looks after the register"}


def propose(act: str, email: str = "elif@registers.example") -> Proposal:
    """Noor proposes on the page to name or remove Elif."""
    factories.api()
    data = {"email": email, "name": "Elif Demir", "act": act, **REASON}
    answer = signed_in(noor()).post(reverse("security:api_owners", args=["addresses"]), data)
    assert answer.status_code == 302
    return Proposal.objects.latest("pk")


def approve(registration: Registration, *scopes: str, who: User | None = None) -> Client | None:
    granted = [row.scope for row in registration.asked.all() if row.scope.name in scopes]
    registration.refresh_from_db()
    return review.approve(
        registration=registration, scopes=granted, defaults=[], message="Fewer.", seen=registration.content_hash,
        by=by(who or noor()), now=NOW,
    )  # fmt: skip


def decide(
    registration: Registration, *approved: str, api: str = "addresses", reason: str = "", who: User | None = None
) -> HttpResponse:
    data = {"seen": registration.content_hash, "scopes": list(approved), "reason": reason}
    return signed_in(who or elif_()).post(reverse("owner:request", args=[api, registration.uid]), data)


def test_two_of_the_team_name_an_owner_who_is_invited_to_sign_in() -> None:
    proposal = propose("name")
    assert not ApiOwner.objects.exists()
    with pytest.raises(Refusal, match=Code.OWN_PROPOSAL):
        proposals.confirm(proposal=proposal, by=by(noor()), now=NOW)
    proposals.confirm(proposal=proposal, by=by(bram()), now=NOW, reason="I know her")
    owner = ApiOwner.objects.get()
    assert (owner.user.email, owner.user.role) == ("elif@registers.example", User.Role.API_OWNER)
    assert Mail.objects.filter(kind=Mail.Kind.STAFF_INVITATION, to=owner.user.email).exists()
    (entry,) = Entry.objects.with_action("api.owner_named")
    assert entry.changes["api_owner"] == [None, "Elif Demir <elif@registers.example>"]
    assert entry.changes["proposed_by"] == [None, noor().audit_label]


def test_one_of_the_team_names_and_removes_nobody_alone() -> None:
    api = factories.api()
    with pytest.raises(Refusal, match=Code.NEEDS_COLLEAGUE):
        api_owners.name_owner(api=api, email="x@registers.example", name="X", by=by(noor()), now=NOW)
    api_owner()
    with pytest.raises(Refusal, match=Code.NEEDS_COLLEAGUE):
        api_owners.remove_owner(api=api, email=elif_().email, reason="Gone", by=by(noor()), now=NOW)
    assert api.owners.count() == 1


def test_the_team_and_auditors_keep_their_role() -> None:
    with pytest.raises(Refusal, match=Code.OTHER_ROLE):
        api_owner(noor())
    assert not ApiOwner.objects.exists()


def test_an_operator_names_one_by_command() -> None:
    factories.api()
    call_command("name_api_owner", "addresses", "elif@registers.example", "--name", "Elif", "--by", "Jan Peeters")
    assert ApiOwner.objects.get().user.email == "elif@registers.example"
    assert "Jan Peeters" in Entry.objects.with_action("api.owner_named")[0].actor_label


def test_an_owner_sees_her_callers_and_no_other_api() -> None:
    api_owner()
    other = scope("parcel.read", of=factories.api("parcels"))
    mine, _secret = factories.client()
    theirs, _secret = factories.client(contact=factories.wim(), scopes=(other,))
    browser = signed_in(elif_())
    assert browser.get(reverse("owner:apis")).headers["Location"] == reverse("owner:api", args=["addresses"])
    page = without_breaks(browser.get(reverse("owner:api", args=["addresses"])).text)
    for text in (mine.name, mine.organisation, factories.lotte().email, "address.read"):
        assert text in page
    assert theirs.name not in page
    foreign = factories.submitted_request(scopes=(other,))
    for name, args in (
        ("owner:api", ["parcels"]), ("owner:write", ["parcels"]), ("owner:api", ["nothing"]),
        ("owner:detach", ["parcels", theirs.uid]), ("owner:detach", ["addresses", theirs.uid]),
        ("owner:request", ["addresses", foreign.uid]), ("owner:request", ["parcels", foreign.uid]),
    ):  # fmt: skip
        assert browser.get(reverse(name, args=args)).status_code == 404, (name, args)


def test_an_owner_who_is_removed_while_signed_in_gets_404() -> None:
    api_owner()
    browser, address = signed_in(elif_()), reverse("owner:api", args=["addresses"])
    assert browser.get(address).status_code == 200
    proposals.confirm(proposal=propose("remove"), by=by(bram()), now=NOW, reason="I know her")
    assert browser.get(address).status_code == 404
    with pytest.raises(Refusal, match=Code.NOT_API_OWNER):
        api_callers.note_exported(api=Api.objects.get(identifier="addresses"), by=by(elif_()))


def test_the_team_and_the_owner_both_have_to_approve() -> None:
    registration = factories.submitted_request()
    api_owner()
    with pytest.raises(Refusal, match=Code.OWNER_NOT_AGREED):
        approve(registration, "address.read")
    assert "Still to decide: Elif Demir" in " ".join(review_page(registration).split())
    assert decide(registration, "address.read").status_code == 302
    assert "Approved: address.read" in " ".join(review_page(registration).split())
    assert not Client.objects.filter(registrations=registration).exists(), "the team has the last word"
    assert approve(registration, "address.read") is not None
    (entry,) = Entry.objects.with_action("registration.owner_decided")
    assert entry.changes["scopes"] == [None, "address.read"]
    assert entry.changes["content_hash"] == [None, registration.content_hash]


def test_what_an_owner_refuses_with_a_reason_cannot_be_granted_and_the_rest_can() -> None:
    api_owner()
    registration = factories.submitted_request(scopes=(scope(), scope("address.history")))
    assert decide(registration, "address.read").status_code == 422, "a refusal has a reason"
    assert decide(registration, "address.read", reason="No need for the past").status_code == 302
    with pytest.raises(Refusal, match=Code.OWNER_NOT_AGREED):
        approve(registration, "address.read", "address.history")
    made = approve(registration, "address.read")
    assert made is not None
    assert [held.name for held in made.scopes.all()] == ["address.read"]


def test_a_request_for_two_apis_needs_an_owner_of_each() -> None:
    parcels = factories.api("parcels")
    tom = factories.person("tom@registers.example", "Tom Mertens", User.Role.API_OWNER)
    api_owner()
    api_owner(tom, parcels)
    registration = factories.submitted_request(scopes=(scope(), scope("parcel.read", of=parcels)))
    assert decide(registration, "address.read").status_code == 302
    with pytest.raises(Refusal, match=Code.OWNER_NOT_AGREED):
        approve(registration, "address.read", "parcel.read")
    assert decide(registration, "parcel.read", api="parcels", who=tom).status_code == 302
    assert approve(registration, "address.read", "parcel.read") is not None


def test_a_request_that_changed_needs_the_owner_again() -> None:
    api_owner()
    registration = factories.submitted_request()
    decide(registration, "address.read")
    told = {"registration": registration, "now": NOW}
    review.request_changes(message="Why?", seen=registration.content_hash, by=by(noor()), **told)
    content = factories.content(purpose="Something else entirely, for other people.")
    client_requests.resubmit(content=content, by=by(registration.person), **told)
    with pytest.raises(Refusal, match=Code.OWNER_NOT_AGREED):
        approve(registration, "address.read")


def test_an_owner_does_not_decide_on_her_own_request_nor_on_one_that_changed() -> None:
    api_owner()
    told = {"api": factories.api(), "approved": [], "reason": "No", "by": by(elif_()), "now": NOW}
    own = factories.submitted_request(contact_email=elif_().email)
    with pytest.raises(Refusal, match=Code.OWN_REQUEST):
        api_callers.decide(registration=own, seen=own.content_hash, **told)
    other = factories.submitted_request()
    with pytest.raises(Refusal, match=Code.REQUEST_CHANGED):
        api_callers.decide(registration=other, seen="0" * 64, **told)


def test_an_owner_who_left_holds_no_request_up() -> None:
    api_owner()
    registration = factories.submitted_request()
    staff.deactivate_staff(email=elif_().email, reason="Left", by=factories.SYSTEM, now=NOW)
    assert approve(registration, "address.read") is not None


def test_a_detached_client_loses_these_scopes_alone_and_its_contacts_read_why() -> None:
    api_owner()
    parcel = scope("parcel.read", of=factories.api("parcels"))
    client, _secret = factories.client(scopes=(scope(), parcel))
    browser, address = signed_in(elif_()), reverse("owner:detach", args=["addresses", client.uid])
    assert browser.post(address, {"reason": ""}).status_code == 422
    assert browser.post(address, {"reason": "Your contract ended."}).status_code == 302
    assert [held.name for held in client.scopes.all()] == ["parcel.read"]
    (entry,) = Entry.objects.with_action("client.detached")
    assert entry.changes["scopes"] == ["address.read parcel.read", "parcel.read"]
    assert entry.note == "Your contract ended."
    text = render(Mail.objects.get(kind=Mail.Kind.CLIENT_DETACHED), now=NOW, link_url="https://x/")
    assert text.subject == f"Action needed: {client.name} lost its scopes of Addresses"
    for part in (text.body, text.html):
        assert "Your contract ended." in part
        assert elif_().email not in part
    assert browser.get(address).status_code == 404


def test_all_callers_are_written_to_a_few_times_a_day() -> None:
    api_owner()
    factories.client()
    factories.client(contact=factories.wim())
    factories.client(contact=factories.wim(), scopes=(scope("parcel.read", of=factories.api("parcels")),))
    browser, address = signed_in(elif_()), reverse("owner:write", args=["addresses"])
    data = {"subject": "Down on Sunday", "text": "From 02:00 to 05:00."}
    assert browser.post(address, data).status_code == 302
    sent = Mail.objects.filter(kind=Mail.Kind.API_MESSAGE)
    assert sorted(sent.values_list("to", flat=True)) == [factories.lotte().email, factories.wim().email]
    text = render(sent[0], now=NOW)
    assert text.subject == "Addresses: Down on Sunday"
    assert "From 02:00 to 05:00." in text.body
    for expected in (302, 302, 422):
        assert browser.post(address, data).status_code == expected
    assert Entry.objects.with_action("api.callers_mailed").count() == 3


def test_the_export_has_her_callers_and_an_entry() -> None:
    api_owner()
    client, _secret = factories.client(organisation_number="BE 0765.440.163")
    browser = signed_in(elif_())
    exported = b"".join(browser.post(reverse("owner:export_callers", args=["addresses"]))).decode("utf-8-sig")
    header, row = exported.splitlines()
    assert header.startswith("Organisation,")
    for text in (str(client.uid), client.name, factories.lotte().email, "BE 0765.440.163", "address.read"):
        assert text in row
    assert Entry.objects.with_action("api.callers_exported").count() == 1


def test_calls_and_since_are_those_of_her_scopes_and_not_of_the_whole_client() -> None:
    """PROTOCOL C-46."""
    parcel = scope("parcel.read", of=factories.api("parcels"))
    client, _secret = factories.client(scopes=(parcel,))
    for identifier, calls in (("addresses", 300), ("parcels", 9_000)):
        ApiCalls.objects.create(client=client, api=identifier, day=timezone.now(), calls=calls, last_at=timezone.now())
    change = {"client": client, "defaults": (), "by": factories.SYSTEM}
    lifecycle.change_scopes(scopes=(parcel, scope()), now=NOW, **change)
    (granted,) = Entry.objects.with_action("client.scopes_changed")
    lifecycle.change_scopes(scopes=(parcel, scope(), scope("address.history")), now=NOW, **change)
    assert api_callers.held_since(factories.api(), [client]) == {str(client.uid): granted.at}
    lifecycle.change_scopes(scopes=(parcel,), now=NOW, **change)
    assert api_callers.held_since(factories.api(), [client]) == {}
    lifecycle.change_scopes(scopes=(parcel, scope()), now=NOW, **change)
    assert api_callers.held_since(factories.api(), [client])[str(client.uid)] > granted.at
    api_owner()
    exported = signed_in(elif_()).post(reverse("owner:export_callers", args=["addresses"]))
    _header, row = csv.reader(b"".join(exported).decode("utf-8-sig").splitlines())
    assert row[-1] == "10.0", "300 calls in 30 days"


def test_owners_are_mailed_about_new_requests_for_their_scopes() -> None:
    api_owner()
    tom = factories.person("tom@registers.example", "Tom Mertens", User.Role.API_OWNER)
    api_owner(tom, factories.api("parcels"))
    registration = factories.submitted_request(reference="PO 4711")
    mail = Mail.objects.get(kind=Mail.Kind.REQUEST_FOR_OWNER)
    assert mail.user == elif_(), "and no owner of another API"
    text = render(mail, now=NOW)
    assert text.subject == f"{registration.number} waits for you: {registration.client_name} asks for Addresses"
    for part in (text.body, text.html):
        assert reverse("owner:request", args=["addresses", registration.uid]) in part
        assert "address.read" in part
        assert "PO 4711" not in part, "the reference is the requester's"
    factories.submitted_request(contact_email=elif_().email)
    assert Mail.objects.filter(kind=Mail.Kind.REQUEST_FOR_OWNER).count() == 1, "nobody decides on their own request"


def test_owners_are_mailed_when_a_request_is_sent_again_or_changes_a_client() -> None:
    api_owner()
    registration = factories.submitted_request()
    told = {"registration": registration, "now": NOW}
    review.request_changes(message="Why?", seen=registration.content_hash, by=by(noor()), **told)
    client_requests.resubmit(content=factories.content(purpose="For other people."), by=by(registration.person), **told)
    mails = Mail.objects.filter(kind=Mail.Kind.REQUEST_FOR_OWNER)
    assert mails.count() == 2
    mails.delete()
    client, _secret = factories.client()
    for scopes in ((scope(),), (scope(), scope("address.history"))):
        content = factories.content(scopes=scopes, purpose=f"For {len(scopes)}")
        change = client_requests.propose_change(client=client, content=content, by=by(factories.lotte()), now=NOW)
        client_requests.withdraw(registration=change, by=by(factories.lotte()), now=NOW)
    assert [mail.facts["scopes"] for mail in mails.all()] == [["address.history"]]


def review_page(registration: Registration) -> str:
    return signed_in(noor()).get(reverse("security:review", args=[registration.uid])).text
