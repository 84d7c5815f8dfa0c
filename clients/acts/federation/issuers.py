"""Acts on issuers (PROTOCOL F-32): two people of the Security team for whatever lets tokens in or keeps them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.lifecycle import difference
from clients.federation import addresses, installation, key_sets
from clients.mail.notifications import tell_contacts_of_many
from clients.models import Client, Issuer, Proposal, Trust
from clients.refusal_codes import Code, FetchCode
from foundation.dispatch import wake
from foundation.invisible_characters import is_visible
from foundation.refusals import Refusal

JWKS = Mapping[str, Any]
FETCH = "clients.tasks.fetch_issuer_keys"
MARK_DEAD = "tokens.tasks.mark_tokens_of_issuer"


@transaction.atomic
def create(
    *, name: str, url: str, jwks: JWKS | None, audience: str, max_lifetime: int, by: Actor, now: datetime,
    reason: str = "",
) -> Issuer:  # fmt: skip
    """Add an issuer, whose keys are found by discovery or in `jwks`. Raises Refusal.

    Of the Security team it takes a second person until it is enabled; by then its keys can be looked at.
    """
    check_url(url, has_discovery=jwks is None)
    _check_audience(audience)
    issuer = Issuer(
        name=name, url=url, pasted_keys=jwks, audience=audience, max_lifetime=max_lifetime, created_at=now,
        created_by=by.label, enabled_at=now, disabled_at=None if _is_alone(by) else now,
    )  # fmt: skip
    if jwks is not None:
        _use_pasted(issuer, jwks, now)
    try:
        with transaction.atomic():
            issuer.save()
    except IntegrityError as error:
        raise Refusal(Code.ISSUER_EXISTS) from error
    changes: dict[str, tuple[object, object]] = {
        "url": (None, url), **{field: (None, value or None) for field, value in facts(issuer).items()},
        "state": (None, state(issuer)),
    }  # fmt: skip
    log.record(action=Action.ISSUER_CREATED, actor=by, subject=issuer, changes=changes, note=by.because(reason))
    wake(FETCH, issuer.pk)
    return issuer


def _is_alone(by: Actor) -> bool:
    """Return whether nobody has to agree: an operator acts, by a command."""
    return by.user is None and by.client is None  # a program of the team only proposes


def check_url(url: str, *, has_discovery: bool) -> None:
    """Refuse what cannot be an issuer, or cannot be fetched if its keys have to be (RFC 8414 section 2)."""
    addresses.check_form(url)
    if urlsplit(url).query or url.endswith("?"):
        raise Refusal(FetchCode.ADDRESS_MALFORMED)
    if url.rstrip("/") == settings.PUBLIC_URL.rstrip("/"):
        raise Refusal(Code.ISSUER_IS_THIS_SITE)
    if has_discovery:
        installation.check_address(url.rstrip("/") + key_sets.DISCOVERY)


def _check_audience(audience: str) -> None:
    if not all(is_visible(character) and character != " " for character in audience):
        raise Refusal(Code.AUDIENCE_MALFORMED)


def _use_pasted(issuer: Issuer, jwks: JWKS, now: datetime) -> None:
    found = key_sets.read_pasted(jwks, now=now)
    issuer.pasted_keys, issuer.keys, issuer.skipped = dict(jwks), found.rows, found.skipped_rows
    issuer.keys_fetched_at, issuer.keys_tried_at, issuer.keys_problem = now, now, ""


def facts(issuer: Issuer) -> dict[str, object]:
    """Return what can be changed, for entries and differences. Pasted keys are told by their names."""
    return {
        "audience": issuer.audience,
        "max_lifetime": issuer.max_lifetime,
        "jwks": pasted_names(issuer.pasted_keys),
    }


def pasted_names(jwks: JWKS | None) -> str:
    """Return the names of pasted keys, with the digest of all, as a change can keep the names."""
    if jwks is None:
        return ""
    return f"{' '.join(str(key.get('kid', '–')) for key in jwks['keys'])} ({key_sets.digest(jwks)})"


def state(issuer: Issuer) -> str:
    return "enabled" if issuer.is_enabled else "disabled"


@transaction.atomic
def change(
    *, issuer: Issuer, audience: str, max_lifetime: int, jwks: JWKS | None, by: Actor, now: datetime,
    reason: str = "", agreed: Proposal | None = None,
) -> None:  # fmt: skip
    """Change what its tokens are accepted for. `jwks`: other pasted keys, None for the present ones.

    Raises Refusal and four_eyes.NeedsColleague.
    """
    locked = _locked(issuer)
    before = facts(locked)
    check_change(locked, audience=audience, max_lifetime=max_lifetime, jwks=jwks, now=now)
    after = facts(locked)
    four_eyes.check(by=by, agreed=agreed)
    locked.save()
    changes = {**difference(before, after), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.ISSUER_CHANGED, actor=by, subject=locked, changes=changes, note=by.because(reason))
    _tell(locked, Action.ISSUER_CHANGED, by, now)
    issuer.refresh_from_db()


def check_change(issuer: Issuer, *, audience: str, max_lifetime: int, jwks: JWKS | None, now: datetime) -> None:
    """Change the object, and save nothing. Raises Refusal for what cannot be, or changes nothing."""
    _check_audience(audience)
    before = facts(issuer)
    issuer.audience, issuer.max_lifetime = audience, max_lifetime
    if jwks is not None:
        _use_pasted(issuer, jwks, now)
    if before == facts(issuer):
        raise Refusal(Code.ISSUER_UNCHANGED)


@transaction.atomic
def enable(*, issuer: Issuer, by: Actor, now: datetime, reason: str = "", agreed: Proposal | None = None) -> None:
    """Accept its tokens from now on; access tokens from before stay dead. Raises Refusal and NeedsColleague."""
    locked = _locked(issuer)
    if locked.is_enabled:
        raise Refusal(Code.ISSUER_ENABLED_ALREADY)
    four_eyes.check(by=by, agreed=agreed)
    locked.enabled_at, locked.disabled_at = now, None
    locked.save(update_fields=["enabled_at", "disabled_at"])
    _record(Action.ISSUER_ENABLED, locked, by, reason, agreed)
    _tell(locked, Action.ISSUER_ENABLED, by, now)
    wake(FETCH, issuer.pk)
    issuer.refresh_from_db()


@transaction.atomic
def disable(*, issuer: Issuer, by: Actor, now: datetime, reason: str = "", agreed: Proposal | None = None) -> None:
    """Refuse its tokens from this commit on (PROTOCOL F-34). Raises Refusal and four_eyes.NeedsColleague.

    The access tokens of its trusts are dead by the commit, too: a process that looks one up sees the issuer. Their rows
    are marked later, so that pages see it.
    """
    locked = _locked(issuer)
    if not locked.is_enabled:
        raise Refusal(Code.ISSUER_DISABLED_ALREADY)
    four_eyes.check(by=by, agreed=agreed)
    locked.disabled_at = now
    locked.save(update_fields=["disabled_at"])
    _record(Action.ISSUER_DISABLED, locked, by, reason, agreed)
    _tell(locked, Action.ISSUER_DISABLED, by, now)
    wake(MARK_DEAD, issuer.pk)
    issuer.refresh_from_db()


def _locked(issuer: Issuer) -> Issuer:
    return Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)


def _record(action: Action, issuer: Issuer, by: Actor, reason: str, agreed: Proposal | None) -> None:
    before, after = ("enabled", "disabled") if action == Action.ISSUER_DISABLED else ("disabled", "enabled")
    changes = {"state": (before, after), **four_eyes.first_of_two(agreed)}
    log.record(action=action, actor=by, subject=issuer, changes=changes, note=by.because(reason))


def trusting(issuer: Issuer, now: datetime) -> Any:
    """Return the clients with a trust on it that has not ended."""
    held = Trust.objects.filter(issuer=issuer).exclude(ends_at__lte=now)
    return Client.objects.filter(pk__in=held.values("client")).exclude(status=Client.Status.CLOSED)


def _tell(issuer: Issuer, action: Action, by: Actor, now: datetime) -> None:
    """Mail the contacts of the clients that trust it."""
    tell_contacts_of_many(clients=trusting(issuer, now), action=action, subject=issuer.name, by=by, now=now)
