"""What was pasted on the incident page: the secret or token in a header, a log line or a piece of code."""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

from clients import secretformat
from tokens import tokenformat

# Ours by prefix and length: what follows without a gap, as when line ends got lost, is not part of it.
OURS = re.compile(r"(?=(kd[st]_[A-Za-z0-9_-]{49}))")
BASIC = re.compile(r"\bbasic\s+([A-Za-z0-9+/_-]{8,}={0,2})", re.IGNORECASE)
# As the database has client ids. Our secrets and tokens are left out: they go into no query as they are.
CLIENT_ID = re.compile(r"(?!kd[st]_)[A-Za-z0-9_-]{1,64}")
AROUND = " \t\"'`,;"


class SeveralLeaks(ValueError):
    """More than one secret or token: each is looked up by itself, so that none is overlooked."""


def value_in(pasted: str) -> str:
    """The one secret or token in this text; the text itself when nothing in it looks like ours. Raises SeveralLeaks."""
    readings = [pasted, unquote_plus(pasted), *_decoded(pasted)]
    found = {value for text in readings for value in OURS.findall(text) if _is_whole(value)}
    if len(found) > 1:
        raise SeveralLeaks
    return found.pop() if found else pasted.strip(AROUND)


def is_cut_off(value: str) -> bool:
    """Begins as ours do, and its check characters do not fit: it was not copied whole, or mistyped."""
    return value.startswith((secretformat.PREFIX, tokenformat.PREFIX)) and not _is_whole(value)


def _is_whole(value: str) -> bool:
    return secretformat.is_well_formed(value) or tokenformat.is_well_formed(value)


def _decoded(pasted: str) -> Iterator[str]:
    """What HTTP Basic credentials say: client id, colon, secret."""
    for encoded in BASIC.findall(pasted):
        try:
            yield unquote_plus(base64.b64decode(encoded + "==").decode())
        except (binascii.Error, UnicodeDecodeError):
            continue
