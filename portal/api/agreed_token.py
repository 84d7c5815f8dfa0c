"""Operations for servers that have no access token of Keydesk: a token of the settings was agreed on with them."""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyHeader

from portal.api import limits
from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.protocol.errors import Rule


class AgreedToken(APIKeyHeader):
    """The token of a setting, as it is sent: bare, or after Bearer. Without the setting the operation is not there."""

    param_name = "Authorization"
    setting: str

    def authenticate(self, request: HttpRequest, key: str | None) -> bool:
        """Compare the token in constant time. Raises Problem."""
        http_request, expected = prepared(request), getattr(settings, self.setting)
        if not expected:
            raise Problem(Rule.NO_ENDPOINT, sent=request.path_info)
        limits.count_report(http_request.address, http_request.now)
        if not hmac.compare_digest(_token_in(key or ""), expected.encode()):
            limits.count_failure(http_request.address, http_request.now)
            raise Problem(ApiCode.REPORT_TOKEN_INVALID, headers={"WWW-Authenticate": 'Bearer realm="Keydesk reports"'})
        return True


def _token_in(field: str) -> bytes:
    scheme, _space, rest = field.strip().partition(" ")
    sent = rest.strip() if scheme.lower() == "bearer" else field.strip()
    return sent.encode("utf-8", "surrogateescape")
