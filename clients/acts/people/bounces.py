"""Mail that came back: a contact whose mail does so twice is unreachable, until they open a link or type a code."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from audit import log
from audit.actions import Action
from clients.actors import KEYDESK_ITSELF, Actor
from clients.mail import outbox
from clients.mail.bounces import Bounce, read
from clients.models import Client, Mail, Notice, User
from clients.team import notices

UNREACHABLE_AFTER = 2  # mails that came back
BY = Actor(system=KEYDESK_ITSELF)


def take(report: bytes, *, now: datetime) -> None:
    """Note what a report says, if it is about a mail of ours."""
    if (bounce := read(report)) is not None:
        note(bounce, now=now)


@transaction.atomic
def note(bounce: Bounce, *, now: datetime) -> bool:
    """Mark the mail as undelivered, once; return False for a report that fits no mail that we sent to that address."""
    mail = Mail.objects.select_for_update(no_key=True, of=("self",)).filter(pk=bounce.mail).first()
    if mail is None or mail.state != Mail.State.SENT:
        return False
    if mail.to.lower() not in bounce.recipients:
        return False
    mail.state, mail.last_error = Mail.State.FAILED, outbox.without_credentials(mail, bounce.reason)
    mail.save(update_fields=["state", "last_error"])
    if mail.kind != Mail.Kind.TEAM_NOTICES:
        notices.note(Notice.Kind.MAIL_BOUNCED, mail.kind, about={"mail": mail.pk}, once=f"{mail.pk} {now}", now=now)
    if mail.user is not None and not mail.user.is_staff_member:
        _count(mail.user, now)
    return True


def _count(user: User, now: datetime) -> None:
    User.objects.filter(pk=user.pk).update(bounces=F("bounces") + 1)
    rows = User.objects.filter(pk=user.pk, bounces__gte=UNREACHABLE_AFTER, unreachable_since=None)
    if not rows.update(unreachable_since=now):
        return
    for pk in Client.objects.of(user).order_by("pk").values_list("pk", flat=True):
        client = Client.objects.locked(pk)
        if client.status == Client.Status.CLOSED:
            continue
        changes = {"contact": (None, user.audit_label)}
        log.record(action=Action.CONTACT_UNREACHABLE, actor=BY, subject=client, changes=changes)
        _tell_others(client, user, now)


def _tell_others(client: Client, user: User, now: datetime) -> None:
    facts = {"person": str(user), "email": user.email, "at": now.isoformat()}
    for contact in client.contacts.select_related("user").filter(user__is_active=True).exclude(user=user):
        outbox.queue_for(user=contact.user, kind=Mail.Kind.CONTACT_UNREACHABLE, client=client, facts=facts, now=now)
