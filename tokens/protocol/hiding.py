"""Hiding credentials in a pasted HTTP request, before any part of it is kept or shown. No Django here.

portal/static/keydesk/hide.js does the same to secrets before the text leaves the browser. What remains of a client
secret is what its client's page shows too: prefix, length and the last four characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from foundation import secret_format
from foundation.secret_format import JWT_PATTERN, SECRET_PATTERN
from tokens.protocol.pasted import HIDDEN

ENDING = 4  # characters
MIN_SHOWN_LENGTH = 20  # characters; of shorter secrets no ending is shown

# client_secret=…, "client_secret": "…"; also the values of credentials that are not ours.
_NAMED = re.compile(
    r"((?:client_secret|client_assertion|access_token|refresh_token|password)[\"']?[ \t]{0,9}[=:][ \t]{0,9}[\"']?)"
    r"([^&\"'\s\\]++)"
)
# Authorization: Basic …, Authorization: Bearer …, or a value without a scheme.
_HEADER = re.compile(r"(?i)(authorization[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?)(?:([a-z]{1,20})[ \t]++)?([^\"'\r\n]++)")
# Options of curl: -u id:secret, -su id:secret, --user id:secret, --oauth2-bearer token.
_USER = re.compile(r"(\s(?:-[A-Za-z]{0,9}u|--user|--oauth2-bearer)[ \t=]{0,9}[\"']?(?:[^\s:\"']{1,100}:)?)([^\s\"']++)")
# https://id:secret@host/
_IN_ADDRESS = re.compile(r"(://[^\s/:@]{1,100}:)([^\s/@]{1,400})(?=@)")


def hidden(value: str) -> str:
    """Return a secret with the characters that nobody may see as asterisks."""
    if "$" in value or HIDDEN in value:  # a variable, or hidden already
        return value
    if value.startswith(secret_format.PREFIX) and len(value) >= MIN_SHOWN_LENGTH:
        stars = "*" * (len(value) - len(secret_format.PREFIX) - ENDING)
        return f"{secret_format.PREFIX}{stars}{value[-ENDING:]}"
    return "*" * len(value)


def without_credentials(text: str, also: Iterable[str] = ()) -> str:
    """Return the text with its secrets, tokens and signatures hidden; `also`: values found by other means."""
    for value in also:
        text = text.replace(value, hidden(value))
    text = SECRET_PATTERN.sub(lambda found: hidden(found[0]), text)
    text = JWT_PATTERN.sub(lambda found: _unsigned(found[0]), text)
    text = _HEADER.sub(_header, text)
    text = _NAMED.sub(lambda found: found[1] + _named(found[2]), text)
    text = _USER.sub(lambda found: found[1] + _named(found[2]), text)
    return _IN_ADDRESS.sub(lambda found: found[1] + HIDDEN, text)


def _named(value: str) -> str:
    return value if value.startswith("eyJ") and value.endswith(HIDDEN) else hidden(value)


def _unsigned(word: str) -> str:
    return f"{word.rpartition('.')[0]}.{HIDDEN}" if "." in word else word


def _header(found: re.Match[str]) -> str:
    name, scheme, value = found[1], found[2] or "", found[3]
    if scheme.lower() == "basic":
        try:
            client_id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if colon:
            return f"{name}{scheme} {base64.b64encode(f'{client_id}:{hidden(secret)}'.encode()).decode()}"
    return f"{name}{scheme} {HIDDEN}" if scheme else f"{name}{HIDDEN}"
