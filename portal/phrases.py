"""The few facts of a refused request that are prose, in the reader's language.

The authorization server keeps its facts as short English strings (tokens/errors.py, Refused). Most are what was on the
wire and stay as they are; the ones here are sentences.
"""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from clients.models import Client, Key

STATES = {**dict(Key.State.choices), **dict(Client.Status.choices)}

FIXED = (
    gettext_noop("JWT or client-authentication+jwt, or none"),
    gettext_noop('no "crit" member'),
    gettext_noop("no kid"),
    gettext_noop("no exp"),
    gettext_noop("a number of seconds since 1970"),
    gettext_noop("three parts: a signed JWT"),
    gettext_noop("five parts: a JWE"),
    gettext_noop("three parts: header.claims.signature"),
    gettext_noop("base64url without padding, JSON objects in UTF-8"),
    gettext_noop("base64 of client_id:client_secret, each url-encoded"),
    gettext_noop("the body that is not valid"),
    gettext_noop("a percent escape that is not valid"),
    gettext_noop("a NUL character that is not valid"),
)

# With the number or word that differs from one time to the next.
COUNTED = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"a string of 1 to (\d{1,9}) characters, new every time", gettext_noop("1 to %s characters, new every time")),
        (r"at most (\d{1,9}) bytes", gettext_noop("at most %s bytes")),
        (r"(\d{1,9}) requests a minute", gettext_noop("at most %s requests a minute")),
        (r"(\d{1,9}) parts", gettext_noop("parts: %s")),
        (r"the scheme (.+)", gettext_noop("the scheme %s")),
    )
)


def in_words(fact: str) -> str:
    """A fact that is no prose is given back as it came."""
    if fact in FIXED:
        return _(fact)
    for pattern, text in COUNTED:
        if found := pattern.fullmatch(fact):
            return _(text) % found.group(1)
    return fact


def state_in_words(state: str) -> str:
    """The state of a key or a client."""
    return str(STATES.get(state, state)).lower()
