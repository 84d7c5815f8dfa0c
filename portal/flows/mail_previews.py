"""Mails of an act on a client, shown before the act: the text that its contacts get, in each of their languages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from audit.actions import Action
from clients.mail import notifications
from clients.mail.rendering import MailText, preview
from clients.models import Client
from portal.guards.access import actor
from portal.web.http_request import Request
from tokens.acts.leaks import Leak


@dataclass(frozen=True)
class Preview:
    """`act`: the words on the button of the act."""

    act: str | Promise
    language: str
    text: MailText


def of_revoking(request: Request, leak: Leak, act: str | Promise) -> list[Preview]:
    subject = leak.subject.audit_label
    return _previews(request, leak.client, act, Action.INCIDENT_REVOKED, subject=subject, what=leak.kind)


def of_revoking_all(request: Request, leak: Leak, act: str | Promise) -> list[Preview]:
    client = leak.client
    return _previews(request, client, act, Action.INCIDENT_REVOKED, subject=client.audit_label, what="client")


def of_invalidating(request: Request, leak: Leak, act: str | Promise) -> list[Preview]:
    return of_client(request, leak.client, act, Action.CLIENT_TOKENS_INVALIDATED)


def of_suspending(request: Request, leak: Leak, act: str | Promise) -> list[Preview]:
    return of_client(request, leak.client, act, Action.CLIENT_SUSPENDED)


def of_client(request: Request, client: Client, act: str | Promise, action: Action) -> list[Preview]:
    """Return the mails of an act on a client as a whole."""
    return _previews(request, client, act, action, subject=client.audit_label)


def _previews(request: Request, client: Client, act: str | Promise, action: Action, **facts: str) -> list[Preview]:
    drafts = notifications.drafts(
        client=client, action=action, by=actor(request), now=request.now,
        message=_("(Your message to the contacts stands here, if you write one.)"), **facts,
    )  # fmt: skip
    return [Preview(act, mail.language, preview(mail, now=request.now)) for mail in drafts]
