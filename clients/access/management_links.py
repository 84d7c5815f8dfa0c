"""Management links: mailed, used once, gone.

The token is derived from the row's random uid and the site's key, so the worker can make it while sending, and make
the same one again when it has to send twice. Neither the database nor the queue ever holds it: the row has its SHA-256.
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
    """Unknown, used, replaced or expired; which of these is nobody's business."""

    def __init__(self) -> None:
        super().__init__(Code.LINK_NOT_USABLE)


def issue(
    *, user: User, now: datetime, target: str = "", beside_others: bool = False, invitation: bool = False
) -> ManagementLink:
    """Make a link for this person that opens `target`; older ones that were not used stop working.

    With `beside_others` only an older one to the same page does: what a mail tells of does not end the way in that
    another mail, or the person, asked for. Mailing it is the caller's part.

    Staff get one with an `invitation` only: a contact must not be able to have theirs replaced.
    """
    # Locked, so that of two requests at once each sees the other's link: one open link per person and page.
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if person.is_staff_member and not invitation:
        raise ValueError(f"no link for {person.audit_id}, who is staff, but by an invitation")
    older = user.links.open()
    (older.filter(target=target) if beside_others else older).update(revoked_at=now)
    return ManagementLink.objects.create(
        user=user, target=target, created_at=now, expires_at=now + settings.LINK_LIFETIME
    )


def activate(link: ManagementLink) -> None:
    """Stores the digest of the token that is being mailed; before this the link opens nothing."""
    ManagementLink.objects.filter(pk=link.pk).update(digest=digest(token(link)))


def token(link: ManagementLink) -> str:
    """256 bits, base64url."""
    mac = salted_hmac("keydesk.clients.links", str(link.uid), algorithm="sha256").digest()
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def url(link: ManagementLink) -> str:
    return f"{settings.PUBLIC_URL}{reverse('public:open_link', args=[token(link)])}"


def without(link: ManagementLink, text: str) -> str:
    """What somebody else said, with no eight characters in a row of the token: not cut off or in two pieces either."""
    known = token(link).lower()
    pieces = [known[start : start + 8] for start in range(len(known) - 7)]

    def hide(word: re.Match[str]) -> str:
        return "***" if any(piece in word[0].lower() for piece in pieces) else word[0]

    return re.sub(r"[\w-]{8,}", hide, text)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def find(text: str, *, now: datetime) -> ManagementLink:
    """The usable link with this token; changes nothing. Raises LinkNotUsable."""
    link = ManagementLink.objects.usable(now).select_related("user").filter(digest=digest(text)).first()
    if link is None:
        raise LinkNotUsable
    return link


def known(text: str) -> ManagementLink | None:
    """The link with this token, also one that was used, expired or replaced; the caller tells nobody whose it is."""
    return ManagementLink.objects.select_related("user").filter(digest=digest(text)).first()


def mailed_at(link: ManagementLink) -> datetime | None:
    """When the newest mail with the link was sent; a worker that sent it may not have written that down yet."""
    mail = link.mail_set.order_by("-created_at").first()
    return (mail.sent_at or mail.created_at) if mail else None


@transaction.atomic
def use(text: str, *, by_address: str, request_id: str, now: datetime) -> ManagementLink:
    """Spend the link and return it. Raises LinkNotUsable, also for the slower of two at once."""
    link = find(text, now=now)
    # No join in this UPDATE: with one, PostgreSQL checks the condition in a subquery that a faster one has outdated.
    if not ManagementLink.objects.open().filter(pk=link.pk).update(used_at=now):
        raise LinkNotUsable
    actor = Actor(user=link.user, address=by_address, request_id=request_id)
    log.record(action=Action.LINK_OPENED, actor=actor, subject=link.user)
    return link


def revoke_all(*, user: User, now: datetime) -> None:
    """When a person stops being a contact, the link in their mailbox stops too."""
    user.links.open().update(revoked_at=now)
