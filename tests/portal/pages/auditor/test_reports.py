"""Reports for auditors: what each says of known acts, on the page and as CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.urls import reverse

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.acts import api_callers, catalogue, lifecycle, review
from clients.acts.people import api_owners, staff
from clients.policy.bounds import Bound
from portal.pages.auditor.report_kinds import REPORTS, Asked
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.tokens.credentials.test_policies import decide

pytestmark = pytest.mark.django_db


def report(name: str, **asked: object) -> list[list[str]]:
    return [list(row) for row in REPORTS[name].rows(Asked(**{"start": None, "end": None, **asked}))]


@pytest.fixture
def approved(now):
    """A request for a sensitive scope that Noor and then Bram approved."""
    scopes = (factories.scope("person.nrn.read", sensitive=True),)
    registration = factories.submitted_request(scopes=scopes)
    for reviewer in (factories.noor(), factories.bram()):
        registration.refresh_from_db()
        review.approve(
            registration=registration, seen=registration.content_hash, scopes=scopes, defaults=scopes,
            by=factories.by(reviewer), now=now,
        )  # fmt: skip
    registration.refresh_from_db()
    return registration


def test_an_approval_names_who_asked_and_both_reviewers(approved) -> None:
    (row,) = report("approvals")
    assert row[2] == approved.audit_label
    assert row[3] == approved.contact_email
    assert row[4].startswith("Noor")
    assert row[5].startswith("Bram")
    assert row[-1] == "Different people"
    assert report("own") == []
    ((client, _since, who, *_rest),) = report("holders", scope="person.nrn.read")
    assert (client, who) == (approved.audit_label, row[5])


def test_a_person_with_two_parts_is_in_the_report_of_own_requests(approved) -> None:
    """The acts refuse this: what the report finds was written around them."""
    noor = factories.by(factories.noor())
    log.record(action=Action.REGISTRATION_APPROVED, actor=noor, subject=approved)
    other = log.StaticSubject("registration:x", "R-2026-9999 Own")
    log.record(action=Action.REGISTRATION_CONFIRMED, actor=noor, subject=other)
    log.record(action=Action.REGISTRATION_APPROVED, actor=noor, subject=other)
    checks = ["One person gave both approvals", "Approved by the person who asked for it"]
    assert [row[-1] for row in report("own")] == checks


def test_a_period_bounds_the_approvals(approved) -> None:
    at = Entry.objects.with_action(Action.REGISTRATION_APPROVED).get().at
    assert len(report("approvals", start=at, end=at + timedelta(seconds=1))) == 1
    assert report("approvals", end=at) == []


def test_the_holders_of_a_scope_have_a_begin_and_an_end(now) -> None:
    read, write = factories.scope("meter.read"), factories.scope("meter.write")
    ours, _secret = factories.client(scopes=(read, write))
    theirs, _secret = factories.client(scopes=(write,))
    closed, _secret = factories.client(scopes=(read,))
    by = factories.by(factories.noor())
    lifecycle.change_scopes(client=ours, scopes=[write], defaults=[write], reason="Not needed", by=by, now=now)
    lifecycle.close(client=closed, reason="Gone", by=by, now=now)
    rows = report("holders", scope="meter.read")
    assert [(row[0], row[5].startswith("Noor")) for row in rows] == [
        (ours.audit_label, True),
        (closed.audit_label, True),
    ]
    assert sorted(row[0] for row in report("holders", scope="meter.write")) == sorted(
        [ours.audit_label, theirs.audit_label]
    )
    assert all(row[4] == "" for row in report("holders", scope="meter.write"))


def test_nobody_holds_a_scope_any_more_once_it_is_retired(now) -> None:
    ended, other = factories.scope("meter.read"), factories.scope("meter.write")
    client, _secret = factories.client(scopes=(ended, other))
    catalogue.retire_scope(scope=ended, reason="Gone", by=factories.SYSTEM, now=now)
    lifecycle.change_scopes(client=client, scopes=[ended], defaults=[], reason="Less", by=factories.SYSTEM, now=now)
    (row,) = report("holders", scope="meter.read")
    assert (row[0], row[6]) == (client.audit_label, str(Entry.objects.with_action(Action.SCOPE_RETIRED).get().seq))


def test_what_staff_did_by_themselves_comes_with_its_reason(now, approved) -> None:
    client, _secret = factories.client()
    factories.package()  # Ada and Noor are invited through the log
    noor = factories.noor()
    log.record(action=Action.STAFF_INVITED, actor=factories.SYSTEM, subject=noor)
    lifecycle.suspend(client=client, reason="Leaked, INC-7", by=factories.by(noor), now=now)
    assert [row[5] for row in report("alone")] == ["Leaked, INC-7"]


def test_a_scope_is_shown_as_it_was(now) -> None:
    scope = factories.scope("meter.read")
    at = Entry.objects.filter(subject_id=scope.audit_id).latest("seq").at
    catalogue.change_scope(scope=scope, description={"en": "Other"}, sensitive=True, by=factories.SYSTEM)
    before = next(row for row in report("scopes", end=at + timedelta(microseconds=1)) if row[0] == "meter.read")
    after = next(row for row in report("scopes") if row[0] == "meter.read")
    assert "Needs two approvals: No" in before[1]
    assert "Needs two approvals: Yes" in after[1]
    assert [row[0] for row in report("apis")] == [scope.api.identifier]


def test_an_api_is_shown_as_it_was() -> None:
    found, by = factories.api("parcels"), factories.SYSTEM
    at = Entry.objects.filter(subject_id=found.audit_id).latest("seq").at
    catalogue.change_api(api=found, name="Parcels and places", description={"en": ""}, served_by=[], by=by)
    (before,) = report("apis", end=at + timedelta(microseconds=1))
    (after,) = report("apis")
    assert (before[0], "Parcels and places" in before[1]) == ("parcels", False)
    assert (after[0], "Parcels and places" in after[1]) == ("parcels", True)


def test_an_api_is_shown_with_each_owner_that_it_had(now) -> None:
    found, by = factories.api(), factories.SYSTEM
    for owner in (factories.elif_(), factories.wim()):
        factories.api_owner(owner)
    with_two = report("apis")[0]
    elif_, wim = (f"<{person().email}>" for person in (factories.elif_, factories.wim))
    assert elif_ in with_two[1]
    assert wim in with_two[1]
    api_callers.note_exported(api=found, by=factories.by(factories.elif_()))
    assert report("apis")[0] == with_two, "an export changes nothing"
    staff.deactivate_staff(email=factories.wim().email, reason="Left us", by=by, now=now)
    assert (elif_ in report("apis")[0][1], wim in report("apis")[0][1]) == (True, False)
    staff.invite_staff(
        email=factories.wim().email, name="Wim", role=factories.wim().role, reason="Back", by=by, now=now
    )
    assert wim in report("apis")[0][1], "the account is open again, and its APIs with it"
    api_owners.remove_owner(api=found, email=factories.elif_().email, reason="Another task", by=by, now=now)
    assert (elif_ in report("apis")[0][1], wim in report("apis")[0][1]) == (False, True)


def test_the_policy_is_shown_as_it_was_until_a_bound_is_withdrawn() -> None:
    decide(Bound.SECRET_MAX_AGE, 300)
    decide(Bound.SECRET_MAX_AGE, 200)
    decide(Bound.SECRET_MAX_AGE, None, existing_from=None)
    set_at, changed_at = Entry.objects.with_action(Action.POLICY_CHANGED).order_by("seq").values_list("at", flat=True)
    (first,), (second,) = (report("policy", end=at + timedelta(microseconds=1)) for at in (set_at, changed_at))
    assert "300" in first[1]
    assert "200" in second[1]
    assert "300" not in second[1]
    assert report("policy") == []


def test_every_report_is_a_page_and_a_csv_that_is_logged(approved) -> None:
    browser = signed_in(factories.ada())
    assert all(str(kind.title) in browser.get(reverse("auditor:reports")).text for kind in REPORTS.values())
    for name, kind in REPORTS.items():
        query = f"?report={name}&scope=person.nrn.read"
        assert browser.get(reverse("auditor:reports") + query).status_code == 200, name
        answer = browser.post(reverse("auditor:report_export") + query)
        lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
        assert lines[0] == [str(column) for column in kind.columns]
    assert Entry.objects.with_action(Action.LOG_EXPORTED).count() == len(REPORTS)


def test_a_scope_that_nobody_knows_or_a_period_backwards_is_told() -> None:
    browser = signed_in(factories.ada())
    for query in ("?report=holders&scope=no.such", "?report=approvals&since=2026-02-02&until=2026-01-01", "?report=x"):
        assert browser.get(reverse("auditor:reports") + query).status_code == 422
        assert browser.post(reverse("auditor:report_export") + query).status_code == 302
