"""Parser of a text that leaked, pasted or reported: all that Keydesk issues or accepts, also in a header or file.

Of a secret only the digest leaves this module, and of a private key only the thumbprint of its public half.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from clients.keymaterial.traces import traces
from foundation import secret_format
from tokens.acts.leaks import Traces
from tokens.protocol import jws, token_format
from tokens.protocol.errors import InvalidClient

# Ours by prefix and length; text that follows without a gap, as after lost line ends, is not part of it.
OURS = re.compile(r"(?=(kd[st]_[A-Za-z0-9_-]{49}))")
BASIC = re.compile(r"\bbasic\s+([A-Za-z0-9+/_-]{8,}={0,2})", re.IGNORECASE)
JWT = re.compile(r"(?<![\w-])(eyJ[\w-]{8,}+\.[\w-]++\.[\w-]++)")
# A kid, a thumbprint, the end of a secret or a client id; never one of our secrets, which must not go into a query.
NAME = re.compile(r"(?!kd[st]_|eyJ)[!-~](?:[ -~]{0,253}[!-~])?")
SURROUNDING_CHARACTERS = " \t\r\n\"'`,;"
HINT = re.compile(r"(?:…|\.\.\.)([A-Za-z0-9_-]{4})")  # the name of a secret on our pages


class SeveralLeaks(ValueError):
    """More than one secret, token, key or assertion was pasted; each must be looked up alone, to miss none."""


@dataclass(frozen=True)
class Pasted:
    """The value to look up, and the kind of the text (a name below), for the page that finds no client."""

    traces: Traces
    what: str
    is_proven: bool = False  # the value of a secret or token, or a private key that fits its public half


CUT_OFF = "cut_off"  # begins like a secret of ours or an assertion, but is incomplete
UNREADABLE = "unreadable"  # a private key that is encrypted, cut off, or of an unknown kind
PRIVATE_KEY, PUBLIC_KEY, ASSERTION, VALUE = "private_key", "public_key", "assertion", "value"


def read(pasted: str) -> Pasted:
    """Find the secret, token, key, assertion or name in a text. Raises SeveralLeaks."""
    readings = list(dict.fromkeys([pasted, unquote_plus(pasted), *_decoded(pasted)]))
    ours = {value for text in readings for value in values_in(text)}
    keys = traces(pasted)
    tokens = {text for reading in readings for text in JWT.findall(reading)}
    assertions = list(filter(None, map(_assertion, tokens)))
    if len(ours) + len({key.thumbprint for key in keys}) + len(assertions) > 1:
        raise SeveralLeaks
    if ours:
        return Pasted(Traces(digest=secret_format.digest(ours.pop())), VALUE, is_proven=True)
    if keys:
        kind = PRIVATE_KEY if any(key.is_private for key in keys) else PUBLIC_KEY
        thumbprint, is_proven = keys[0].thumbprint, any(key.is_proven for key in keys)
        return Pasted(Traces(thumbprint=thumbprint), kind if thumbprint else UNREADABLE, is_proven)
    if assertions:
        return Pasted(Traces(assertion=assertions[0]), ASSERTION)
    text = pasted.strip(SURROUNDING_CHARACTERS)
    return Pasted(Traces(name=_name_in(text)), CUT_OFF if _is_cut_off(text) else VALUE)


def may_hold_a_secret(text: str) -> bool:
    """Return whether a text is anything but the name of something: it must not stand in an address."""
    try:
        pasted = read(text)
    except SeveralLeaks:
        return True
    return pasted.what != VALUE or bool(pasted.traces.digest) or BASIC.search(text) is not None


def values_in(text: str) -> set[str]:
    """Return the secrets and tokens in a text that have the form of ours, checksum included."""
    return {value for value in OURS.findall(text) if _is_whole(value)}


def _name_in(text: str) -> str:
    """Return the part without a secret: of a Basic header whose secret is not ours, the client id."""
    for decoded in _decoded(text):
        text = decoded.partition(":")[0]
    if hint := HINT.fullmatch(text):
        return hint[1]
    return text if NAME.fullmatch(text) else ""


def _is_cut_off(text: str) -> bool:
    if text.startswith("eyJ"):
        return True
    return text.startswith((secret_format.PREFIX, token_format.PREFIX)) and not _is_whole(text)


def _is_whole(value: str) -> bool:
    return secret_format.is_well_formed(value) or token_format.is_well_formed(value)


def _assertion(text: str) -> jws.Jws | None:
    try:
        return jws.read(text)
    except InvalidClient:
        return None


def _decoded(pasted: str) -> Iterator[str]:
    """Yield the decoded HTTP Basic credentials: client id, colon, secret."""
    for encoded in BASIC.findall(pasted):
        try:
            yield unquote_plus(base64.b64decode(encoded + "==").decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
