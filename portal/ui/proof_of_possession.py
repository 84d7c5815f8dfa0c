"""Proof of possession: the contact signs a short text of ours with the private half of the key being added."""

from collections.abc import Mapping
from datetime import timedelta

from django.core.signing import BadSignature, TimestampSigner
from django.utils.translation import gettext as _

from clients import keymaterial
from clients.keymaterial import PublicKey
from clients.models import Client

# A challenge names the client, and is valid for a day.
CHALLENGE_LIFETIME = timedelta(days=1)


def challenge_for(client: Client) -> str:
    return _challenges().sign(client.uid.hex)


def _challenges() -> TimestampSigner:
    """Return the signer. Not made on import, so that without a SECRET_KEY the system checks can still report it."""
    return TimestampSigner(salt="keydesk.portal.keys.proof")


def problem(client: Client, found: tuple[PublicKey, ...], answers: Mapping[str, str]) -> str:
    """Return why `proof` shows no possession of the private half of the key; "" when it does, or when it is empty."""
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
