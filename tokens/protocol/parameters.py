"""Strict and bounded parsing of the parameters of an HTTP request: form body, query string, Basic credentials."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from tokens.protocol.errors import InvalidClient, InvalidRequest, Rule

FORM = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 64
# Parameters that some endpoint reads; others are ignored (RFC 6749 section 3.2).
KNOWN = frozenset({
    "grant_type", "scope", "client_id", "client_secret", "client_assertion_type", "client_assertion", "token",
    "token_type_hint",
})  # fmt: skip

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_form(content_type: str, body: bytes) -> dict[str, str]:
    """Return the known parameters that have a value (PROTOCOL R-2, R-3; RFC 6749 appendix B). Raises InvalidRequest."""
    if content_type != FORM and content_type.partition(";")[0].strip().lower() != FORM:
        raise InvalidRequest(Rule.CONTENT_TYPE, f"Send the parameters as {FORM}.", sent=content_type, expected=FORM)
    if len(body) > MAX_BODY_BYTES:
        message = f"The body may have {MAX_BODY_BYTES} bytes."
        raise InvalidRequest(Rule.BODY_TOO_LARGE, message, max_bytes=MAX_BODY_BYTES)
    try:
        fields = body.decode("utf-8").split("&")
    except UnicodeDecodeError:
        raise _broken("body") from None
    if len(fields) > MAX_FIELDS:
        raise InvalidRequest(
            Rule.TOO_MANY_FIELDS, f"The body may have {MAX_FIELDS} parameters.", sent=len(fields), expected=MAX_FIELDS
        )
    return _distinct(fields, KNOWN)


def read_query(query: str, known: frozenset[str]) -> dict[str, str]:
    """Return the parameters in `known` of a query string that have a value. Raises InvalidRequest."""
    fields = query.split("&")
    if len(fields) > MAX_FIELDS:
        raise InvalidRequest(
            Rule.TOO_MANY_FIELDS,
            f"The query may have {MAX_FIELDS} parameters.",
            sent=len(fields),
            expected=MAX_FIELDS,
        )
    return _distinct(fields, known)


def _distinct(fields: list[str], known: frozenset[str]) -> dict[str, str]:
    form: dict[str, str] = {}
    for pair in fields:
        raw_name, _, raw_value = pair.partition("=")
        name = form_decode(raw_name)
        if name not in known or not raw_value:
            continue
        if name in form:
            raise InvalidRequest(Rule.REPEATED_PARAMETER, f"The parameter {name} was sent twice.", parameter=name)
        form[name] = form_decode(raw_value)
    return form


def form_decode(text: str) -> str:
    """Decode a name or value of application/x-www-form-urlencoded, which is UTF-8. Raises InvalidRequest."""
    if "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        if _BROKEN_ESCAPE.search(text):
            raise _broken("escape")
        try:
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise _broken("escape") from None
    if "\0" in text:
        raise _broken("nul")
    return text


def _broken(problem: str) -> InvalidRequest:
    """Return the refusal for `problem`: "body" (not UTF-8), "escape" (a stray percent sign) or "nul" (NUL)."""
    return InvalidRequest(Rule.BODY_ENCODING, f"The parameters must be {FORM} in UTF-8.", problem=problem)


def required(form: dict[str, str], name: str) -> str:
    """Return a parameter. Raises InvalidRequest if it is missing or empty."""
    if name not in form:
        raise InvalidRequest(Rule.MISSING_PARAMETER, f"The parameter {name} is missing.", parameter=name)
    return form[name]


def read_basic(authorization: str) -> tuple[str, str]:
    """Return client id and secret of a Basic Authorization header: base64, then each half form-decoded (PROTOCOL A-6).

    RFC 7617 section 2, RFC 6749 section 2.3.1. Raises InvalidClient.
    """
    scheme, _, credentials = authorization.strip().partition(" ")
    if credentials and scheme.lower() != "basic":  # a single word is no scheme: it may be a secret, and is not kept
        raise InvalidClient(Rule.AUTHORIZATION_HEADER, problem="scheme", scheme=scheme[:20])
    try:
        decoded = binascii.a2b_base64(credentials.strip(), strict_mode=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        if not colon:
            raise ValueError("no colon")
        return form_decode(client_id), form_decode(secret)
    except (ValueError, InvalidRequest):  # binascii.Error is a ValueError
        raise InvalidClient(Rule.AUTHORIZATION_HEADER, problem="credentials") from None
