"""The health of a client, in the words and colours that its contacts see.

Works on rows loaded beforehand, so that a page with many clients needs no query for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.expiry import EXPIRY_NOTICE, UNUSED_AFTER
from clients.models import Client, Key, Secret, Trust
from portal.ui import rotation
from portal.ui.dates import ago, day, days_left, moment
from portal.ui.rotation import Rotation, Uses
from tokens.models import CredentialUse

Counts = Mapping[str, int]  # of valid tokens, by credential


@dataclass(frozen=True)
class Condition:
    """`state` is a colour of the `tag` component; `rank` sorts the most urgent first.

    `key` or `secret` is to replace; `trust` is to extend, if it ends first. `rotation` is in progress if given: the
    client is not healthy before the new key or secret is used.
    """

    rank: int
    state: str
    words: str
    key: Key | None = None
    rotation: Rotation | None = None
    secret: Secret | None = None
    trust: Trust | None = None


def of_client(
    client: Client,
    keys: Iterable[Key],
    secrets: Iterable[Secret],
    uses: Uses,
    now: datetime,
    trusts: Iterable[Trust] = (),
) -> Condition:
    """Return the health of a client. With lately stopped `keys` and `secrets`, an unfinished rotation shows as well."""
    keys, secrets = list(keys), list(secrets)
    if not client.is_active:
        return Condition(0, "bad", client.get_status_display())
    usable = [key for key in keys if key.state(now) in (Key.State.ACTIVE, Key.State.RETIRING)]
    working = [secret for secret in secrets if client.accepts_secrets and secret.works(now)]
    trusting = [trust for trust in trusts if trust.works(now)]
    if not usable and not working and not trusting:
        return Condition(1, "bad", _("Cannot authenticate"))
    ends = ending_key(usable, now), ending_secret(usable, working, now), ending_trust(trusting, now)
    if any(ends):
        return _ending(*ends, now)
    if replacing := rotation.of_client(client, keys, secrets, uses, now):
        rank, state = (1, "bad") if replacing.has_stopped else (2, "warn")
        return Condition(rank, state, replacing.words, rotation=replacing)
    credentials: list[Key | Secret | Trust] = [*usable, *working, *trusting]
    if not any(credential.credential in uses for credential in credentials):
        return Condition(3, "info", _("Waiting for first use"))
    return Condition(4, "ok", _("Active"))


def _ending(key: Key | None, secret: Secret | None, trust: Trust | None, now: datetime) -> Condition:
    """Return the condition of a client of which one of these ends soon: its words name the first to end."""
    replaced = [end for one in (key, secret) if one and (end := one.end_at)]
    if trust and trust.expires_at and all(trust.expires_at < end for end in replaced):
        return Condition(2, "warn", trust_expires_in(trust, now), key, secret=secret, trust=trust)
    words = secret_expires_in(secret, now) if secret else expires_in(key.own_end if key else None, now)
    return Condition(2, "warn", words, key, secret=secret)


def expires_in(end: datetime | None, now: datetime) -> str:
    days = days_left(end, now)
    return ngettext("Expires in %(days)s day", "Expires in %(days)s days", days) % {"days": days}


def secret_expires_in(secret: Secret, now: datetime) -> str:
    days = days_left(secret.expires_at, now)
    return ngettext("The secret expires in %(days)s day", "The secret expires in %(days)s days", days) % {"days": days}


def trust_expires_in(trust: Trust, now: datetime) -> str:
    days = days_left(trust.expires_at, now)
    return ngettext("A trust expires in %(days)s day", "A trust expires in %(days)s days", days) % {"days": days}


def ending_key(usable: Iterable[Key], now: datetime) -> Key | None:
    """Return the key that ends within a month, if no key goes on after it; else None."""
    staying = [key for key in usable if key.retires_at is None]
    ends = [(end, key.pk, key) for key in staying if (end := key.own_end) and end <= now + EXPIRY_NOTICE]
    return max(ends)[-1] if ends and len(ends) == len(staying) else None


def ending_secret(usable: Iterable[Key], working: Iterable[Secret], now: datetime) -> Secret | None:
    """Return the current secret if it ends within a month, and no key goes on after it; else None."""
    if any(key.retires_at is None for key in usable):
        return None
    current = [secret for secret in working if secret.ends_at is None]
    return next((one for one in current if one.expires_at and one.expires_at <= now + EXPIRY_NOTICE), None)


def ending_trust(trusting: Iterable[Trust], now: datetime) -> Trust | None:
    """Return the first trust to end within a month by its age; no other one stands in for it."""
    ends = [(end, trust.pk, trust) for trust in trusting if trust.is_near_its_end(now) and (end := trust.expires_at)]
    return min(ends)[-1] if ends else None


def signs_in_with(
    client: Client, keys: Iterable[Key], secrets: Iterable[Secret], now: datetime, trusts: Iterable[Trust] = ()
) -> list[str]:
    """Describe each usable credential in a few words, keys first."""
    works = (Key.State.ACTIVE, Key.State.RETIRING)
    words = [key.title for key in keys if key.state(now) in works]
    words += [_("Trust in %(name)s") % {"name": trust.audit_label} for trust in trusts if trust.works(now)]
    if client.accepts_secrets:
        words += [
            _("Client secret, ends in %(hint)s") % {"hint": secret.hint} for secret in secrets if secret.works(now)
        ]
    return words


def last_use(uses: Uses) -> datetime | None:
    return max((use.last_used_at for use in uses.values()), default=None)


# --- One credential -------------------------------------------------------------------------------------------------
KEY_STATES = {
    Key.State.STAGED: "info",
    Key.State.WAITING: "info",
    Key.State.ACTIVE: "ok",
    Key.State.RETIRING: "warn",
    Key.State.RETIRED: "mute",
    Key.State.EXPIRED: "bad",
}


@dataclass(frozen=True)
class KeyCard:
    """A key as components/credential_card.html shows it."""

    key: Key
    title: str
    state: str
    status: str
    end_at: datetime | None
    line_state: str
    used: str
    note: str
    tokens: int  # valid now
    proven: str  # words about the proof of possession

    @property
    def is_staged(self) -> bool:
        return self.state == "info" and self.key.active_from is None

    @property
    def start_at(self) -> datetime:
        return self.key.not_before or self.key.added_at


def of_key(
    key: Key, uses: Uses, now: datetime, tokens: Counts | None = None, replacing: Rotation | None = None
) -> KeyCard:
    """Return the card of a key. `replacing`: the client's rotation; its new key is not called safe to retire."""
    state = key.state(now)
    colour, status = KEY_STATES[state], str(key.State(state).label)
    end_at = key.end_at
    if state == Key.State.ACTIVE and end_at and end_at <= now + EXPIRY_NOTICE:
        colour, status = "warn", expires_in(end_at, now)
    line_state = {"info": "next", "mute": "bad"}.get(colour, colour)
    use, unused = uses.get(key.credential), _unused_note(key, replacing)
    if unused and colour == "ok":
        colour, status = "warn", _("Not used yet")  # green is for what was used
    return KeyCard(
        key=key,
        title=key.title,
        state=colour,
        status=status,
        end_at=end_at,
        line_state=line_state,
        used=used_words(use, now),
        note=unused or _key_note(state, key, use, now),
        tokens=(tokens or {}).get(key.credential, 0),
        proven=_proven_words(key, use),
    )


def _proven_words(key: Key, use: CredentialUse | None) -> str:
    if key.proven_at:
        return _("Possession proven on %(moment)s") % {"moment": moment(key.proven_at)}
    return _("Proven by use") if use else _("Not proven yet: the first token will prove it")


def used_words(use: CredentialUse | None, now: datetime) -> str:
    if use is None:
        return _("never")
    number = number_format(use.uses, force_grouping=True)
    counted = ngettext("%(count)s time", "%(count)s times", use.uses) % {"count": number}
    return _("%(ago)s, %(counted)s") % {"ago": ago(use.last_used_at, now), "counted": counted}


def _unused_note(credential: Key | Secret, replacing: Rotation | None) -> str:
    """Return the note on the new credential of a rotation, until it has been used."""
    if replacing and replacing.new == credential and replacing.new_used_at is None:
        return _("Not used yet: set it in your software.")
    return ""


def _key_note(state: Key.State, key: Key, use: CredentialUse | None, now: datetime) -> str:
    if state == Key.State.STAGED:
        return _("It does not work yet. Activate it when your software is ready for it.")
    if state == Key.State.WAITING:
        return _waiting_note(key)
    if state == Key.State.RETIRING:
        return _("It stops working on %(moment)s.") % {"moment": moment(key.retires_at)}
    return removal_words(use, key.added_at, now) if state == Key.State.ACTIVE else ""


def _waiting_note(key: Key) -> str:
    until = moment(key.first_use_by)
    if key.takes_over_from is None:
        return _("It is retired if it is not used until %(until)s.") % {"until": until}
    words = _("It takes over from the key %(kid)s once it is used. Unused, it is retired on %(until)s.")
    return words % {"kid": key.takes_over_from.kid, "until": until}


def removal_words(use: CredentialUse | None, since: datetime, now: datetime) -> str:
    """Return what removing this credential would break."""
    last = use.last_used_at if use else None
    if (last or since) > now - UNUSED_AFTER:
        return "" if last is None else _("In use: once it ends, software that authenticates with it is refused.")
    if last is None:
        return _("Never used since it was added on %(day)s: safe to retire.") % {"day": day(since)}
    quiet = (now - last).days
    return ngettext(
        "Not used for %(days)s day: safe to retire.", "Not used for %(days)s days: safe to retire.", quiet
    ) % {"days": quiet}


@dataclass(frozen=True)
class SecretLine:
    """A secret as the client's page lists it, without its value."""

    secret: Secret
    state: str
    status: str
    is_current: bool
    used: str
    note: str
    tokens: int  # valid now


def of_secret(
    secret: Secret, uses: Uses, now: datetime, tokens: Counts | None = None, replacing: Rotation | None = None
) -> SecretLine:
    state, use, unused = secret.state(now), uses.get(secret.credential), _unused_note(secret, replacing)
    is_current = state == Secret.State.ACTIVE
    if is_current:
        note = unused or removal_words(use, secret.created_at, now)
    else:
        note = _("It stops working on %(moment)s.") % {"moment": moment(secret.end_at)}
    colour, status = "ok" if is_current else "warn", str(Secret.State(state).label)
    if unused and is_current:
        colour, status = "warn", _("Not used yet")  # green is for what was used
    if not secret.client.accepts_secrets:
        colour, status, note = "mute", _("Turned off"), ""
    return SecretLine(
        secret=secret,
        state=colour,
        status=status,
        is_current=is_current,
        used=used_words(use, now),
        note=note,
        tokens=(tokens or {}).get(secret.credential, 0),
    )
