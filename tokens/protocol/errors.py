"""Refusals of the authorization server, and their answers.

A refusal has two readers. The caller gets `error` and `description`, which tell a stranger nothing. The contacts of the
client read `rule` and `facts`, in their own language, at the `error_uri` of the answer (PROTOCOL R-30). No Django here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, Self

from foundation.refusals import Refusal
from foundation.secret_format import without_secrets


class Rule(StrEnum):
    """Closed vocabulary of reasons; portal/explanations has the words for each."""

    # The HTTP request (PROTOCOL)
    NO_ENDPOINT = "no_endpoint"
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

    # Client authentication (PROTOCOL)
    NO_CREDENTIALS = "no_credentials"
    SEVERAL_METHODS = "several_methods"
    AUTHORIZATION_HEADER = "authorization_header"
    CLIENT_ID_DIFFERS = "client_id_differs"
    UNKNOWN_CLIENT = "unknown_client"
    CLIENT_NOT_ACTIVE = "client_not_active"
    SECRET_WRONG = "secret_wrong"
    SECRET_ENDED = "secret_ended"
    SECRET_NOT_ALLOWED = "secret_not_allowed"

    # The end of every credential, and what a policy refuses (PROTOCOL C-39)
    CREDENTIAL_ENDED = "credential_ended"
    POLICY = "policy"

    # Client assertions (PROTOCOL)
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
    BEFORE_RESTORE = "before_restore"

    # Federated assertions (PROTOCOL F-32 to F-34)
    FEDERATED_ISSUER = "federated_issuer"
    FEDERATED_SUBJECT = "federated_subject"
    FEDERATED_CLAIM = "federated_claim"
    FEDERATED_AUDIENCE = "federated_audience"
    FEDERATED_KEYS_UNAVAILABLE = "federated_keys_unavailable"

    # Scope (PROTOCOL T-17)
    SCOPE_SYNTAX = "scope_syntax"
    SCOPE_UNKNOWN = "scope_unknown"
    SCOPE_RETIRED = "scope_retired"
    SCOPE_NOT_GRANTED = "scope_not_granted"
    SCOPE_NEEDS_KEY = "scope_needs_key"
    SCOPE_NO_DEFAULT = "scope_no_default"

    # Bearer tokens (PROTOCOL I-24)
    NO_TOKEN = "no_token"
    TOKEN_NOT_ACTIVE = "token_not_active"
    INSUFFICIENT_SCOPE = "insufficient_scope"

    # Faults of the server: the database is away, or an internal error
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server_error"

    # Remarks on accepted HTTP requests (PROTOCOL A-13)
    LONG_LIFETIME = "long_lifetime"
    CLOCK_AHEAD = "clock_ahead"


# Facts of a refusal: data, never a sentence (PROTOCOL R-31).
Fact = str | int | float | bool | None | list["Fact"]


class Refused(Refusal):
    """Refusal that is answered with an OAuth error (RFC 6749 section 5.2).

    The rule is its code. `facts` are data for the contacts: sent and expected values as numbers, seconds since 1970,
    names and lists; never a secret, an assertion, a signature or a sentence. `description` is public.
    """

    code: Rule
    status = 400
    error = "invalid_request"

    def __init__(self, rule: Rule, description: str = "", **facts: object) -> None:
        super().__init__(rule)
        self.description = description
        self.facts = {name: data(value) for name, value in facts.items()}

    @property
    def rule(self) -> Rule:
        return self.code


class InvalidRequest(Refused):
    """Malformed: a parameter is missing, repeated or broken."""


class NoSuchEndpoint(Refused):
    """Unknown path (RFC 9110 section 15.5.5)."""

    status = 404

    def __init__(self, path: str) -> None:
        super().__init__(Rule.NO_ENDPOINT, "There is no such endpoint.", sent=path)


class MethodNotAllowed(Refused):
    """Wrong HTTP method (RFC 9110 section 15.5.6); `allow` is the allowed one."""

    status = 405

    def __init__(self, sent: str, allow: str) -> None:
        super().__init__(Rule.METHOD, f"Use {allow}.", sent=sent, expected=allow)
        self.allow = allow


class InvalidClient(Refused):
    """Failed client authentication. The description is always the same, and does not tell which part was wrong.

    The status is 401 if the Authorization header was used (RFC 6749 section 5.2), and always at introspection (RFC 7662
    section 2.3); the application sets it.
    """

    error = "invalid_client"

    def __init__(self, rule: Rule, **facts: object) -> None:
        super().__init__(rule, "Client authentication failed.", **facts)

    def about(self, **facts: object) -> Self:
        """Add facts that the code which found the fault does not know."""
        self.facts |= {name: data(value) for name, value in facts.items()}
        return self


class UnauthorizedClient(Refused):
    error = "unauthorized_client"


class UnsupportedGrantType(Refused):
    error = "unsupported_grant_type"


class InvalidScope(Refused):
    error = "invalid_scope"


class Allowance(NamedTuple):
    """Remainder of a rate limit in this window, for the RateLimit header fields."""

    limit: int
    remaining: int
    resets_in: int  # seconds


class TooManyRequests(Refused):
    """Exceeded rate limit (RFC 6585 section 4)."""

    status = 429
    error = "temporarily_unavailable"

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(
            Rule.RATE_LIMIT,
            "Too many requests: slow down, and keep tokens until they expire.",
            limit=allowance.limit,
        )
        self.allowance = allowance


class InvalidToken(Refused):
    """Malformed, unknown or inactive access token (RFC 6750 section 3.1)."""

    status = 401
    error = "invalid_token"


class NoToken(Refused):
    """Missing access token at a protected resource; RFC 6750 section 3.1 wants no error code for it."""

    status = 401
    error = ""


class InsufficientScope(Refused):
    """Token without the needed `scope` (RFC 6750 section 3.1)."""

    status = 403
    error = "insufficient_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(Rule.INSUFFICIENT_SCOPE, "The token lacks the scope that this resource needs.", expected=scope)
        self.scope = scope


class ServiceUnavailable(Refused):
    """Unreachable database (RFC 9110 section 15.6.4). The caller may try again."""

    status = 503
    error = "temporarily_unavailable"

    def __init__(self) -> None:
        super().__init__(Rule.UNAVAILABLE, "Try again in a few seconds.")


class ServerError(Refused):
    """Internal error. The answer names the HTTP request's id; the traceback is in the process's log lines."""

    status = 500
    error = "server_error"

    def __init__(self, request_id: str) -> None:
        super().__init__(Rule.SERVER_ERROR, f"Report the request {request_id}.")


MAX_FACT_LENGTH = 200  # characters
MAX_FACT_ITEMS = 50
MAX_FACT_NUMBER = 1e15  # larger numbers become text, so that pages and JSON readers never get them


def data(value: object) -> Fact:
    """Return a value as bounded JSON data with printable texts. None means that nothing was sent."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value[:MAX_FACT_ITEMS]]
    return None if value is None else _plain(value)


def _plain(value: object) -> Fact:
    """Return numbers, bools and texts as they are; anything else, including null within a list, as its JSON text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and -MAX_FACT_NUMBER < value < MAX_FACT_NUMBER:  # not NaN either
        return value
    return shown(value)


def shown(value: object) -> str:
    """Return a short, printable text for a value that was sent: control and bidi characters and NUL are escaped."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    text = text if len(text) <= MAX_FACT_LENGTH else text[: MAX_FACT_LENGTH - 1] + "…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def as_json(facts: Mapping[str, object]) -> str:
    """Return facts as JSON for storage, without secrets that were sent in the wrong place.

    Each text is scrubbed before it is rendered: in JSON, the end of an escape and the text behind it can look like the
    beginning of a secret, and a row that is no valid JSON fails the statement that writes all rows.
    """
    return json.dumps({name: _scrubbed(value) for name, value in facts.items()})


def _scrubbed(value: object) -> object:
    if isinstance(value, list):
        return [_scrubbed(item) for item in value]
    return without_secrets(value) if isinstance(value, str) else value
