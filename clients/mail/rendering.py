"""Texts of mails: templates/email/<kind>/{subject.txt,body.txt,body.html}, in the reader's language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.access.guarded_acts import SENTENCES, Act
from clients.calendar import events
from clients.mail import targets
from clients.mail.words import sentence_of, words_of
from clients.models import Mail, Notice
from clients.outdated_ways import OutdatedWay
from clients.policy.bounds import Bound
from clients.policy.words import WORDS, told
from clients.team import standing

MAX_PREHEADER = 160  # characters, the most that mailboxes show
LINE = 72  # characters of a line of a text mail
ONE_LINE = 100_000  # longer than any paragraph
ADDRESS = re.compile(r"\bhttps?://")
BLANKS = re.compile(r"[^\S\u00a0\u202f]+")  # not the no-break spaces before : and ? in French
MOMENTS = ("from", "at", "until", "not_after", "last_used_at", "began_at", "seen_at", "since", "undo_until")


@dataclass(frozen=True)
class MailText:
    subject: str
    body: str
    html: str
    calendar: bytes = b""  # an event for the reader's calendar


def render(mail: Mail, *, now: datetime, **secret: str) -> MailText:
    """Render a mail. `secret`: the part that is not stored, `link_url` or `code`."""
    return _render(mail, now=now, line=LINE, **secret)


def preview(mail: Mail, *, now: datetime) -> MailText:
    """Render a mail for a page, where the browser breaks the lines."""
    return _render(mail, now=now, line=ONE_LINE)


def _render(mail: Mail, *, now: datetime, line: int, **secret: str) -> MailText:
    # The facts too, because the sentence of an action must be in the reader's language, not the worker's.
    with translation.override(mail.language or settings.LANGUAGE_CODE), timezone.override(settings.TIME_ZONE):
        return _translated(mail, now=now, line=line, **secret)


def _translated(mail: Mail, *, now: datetime, line: int, **secret: str) -> MailText:
    acts = [_act(facts) for facts in mail.facts.get("acts", [mail.facts] if "action" in mail.facts else [])]
    context = {
        "mail": mail,
        "client": mail.client,
        "registration": mail.registration,
        "standing": standing.of(mail.registration, now) if mail.registration else None,
        "person": mail.user,
        # Before their first sign-in, the name may have been typed by a stranger.
        "greeted": mail.user.name if mail.user and mail.user.last_login else "",
        "facts": acts[0] if acts else _readable(mail.facts) | _asked(mail),
        "acts": acts,
        "matter": _matter(mail, acts),
        "notices": [_notice(told) for told in mail.facts.get("notices", ())],
        "way": OutdatedWay(mail.facts["way"]) if "way" in mail.facts else None,
        "policy": _policy(mail.facts) if "bound" in mail.facts else None,
        "now": now,
        "line": line,
        "public_url": settings.PUBLIC_URL,
        "service_name": settings.SERVICE_NAME,
        "organisation_name": settings.ORGANISATION_NAME,
        "environment_name": settings.ENVIRONMENT_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "support_phone": settings.SUPPORT_PHONE,
        "page_url": secret.get("link_url") or settings.PUBLIC_URL + targets.of(mail),
        **secret,
    }
    folder = f"email/{mail.kind}"
    # A line break in a name must not start a header.
    subject = BLANKS.sub(" ", render_to_string(f"{folder}/subject.txt", context)).strip()
    body = render_to_string(f"{folder}/body.txt", context)
    html = {"title": subject, "preheader": _preheader(subject, body)}
    html_body = render_to_string(f"{folder}/body.html", {**context, **html})
    return MailText(subject=subject, body=body, html=html_body, calendar=_calendar(mail))


def _calendar(mail: Mail) -> bytes:
    """Return the end that the mail tells of as a calendar; nothing for a mail about something else."""
    if mail.kind != Mail.Kind.CREDENTIAL_EXPIRES or mail.client is None or "uid" not in mail.facts:
        return b""
    kinds = {"trust": "trust", "hint": "secret", "kid": "key"}
    named = next(name for name in kinds if name in mail.facts)
    end = events.End(
        uid=mail.facts["uid"], client=mail.client, kind=kinds[named], name=mail.facts[named],
        at=datetime.fromisoformat(mail.facts["not_after"]), written_at=mail.created_at,
    )  # fmt: skip
    return events.as_calendar([end], method="PUBLISH")


def _notice(told: dict[str, Any]) -> dict[str, Any]:
    """Return a notice for team_notices/body.txt, with the page that it is about."""
    kind = Notice.Kind(told["kind"])
    url = settings.PUBLIC_URL + targets.of_notice(kind, told["about"])
    return {"what": kind.label, "subject": told["subject"], "at": parse_datetime(told["at"]), "url": url}


def _policy(facts: dict[str, Any]) -> dict[str, str]:
    bound = Bound(facts["bound"])
    return {"label": told(bound, facts["value"]), "todo": str(WORDS[bound].todo)}


def _preheader(subject: str, body: str) -> str:
    """Return the beginning of the text, up to the first address, which mailboxes show in lists beside the subject.

    Without the greeting, and without a first sentence that says what the subject says.
    """
    _greeting, _blank, rest = body.strip().partition("\n\n")
    before_address = " ".join(ADDRESS.split(rest, maxsplit=1)[0].rstrip(" \n\N{NO-BREAK SPACE}(:").split())
    first, _end, more = before_address.partition(". ")
    repeats = first.startswith(subject.partition(" (")[0])
    return shorten(more if repeats and more else before_address, MAX_PREHEADER, placeholder="…")


def _act(facts: dict[str, Any]) -> dict[str, Any]:
    """Return an act for email/parts/act.txt. Acts of the Security team name no person."""
    act = _readable(facts)
    words = words_of(act)
    sentence = sentence_of(act, act.get("by") or _("The Security team"))
    return {**act, "sentence": sentence, "effect": words.effect, "todo": words.todo, "subject_words": words.subject}


def _asked(mail: Mail) -> dict[str, Any]:
    """Return the name and effect of the act that a step-up code is for."""
    if "act" not in mail.facts:
        return {}
    act = Act(mail.facts["act"])
    return {"act": act.label, "sentence": str(SENTENCES[act]).format(client=mail.client.name if mail.client else "")}


def _matter(mail: Mail, acts: list[dict[str, Any]]) -> str:
    """Return the subject of a mail about acts: the act itself, or their number."""
    if not acts:
        return ""
    names = {"name": mail.client.name if mail.client else "", "service": settings.SERVICE_NAME}
    if len(acts) == 1:
        return str(acts[0]["subject_words"]) % names
    words = ngettext("%(name)s: %(n)s change by %(who)s", "%(name)s: %(n)s changes by %(who)s", len(acts))
    return words % {**names, "n": len(acts), "who": acts[0]["by"]}


def _readable(facts: dict[str, Any]) -> dict[str, Any]:
    """Turn moments into datetimes."""
    readable = dict(facts)
    for name in MOMENTS:
        if isinstance(value := facts.get(name), str):
            readable[name] = parse_datetime(value)
    return readable
