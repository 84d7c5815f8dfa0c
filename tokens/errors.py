"""Everything the authorization server refuses, and how.

A refusal has two faces. The caller reads `error` and `description`, which tell a stranger nothing. The contacts of the
client read `rule` and `facts` in their journal (PROTOCOL line 16), found by the request's id. No Django here.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokens.throttle import Allowance


class Rule(StrEnum):
    """The closed vocabulary of reasons; portal/causes.py has the words for each."""

    # The request (lines 1-5)
    METHOD = "method"
    CONTENT_TYPE = "content_type"
    BODY_TOO_LARGE = "body_too_large"
    BODY_ENCODING = "body_encoding"
    TOO_MANY_FIELDS = "too_many_fields"
    REPEATED_PARAMETER = "repeated_parameter"
    MISSING_PARAMETER = "missing_parameter"
    GRANT_TYPE = "grant_type"
    GRANT_NOT_ALLOWED = "grant_not_allowed"
    RATE_LIMIT = "rate_limit"

    # Client authentication (lines 5-7 and 16)
    NO_CREDENTIALS = "no_credentials"
    SEVERAL_METHODS = "several_methods"
    AUTHORIZATION_HEADER = "authorization_header"
    CLIENT_ID_DIFFERS = "client_id_differs"
    UNKNOWN_CLIENT = "unknown_client"
    CLIENT_NOT_ACTIVE = "client_not_active"
    SECRET_WRONG = "secret_wrong"  # noqa: S105  (names, not secrets)
    SECRET_ENDED = "secret_ended"  # noqa: S105
    SECRET_NOT_ALLOWED = "secret_not_allowed"  # noqa: S105

    # Client assertions (lines 8-15)
    ASSERTION_TYPE = "assertion_type"
    ASSERTION_TOO_LARGE = "assertion_too_large"
    ASSERTION_FORM = "assertion_form"
    ASSERTION_ENCRYPTED = "assertion_encrypted"
    ASSERTION_DUPLICATE_MEMBER = "assertion_duplicate_member"
    ALGORITHM = "algorithm"
    ALGORITHM_NOT_OF_KEY = "algorithm_not_of_key"
    CRITICAL_HEADER = "critical_header"
    TYP = "typ"
    NO_KEYS = "no_keys"
    KID = "kid"
    KID_AMBIGUOUS = "kid_ambiguous"
    KEY_NOT_USABLE = "key_not_usable"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    SUBJECT = "subject"
    AUDIENCE = "audience"
    EXPIRY = "expiry"
    EXPIRED = "expired"
    EXPIRES_TOO_LATE = "expires_too_late"
    ISSUED_AT = "issued_at"
    NOT_BEFORE = "not_before"
    JTI = "jti"
    REPLAYED = "replayed"

    # Scope (line 17)
    SCOPE_SYNTAX = "scope_syntax"
    SCOPE_UNKNOWN = "scope_unknown"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    SCOPE_NO_DEFAULT = "scope_no_default"

    # Bearer tokens (line 24)
    NO_TOKEN = "no_token"  # noqa: S105
    TOKEN_NOT_ACTIVE = "token_not_active"  # noqa: S105
    INSUFFICIENT_SCOPE = "insufficient_scope"

    # Remarks on requests that were accepted (line 13)
    LONG_LIFETIME = "long_lifetime"
    CLOCK_AHEAD = "clock_ahead"


class Refused(Exception):
    """A request that is answered with an OAuth error (RFC 6749 section 5.2).

    `facts` are short strings for the contact: what was sent and what was expected, never a secret, an assertion or a
    signature. `description` is what everybody may read.
    """

    status = 400
    error = "invalid_request"

    def __init__(self, rule: Rule, description: str = "", **facts: object) -> None:
        super().__init__(rule.value)
        self.rule = rule
        self.description = description
        self.facts = {name: shown(value) for name, value in facts.items()}


class InvalidRequest(Refused):
    """Malformed: a parameter is missing, repeated or broken."""


class MethodNotAllowed(Refused):
    """RFC 9110 section 15.5.6; `allow` is the one method there is."""

    status = 405

    def __init__(self, allow: str) -> None:
        super().__init__(Rule.METHOD, f"Use {allow}.")
        self.allow = allow


class InvalidClient(Refused):
    """Client authentication failed. Always the same words: which part was wrong is nobody's business but the client's.

    The status is 401 where the Authorization header was used (RFC 6749 section 5.2), and always at introspection
    (RFC 7662 section 2.3): the application knows.
    """

    error = "invalid_client"

    def __init__(self, rule: Rule, **facts: object) -> None:
        super().__init__(rule, "Client authentication failed.", **facts)


class UnauthorizedClient(Refused):
    error = "unauthorized_client"


class UnsupportedGrantType(Refused):
    error = "unsupported_grant_type"


class InvalidScope(Refused):
    error = "invalid_scope"


class TooManyRequests(Refused):
    """RFC 6585 section 4."""

    status = 429
    error = "temporarily_unavailable"

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(
            Rule.RATE_LIMIT,
            "Too many requests: slow down, and keep tokens until they expire.",
            expected=f"{allowance.limit} requests a minute",
        )
        self.allowance = allowance


class InvalidToken(Refused):
    """RFC 6750 section 3.1."""

    status = 401
    error = "invalid_token"


class NoToken(Refused):
    """A protected resource was asked without any token: RFC 6750 section 3.1 wants no error code then."""

    status = 401
    error = ""


class InsufficientScope(Refused):
    """RFC 6750 section 3.1; `scope` is what the resource needs."""

    status = 403
    error = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(Rule.INSUFFICIENT_SCOPE, "The token lacks the scope that this resource needs.", needs=scope)
        self.scope = scope


LONGEST_FACT = 200  # characters


def shown(value: object) -> str:
    """A value of the request as a short, printable string: control and bidi characters and NUL become escapes."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= LONGEST_FACT else text[: LONGEST_FACT - 1] + "…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
