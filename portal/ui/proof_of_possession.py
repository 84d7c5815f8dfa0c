"""Proof of possession: the contact signs a short text of ours with the private half of the key they add."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.utils.translation import gettext as _

from clients import keymaterial
from clients.keymaterial import PublicKey
from clients.models import Client

# What a proof of possession signs: of this client, and no older than a day.
CHALLENGE_LIFETIME = timedelta(days=1)


def challenge_for(client: Client) -> str:
    return _challenges().sign(client.uid.hex)


def _challenges() -> TimestampSigner:
    """Not made on import: without a SECRET_KEY the system checks must still come to say so."""
    return TimestampSigner(salt="keydesk.portal.keys.proof")


def problem(client: Client, found: tuple[PublicKey, ...], answers: Mapping[str, str]) -> str:
    """Why `proof` does not show that its sender has the private half of the one key; "" when it does, or is empty."""
    proof, challenge = answers["proof"], answers["challenge"]
    if not proof:
        return ""
    try:
        is_ours = _challenges().unsign(challenge, max_age=CHALLENGE_LIFETIME) == client.uid.hex
    except BadSignature:
        is_ours = False
    if not is_ours or len(found) != 1:
        return _("The text to sign is no longer good. Upload the key again and sign the new text.")
    if not keymaterial.is_signed_by(found[0].jwk, challenge.encode(), proof):
        return _("This signature comes from another private key: the two files are not a pair.")
    return ""
