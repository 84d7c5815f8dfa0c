"""Notices to the webhooks of an API's owners (API M-19): of their own scopes and callers, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from clients.acts import api_callers, catalogue, lifecycle, proposals, review
from clients.acts.four_eyes import NeedsColleague
from clients.acts.people import api_owners
from clients.acts.scopes import deprecation
from clients.acts.team import webhooks as acts
from clients.mail import team_notices
from clients.models import Client, Delivery, Mail, Notice, Proposal, User, Webhook
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, bram, by, elif_, noor, tom
from tokens.acts import incident, leak_reports
from tokens.acts.leaks import Leak

pytestmark = pytest.mark.django_db


@pytest.fixture
def webhook() -> Webhook:
    factories.api_owner()
    return factories.webhook(of=factories.api())


def told(kind: Notice.Kind) -> list[dict[str, Any]]:
    """Return the data of the notices of this kind to owners of APIs."""
    found = Notice.objects.filter(kind=kind, api__isnull=False).order_by("pk")
    return [{"subject": notice.subject, **notice.about} for notice in found]


def about(client: Client, **more: str) -> Mapping[str, str]:
    return {"subject": client.audit_label, "api": "addresses", "client": str(client.uid), **more}


def test_a_request_for_scopes_of_the_api_is_told_with_these_scopes_alone(webhook):
    other = factories.scope("parcel.read", of=factories.api("parcels"))
    asked = factories.submitted_request(scopes=(factories.scope(), other))
    assert told(Notice.Kind.REQUEST_WAITS) == [
        {
            "subject": asked.audit_label, "api": "addresses", "request": str(asked.uid), "number": asked.number,
            "scopes": "address.read",
        }
    ]  # fmt: skip


def test_a_client_that_gets_and_loses_scopes_is_told(webhook, now):
    more = factories.scope("address.write")
    other = factories.scope("parcel.read", of=factories.api("parcels"))
    client, _secret = factories.client(scopes=(factories.scope(), other))
    lifecycle.change_scopes(client=client, scopes=[more, other], defaults=[], by=SYSTEM, now=now)
    lifecycle.change_scopes(client=client, scopes=[more], defaults=[], by=SYSTEM, now=now)
    assert told(Notice.Kind.CALLER_SCOPES_CHANGED) == [
        about(client, scopes="address.read", added="address.read", removed=""),
        about(client, scopes="address.write", added="address.write", removed="address.read"),
    ]


def test_an_approval_and_a_detachment_are_told(webhook, now):
    scope = factories.scope()
    asked = factories.submitted_request(scopes=(scope,))
    api_callers.decide(
        registration=asked, api=scope.api, approved=[scope], reason="", seen=asked.content_hash, by=by(elif_()), now=now
    )
    asked.refresh_from_db()
    client = review.approve(
        registration=asked, scopes=[scope], defaults=[], seen=asked.content_hash, by=by(noor()), now=now
    )
    assert client is not None
    api_callers.detach(client=client, api=scope.api, reason="Not yours", by=by(elif_()), now=now)
    assert told(Notice.Kind.CALLER_SCOPES_CHANGED) == [
        about(client, scopes="address.read", added="address.read", removed=""),
        about(client, scopes="", added="", removed="address.read"),
    ]


def test_a_caller_that_is_suspended_reactivated_or_closed_is_told(webhook, now):
    client, _secret = factories.client()
    stranger, _secret = factories.client(scopes=(factories.scope("parcel.read", of=factories.api("parcels")),))
    for act in (lifecycle.suspend, lifecycle.reactivate, lifecycle.close):
        for found in (client, stranger):
            act(client=found, reason="Case 4711", by=by(noor()), now=now)
    states = [about(client, status=status) for status in ("suspended", "active", "closed")]
    assert told(Notice.Kind.CALLER_STATUS_CHANGED) == states


def test_a_leaked_credential_of_a_caller_is_told_and_its_value_is_not(webhook, now):
    client, secret = factories.client()
    reported, value = factories.client()
    incident.revoke(leak=Leak(client.secrets.get()), by=by(noor()), now=now, reason="Seen on a forum")
    find = leak_reports.Find(digests=frozenset({bytes(reported.secrets.get().digest)}))
    leak_reports.report(finds=[find], by=SYSTEM, now=timezone.now())
    found = told(Notice.Kind.CALLER_LEAK_REVOKED)
    assert found == [about(client, credential="secret"), about(reported, credential="secret")]
    assert not any(text in str(found) for text in (secret, value, "forum"))


def test_a_retired_scope_is_told_once_for_all_who_hold_it(webhook, now):
    for _ in range(2):
        factories.client()
    catalogue.retire_scope(scope=factories.scope(), by=SYSTEM, now=now)
    assert told(Notice.Kind.SCOPE_RETIRED) == [{"subject": "address.read", "api": "addresses", "scope": "address.read"}]


def test_a_deprecation_and_its_withdrawal_are_told(webhook, now):
    scope, successor = factories.scope(), factories.scope("address.read.v2")
    factories.webhook(of=factories.api("parcels"))
    end = now + timedelta(days=90)
    for _time in range(2):
        deprecation.deprecate(scope=scope, plan=deprecation.Plan(end, successor, "Version 2"), by=SYSTEM, now=now)
        deprecation.withdraw(scope=scope, reason="Late", by=by(noor()), now=now)
        now += timedelta(hours=1)
    about = {"subject": "address.read", "api": "addresses", "scope": "address.read"}
    ends = {**about, "retires_at": end.isoformat(), "successor": "address.read.v2"}
    assert [told(kind) for kind in (Notice.Kind.SCOPE_DEPRECATED, Notice.Kind.SCOPE_KEPT)] == [[ends] * 2, [about] * 2]


def test_an_api_without_a_webhook_makes_no_notices(webhook, now):
    acts.remove(webhook=webhook, by=by(elif_()), now=now, reason="Gone")
    factories.client()
    factories.submitted_request()
    assert not Notice.objects.exclude(api=None).exists()


def test_each_webhook_gets_what_is_its_own_and_owners_no_mail(webhook, now):
    ours = factories.webhook()
    parcels = factories.webhook(of=factories.api("parcels"))
    factories.submitted_request()
    factories.client(scopes=(factories.scope(), factories.scope("parcel.read", of=factories.api("parcels"))))
    team_notices.hand_over(now=now)
    kinds = {hook: sorted(hook.deliveries.values_list("notice__kind", flat=True)) for hook in (ours, webhook, parcels)}
    assert kinds == {
        ours: ["request.waits"],
        webhook: ["caller.scopes_changed", "request.waits"],
        parcels: ["caller.scopes_changed"],
    }
    assert not Mail.objects.filter(kind=Mail.Kind.WEBHOOK_FAILED).exists()
    assert not noor().mails.filter(kind=Mail.Kind.TEAM_NOTICES, facts__icontains="caller").exists()


# --- Two people -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("second", [tom, noor])
def test_an_owner_proposes_and_another_owner_or_the_team_confirms(second):
    api = factories.api()
    factories.api_owner()
    factories.api_owner(tom())
    proposal = factories.proposed_webhook(api)
    with pytest.raises(Refusal, match=Code.OWN_PROPOSAL):
        proposals.confirm(proposal=proposal, by=by(elif_()), now=timezone.now())
    assert not Webhook.objects.exists()
    proposals.confirm(proposal=proposal, by=by(second()), now=timezone.now(), reason="Agreed")
    assert Webhook.objects.get().api == api


def test_nobody_adds_one_alone_or_for_the_api_of_another():
    factories.api_owner()
    parcels = factories.api("parcels")
    with pytest.raises(NeedsColleague):
        acts.add(name="Chat", url="https://chat.example/", api=factories.api(), by=by(elif_()), now=NOW)
    with pytest.raises(Refusal, match=Code.NOT_API_OWNER):
        factories.proposed_webhook(parcels)
    stranger = factories.api_owner(factories.person("wies@parcels.example", "Wies", User.Role.API_OWNER), of=parcels)
    proposal = factories.proposed_webhook(factories.api())
    with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
        proposals.confirm(proposal=proposal, by=by(stranger), now=timezone.now())
    assert not Webhook.objects.exists()


def test_what_a_removed_owner_proposed_is_withdrawn():
    factories.api_owner()
    proposal = factories.proposed_webhook(factories.api())
    api_owners.remove_owner(api=factories.api(), email=elif_().email, reason="Left", by=SYSTEM, now=timezone.now())
    proposal.refresh_from_db()
    assert proposal.outcome == Proposal.Outcome.WITHDRAWN


def test_the_team_removes_any_and_sees_the_secret_of_none_but_its_own(webhook, now):
    delivery = factories.failed_delivery(webhook)
    with pytest.raises(Refusal, match=Code.NOT_API_OWNER):
        acts.view_secret(webhook=webhook, by=by(noor()), reason="Curious")
    with pytest.raises(Refusal, match=Code.NOT_API_OWNER):
        acts.send_again(delivery=delivery, by=by(noor()), now=now, reason="Curious")
    with pytest.raises(Refusal, match=Code.NOT_SECURITY_TEAM):
        acts.view_secret(webhook=factories.webhook(), by=by(elif_()), reason="Curious")
    acts.remove(webhook=webhook, by=by(bram()), now=now, reason="It leads to a private mailbox")
    assert not Delivery.objects.filter(state=Delivery.State.PENDING).exists()


def test_two_apis_may_each_have_a_webhook_of_one_name(webhook):
    factories.webhook(webhook.name, of=factories.api("parcels"))
    with pytest.raises(Refusal, match=Code.WEBHOOK_EXISTS):
        acts.add(name=webhook.name, url=webhook.url, api=webhook.api, by=SYSTEM, now=NOW)
