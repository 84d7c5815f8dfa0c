"""What a mail says: templates/email/<kind>/{subject.txt,body.txt,body.html}, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime

from audit.actions import Action
from clients.models import Mail


@dataclass(frozen=True)
class MailText:
    subject: str
    body: str
    html: str


def render(mail: Mail, *, now: datetime, **secret: str) -> MailText:
    """`secret` is what only this mail may hold: `link_url` or `code`."""
    # The facts too: the sentence of an action is in the reader's language, not in that of whoever renders.
    with translation.override(mail.language or settings.LANGUAGE_CODE), timezone.override(settings.TIME_ZONE):
        return _render(mail, now=now, **secret)


def _render(mail: Mail, *, now: datetime, **secret: str) -> MailText:
    context = {
        "mail": mail,
        "client": mail.client,
        "registration": mail.registration,
        "person": mail.user,
        # Before they were here once, a name may be what a stranger typed for them.
        "greeted": mail.user.name if mail.user and mail.user.last_login else "",
        "facts": _readable(mail.facts),
        "now": now,
        "public_url": settings.PUBLIC_URL,
        "service_name": settings.SERVICE_NAME,
        "organisation_name": settings.ORGANISATION_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "support_phone": settings.SUPPORT_PHONE,
        **secret,
    }
    folder = f"email/{mail.kind}"
    # A name with a line break in it must not become a header of its own.
    subject = " ".join(render_to_string(f"{folder}/subject.txt", context).split())
    return MailText(
        subject=subject,
        body=render_to_string(f"{folder}/body.txt", context),
        html=render_to_string(f"{folder}/body.html", {**context, "title": subject}),
    )


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """Moments as datetimes, an action as its sentence."""
    readable = dict(facts)
    for name in ("at", "not_after", "began_at", "until"):
        if isinstance(value := facts.get(name), str):
            readable[name] = parse_datetime(value)
    if "action" in facts:
        readable["sentence"] = Action(facts["action"]).label.format(actor=facts["by"], subject=facts["subject"])
    return readable
