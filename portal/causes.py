"""Why a request was refused, in words for the client's contacts: what it means and how to mend it.

One entry for each rule of the authorization server's closed vocabulary (tokens.errors.Rule).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from portal.phrases import in_words, state_in_words
from portal.times import exactly
from tokens.assertion import CLOCK_TOLERANCE
from tokens.errors import Rule

TIMES = {Rule.ISSUED_AT, Rule.NOT_BEFORE, Rule.EXPIRED, Rule.EXPIRES_TOO_LATE}  # what was sent is a moment
AHEAD = {Rule.ISSUED_AT, Rule.NOT_BEFORE}
ABOUT = ("parameter", "key", "state", "algorithm", "needs")  # facts that are no comparison
SAID_BY_THE_FIX = {
    Rule.SEVERAL_METHODS, Rule.SECRET_NOT_ALLOWED, Rule.REPLAYED, Rule.NO_KEYS, Rule.ASSERTION_DUPLICATE_MEMBER,
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """`name` is the claim or parameter that `sent` and `expected` are about, as it is spelled on the wire."""

    title: str | Promise
    fix: str | Promise
    name: str = ""


NTP = _("Turn on time synchronisation (NTP) on the server that signs. On Linux, timedatectl says whether it is on.")
LIBRARY = _("Use an OAuth or JWT library rather than code of your own; the documentation has samples for yours.")

WORDS: dict[str, Words] = {
    # The request
    Rule.METHOD: Words(_("The request used the wrong HTTP method"), _("Send it with POST."), "method"),
    Rule.CONTENT_TYPE: Words(
        _("The parameters were not sent as a form"),
        _("Send them in the body, as application/x-www-form-urlencoded. JSON is not accepted."),
        "Content-Type",
    ),
    Rule.BODY_TOO_LARGE: Words(_("The request is too large"), _("Send only the parameters of the documentation.")),
    Rule.BODY_ENCODING: Words(
        _("The parameters are wrongly encoded"), _("Let your HTTP library encode the form, in UTF-8.")
    ),
    Rule.TOO_MANY_FIELDS: Words(
        _("The request has too many parameters"), _("Send only the parameters of the documentation.")
    ),
    Rule.REPEATED_PARAMETER: Words(
        _("A parameter was sent twice"), _("Send each parameter once. Several scopes go into one, with spaces between.")
    ),
    Rule.MISSING_PARAMETER: Words(_("A parameter is missing"), _("Add it: the documentation lists what is needed.")),
    Rule.GRANT_TYPE: Words(
        _("The grant type is not one that we offer"), _("Send grant_type=client_credentials."), "grant_type"
    ),
    Rule.GRANT_NOT_ALLOWED: Words(
        _("This client may not ask for tokens"),
        _("It belongs to a resource server, which only checks tokens. Request another client for calling APIs."),
    ),
    Rule.RATE_LIMIT: Words(
        _("Too many requests in a minute"),
        _("Keep a token until it expires instead of asking for one with each call, and wait as Retry-After says."),
    ),
    # Client authentication
    Rule.NO_CREDENTIALS: Words(
        _("The request does not say which client it is from"),
        _("Send the client id and secret with HTTP Basic, or a signed assertion."),
    ),
    Rule.SEVERAL_METHODS: Words(
        _("The client authenticated in two ways at once"),
        _("Use one: the Authorization header, the form, or an assertion. Many libraries send two by default."),
    ),
    Rule.AUTHORIZATION_HEADER: Words(
        _("The Authorization header cannot be read"),
        _("Send Basic and base64 of client_id:client_secret, both url-encoded first."),
        "Authorization",
    ),
    Rule.CLIENT_ID_DIFFERS: Words(
        _("Two different client ids are in one request"),
        _("Leave client_id out of the form, or make it the same one."),
        "client_id",
    ),
    Rule.UNKNOWN_CLIENT: Words(
        _("The client id is unknown"),
        _("Copy it from the client's page. An earlier client id stops at once."),
        "client_id",
    ),
    Rule.CLIENT_NOT_ACTIVE: Words(
        _("The client is suspended or closed"), _("Ask the Security team why: only they can reactivate it.")
    ),
    Rule.SECRET_WRONG: Words(
        _("The client secret is wrong"),
        _("Reveal it on the client's page and copy it again, whole. Url-encode it when you build the header yourself."),
        "client_secret",
    ),
    Rule.SECRET_ENDED: Words(
        _("The client secret was replaced and its overlap is over"),
        _("Reveal the new secret on the client's page and set it in your software."),
        "client_secret",
    ),
    Rule.SECRET_NOT_ALLOWED: Words(
        _("Secrets are turned off for this client"),
        _("Sign in with a key (private_key_jwt), or turn secrets on again on the client's page."),
    ),
    # Client assertions
    Rule.ASSERTION_TYPE: Words(
        _("The client_assertion_type is wrong"), _("Copy the expected value exactly."), "client_assertion_type"
    ),
    Rule.ASSERTION_TOO_LARGE: Words(
        _("The signed assertion is too long"), _("Leave out the certificate chain and other claims: a kid is enough.")
    ),
    Rule.ASSERTION_FORM: Words(_("The assertion is no signed JSON Web Token"), LIBRARY, "client_assertion"),
    Rule.ASSERTION_ENCRYPTED: Words(
        _("The assertion is encrypted"), _("Sign it only. The connection is encrypted already."), "client_assertion"
    ),
    Rule.ASSERTION_DUPLICATE_MEMBER: Words(_("The assertion has a member twice"), LIBRARY),
    Rule.ALGORITHM: Words(
        _("The signature algorithm is not accepted"), _("Sign with one of the expected algorithms."), "alg"
    ),
    Rule.ALGORITHM_NOT_OF_KEY: Words(
        _("The algorithm does not fit the key"), _("Set alg to one that the key can verify, or use another key."), "alg"
    ),
    Rule.CRITICAL_HEADER: Words(_("The assertion demands an extension"), _("Leave crit out of its header."), "crit"),
    Rule.TYP: Words(_("The typ of the assertion is another one"), _("Set typ to JWT, or leave it out."), "typ"),
    Rule.NO_KEYS: Words(
        _("The client has no key that can be used"),
        _("Upload the public key or certificate on the client's page first."),
    ),
    Rule.KID: Words(
        _("We do not know the key id that you used"),
        _("Set kid to one that we know for this client. If you changed to a new key, upload that key first."),
        "kid",
    ),
    Rule.KID_AMBIGUOUS: Words(
        _("Several keys fit, and the assertion names none"), _("Put the kid of your key into the header."), "kid"
    ),
    Rule.KEY_NOT_USABLE: Words(
        _("The key cannot be used now: it is staged, retired or expired"),
        _("Activate it on the client's page if it is staged. Otherwise sign with the key in use, or add a new one."),
        "kid",
    ),
    Rule.SIGNATURE: Words(
        _("The signature does not fit the key"),
        _("Sign with the private key that belongs to the key named. Often an old private key is still on the server."),
    ),
    Rule.ISSUER: Words(_("The issuer is not your client id"), _("Set iss to the client id."), "iss"),
    Rule.SUBJECT: Words(_("The subject is not your client id"), _("Set sub to the client id."), "sub"),
    Rule.AUDIENCE: Words(
        _("The audience in your signed request is not our token address"),
        _("Set aud to exactly one of the expected values, alone. Many libraries call it “audience”."),
        "aud",
    ),
    Rule.EXPIRY: Words(
        _("The expiry time is missing or no number"), _("Set exp to a number of seconds since 1970."), "exp"
    ),
    Rule.EXPIRED: Words(
        _("The assertion had expired when it arrived"),
        _("Make a new one for each request, valid for a minute. If you do, your server's clock is behind: use NTP."),
        "exp",
    ),
    Rule.EXPIRES_TOO_LATE: Words(
        _("The assertion would live too long"), _("Set exp to a minute ahead: that is enough for any request."), "exp"
    ),
    Rule.ISSUED_AT: Words(_("Your server's clock is ahead"), NTP, "iat"),
    Rule.NOT_BEFORE: Words(_("Your server's clock is ahead"), NTP, "nbf"),
    Rule.JTI: Words(_("The assertion has no usable jti"), _("Set jti to a new random UUID in every assertion."), "jti"),
    Rule.REPLAYED: Words(
        _("The same assertion was used twice"),
        _("Make a new one, with a new jti, for each request, a repeated one included."),
        "jti",
    ),
    # Scope
    Rule.SCOPE_SYNTAX: Words(
        _("The scope cannot be read"), _("Put one space between two scopes, no commas or quotes."), "scope"
    ),
    Rule.SCOPE_UNKNOWN: Words(
        _("A scope does not exist, or no longer"), _("Compare with the expected ones: capitals count."), "scope"
    ),
    Rule.SCOPE_NOT_GRANTED: Words(
        _("The client does not have this scope"),
        _("Ask for one that it has, or ask for more scopes on the client's page."),
        "scope",
    ),
    Rule.SCOPE_NO_DEFAULT: Words(
        _("No scope was asked for, and the client has no default"), _("Name the scopes in the request."), "scope"
    ),
    # Bearer tokens
    Rule.NO_TOKEN: Words(_("The call has no access token"), _("Send it as Authorization: Bearer and the token.")),
    Rule.TOKEN_NOT_ACTIVE: Words(
        _("The access token does not work (any more)"), _("Ask for a new one: it expired or was invalidated.")
    ),
    Rule.INSUFFICIENT_SCOPE: Words(
        _("The token lacks the scope that this resource needs"), _("Ask for a token with that scope."), "scope"
    ),
    # Remarks on requests that were accepted
    Rule.LONG_LIFETIME: Words(
        _("Your assertions live long"),
        _("They work, but who steals one can use it as long. Set exp to a minute ahead."),
        "exp",
    ),
    Rule.CLOCK_AHEAD: Words(_("Your server's clock is a little ahead"), NTP, "iat"),
}

UNKNOWN = Words(_("The request was refused"), _("Ask us with the request id: we can see more."))


def words(rule: str) -> Words:
    """Also for a rule that a later version dropped: its entries are kept for a month."""
    return WORDS.get(rule, UNKNOWN)


def compared(rule: str, facts: Mapping[str, str]) -> dict[str, Any]:
    """What was sent beside what is expected; where there is nothing to compare, `about` says what there is to say.

    Of several values that are allowed `expected` is the one nearest to what was sent, and `others` are the rest. Where
    `clock` is set, `expected` is what our clock said; `offset` is how far theirs is from it and `late`
    how long before it the assertion had ended, in seconds.
    """
    sent, expected, clock = _sent(facts), in_words(facts.get("expected", "")), _number(facts.get("our_clock"))
    if rule in TIMES and clock is not None and (at := _number(sent)) is not None:
        times: dict[str, Any] = {"sent": _with_time(at), "expected": _with_time(clock), "clock": True}
        late = {"late": clock - at} if rule == Rule.EXPIRED else {}
        return times | late | ({"offset": at - clock, "allowed": CLOCK_TOLERANCE} if rule in AHEAD else {})
    if rule == Rule.AUDIENCE:
        values = expected.split(" or ")
        (nearest,) = get_close_matches(sent, values, n=1, cutoff=0)
        return {"sent": sent, "expected": nearest, "others": [value for value in values if value != nearest]}
    about = _about(facts)
    if expected and ("sent" in facts or rule == Rule.SCOPE_NO_DEFAULT):  # where it is empty, nothing was sent
        return {"sent": sent, "expected": expected, "about": about}
    return {"about": about or sent or ("" if rule in SAID_BY_THE_FIX else expected)}


def _sent(facts: Mapping[str, str]) -> str:
    """Empty for a claim that was left out, which comes as the null of JSON."""
    sent = facts.get("sent", "")
    return "" if sent == "null" else in_words(sent)


def _about(facts: Mapping[str, str]) -> str:
    told = (state_in_words(facts[name]) if name == "state" else facts[name] for name in ABOUT if name in facts)
    return ", ".join(told)


def title(rule: str, compared: Mapping[str, Any]) -> str | Promise:
    """The cause in one sentence, with the measured offset of a clock where there is one."""
    if "offset" in compared:
        return _("Your server's clock is %(span)s ahead") % {"span": exactly(compared["offset"])}
    if "late" in compared:
        return _("The assertion had expired %(span)s before it arrived") % {"span": exactly(compared["late"])}
    return words(rule).title


def as_time(value: object) -> str:
    """A NumericDate as it was sent, with the time it means if it means one."""
    return str(value) if (at := _number(value)) is None else _with_time(at)


def _number(text: object) -> float | None:
    """A moment of this or the next centuries, in seconds since 1970; other people wrote it."""
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if 0 <= value < 10**10 else None


def _with_time(seconds: float) -> str:
    return f"{seconds:.0f} = {localtime(datetime.fromtimestamp(seconds, UTC)):%H:%M:%S}"
