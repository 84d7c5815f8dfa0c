"""Every act of the Security team has a reason: the form asks for it, and the entry in the change log keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from audit.models import Entry
from clients.acts import lifecycle, proposals, review
from clients.acts.scopes import deprecation
from clients.models import Client, Mail, Proposal, Scope
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.portal.support.addresses import arguments
from tests.portal.support.staff import signed_in
from tests.support import factories
from tests.support.factories import SYSTEM, bram, by, noor

pytestmark = pytest.mark.django_db

WHY = "The owner asked for it, case 4711"

# The addresses that take no reason, each with why not.
WITHOUT = {
    "security:claim": "tells colleagues who works on a request, and decides nothing",
    "security:looking": "only shows", "security:queue_looking": "only shows",
    "security:save_view": "a reader's own view of the queue", "security:remove_view": "a reader's own view",
    "security:bulk": "the message to the contacts is the reason",
    "security:reply_texts": "only shows", "security:create_reply_text": "the entry holds the text",
    "security:reply_text": "the entry holds the text", "security:remove_reply_text": "the entry holds the text",
    "security:dashboard": "only shows", "security:queue": "only shows", "security:clients": "only shows",
    "security:client": "only shows",
    "security:client_failures": "only shows", "security:scopes": "only shows", "security:proposals": "only shows",
    "security:issuers": "only shows", "security:issuer": "only shows",
    "security:fetch_issuer": "has the worker look, and changes nothing itself",
    "security:notices": "a reader's own mails", "security:webhook": "only shows",
    "security:failed_mail": "only shows", "security:outdated_ways": "only shows",
    "security:policy": "only shows",
    "security:export_clients": "changes nothing, logged as such",
    "security:export_holders": "changes nothing, logged as such",
    "security:review": "the message to the contact is the reason, and needed unless all is approved",
    "security:write_message": "the message is the act",
    "security:incident": "a look-up, logged as such",
    "security:incident_report": "reading",
}  # fmt: skip


def _deprecated(scope: Scope) -> dict[str, object]:
    """Deprecate the scope, so that there is something to withdraw."""
    plan = deprecation.Plan(timezone.now() + timedelta(days=90), None, "Version 2 replaces it")
    deprecation.deprecate(scope=scope, plan=plan, by=SYSTEM, now=timezone.now())
    return {}


# The acts: name -> (what the address takes more than tests/portal/test_access.py knows, what the form takes).
Form = Callable[[dict[str, Any]], dict[str, object]]
ACTS: dict[str, tuple[dict[str, object], Form]] = {
    "security:api_owners": ({}, lambda _things: {"email": "tom@registers.example", "name": "Tom", "act": "name"}),
    "security:client_settings": ({}, lambda things: {"seen": things["client"].settings_hash, "rate_limit": 10}),
    "security:client_scopes": ({}, lambda things: {"seen": things["client"].scopes_hash}),
    "security:add_client_contact": ({}, lambda _things: {"name": "Wim", "email": "wim@rekenhuis.example",
    "role": "editor"}),
    "security:change_client_contact": ({"act": "link"}, lambda _things: {}),
    "security:remove_client_contact": ({}, lambda _things: {}),
    "security:contact_account": ({}, lambda _things: {}),
    "security:contact_phone": ({}, lambda _things: {"phone": "+32 2 123 45 67"}),
    "security:contact_sessions": ({}, lambda _things: {}),
    "security:retire_key": ({}, lambda _things: {"case": "SEC-1"}),
    "security:end_secret": ({}, lambda _things: {"case": "SEC-1"}),
    "security:invalidate_tokens": ({}, lambda _things: {}),
    "security:change_client_status": ({"act": "suspend"}, lambda _things: {}),
    "security:create_api": ({}, lambda _things: {"identifier": "parcels", "name": "Parcels", "description_en": "x"}),
    "security:change_api": (
        {}, lambda things: {"seen": things["scope"].api.content_hash, "name": "Other", "description_en": "x"}
    ),
    "security:create_scope": ({}, lambda things: {"name": "a.b", "api": things["scope"].api.pk, "description_en": "x"}),
    "security:change_scope": ({}, lambda _things: {"description_en": "Other words"}),
    "security:ease_scope": ({}, lambda _things: {}),
    "security:retire_scope": ({}, lambda _things: {}),
    "security:deprecation": ({}, lambda _things: {"day": "2999-01-01"}),
    "security:withdraw_deprecation": ({}, lambda things: _deprecated(things["scope"])),
    "security:proposal": ({}, lambda _things: {"act": "decline"}),
    "security:create_issuer": ({}, lambda _things: {"name": "GitLab", "url": "https://gitlab.example",
    "max_lifetime": 3600}),
    "security:change_issuer": ({}, lambda _things: {"audience": "api://own", "max_lifetime": 7200}),
    "security:switch_issuer": ({"act": "disable"}, lambda _things: {}),
    "security:change_policy": ({}, lambda _things: {"bound": "audience"}),
    "security:outdated_way": ({}, lambda _things: {"message": "Until May"}),
    "security:invite_staff": ({}, lambda _things: {"name": "Eva", "email": "eva@keydesk.example", "role": "auditor"}),
    "security:deactivate_staff": ({}, lambda _things: {}),
    "security:staff_sessions": ({}, lambda _things: {}),
    "security:create_webhook": ({}, lambda _things: {"name": "Tickets", "url": "https://chat.example/hook"}),
    "security:webhook_secret": ({}, lambda _things: {}), "security:remove_webhook": ({}, lambda _things: {}),
    "security:retry_delivery": ({}, lambda _things: {}),
    "security:retry_mail": ({}, lambda _things: {}),
    "security:revoke_leak": ({}, lambda things: {"leak": f"secret:{things['client'].secrets.get().uid}",
    "act": "revoke", "case": "SEC-1"}),
}  # fmt: skip


@pytest.fixture
def ready(things: dict[str, Any]) -> dict[str, Any]:
    """Return an object of each kind, in a state in which the act on it is possible."""
    client = things["client"]
    other = factories.person("an@leiestroom.example", "An")
    client.contacts.create(user=other, role="owner", added_at=factories.NOW)
    Scope.objects.filter(pk=things["scope"].pk).update(sensitive=True)
    client.client_scopes.all().delete()
    things["scope"].refresh_from_db()
    client.client_scopes.create(scope=factories.scope("plain.read"))
    factories.used(client, credential="secret:1")
    Mail.objects.filter(pk=things["mail"].pk).update(state=Mail.State.FAILED, kind=Mail.Kind.CLIENT_CHANGED)
    return things


def names() -> Iterator[str]:
    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield f"security:{pattern.name}"

    (security,) = [part for part in get_resolver().url_patterns if str(part.pattern) == "security/"]
    return walk(security.url_patterns)


def test_every_address_of_the_team_is_an_act_or_has_its_exception() -> None:
    assert set(names()) == WITHOUT.keys() | ACTS.keys()
    assert not WITHOUT.keys() & ACTS.keys()


@pytest.mark.parametrize("name", sorted(ACTS))
def test_an_act_needs_a_reason_and_its_entry_keeps_it(ready: dict[str, Any], name: str) -> None:
    more, form_of = ACTS[name]
    url, form = reverse(name, kwargs={**arguments(name, ready), **more}), form_of(ready)
    browser = signed_in(bram())
    # The first begins on the incident page, the second asks for the reason once it has shown whom the bound would stop.
    shown_later = ("security:revoke_leak", "security:change_policy")
    assert name in shown_later or 'name="reason"' in browser.get(url).text
    for reason in ("", "   ", "x"):
        with transaction.atomic():
            answer = browser.post(url, {**form, "reason": reason})
        assert (answer.status_code, Entry.objects.filter(actor_id=bram().audit_id).count()) == (422, 0)
        assert "error-summary" in answer.text
    assert browser.post(url, {**form, "reason": WHY}).status_code == 302
    entry = Entry.objects.get(actor_id=bram().audit_id)
    assert entry.note == WHY


@pytest.mark.parametrize("name", ["security:add_client_contact", "security:create_api", "security:client_settings"])
def test_the_reason_is_kept_when_the_form_is_refused(ready: dict[str, Any], name: str) -> None:
    url = reverse(name, kwargs=arguments(name, ready))
    assert f"{WHY}</textarea>" in signed_in(noor()).post(url, {"reason": WHY, "rate_limit": "x"}).text


def test_an_act_itself_refuses_staff_without_a_reason(now) -> None:
    """Also one that is called by something else than these pages."""
    client, _secret = factories.client()
    with pytest.raises(Refusal, match=Code.REASON_MISSING):
        lifecycle.change_scopes(client=client, scopes=[], defaults=[], by=by(noor()), now=now)
    with pytest.raises(Refusal, match=Code.REASON_MISSING):
        proposals.propose(
            kind=Proposal.Kind.SCOPE_RETIRED, about=factories.scope(), content={}, reason=" ", by=by(noor()), now=now
        )
    assert Client.objects.get().scopes.count() == 1


def test_a_message_to_the_contacts_is_in_their_mail_and_the_reason_is_not(now) -> None:
    client, _secret = factories.client()
    url = reverse("security:change_client_status", args=[client.uid, "suspend"])
    signed_in(noor()).post(url, {"reason": "Seen on a forum", "message": "Call us before noon."})
    mail = Mail.objects.get(kind=Mail.Kind.CLIENT_SUSPENDED)
    assert mail.facts["message"] == "Call us before noon."
    assert "forum" not in str(mail.facts)
    assert Entry.objects.first().note == "Seen on a forum"


def test_the_page_says_what_a_scope_opens_since_when_and_by_which_request(now) -> None:
    asked = factories.submitted_request(timezone.now(), scopes=(factories.scope("person.read"),))
    client = review.approve(
        registration=asked, scopes=[factories.scope("person.read")], defaults=[], seen=asked.content_hash,
        by=by(noor()), now=timezone.now(),
    )  # fmt: skip
    assert client is not None
    more = factories.scope("parcel.read", of=factories.api("parcels"))
    lifecycle.change_scopes(
        client=client, scopes=[*client.scopes.all(), more], defaults=[], by=factories.SYSTEM, now=timezone.now()
    )
    text = signed_in(noor()).get(reverse("security:client_scopes", args=[client.uid])).text
    for words in (
        "Scope person.read",
        "Addresses",
        "Parcels",
        asked.number,
        reverse("security:review", args=[asked.uid]),
    ):
        assert words in text
    assert reverse("auditor:log_entry", args=[Entry.objects.first().seq]) in text  # parcel.read came without a request
