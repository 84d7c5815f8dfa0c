"""Comparison of the value sent with the value expected, in the reader's language, from the facts of a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clients.models import Client, Key
from clients.policy.bounds import Bound
from portal.explanations.facts import (
    Value,
    exact,
    in_milliseconds,
    moment_of,
    names_of,
    number_of,
    seconds_of,
    text_of,
    whole,
)
from portal.explanations.words import Text, of_rule
from portal.ui.dates import exactly
from tokens.protocol.errors import Rule

Facts = Mapping[str, Any]

STATES: dict[str, Text] = {**dict(Key.State.choices), **dict(Client.Status.choices)}
NAMED: dict[str, str] = {Rule.ASSERTION_DUPLICATE_MEMBER: "member", Rule.FEDERATED_KEYS_UNAVAILABLE: "issuer"}
CLOCK_AHEAD_RULES = {Rule.ISSUED_AT, Rule.NOT_BEFORE}
NOTHING_TO_COMPARE = {
    Rule.SEVERAL_METHODS, Rule.SECRET_NOT_ALLOWED, Rule.NO_KEYS, Rule.ASSERTION_DUPLICATE_MEMBER, Rule.NO_TOKEN,
    Rule.REPEATED_PARAMETER, Rule.MISSING_PARAMETER, Rule.UNAVAILABLE, Rule.SERVER_ERROR, Rule.GRANT_NOT_ALLOWED,
    Rule.SIGNATURE, Rule.CLIENT_NOT_ACTIVE, Rule.RATE_LIMIT, Rule.BODY_TOO_LARGE, Rule.NO_CREDENTIALS,
    Rule.FEDERATED_KEYS_UNAVAILABLE, Rule.BEFORE_RESTORE,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Row of the comparison. `others`: allowed values beside `expected`, the recommended one."""

    name: Text
    sent: Value
    expected: Value | None
    others: list[str] = field(default_factory=list)

    @property
    def is_alike(self) -> bool:
        return self.sent.is_like(self.expected)


def rows(rule: str, facts: Facts, *, now_words: str = "") -> list[Row]:
    """Return the comparison of sent and expected values. `now_words`: how to call the moment of `our_clock`."""
    if rule in NOTHING_TO_COMPARE:
        return []
    if rule in MOMENTS and seconds_of(facts.get("our_clock")) is not None:
        return _moments(rule, facts, now_words or _("our clock when it arrived"))
    special = SPECIAL.get(rule)
    return special(facts) if special else _compared(rule, facts)


def details(rule: str, facts: Facts) -> list[Text]:
    """Return the words for where nothing is compared: a key, a state, a limit, a list of what is allowed."""
    said: list[Text] = []
    if rule == Rule.SIGNATURE and "key" in facts:
        named = {"kid": facts["key"], "algorithm": facts.get("algorithm", "")}
        said.append(_("Key id: %(kid)s, algorithm: %(algorithm)s") % named)
    elif rule == Rule.CLIENT_NOT_ACTIVE and facts.get("state"):
        said.append(str(STATES.get(facts["state"], facts["state"])))
    elif rule == Rule.RATE_LIMIT and (limit := whole(facts.get("limit", facts.get("expected")))) is not None:
        text = ngettext("at most %(n)s request a minute", "at most %(n)s requests a minute", limit)
        said.append(text % {"n": number_format(limit)})
    elif rule == Rule.BODY_TOO_LARGE and (limit := whole(facts.get("max_bytes", facts.get("expected")))) is not None:
        said.append(_("at most %(n)s bytes") % {"n": number_format(limit, force_grouping=True)})
    elif rule in (Rule.SEVERAL_METHODS, Rule.NO_CREDENTIALS):
        said += names_of(facts.get("sent" if rule == Rule.SEVERAL_METHODS else "expected"))
    elif rule == Rule.FEDERATED_ISSUER and facts.get("state") == "disabled":
        said.append(_("The Security team has disabled this issuer."))
    elif rule == Rule.SCOPE_RETIRED and facts.get("instead"):
        said.append(_("Instead: %(name)s") % {"name": facts["instead"]})
    elif name := facts.get(NAMED.get(rule, "")):
        said.append(str(name))
    return said


# --- Rows -------------------------------------------------------------------------------------------------------------

MOMENTS = {Rule.EXPIRED, Rule.EXPIRES_TOO_LATE, Rule.ISSUED_AT, Rule.NOT_BEFORE}


def _moments(rule: str, facts: Facts, now_words: str) -> list[Row]:
    """Return the rows of two moments, with day and zone, and of the difference between them in words."""
    ours, name = seconds_of(facts["our_clock"]) or 0.0, of_rule(rule).name
    at = seconds_of(facts.get("sent"))
    if at is None:
        sent = exact(facts.get("sent"))
        if (meant := in_milliseconds(facts.get("sent"))) is not None:
            sent = Value(sent.text, _("as milliseconds: %(moment)s") % {"moment": moment_of(meant)})
    else:
        difference = {"span": exactly(at - ours)}
        note = (_("%(span)s ahead") if at > ours else _("%(span)s before it arrived")) % difference
        sent = Value(moment_of(at), f"{text_of(facts['sent'])} · {note}", exact=False)
    return [Row(name, sent, Value(_wanted(rule, facts, moment_of(ours)), now_words, exact=False))]


def _wanted(rule: str, facts: Facts, now: str) -> str:
    if rule == Rule.EXPIRED:
        return _("later than %(moment)s") % {"moment": now}
    limit = number_of(facts.get("max_seconds"))
    if limit is None:  # an entry of an older version
        return now
    return _("at most %(span)s after %(moment)s") % {"span": exactly(limit), "moment": now}


# Members whose expected value is any of several names.
LISTS = {
    Rule.ALGORITHM, Rule.ALGORITHM_NOT_OF_KEY, Rule.KID, Rule.KID_AMBIGUOUS, Rule.SCOPE_UNKNOWN, Rule.SCOPE_NOT_GRANTED,
    Rule.SCOPE_NEEDS_KEY, Rule.SCOPE_NO_DEFAULT, Rule.FEDERATED_ISSUER, Rule.FEDERATED_SUBJECT,
}  # fmt: skip


def _compared(rule: str, facts: Facts) -> list[Row]:
    """Return the row of `sent` and `expected`; EXPECTED has the words where every client is expected the same."""
    if "sent" not in facts and rule != Rule.SCOPE_NO_DEFAULT:
        return []
    wanted = EXPECTED.get(rule)
    if wanted is not None:
        expected: Value | None = Value(str(wanted) % {"n": facts.get("max_length", 255)}, exact=False)
    elif "expected" not in facts:
        expected = None
    else:
        expected = exact(names_of(facts["expected"]) if rule in LISTS else facts["expected"])
    return [Row(of_rule(rule).name, exact(facts.get("sent")), expected)]


def _audience(facts: Facts) -> list[Row]:
    """Return the row with the recommended audience as `expected`, and the allowed ones in `others`."""
    allowed = names_of(facts.get("expected"))
    if not isinstance(facts.get("expected"), list):
        allowed.sort(key=len)  # an entry of an older version, sorted by name; the issuer is the shortest
    return [Row("aud", exact(facts.get("sent")), Value(allowed[0]) if allowed else None, allowed[1:])]


def _length(name: Text, prefix: str, facts: Facts) -> list[Row]:
    """Return the row of a secret's length, the only fact of a secret that is kept."""
    length, expected = whole(facts.get("length")), whole(facts.get("expected_length"))
    if length is None or expected is None:
        return []
    sent, wanted = (
        ngettext("%(n)s character", "%(n)s characters", n) % {"n": number_format(n)} for n in (length, expected)
    )
    note = _("beginning with %(prefix)s") % {"prefix": prefix}
    return [Row(name, Value(sent, exact=False), Value(wanted, note, exact=False))]


def _ended(facts: Facts) -> list[Row]:
    ended, ours = seconds_of(facts.get("ended_at")), seconds_of(facts.get("our_clock"))
    if ended is None or ours is None:
        return []
    note = _("%(span)s before it arrived") % {"span": exactly(ours - ended)}
    wanted = Value(_("until %(moment)s") % {"moment": moment_of(ended)}, note, exact=False)
    for fact, name in (("key", "kid"), ("subject", "sub"), ("scope", "scope")):
        if fact in facts:
            return [Row(name, Value(str(facts[fact])), wanted)]
    return [Row("client_secret", Value(_("a secret that ended"), exact=False), wanted)]


def _pinned(facts: Facts) -> list[Row]:
    """Return the row of a claim; with the quotes of a text where only the type differs."""
    sent, expected = facts.get("sent"), facts.get("expected")
    if sent is not None and text_of(sent) == text_of(expected):
        sent, expected = json.dumps(sent), json.dumps(expected)
    return [Row(str(facts.get("claim", "")), exact(sent), exact(expected))]


def _policy(facts: Facts) -> list[Row]:
    if facts.get("bound") == Bound.QUERY_OFF:
        wanted = Value(_("the token in the Authorization header"), exact=False)
        return [Row("access_token", Value(_("a token in the address"), exact=False), wanted)]
    return [Row("kid", exact(facts.get("sent")), exact(names_of(facts.get("expected"))))]


def _too_long(facts: Facts) -> list[Row]:
    size, limit = whole(facts.get("bytes", facts.get("sent"))), whole(facts.get("max_bytes", facts.get("expected")))
    if size is None or limit is None:
        return []
    sent = ngettext("%(n)s byte", "%(n)s bytes", size) % {"n": number_format(size, force_grouping=True)}
    wanted = _("at most %(n)s bytes") % {"n": number_format(limit, force_grouping=True)}
    return [Row("client_assertion", Value(sent, exact=False), Value(wanted, exact=False))]


def _form(facts: Facts) -> list[Row]:
    if facts.get("problem") == "encoding" or not {"sent", "parts"} & facts.keys():
        sent, wanted = _("three parts that are not all valid"), _("base64url without padding, JSON objects in UTF-8")
    else:
        parts = whole(facts.get("parts", facts.get("sent"))) or 0
        sent = ngettext("%(n)s part", "%(n)s parts", parts) % {"n": parts}
        wanted = _("three parts with dots between them: header.claims.signature")
    return [Row("client_assertion", Value(sent, exact=False), Value(wanted, exact=False))]


def _encrypted(_facts: Facts) -> list[Row]:
    sent = _("five parts: it is encrypted (JWE)")
    wanted = _("three parts with dots between them: header.claims.signature")
    return [Row("client_assertion", Value(sent, exact=False), Value(wanted, exact=False))]


def _header(facts: Facts) -> list[Row]:
    wanted = Value(_("Basic, a space, and the base64 of client_id:client_secret"), exact=False)
    if facts.get("problem") == "scheme" or "sent" in facts:
        scheme = str(facts.get("scheme", facts.get("sent", ""))).removeprefix("the scheme ")
        sent = Value(_("the scheme %(scheme)s") % {"scheme": scheme}, exact=False)
    else:
        sent = Value(_("something that is no base64 of two texts with a colon between"), exact=False)
    return [Row("Authorization", sent, wanted)]


BROKEN = {
    "body": gettext_lazy("a body that is not UTF-8"),
    "escape": gettext_lazy("a percent sign that begins no escape"),
    "nul": gettext_lazy("a NUL character"),
}


def _encoding(facts: Facts) -> list[Row]:
    sent = BROKEN.get(facts.get("problem", ""))
    if sent is None:
        return []
    wanted = Value(_("application/x-www-form-urlencoded in UTF-8"), exact=False)
    return [Row(gettext_lazy("Parameters"), Value(sent, exact=False), wanted)]


def _key_state(facts: Facts) -> list[Row]:
    state = STATES.get(facts.get("state", ""), facts.get("state", ""))
    sent = Value(str(facts.get("key", "")), str(state).lower())
    return [Row("kid", sent, Value(_("a key that is active"), exact=False))]


def _needed_scope(facts: Facts) -> list[Row]:
    return [Row("scope", Value(_("a token without it"), exact=False), exact(facts.get("expected", facts.get("needs"))))]


def _lifetime(facts: Facts) -> list[Row]:
    seconds, limit = whole(facts.get("seconds", facts.get("sent"))), whole(facts.get("max_seconds", 600))
    if seconds is None or limit is None:
        return []
    sent = Value(_("valid for %(span)s") % {"span": exactly(seconds)}, exact=False)
    return [Row("exp", sent, Value(_("at most %(span)s") % {"span": exactly(limit)}, exact=False))]


def _ahead(facts: Facts) -> list[Row]:
    seconds = whole(facts.get("seconds", facts.get("sent")))
    if seconds is None:
        return []
    sent = Value(_("%(span)s ahead") % {"span": exactly(seconds)}, exact=False)
    return [Row("iat", sent, Value(_("the time that NTP gives"), exact=False))]


SPECIAL: dict[str, Callable[[Facts], list[Row]]] = {
    Rule.AUDIENCE: _audience,
    Rule.FEDERATED_CLAIM: _pinned,
    Rule.SECRET_WRONG: partial(_length, "client_secret", "kds_"),
    Rule.SECRET_ENDED: _ended,
    Rule.CREDENTIAL_ENDED: _ended,
    Rule.SCOPE_RETIRED: _ended,
    Rule.POLICY: _policy,
    Rule.TOKEN_NOT_ACTIVE: partial(_length, "access_token", "kdt_"),
    Rule.ASSERTION_TOO_LARGE: _too_long,
    Rule.ASSERTION_FORM: _form,
    Rule.ASSERTION_ENCRYPTED: _encrypted,
    Rule.AUTHORIZATION_HEADER: _header,
    Rule.BODY_ENCODING: _encoding,
    Rule.KEY_NOT_USABLE: _key_state,
    Rule.INSUFFICIENT_SCOPE: _needed_scope,
    Rule.LONG_LIFETIME: _lifetime,
    Rule.CLOCK_AHEAD: _ahead,
}

# Expectations that are the same for every client.
SECONDS = gettext_lazy("a number of seconds since 1970")
EXPECTED: dict[str, Text] = {
    Rule.TYP: gettext_lazy("JWT, or client-authentication+jwt, or no typ"),
    Rule.CRITICAL_HEADER: gettext_lazy("no crit"),
    Rule.EXPIRY: SECONDS,
    Rule.EXPIRED: SECONDS,
    Rule.EXPIRES_TOO_LATE: SECONDS,
    Rule.ISSUED_AT: SECONDS,
    Rule.NOT_BEFORE: SECONDS,
    Rule.JTI: gettext_lazy("1 to %(n)s characters, new every time"),
    Rule.REPLAYED: gettext_lazy("a new one in every assertion"),
    Rule.UNKNOWN_CLIENT: gettext_lazy("the id of a client here"),
    Rule.NO_ENDPOINT: gettext_lazy("an address of the documentation"),
}
