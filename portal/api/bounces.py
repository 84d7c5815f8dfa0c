"""Mail that came back, handed over by the mail server that got it: the same as BOUNCE_IMAP_URL reads, at once."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from clients.acts.people import bounces
from portal.api.agreed_token import AgreedToken
from portal.api.openapi import BOUNCES, public_refusals
from portal.explanations.api_codes import ApiCode
from portal.web.http_request import prepared
from tokens.protocol.errors import Rule


class BounceToken(AgreedToken):
    """The token of BOUNCE_TOKEN."""

    setting = "BOUNCE_TOKEN"


router = Router(auth=BounceToken(), tags=BOUNCES)
EXAMPLE = """\
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; an@leievoorde.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <5f1b2c3d-0e4f-4a6b-8c7d-9e0f1a2b3c4d@keydesk.example>

--b--
"""
BODY = {"required": True, "content": {"message/rfc822": {"schema": {"type": "string"}, "example": EXAMPLE}}}


@router.post(
    "bounces", response={204: None}, url_name="bounces", operation_id="reportBounce",
    openapi_extra=public_refusals(ApiCode.REPORT_TOKEN_INVALID, Rule.NO_ENDPOINT) | {"requestBody": BODY},
)  # fmt: skip
def report_bounce(request: HttpRequest) -> Status[None]:
    """Take a delivery status notification (RFC 3464) as it came, with its headers: 204, also for any other message.

    404 where the site did not set BOUNCE_TOKEN.
    """
    bounces.take(request.body, now=prepared(request).now)
    return Status(204, None)
