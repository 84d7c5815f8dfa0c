"""The record of a decision: the content, the part granted, the signals, and the secret made by it."""

import json
import re
from datetime import timedelta

import pytest
from django.urls import reverse

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.acts import client_requests, review
from clients.acts.credentials import client_secrets
from clients.mail.rendering import render
from clients.models import Client, Mail, Registration, Scope, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.pages.auditor.client_history import as_it_was
from portal.pages.auditor.report_kinds import REPORTS, Asked
from tests.portal.pages.auditor.test_change_log import export
from tests.portal.support import browsers
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


def decide(registration: Registration, decision: str, **fields: object):
    data = {"decision": decision, "seen": registration.content_hash, "message": "Too many for this.", **fields}
    return signed_in(factories.noor()).post(reverse("security:review", args=[registration.uid]), data)


def last(action: str) -> Entry:
    return Entry.objects.with_action(action)[0]


def asked_for_two(now) -> Registration:
    return factories.submitted_request(now, scopes=(factories.scope("address.read"), factories.scope("parcel.read")))


def test_an_approval_says_what_was_asked_granted_and_left_out_and_on_what(now) -> None:
    registration = asked_for_two(now)
    seen = registration.content_hash
    decide(registration, "approve", scopes=["address.read"], defaults=["address.read"])
    entry = last("registration.approved")
    assert registration.number in entry.subject_label
    changes = {name: after for name, (_before, after) in entry.changes.items()}
    assert changes["asked"] == "address.read parcel.read"
    assert (changes["scopes"], changes["left_out"]) == ("address.read", "parcel.read")
    assert changes["content_hash"] == seen
    assert changes["email"] == registration.contact_email
    assert changes["purpose"] == registration.purpose
    assert "warn: first_client" in changes["signals"]


@pytest.mark.parametrize(
    ("decision", "action"), [("reject", "registration.rejected"), ("changes", "registration.changes_requested")]
)
def test_a_request_that_is_not_approved_keeps_its_content_too(now, decision, action) -> None:
    registration = asked_for_two(now)
    seen = registration.content_hash
    assert decide(registration, decision).status_code == 302
    changes = last(action).changes
    assert changes["asked"] == [None, "address.read parcel.read"]
    assert changes["left_out"] == [None, "address.read parcel.read"]
    assert changes["content_hash"] == [None, seen]
    assert "scopes" not in changes


def test_a_first_approval_keeps_what_its_reviewer_saw(now) -> None:
    registration = factories.submitted_request(now, scopes=(factories.scope("person.nrn.read", sensitive=True),))
    decide(registration, "approve", scopes=["person.nrn.read"])
    changes = last("registration.endorsed").changes
    assert changes["content_hash"][1] == registration.content_hash
    assert 'bad: sensitive_scopes {"n": 1, "scopes": "person.nrn.read"}' in changes["signals"][1]


def test_a_decided_request_shows_the_signals_of_its_decision_not_of_today(now) -> None:
    """The client that was just made is one of the organisation: the signal would contradict what was decided on."""
    registration = factories.submitted_request(now)
    decide(registration, "approve", scopes=["address.read"], defaults=["address.read"])
    browser = signed_in(factories.bram())
    for page in (reverse("security:review", args=[registration.uid]), f"{reverse('security:queue')}?show=decided"):
        text = browser.get(page).text
        assert "First client of this organisation" in text, page
        assert "This organisation has 1 client" not in text, page


def test_the_confirmation_keeps_purpose_and_address(now) -> None:
    registration = factories.submitted_request(now)
    changes = last("registration.confirmed").changes
    assert changes["purpose"] == [None, registration.purpose]
    assert changes["email"] == [None, registration.contact_email]


def test_the_first_secret_of_a_client_is_in_the_log_and_in_its_past(now) -> None:
    registration = factories.submitted_request(now)
    decide(registration, "approve", scopes=["address.read"], defaults=["address.read"])
    client = Client.objects.get(registrations=registration)
    secret = client.secrets.get()
    entry = last("secret.created")
    assert (entry.subject_id, entry.changes) == (secret.audit_id, {"hint": [None, secret.hint]})
    entries = Entry.objects.of_client(str(client.uid), subjects=[registration.audit_id]).order_by("seq")
    assert list(as_it_was(entries).credentials) == [secret.audit_id]
    past = signed_in(factories.ada()).get(reverse("auditor:client_at", args=[client.uid])).text
    assert f"The client secret …{secret.hint} was made with the client" in past
    shown = signed_in(factories.noor()).get(reverse("security:client", args=[client.uid])).text
    assert "Made with the client," in shown


def test_a_later_secret_is_shown_as_somebodys(now) -> None:
    client, _secret = factories.client()
    client_secrets.regenerate(
        client=client, replaces=client.secrets.get(), overlap=timedelta(0), by=factories.by(factories.lotte()),
        now=now + timedelta(days=1),
    )  # fmt: skip
    past = signed_in(factories.ada()).get(reverse("auditor:client_at", args=[client.uid])).text
    assert "Lotte Verhaeghe regenerated the client secret" in past


def test_a_change_without_a_purpose_says_on_what_purpose_it_was_decided(now) -> None:
    lotte = factories.lotte()
    client, _secret = factories.client(contact=lotte)
    Client.objects.filter(pk=client.pk).update(purpose="We read meters.")
    client.refresh_from_db()
    content = factories.content(
        client_name=client.name, organisation=client.organisation, contact_name=lotte.name, contact_email=lotte.email,
        purpose=client.purpose, reason="New", scopes=(factories.scope("address.read"), factories.scope("parcel.read")),
    )  # fmt: skip
    registration = client_requests.propose_change(client=client, content=content, by=factories.by(lotte), now=now)
    decide(registration, "approve", scopes=["address.read", "parcel.read"])
    changes = last("registration.approved").changes
    assert changes["purpose"] == [None, "We read meters."]
    assert changes["scopes"] == ["address.read", "address.read parcel.read"]


def test_who_decides_on_signals_that_changed_meanwhile_sees_them_first(now) -> None:
    """The record holds the signals as they were shown: those of the page, and not of the moment of the decision."""
    registration = factories.submitted_request(now)
    browser, url = signed_in(factories.noor()), reverse("security:review", args=[registration.uid])
    page = browser.get(url)
    assert "First client of this organisation" in page.text
    other = factories.submitted_request(now)
    decide(other, "approve", scopes=["address.read"])
    data = {
        "decision": "approve", "seen": registration.content_hash, "scopes": ["address.read"], "message": "",
        "signals": page.context["form"]["signals"].value(),
    }  # fmt: skip
    answer = browser.post(url, data)
    assert (answer.status_code, "The signals changed" in answer.text) == (409, True)
    assert "This organisation has 1 client" in answer.text
    data["signals"] = answer.context["form"]["signals"].value()
    assert browser.post(url, data).status_code == 302
    assert 'info: clients_of_name {"n": 1}' in last("registration.approved").changes["signals"][1]


def needing_legal_basis(*names: str, sensitive: bool = False) -> list[Scope]:
    found = [factories.scope(name, sensitive=sensitive) for name in names]
    Scope.objects.filter(name__in=names).update(needs_legal_basis=True)
    return found


def test_a_scope_that_needs_a_legal_basis_is_granted_only_with_one(now) -> None:
    (scope,) = needing_legal_basis("nrn.read")
    registration = factories.submitted_request(now, scopes=(scope,))
    assert decide(registration, "approve", scopes=["nrn.read"]).status_code == 422
    scope.refresh_from_db()
    with pytest.raises(Refusal, match=Code.LEGAL_BASIS_MISSING):
        review.approve(
            registration=registration, scopes=[scope], defaults=[], seen=registration.content_hash,
            by=factories.by(factories.noor()), now=now,
        )  # fmt: skip
    reference = {"legal_basis_nrn.read": "AGV-2026/019"}
    assert decide(registration, "approve", scopes=["nrn.read"], **reference).status_code == 302
    assert last("registration.approved").changes["legal_basis"] == [None, ["nrn.read: AGV-2026/019"]]


BASES = {"legal_basis_nrn.read": "AGV-2026/019", "legal_basis_photo.read": "Law of 8 August 1983, article 5"}


def test_each_scope_that_needs_a_legal_basis_has_its_own(now) -> None:
    """staff.md 5.5. The one of a scope that is left out, or that needs none, is not kept."""
    scopes = [*needing_legal_basis("nrn.read", "photo.read", "tax.read"), factories.scope("address.read")]
    registration = factories.submitted_request(now, scopes=scopes)
    form = page(factories.noor(), "security:review", registration)
    assert [f"Legal basis of {scope.name}" in form for scope in scopes] == [True, True, True, False]

    granted = ["nrn.read", "photo.read", "address.read"]
    half = decide(registration, "approve", scopes=granted, **{"legal_basis_nrn.read": "AGV-2026/019"})
    assert half.status_code == 422
    assert "photo.read can only be approved with one" in half.text
    assert "nrn.read can only be approved with one" not in half.text

    unused = {"legal_basis_tax.read": "Nothing yet", "legal_basis_address.read": "Not needed"}
    assert decide(registration, "approve", scopes=granted, **BASES, **unused).status_code == 302
    entry = last("registration.approved")
    references = ["nrn.read: AGV-2026/019", "photo.read: Law of 8 August 1983, article 5"]
    assert entry.changes["legal_basis"] == [None, references]
    in_words = ["Granted. Legal basis: AGV-2026/019", "Granted. Legal basis: Law of 8 August 1983, article 5"]
    for user, name in ((factories.bram(), "security:review"), (factories.ada(), "auditor:decided_request")):
        shown = page(user, name, registration)
        assert [text in shown for text in in_words] == [True, True], name
        assert "Not needed" not in shown
        assert "Nothing yet" not in shown
    contact = browsers.of(registration.person).get(reverse("contact:request", args=[registration.uid])).text
    assert [text.removeprefix("Granted. ") in contact for text in in_words] == [True, True]
    (row,) = REPORTS["approvals"].rows(Asked(None, None))
    assert row[-2] == ", ".join(references)
    (line,) = b"".join(export("jsonl", action="registration.approved")).splitlines()
    assert json.loads(line)["changes"]["legal_basis"] == [None, references]


def test_the_second_reviewer_finds_the_references_of_the_first(now) -> None:
    scopes = needing_legal_basis("nrn.read", "photo.read", sensitive=True)
    registration = factories.submitted_request(now, scopes=scopes)
    decide(registration, "approve", scopes=["nrn.read", "photo.read"], **BASES)
    form = signed_in(factories.bram()).get(reverse("security:review", args=[registration.uid])).context["form"]
    assert {field.html_name: field.value() for field in form.legal_bases} == BASES


def test_a_decision_of_before_with_one_reference_reads_right(now) -> None:
    """A single reference covered every scope of the decision (docs/decisions/0036)."""
    (scope,) = needing_legal_basis("nrn.read")
    registration = factories.submitted_request(now, scopes=(scope, factories.scope("parcel.read")))
    decide(registration, "approve", scopes=["nrn.read"], **{"legal_basis_nrn.read": "New"})
    registration.asked.update(legal_basis="")
    Registration.objects.filter(pk=registration.pk).update(legal_basis="AGV-2024/007")
    entry = last("registration.approved")
    before = {**entry.changes, "legal_basis": [None, "AGV-2024/007"]}
    registration.refresh_from_db()
    log.record(
        action=Action.REGISTRATION_APPROVED, actor=factories.by(factories.noor()), subject=registration, changes=before
    )
    assert "Granted. Legal basis: AGV-2024/007" in page(factories.bram(), "security:review", registration)
    contact = browsers.of(registration.person).get(reverse("contact:request", args=[registration.uid])).text
    assert contact.count("Legal basis: AGV-2024/007") == 1, "parcel.read was left out"
    shown = page(factories.ada(), "auditor:decided_request", registration)
    assert re.search(r"Legal basis\s*</dt>\s*<dd[^>]*>\s*AGV-2024/007", shown)


def test_an_internal_note_is_for_the_second_reviewer_and_auditors_and_in_no_mail(now) -> None:
    registration = factories.submitted_request(now, scopes=(factories.scope("nrn.read", sensitive=True),))
    decide(registration, "approve", scopes=["nrn.read"], internal_note="I called Wim: he is who he says.")
    assert last("registration.endorsed").changes["internal_note"] == [None, "I called Wim: he is who he says."]
    assert "I called Wim" in page(factories.bram(), "security:review", registration)
    data = {"decision": "approve", "seen": registration.content_hash, "message": "Welcome.", "scopes": ["nrn.read"]}
    second = {**data, "internal_note": "Agreed on the telephone."}
    browser = signed_in(factories.bram())
    assert browser.post(reverse("security:review", args=[registration.uid]), second).status_code == 302
    shown = page(factories.ada(), "auditor:decided_request", registration)
    said = ("I called Wim", "Agreed on the telephone.", "Welcome.")
    for text in (*said, registration.purpose, registration.content_hash):
        assert text in shown, text
    mails = [render(mail, now=now, code="123456", link_url="https://x/") for mail in Mail.objects.all()]
    for mail in mails:
        assert "Agreed" not in mail.body + mail.html
        assert "I called" not in mail.body + mail.html
    contact = browsers.of(registration.person)
    registration.refresh_from_db()
    client = registration.client
    assert client is not None
    for name, uid in (("contact:client_history", client.uid), ("contact:request", registration.uid)):
        text = contact.get(reverse(name, args=[uid])).text
        assert "Agreed on the telephone" not in text, name
        assert "I called Wim" not in text, name


def test_auditors_read_decided_requests_and_no_open_ones(now) -> None:
    waits, rejected = asked_for_two(now), factories.decided_request(now, client_name="Never")
    browser = signed_in(factories.ada())
    listed = browser.get(reverse("auditor:decided_requests")).text
    assert rejected.number in listed
    assert waits.number not in listed
    assert browser.get(reverse("auditor:decided_request", args=[waits.uid])).status_code == 404
    assert "Not now." in page(factories.ada(), "auditor:decided_request", rejected)
    seq = last("registration.rejected").seq
    entry = browser.get(reverse("auditor:log_entry", args=[seq])).text
    assert reverse("auditor:decided_request", args=[rejected.uid]) in entry


def test_the_page_of_a_decided_request_stays_as_it_was(now) -> None:
    registration = factories.submitted_request(now)
    decide(registration, "approve", scopes=["address.read"], defaults=["address.read"])
    Registration.objects.filter(pk=registration.pk).update(purpose="Something else", signals=[])
    shown = page(factories.ada(), "auditor:decided_request", registration)
    assert registration.purpose in shown
    assert "First client of this organisation" in shown
    assert "Something else" not in shown


def page(user: User, name: str, registration: Registration) -> str:
    return signed_in(user).get(reverse(name, args=[registration.uid])).text
