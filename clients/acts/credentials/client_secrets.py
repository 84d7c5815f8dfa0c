"""Acts on client secrets: make, view, regenerate, end, and turn secret authentication off and on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from audit import log
from audit.actions import Action
from clients import encryption
from clients.actors import Actor
from clients.acts.credentials import ends
from clients.acts.credentials.ways_in import without_secrets
from clients.acts.people import staff
from clients.acts.team import webhooks
from clients.mail.notifications import tell_contacts
from clients.models import Client, KeptAnswer, Secret
from clients.refusal_codes import Code
from foundation import secret_format
from foundation.refusals import Refusal

OVERLAPS = {
    "0": (timedelta(0), _("Stops immediately")),
    "1h": (timedelta(hours=1), _("Works one more hour")),
    "24h": (timedelta(hours=24), _("Works 24 more hours")),
    "7d": (timedelta(days=7), _("Works 7 more days")),
}


def create_first(*, client: Client, by: Actor, now: datetime) -> str:
    """Make the first secret of a new client, in the transaction that makes the client; return it.

    With an entry of its own, so that the change log tells which credentials existed on a day.
    """
    text = _create(client=client, by=by, now=now)
    secret = client.secrets.current().get()
    log.record(action=Action.SECRET_CREATED, actor=by, subject=secret, changes={"hint": (None, secret.hint)})
    return text


def may_be_made(client: Client, *, now: datetime) -> bool:
    """Return whether a new client gets a secret: neither the site's profile nor a policy allows keys only."""
    return client.accepts_secrets and not ends.bounds_of(client, now).secrets_off


def _check_accepted(client: Client, now: datetime) -> None:
    """Raise Refusal where the site's profile or a policy allows keys only."""
    if not settings.CLIENT_SECRETS_ACCEPTED:
        raise Refusal(Code.SECRETS_NOT_ACCEPTED)
    if ends.bounds_of(client, now).secrets_off:
        raise Refusal(Code.SECRETS_OFF_BY_POLICY)


def _create(*, client: Client, by: Actor, now: datetime, label: str = "") -> str:
    """Make a secret for a client without a current one; the act logs it."""
    text = secret_format.generate()
    secret = Secret(
        client=client, digest=secret_format.digest(text), hint=text[-4:], label=label, created_at=now,
        created_by=by.label,
    )  # fmt: skip
    ends.give(secret, now=now)
    if settings.SECRETS_VIEWABLE:
        secret.ciphertext, secret.sealed_with = encryption.encrypt(text, row=secret.uid)
    secret.save()
    return text


def in_clear(secret: Secret) -> str:
    """Return the secret, for a larger act, which logs it. Raises UnableToDecrypt, also where secrets are shown once."""
    if secret.ciphertext is None or not settings.SECRETS_VIEWABLE:
        raise encryption.UnableToDecrypt(Code.SECRET_NOT_SHOWN)
    try:
        return encryption.decrypt(bytes(secret.ciphertext), key_id=secret.sealed_with, row=secret.uid)
    except encryption.UnableToDecrypt as error:
        raise encryption.UnableToDecrypt(Code.SECRET_NOT_SHOWN) from error


@transaction.atomic
def view(*, secret: Secret, by: Actor, now: datetime) -> str:
    """Return the secret in clear and log it. Raises UnableToDecrypt, also where secrets are shown only once."""
    text = in_clear(secret)
    log.record(action=Action.SECRET_VIEWED, actor=by, subject=secret)
    tell_contacts(client=secret.client, action=Action.SECRET_VIEWED, subject=secret.audit_label, by=by, now=now)
    return text


@transaction.atomic
def regenerate(
    *, client: Client, replaces: Secret | None, overlap: timedelta, by: Actor, now: datetime, label: str = ""
) -> str:
    """Make a new secret and return it; the one it replaces works on for the overlap.

    `replaces` is the current secret of the page, or None. Of concurrent calls only the first finds it current; the
    others raise Refusal.
    """
    by.check_self_service(Client.objects.locked(client.pk))
    _check_accepted(client, now)
    if replaces is None:
        if client.secrets.current().exists():
            raise Refusal(Code.SECRET_MADE_MEANWHILE)
    else:
        ended = client.secrets.current().filter(pk=replaces.pk).update(ends_at=now + overlap)
        if not ended:
            raise Refusal(Code.SECRET_REGENERATED_MEANWHILE)
    text = _create(client=client, by=by, now=now, label=label)
    new = client.secrets.current().get()
    changes = {"hint": (replaces.hint if replaces else None, new.hint)}
    if replaces:
        changes["ends_at"] = (None, (now + overlap).isoformat())
    action = Action.SECRET_REGENERATED if replaces else Action.SECRET_CREATED
    log.record(action=action, actor=by, subject=new, changes=changes)
    tell_contacts(
        client=client, action=action, subject=new.audit_label, by=by, now=now, until=(now + overlap).isoformat(),
        added=str(new.uid),
    )  # fmt: skip
    return text


@transaction.atomic
def end(*, secret: Secret, by: Actor, now: datetime) -> None:
    """End a secret at once. The current one may end only while the client has another usable credential."""
    client = Client.objects.locked(secret.client_id)
    if secret.ends_at is None and not without_secrets(client, now):
        raise Refusal(Code.LAST_SECRET)
    still_working = client.secrets.usable(now).filter(pk=secret.pk)
    if not still_working.update(ends_at=now):
        raise Refusal(Code.SECRET_STOPPED_ALREADY)
    before = secret.ends_at.isoformat() if secret.ends_at else None
    log.record(action=Action.SECRET_ENDED, actor=by, subject=secret, changes={"ends_at": (before, now.isoformat())})
    tell_contacts(client=client, action=Action.SECRET_ENDED, subject=secret.audit_label, by=by, now=now)


@transaction.atomic
def set_allowed(*, client: Client, allowed: bool, by: Actor, now: datetime) -> None:
    """Turn client_secret_basic and client_secret_post on or off; off only with a usable key or trust."""
    Client.objects.locked(client.pk)
    if allowed:
        _check_accepted(client, now)
    if not allowed and not without_secrets(client, now):
        raise Refusal(Code.SECRETS_NEED_A_KEY)
    if not Client.objects.filter(~Q(secret_allowed=allowed), pk=client.pk).update(secret_allowed=allowed):
        raise Refusal(Code.SECRET_AUTHENTICATION_UNCHANGED)
    action = Action.SECRET_AUTHENTICATION_ON if allowed else Action.SECRET_AUTHENTICATION_OFF
    log.record(action=action, actor=by, subject=client, changes={"secret_allowed": (not allowed, allowed)})
    tell_contacts(client=client, action=action, subject=client.audit_label, by=by, now=now)
    client.secret_allowed = allowed


def reencrypt(*, by: Actor) -> int:
    """Encrypt every secret, of webhooks too, and staff's second factors with the first of SECRETS_KEYS. Logged once.

    Where secrets are shown only once, their ciphertexts are deleted instead, and the digests stay. Returns the number
    of changed rows.
    """
    keep = settings.SECRETS_VIEWABLE
    with transaction.atomic():
        count, dropped = staff.reencrypt_second_factors() + webhooks.reencrypt(), 0
        # Of a first answer of the API only its secret goes: it was shown, and is retried within a day.
        KeptAnswer.objects.exclude(ciphertext=None).update(ciphertext=None, sealed_with="")
        old = Secret.objects.exclude(ciphertext=None)
        if keep:
            old = old.exclude(sealed_with=encryption.current_key_id())
        clients = Client.objects.filter(pk__in=old.values("client")).order_by("pk")
        list(clients.select_for_update(no_key=True).values_list("pk"))  # before the secrets, see locked()
        for secret in old.select_for_update(no_key=True).iterator():
            if keep:
                text = encryption.decrypt(bytes(secret.ciphertext or b""), key_id=secret.sealed_with, row=secret.uid)
                secret.ciphertext, secret.sealed_with = encryption.encrypt(text, row=secret.uid)
            else:
                secret.ciphertext, secret.sealed_with = None, ""
            secret.save(update_fields=["ciphertext", "sealed_with"])
            count, dropped = count + 1, dropped + (not keep)
        if count:
            note = f"{count} secrets" + (f", {dropped} of them kept as digests only" if dropped else "")
            log.record(action=Action.SECRETS_REENCRYPTED, actor=by, subject=log.SITE, note=note)
    return count
