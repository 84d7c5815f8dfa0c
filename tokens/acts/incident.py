"""Leaked credentials: find the owner of a pasted value, and revoke it in one act. The pasted value is not kept.

A secret or token is found by its digest, a private key by the thumbprint of its public half
(portal/flows/pasted_secret.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts.federation import jwks_uris
from clients.former_ids import has_id
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key, Secret, Trust
from foundation.refusals import Refusal
from tokens.acts import leak_ends
from tokens.acts.leaks import Leak, Traces, addresses
from tokens.acts.refusal_codes import TokenCode
from tokens.acts.uses import evidence
from tokens.models import Token
from tokens.protocol.federated import differences
from tokens.protocol.jws import Jws
from tokens.runtime.client_cache import signing_key

UNKNOWN_SUBJECT = log.StaticSubject("nobody", "nobody")
HINT_LENGTH = 4  # characters of a secret that pages show
MAX_FOUND = 10  # credentials
MAX_NETWORKS = 20  # in an entry


@transaction.atomic
def look_up(*, traces: Traces, by: Actor, now: datetime) -> list[Leak]:
    """Return at most MAX_FOUND credentials that match, ended ones too. Recorded without the pasted value."""
    found = [leak for source in SOURCES for leak in source(traces)][:MAX_FOUND]
    changes = {"leaked": (None, traces.what)}
    log.record(action=Action.INCIDENT_LOOKED_UP, actor=by, subject=_named(found), changes=changes)
    return found


def _named(found: list[Leak]) -> log.Subject:
    if len(found) > 1:
        return log.StaticSubject(
            "several", ", ".join(f"{leak.subject.audit_label} ({leak.client.name})" for leak in found)
        )
    return found[0].subject if found else UNKNOWN_SUBJECT


def _by_digest(traces: Traces) -> Iterator[Leak]:
    if traces.digest:
        yield from map(Leak, Secret.objects.select_related("client").filter(digest=traces.digest))
        yield from map(Leak, Token.objects.select_related("client").filter(digest=traces.digest))


def _by_thumbprint(traces: Traces) -> Iterator[Leak]:
    if traces.thumbprint:
        yield from map(Leak, _newest_of_each(Key.objects.filter(thumbprint=traces.thumbprint)))


def _by_assertion(traces: Traces) -> Iterator[Leak]:
    """Yield the client of an assertion and the key that signed it, or else the key that its header names."""
    assertion = traces.assertion
    if assertion is None or not (client := Client.objects.filter(has_id(assertion.client_id)).first()):
        return
    own = list(client.keys.select_related("client").shown())
    signed = [key for key in own if _is_signed_by(assertion, key)]
    named = [key for key in own if assertion.header.get("kid") in signing_key(vars(key)).names]
    subject: Key | Client = next(iter([*signed, *named]), client)
    yield Leak(subject, is_signed=bool(signed))


def _by_federated(traces: Traces) -> Iterator[Leak]:
    """Yield the trusts that a token of an issuer speaks for, whichever clients hold them."""
    claims = traces.assertion.claims if traces.assertion else {}
    if isinstance(claims.get("iss"), str) and isinstance(claims.get("sub"), str):
        named = Trust.objects.filter(issuer__url=claims["iss"], subject=claims["sub"]).select_related("client")
        yield from (Leak(trust) for trust in named.shown() if not differences(claims, trust.claims))


def _is_signed_by(assertion: Jws, key: Key) -> bool:
    of_key = signing_key(vars(key))
    return assertion.header.get("alg") in of_key.algorithms and assertion.is_signed_by(of_key.imported)


def _by_name(traces: Traces) -> Iterator[Leak]:
    """Yield keys by identifier, secrets by their last characters, and clients; a text may match several."""
    if not (name := traces.name):
        return
    yield from map(Leak, _newest_of_each(Key.objects.named(name)))
    yield from map(Leak, Trust.objects.filter(subject=name).select_related("client").shown())
    if len(name) == HINT_LENGTH:
        yield from map(Leak, Secret.objects.select_related("client").filter(hint=name).order_by("-created_at"))
    yield from map(Leak, Client.objects.filter(has_id(name)))


def _newest_of_each(found: QuerySet[Key]) -> list[Key]:
    """Return a row per client and key, preferably the one in use: renewing a certificate leaves older rows behind."""
    rows = found.select_related("client").order_by(F("retires_at").desc(nulls_first=True), "-added_at")
    newest: dict[tuple[int, str], Key] = {}
    for key in rows[: MAX_FOUND * 5]:
        newest.setdefault((key.client_id, key.thumbprint), key)
    return list(newest.values())


SOURCES: tuple[Callable[[Traces], Iterator[Leak]], ...] = (
    _by_digest, _by_thumbprint, _by_assertion, _by_federated, _by_name,
)  # fmt: skip


def by_reference(text: str, *, is_signed: bool | None = None) -> Leak | None:
    """Return the leak that a page named by its `reference`; `is_signed` as in Leak."""
    kind, _colon, rest = text.partition(":")
    try:
        found = _referred_to(kind, rest)
    except ValueError:
        return None
    return Leak(found, is_signed=is_signed) if found else None


def _referred_to(kind: str, rest: str) -> Secret | Key | Trust | Token | Client | None:
    """Return the object of a reference. Raises ValueError for a malformed one."""
    if kind == "token":
        return Token.objects.select_related("client").filter(digest=bytes.fromhex(rest)).first()
    if kind == "client":
        return Client.objects.filter(uid=UUID(rest)).first()
    if kind == "key":
        return Key.objects.select_related("client").filter(uid=UUID(rest)).first()
    if kind == "trust":
        return Trust.objects.select_related("client", "issuer").filter(uid=UUID(rest)).first()
    return Secret.objects.select_related("client").filter(uid=UUID(rest)).first() if kind == "secret" else None


# --- Revoking -------------------------------------------------------------------------------------------------------
@transaction.atomic
def revoke(*, leak: Leak, by: Actor, now: datetime, reason: str = "", message: str = "", case: str = "") -> None:
    """End a token; or a key or secret together with every token of the client, since a thief may have used it.

    A key or secret is ended even if the client has no other credential: its contacts get a mail, with `message` in it,
    and can make a new one. The tokens end with the client's token generation (`epoch`), including any that is being
    issued at this moment. The entry keeps `case`, the addresses that got tokens and the networks. Raises Refusal.
    """
    client = Client.objects.locked(leak.client.pk)
    seen = evidence_of(leak, case)
    changes = leak_ends.end(leak=leak, client=client, now=now)
    tell_contacts(
        client=client, action=Action.INCIDENT_REVOKED, subject=leak.subject.audit_label, by=by, now=now,
        what=leak.kind, message=message,
    )  # fmt: skip
    if not isinstance(leak.subject, Token):  # a token cannot be used to find the credential behind it
        changes |= client.pause_self_service()
    changes |= {**seen, "message": (None, message or None)}
    log.record(action=Action.INCIDENT_REVOKED, actor=by, subject=leak.subject, changes=changes, note=by.because(reason))


@transaction.atomic
def revoke_all(
    *, client: Client, by: Actor, now: datetime, reason: str = "", message: str = "", case: str = ""
) -> None:
    """End all that lets a client in, with every token: its keys, secrets, trusts and addresses of keys.

    Each has its entry, as if revoked alone; the contacts get one mail. Raises Refusal if nothing is left to end.
    """
    locked = Client.objects.locked(client.pk)
    keys = _newest_of_each(locked.keys.filter(Q(retires_at=None) | Q(retires_at__gt=now)))
    leaks = [Leak(found) for found in (*keys, *locked.secrets.usable(now), *locked.trusts.not_ended(now))]
    seen = {leak.reference: evidence_of(leak, case) for leak in leaks}  # before the first end invalidates the tokens
    addresses_of_keys = list(locked.jwks_uris.filter(ends_at=None))
    if not leaks and not addresses_of_keys:
        raise Refusal(TokenCode.NOTHING_LETS_IN)
    told: leak_ends.Changes = {"message": (None, message or None)}
    for leak in leaks:
        changes = leak_ends.end(leak=leak, client=locked, now=now) | seen[leak.reference] | told
        log.record(
            action=Action.INCIDENT_REVOKED, actor=by, subject=leak.subject, changes=changes, note=by.because(reason)
        )
    for address in addresses_of_keys:
        jwks_uris.end(jwks_uri=address, by=by, now=now)
        changes = {"url": (address.url, None), "case": (None, case or None), **told}
        log.record(action=Action.JWKS_URI_REMOVED, actor=by, subject=address, changes=changes, note=by.because(reason))
    locked.pause_self_service()
    tell_contacts(
        client=client, action=Action.INCIDENT_REVOKED, subject=client.audit_label, by=by, now=now, what="client",
        message=message,
    )  # fmt: skip


def evidence_in(client: Client, case: str) -> leak_ends.Changes:
    """Return what the entry of an act on a client keeps of a case, {} without one."""
    return evidence_of(Leak(client), case) if case else {}


def evidence_of(leak: Leak, case: str) -> leak_ends.Changes:
    """Return what the entry of an act keeps: the case, who got tokens as long as they are known, and the networks."""
    credential = getattr(leak.subject, "credential", "")
    return {
        "case": (None, case or None),
        "addresses": (None, [str(use) for use in addresses(leak)] or None),
        "networks": (None, [str(use) for use in evidence.of_client(leak.client, credential)[:MAX_NETWORKS]] or None),
    }
