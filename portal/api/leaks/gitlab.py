"""Reports in the form of GitLab's Token Revocation API, which a GitLab of one's own calls.

https://docs.gitlab.com/development/sec/token_revocation_api/
"""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema, Status
from pydantic import ConfigDict, JsonValue

from clients.actors import GITLAB_REPORT, Actor
from portal.api.agreed_token import AgreedToken
from portal.api.leaks import items
from portal.api.openapi import LEAKS, public_refusals
from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.acts import leak_reports
from tokens.acts.refusal_codes import TokenCode
from tokens.protocol.errors import Rule

# The rule ids of docs/secret-scanning/gitleaks.toml, as GitLab names the type of a finding.
TYPES: list[JsonValue] = ["gitleaks_rule_id_keydesk-client-secret", "gitleaks_rule_id_keydesk-access-token"]
TOKEN = "kds_0000000000000000000000000000000000000000000000000"  # noqa: S105  # of an example: no checksum
MAX_NAMED = 20  # items that a refusal names


class GitlabToken(AgreedToken):
    """The token of LEAK_GITLAB_TOKEN."""

    setting = "LEAK_GITLAB_TOKEN"


router = Router(auth=GitlabToken(), tags=LEAKS)


class RevocableTypes(Schema):
    """Types that GitLab may send."""

    model_config = ConfigDict(json_schema_extra={"example": {"types": TYPES}})

    types: list[str]


BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {name: {"type": "string"} for name in ("token", "type", "location")},
                },
            },
            "example": [
                {"type": TYPES[0], "token": TOKEN, "location": "https://gitlab.example/a/b/-/blob/4c1e0f7/deploy.sh"}
            ],
        }
    },
}
OF_BOTH = (ApiCode.REPORT_TOKEN_INVALID, Rule.NO_ENDPOINT)
TYPES_EXTRA = public_refusals(*OF_BOTH)
REVOKE_EXTRA = public_refusals(
    *OF_BOTH, ApiCode.BROKEN_JSON, ApiCode.NOT_JSON, ApiCode.NOT_AN_ARRAY, ApiCode.ITEMS_INVALID,
    TokenCode.LEAKS_NOT_ALL_ENDED,
) | {"requestBody": BODY}  # fmt: skip


@router.get(
    "leaks/gitlab/v1/revocable_token_types", response=RevocableTypes, url_name="gitlab_types",
    operation_id="listRevocableTypes", openapi_extra=TYPES_EXTRA,
)  # fmt: skip
def revocable_token_types(request: HttpRequest) -> RevocableTypes:
    """Return the types that `revoke_tokens` takes. 404 where the site did not set LEAK_GITLAB_TOKEN."""
    return RevocableTypes(types=[str(each) for each in TYPES])


@router.post(
    "leaks/gitlab/v1/revoke_tokens", response={204: None}, url_name="gitlab_revoke",
    operation_id="revokeLeakedTokens", openapi_extra=REVOKE_EXTRA,
)  # fmt: skip
def revoke_tokens(request: HttpRequest) -> Status[None]:
    """End the secrets and tokens that GitLab found: 204 once all are. 404 where the site did not set LEAK_GITLAB_TOKEN.

    400 `items_invalid` names items that are broken or of another type, after all the others have ended.
    """
    http_request = prepared(request)
    found = items.array_in(request, items.body_of(request))
    actor = Actor(system=GITLAB_REPORT, address=http_request.address, request_id=http_request.id)
    finds = [items.find(item, url="location") for item in found]
    leak_reports.report(finds=finds, by=actor, now=http_request.now)
    broken = [number for number, item in enumerate(found) if not _is_whole(item)]
    if broken:
        raise Problem(ApiCode.ITEMS_INVALID, items=broken[:MAX_NAMED])
    return Status(204, None)


def _is_whole(item: object) -> bool:
    return items.text_of(item, "type") in TYPES and items.text_of(item, "token") != ""
