"""Acts that add a trust and that extend one (PROTOCOL F-32 and C-39).

The removal, which ends tokens, is in tokens/acts/federation/trusts.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.credentials import ends
from clients.mail.notifications import tell_contacts
from clients.models import Client, Issuer, Trust
from clients.models.federation import EXTENDED_WITHIN
from clients.pinned_claims import MAX_PIN_LENGTH, MAX_PINS, has_wildcard, problem_of_name
from clients.refusal_codes import Code
from foundation.refusals import Refusal

MAX_SUBJECT_LENGTH = 512  # characters
MAX_TRUSTS = 50  # of a client: each of its token requests compares them
MAX_DEPTH = 8  # of a pinned value

# Names that somebody else can come to bear, by the claims that tell the bearers apart.
_REPOSITORY = re.compile(r"repo:[^/@:]+/[^/@:]+:")
_PROJECT = re.compile(r"project_path:")
_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:[^:]+:([^:]+)")
_UID_OF_ACCOUNT = "/kubernetes.io/serviceaccount/uid"


@transaction.atomic
def add(
    *,
    client: Client,
    issuer: Issuer,
    subject: str,
    claims: Mapping[str, Any],
    by: Actor,
    now: datetime,
    label: str = "",
) -> Trust:
    """Let tokens of an issuer authenticate the client that have this subject and these claims. Raises Refusal."""
    check(subject=subject, claims=claims)
    by.check_self_service(Client.objects.locked(client.pk))
    # Locked, so that no trust slips in beside the act that disables the issuer.
    if not Issuer.objects.select_for_update(no_key=True).enabled().filter(pk=issuer.pk).exists():
        raise Refusal(Code.ISSUER_NOT_ENABLED, issuer=issuer.name)
    if client.trusts.filter(ends_at=None).count() >= MAX_TRUSTS:  # aged ones, too: they are compared, to say so
        raise Refusal(Code.TOO_MANY_TRUSTS, limit=MAX_TRUSTS)
    row = Trust(
        client=client, issuer=issuer, subject=subject, claims=dict(claims), label=label, added_at=now,
        added_by=by.label, expires_at=ends.of_trust(now),
    )  # fmt: skip
    _make_place(row, now)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refusal(Code.TRUST_EXISTS) from error
    changes: dict[str, tuple[object, object]] = {
        "issuer": (None, issuer.url),
        "subject": (None, subject),
        "claims": (None, pins_as_text(claims) or None),
        "label": (None, label or None),
    }
    log.record(action=Action.TRUST_ADDED, actor=by, subject=row, changes=changes)
    tell_contacts(client=client, action=Action.TRUST_ADDED, subject=row.audit_label, by=by, now=now, added=str(row.uid))
    return row


@transaction.atomic
def extend(*, trust: Trust, by: Actor, now: datetime) -> Trust:
    """Give a trust near its end another one, as if it were added now; its tokens go on. Raises Refusal."""
    client = Client.objects.locked(trust.client_id)
    by.check_self_service(client)
    row = client.trusts.select_related("issuer").get(pk=trust.pk)
    if row.ends_at:
        raise Refusal(Code.TRUST_REMOVED_ALREADY)
    if row.expires_at is None or not row.is_near_its_end(now):
        raise Refusal(Code.TRUST_NOT_NEAR_ITS_END, days=EXTENDED_WITHIN.days)
    before, row.expires_at = row.expires_at, ends.of_trust(now)
    row.save(update_fields=["expires_at"])
    expiry = {"expires_at": (before.isoformat(), row.expires_at and row.expires_at.isoformat())}
    log.record(action=Action.TRUST_EXTENDED, actor=by, subject=row, changes=expiry)
    tell_contacts(
        client=client, action=Action.TRUST_EXTENDED, subject=row.audit_label, by=by, now=now, added=str(row.uid)
    )
    return row


def _make_place(row: Trust, now: datetime) -> None:
    """Count the same trust that has aged as removed at its end: the new one stands in its place."""
    same = row.client.trusts.filter(issuer=row.issuer, subject=row.subject, claims=row.claims, ends_at=None)
    same.filter(expires_at__lte=now).update(ends_at=F("expires_at"))


def check(*, subject: str, claims: Mapping[str, Any]) -> None:
    """Refuse a trust that could mean more or less than it says (PROTOCOL F-32)."""
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not subject.isprintable() or subject != subject.strip():
        raise Refusal(Code.TRUST_SUBJECT, max_length=MAX_SUBJECT_LENGTH)
    if has_wildcard(subject):
        raise Refusal(Code.TRUST_WILDCARD, name="sub")
    if len(claims) > MAX_PINS:
        raise Refusal(Code.TRUST_CLAIMS_TOO_MANY, limit=MAX_PINS)
    for name, value in claims.items():
        if problem := problem_of_name(name):
            raise Refusal(_OF_A_NAME[problem], name=name)
        if has_wildcard(value):
            raise Refusal(Code.TRUST_WILDCARD, name=name)
        if not _can_be_kept(value):
            raise Refusal(Code.TRUST_CLAIM_VALUE, name=name)


_OF_A_NAME = {
    "name": Code.TRUST_CLAIM_NAME,
    "escape": Code.TRUST_CLAIM_NAME,
    "changing": Code.TRUST_CLAIM_CHANGES,
    "array": Code.TRUST_CLAIM_IN_ARRAY,
}


def _can_be_kept(value: Any) -> bool:
    """Return whether a value is JSON of a moderate size that PostgreSQL stores as it is: without NUL or half pairs."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except ValueError:
        return False
    return "\\u0000" not in text and len(text) <= MAX_PIN_LENGTH and text.count("[") + text.count("{") <= MAX_DEPTH


def pins_as_text(claims: Mapping[str, Any]) -> list[str]:
    """Return pins as commands spell them: NAME=VALUE for a text, NAME:=JSON for anything else."""
    return [
        f"{name}={value}" if isinstance(value, str) else f"{name}:={json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(claims.items())
    ]


def warnings(*, client: Client | None, issuer: Issuer, subject: str, claims: Mapping[str, Any]) -> list[str]:
    """Return codes of what makes a trust weaker than it looks; portal/explanations/trusts.py has the words for each.

    These are names that can be taken over, and subjects that other clients trust as well.
    """
    found = []
    if _REPOSITORY.match(subject) and not {"repository_id", "repository_owner_id"} <= claims.keys():
        found.append("repository_without_ids")
    if subject.startswith("repo:") and subject.endswith(":pull_request"):
        found.append("pull_requests")
    if _PROJECT.match(subject) and not {"project_id", "namespace_id"} <= claims.keys():
        found.append("project_without_ids")
    if account := _SERVICE_ACCOUNT.fullmatch(subject):
        found += ["default_service_account"] * (account[1] == "default")
        found += ["service_account_without_uid"] * (_UID_OF_ACCOUNT not in claims)
    others = Trust.objects.filter(issuer=issuer, subject=subject, ends_at=None)
    if (others.exclude(client=client) if client else others).exists():
        found.append("shared_subject")
    return found
