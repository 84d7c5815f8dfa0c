"""Management links: sent by mail, for one use.

The token is derived from the row's random uid and the site's key, so the worker can make it while sending, and make the
same one when it has to send twice. Neither the database nor the queue holds it: the row has its SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.crypto import salted_hmac

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.models import ManagementLink, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal


class LinkNotUsable(Refusal):
    """The link is unknown, used, replaced or expired. Pages do not disclose which."""

    def __init__(self) -> None:
        super().__init__(Code.LINK_NOT_USABLE)


def issue(
    *, user: User, now: datetime, target: str = "", beside_others: bool = False, invitation: bool = False
) -> ManagementLink:
    """Make a link for this person that opens `target`; older unused ones stop working.

    With `beside_others` only an older link to the same page stops: a notification must not end the link of another mail
    or the one that the person asked for. The caller mails it.

    For staff only with an `invitation`: a contact must not be able to have the link of staff replaced.
    """
    # Locked, so that each of two concurrent HTTP requests sees the other's link: one open link per person and page.
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if person.is_staff_member and not invitation:
        raise ValueError(f"no link for {person.audit_id}, who is staff, but by an invitation")
    older = user.links.open()
    (older.filter(target=target) if beside_others else older).update(revoked_at=now)
    return ManagementLink.objects.create(
        user=user, target=target, created_at=now, expires_at=now + settings.LINK_LIFETIME
    )


def activate(link: ManagementLink) -> None:
    """Store the digest of the token that is being mailed; before this the link opens nothing."""
    ManagementLink.objects.filter(pk=link.pk).update(digest=digest(token(link)))


def token(link: ManagementLink) -> str:
    """Return the token: 256 bits, base64url."""
    mac = salted_hmac("keydesk.clients.links", str(link.uid), algorithm="sha256").digest()
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def url(link: ManagementLink) -> str:
    return f"{settings.PUBLIC_URL}{reverse('public:open_link', args=[token(link)])}"


def redact(link: ManagementLink, text: str) -> str:
    """Remove from a text of others every word with eight consecutive characters of the token, also across cuts."""
    known = token(link).lower()
    pieces = [known[start : start + 8] for start in range(len(known) - 7)]

    def hide(word: re.Match[str]) -> str:
        return "***" if any(piece in word[0].lower() for piece in pieces) else word[0]

    return re.sub(r"[\w-]{8,}", hide, text)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def find(text: str, *, now: datetime) -> ManagementLink:
    """Return the usable link with this token; changes nothing. Raises LinkNotUsable."""
    link = ManagementLink.objects.usable(now).select_related("user").filter(digest=digest(text)).first()
    if link is None:
        raise LinkNotUsable
    User.objects.reached(link.user_id)
    return link


def known(text: str) -> ManagementLink | None:
    """Return the link with this token, also a used, expired or replaced one; its owner must not be disclosed."""
    return ManagementLink.objects.select_related("user").filter(digest=digest(text)).first()


def mailed_at(link: ManagementLink) -> datetime | None:
    """Return when the link was last mailed; a worker that sent it may not have stored that yet."""
    mail = link.mail_set.order_by("-created_at").first()
    return (mail.sent_at or mail.created_at) if mail else None


@transaction.atomic
def use(text: str, *, by_address: str, request_id: str, now: datetime) -> ManagementLink:
    """Spend the link and return it. Raises LinkNotUsable, also for the later of two concurrent uses."""
    link = spend(find(text, now=now).pk, now=now)
    actor = Actor(user=link.user, address=by_address, request_id=request_id)
    log.record(action=Action.LINK_OPENED, actor=actor, subject=link.user)
    return link


def spend(pk: int, *, now: datetime) -> ManagementLink:
    """Spend the link with this primary key as part of an act that logs it. Raises LinkNotUsable."""
    link = ManagementLink.objects.usable(now).select_related("user").filter(pk=pk).first()
    # No join in this UPDATE: PostgreSQL would check the condition in a subquery, on a state before a concurrent use.
    if link is None or not ManagementLink.objects.open().filter(pk=pk).update(used_at=now):
        raise LinkNotUsable
    return link


def revoke_all(*, user: User, now: datetime) -> None:
    """Revoke the open links of a person who is no contact any more."""
    user.links.open().update(revoked_at=now)
