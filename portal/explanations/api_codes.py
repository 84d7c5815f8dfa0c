"""Refusals of the management API: the codes that are its own, their sentences, and the status of each code."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from clients.refusal_codes import Code, FetchCode
from portal.explanations.words import Text
from tokens.acts.refusal_codes import TokenCode
from tokens.protocol.errors import Rule


class ApiCode(StrEnum):
    """Codes of the API; all others are those of acts, of uploaded keys and of the authorization server."""

    BROKEN_JSON = "broken_json"
    FIELDS_INVALID = "fields_invalid"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IF_MATCH_MISSING = "if_match_missing"
    ITEMS_INVALID = "items_invalid"
    LAST_WAY_IN = "last_way_in"
    NOT_AN_ARRAY = "not_an_array"
    NEEDS_A_PERSON = "needs_a_person"
    NOT_FOUND = "not_found"
    NOT_JSON = "not_json"
    PROOF_MISSING = "proof_missing"
    REPORT_TOKEN_INVALID = "report_token_invalid"  # noqa: S105  (names, not secrets)
    SIGNATURE_INVALID = "signature_invalid"


OF_THE_API: dict[str, Text] = {
    ApiCode.BROKEN_JSON: _("The body is not valid JSON in UTF-8."),
    ApiCode.FIELDS_INVALID: _("Some fields are not as the documentation describes them."),
    ApiCode.IDEMPOTENCY_KEY_IN_USE: _(
        "The first request with this Idempotency-Key is still running. Send it again in a second."
    ),
    ApiCode.IDEMPOTENCY_KEY_REUSED: _(
        "This Idempotency-Key was sent with another body. Use a new one for each request, and the same for a retry."
    ),
    ApiCode.IF_MATCH_MISSING: _("Send If-Match with the ETag that you read."),
    ApiCode.ITEMS_INVALID: _("Some items are broken or of a type that is not in the list. All others have ended."),
    ApiCode.NOT_AN_ARRAY: _("Send a JSON array of what was found."),
    ApiCode.REPORT_TOKEN_INVALID: _("Send the token that was agreed on with this site in Authorization."),
    ApiCode.SIGNATURE_INVALID: _("The signature does not fit the body, or its key is not in the published list."),
    ApiCode.LAST_WAY_IN: _("The client would have no way left to authenticate. Add another key or secret first."),
    ApiCode.NEEDS_A_PERSON: _("A person of the Security team decides, on the page of the request."),
    ApiCode.NOT_FOUND: _("There is nothing with this id."),
    ApiCode.NOT_JSON: _("Send the body as application/json."),
    ApiCode.PROOF_MISSING: _(
        "Send a proof: for a key, a JWS that it signed (keydesk-proof+jwt); for a trust, a token that it accepts now."
    ),
}

# Every code that the API answers, but for those of an uploaded key (422, clients/keymaterial).
STATUSES: dict[str, HTTPStatus] = {
    Rule.NO_TOKEN: HTTPStatus.UNAUTHORIZED,
    Rule.TOKEN_NOT_ACTIVE: HTTPStatus.UNAUTHORIZED,
    Rule.INSUFFICIENT_SCOPE: HTTPStatus.FORBIDDEN,
    Rule.NO_ENDPOINT: HTTPStatus.NOT_FOUND,
    Rule.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    Rule.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Rule.RATE_LIMIT: HTTPStatus.TOO_MANY_REQUESTS,
    Rule.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Rule.SERVER_ERROR: HTTPStatus.INTERNAL_SERVER_ERROR,
    ApiCode.BROKEN_JSON: HTTPStatus.BAD_REQUEST,
    ApiCode.NOT_JSON: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ApiCode.FIELDS_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ApiCode.ITEMS_INVALID: HTTPStatus.BAD_REQUEST,
    ApiCode.NOT_AN_ARRAY: HTTPStatus.BAD_REQUEST,
    ApiCode.REPORT_TOKEN_INVALID: HTTPStatus.UNAUTHORIZED,
    ApiCode.SIGNATURE_INVALID: HTTPStatus.UNAUTHORIZED,
    TokenCode.LEAKS_NOT_ALL_ENDED: HTTPStatus.SERVICE_UNAVAILABLE,
    ApiCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ApiCode.IDEMPOTENCY_KEY_IN_USE: HTTPStatus.CONFLICT,
    ApiCode.IDEMPOTENCY_KEY_REUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    ApiCode.IF_MATCH_MISSING: HTTPStatus.PRECONDITION_REQUIRED,
    Code.CHANGED_MEANWHILE: HTTPStatus.PRECONDITION_FAILED,
    Code.SELF_SERVICE_OFF: HTTPStatus.FORBIDDEN,
    ApiCode.PROOF_MISSING: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_SUBJECT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_WILDCARD: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_CLAIMS_TOO_MANY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_CLAIM_NAME: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_CLAIM_CHANGES: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_CLAIM_IN_ARRAY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_CLAIM_VALUE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.TRUST_EXISTS: HTTPStatus.CONFLICT,
    Code.TRUST_REMOVED_ALREADY: HTTPStatus.CONFLICT,
    Code.TRUST_NOT_NEAR_ITS_END: HTTPStatus.CONFLICT,
    Code.TOO_MANY_TRUSTS: HTTPStatus.CONFLICT,
    Code.ISSUER_NOT_ENABLED: HTTPStatus.CONFLICT,
    TokenCode.PROOF_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ApiCode.LAST_WAY_IN: HTTPStatus.CONFLICT,
    Code.AUDIENCE_MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.ISSUER_DISABLED_ALREADY: HTTPStatus.CONFLICT,
    Code.ISSUER_ENABLED_ALREADY: HTTPStatus.CONFLICT,
    Code.ISSUER_EXISTS: HTTPStatus.CONFLICT,
    Code.ISSUER_IS_THIS_SITE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.ISSUER_UNCHANGED: HTTPStatus.CONFLICT,
    Code.JWKS_URI_IN_USE: HTTPStatus.CONFLICT,
    Code.JWKS_URI_OVER: HTTPStatus.CONFLICT,
    Code.JWKS_URI_TOO_OFTEN: HTTPStatus.TOO_MANY_REQUESTS,
    **dict.fromkeys(FetchCode, HTTPStatus.UNPROCESSABLE_ENTITY),
    Code.KEY_ADDED_ALREADY: HTTPStatus.CONFLICT,
    Code.KEY_NOT_STAGED: HTTPStatus.CONFLICT,
    Code.KEY_RETIRED_ALREADY: HTTPStatus.CONFLICT,
    Code.KEY_LEAKED: HTTPStatus.CONFLICT,
    Code.KEY_USED_ELSEWHERE: HTTPStatus.CONFLICT,
    Code.KID_IN_USE: HTTPStatus.CONFLICT,
    ApiCode.NEEDS_A_PERSON: HTTPStatus.FORBIDDEN,
    Code.REQUEST_NOT_WAITING: HTTPStatus.CONFLICT,
    Code.TOO_MANY_CODES: HTTPStatus.TOO_MANY_REQUESTS,
    Code.TOO_MANY_CODES_BEFORE: HTTPStatus.TOO_MANY_REQUESTS,
    Code.TOO_MANY_MESSAGES: HTTPStatus.TOO_MANY_REQUESTS,
    Code.API_EXISTS: HTTPStatus.CONFLICT,
    Code.BUILT_IN: HTTPStatus.CONFLICT,
    Code.NAME_RESERVED: HTTPStatus.CONFLICT,
    Code.SCOPE_EXISTS: HTTPStatus.CONFLICT,
    Code.SCOPE_RETIRED_ALREADY: HTTPStatus.CONFLICT,
    Code.SCOPE_DEPRECATED_ALREADY: HTTPStatus.CONFLICT,
    Code.SCOPE_ENDS_TOO_SOON: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.SCOPE_NOT_DEPRECATED: HTTPStatus.CONFLICT,
    Code.SUCCESSOR_NOT_OFFERED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.CLIENT_CHANGED: HTTPStatus.CONFLICT,
    Code.CLIENT_CLOSED: HTTPStatus.CONFLICT,
    Code.PROPOSED_ALREADY: HTTPStatus.CONFLICT,
    TokenCode.LEAKED_KEY_STOPPED_ALREADY: HTTPStatus.CONFLICT,
    TokenCode.LEAKED_SECRET_STOPPED_ALREADY: HTTPStatus.CONFLICT,
    Code.SECRETS_NOT_ACCEPTED: HTTPStatus.CONFLICT,
    Code.SECRETS_OFF_BY_POLICY: HTTPStatus.CONFLICT,
    Code.KEY_SMALLER_THAN_POLICY: HTTPStatus.CONFLICT,
    Code.KEY_ALGORITHMS_OFF_BY_POLICY: HTTPStatus.CONFLICT,
    Code.SECRET_MADE_MEANWHILE: HTTPStatus.CONFLICT,
    Code.SECRET_REGENERATED_MEANWHILE: HTTPStatus.CONFLICT,
    TokenCode.NO_VALID_TOKENS: HTTPStatus.CONFLICT,
}
FACTS: dict[str, dict[str, object]] = {  # of examples
    Rule.INSUFFICIENT_SCOPE: {"expected": "keydesk.self"},
    Rule.RATE_LIMIT: {"limit": 600},
    Rule.BODY_TOO_LARGE: {"max_bytes": 262_144},
    ApiCode.ITEMS_INVALID: {"items": [3]},
    Rule.NO_ENDPOINT: {"sent": "/api/v1/leaks"},
    ApiCode.NOT_JSON: {"sent": "text/plain"},
    Code.TOO_MANY_MESSAGES: {"limit": 10},
    Code.JWKS_URI_TOO_OFTEN: {"limit": 10},
    Code.BUILT_IN: {"name": "keydesk.clients.read"},
    Code.SCOPE_ENDS_TOO_SOON: {"days": 7},
    Code.SUCCESSOR_NOT_OFFERED: {"name": "address.read"},
    Code.NAME_RESERVED: {"name": "keydesk.parcels"},
    Code.TRUST_SUBJECT: {"max_length": 512},
    Code.TRUST_WILDCARD: {"name": "sub"},
    Code.TRUST_CLAIMS_TOO_MANY: {"limit": 20},
    Code.TRUST_CLAIM_NAME: {"name": "/~2"},
    Code.TRUST_CLAIM_CHANGES: {"name": "exp"},
    Code.TRUST_CLAIM_IN_ARRAY: {"name": "/groups/0"},
    Code.TRUST_CLAIM_VALUE: {"name": "repository"},
    Code.TOO_MANY_TRUSTS: {"limit": 50},
    Code.TRUST_NOT_NEAR_ITS_END: {"days": 30},
    Code.ISSUER_NOT_ENABLED: {"issuer": "GitHub Actions"},
    TokenCode.PROOF_INVALID: {"problem": "aud"},
    Code.KEY_SMALLER_THAN_POLICY: {"bits": 2048, "least": 3072},
    Code.KEY_ALGORITHMS_OFF_BY_POLICY: {"algorithms": "RS256, PS256"},
}
UPLOADED_KEY = "uploaded-key"  # anchor of the documentation for the codes of an uploaded key
