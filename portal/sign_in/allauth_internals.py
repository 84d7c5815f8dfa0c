"""Parts of django-allauth beyond its documentation. No other module imports them (TID251 in pyproject.toml).

A release may move any of this without notice, so the version is pinned exactly. To update: read this module against the
new release, then run the tests of staff sign-in, of passkeys (with a virtual authenticator in a browser) and of the
demonstration.

- `record_authentication`: records in the session a sign-in by mailed link, for which there is no public call.
- `get_authentication_records`: the methods of this session; step-up and the rule about second factors depend on it.
- `context`: holds the HTTP request while a form judges a code or a passkey. allauth's forms do not get the request.
- `begin_registration`, `WebAuthn`, `begin_authentication`, `parse_authentication_response`, `complete_authentication`:
  passkeys of contacts and step-up by passkey. allauth's own pages for passkeys are for staff only.
- `TOTP`, `generate_totp_secret`, `totp_code`: authenticator apps without a phone, for the example data and the tests.
"""

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.core import context
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.mfa.webauthn.internal.auth import (
    WebAuthn,
    begin_authentication,
    begin_registration,
    complete_authentication,
    parse_authentication_response,
)

__all__ = [
    "TOTP",
    "WebAuthn",
    "begin_authentication",
    "begin_registration",
    "complete_authentication",
    "context",
    "generate_totp_secret",
    "get_authentication_records",
    "parse_authentication_response",
    "record_authentication",
    "totp_code",
]

TOTP_PERIOD_S = 30  # RFC 6238 section 4.1


def totp_code(secret: str, at: float) -> str:
    """Return the code that an app shows at `at`, seconds since 1970."""
    return format_hotp_value(hotp_value(secret, int(at) // TOTP_PERIOD_S))
