"""A client about itself (scope keydesk.self): what it is, and with what it authenticates."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from portal.api.bearer import SelfBearer, caller_of
from portal.api.openapi import refusals
from portal.api.representations import OwnClient, own_client
from portal.web.http_request import prepared

router = Router(auth=SelfBearer(), tags=["self"])


@router.get("self", response=OwnClient, url_name="self", operation_id="getSelf", openapi_extra=refusals())
def get_self(request: HttpRequest, response: HttpResponse) -> OwnClient:
    """Return the client with its scopes, its policy and its credentials; never a secret."""
    shown = own_client(caller_of(request).client, prepared(request).now)
    response["ETag"] = f'"{shown.tag}"'
    return shown
