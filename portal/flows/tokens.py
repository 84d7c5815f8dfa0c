"""End the tokens of one credential beside the credential itself."""

from django.contrib import messages
from django.utils.translation import gettext as _

from clients.models import Key, Secret, Trust
from foundation.refusals import Refusal
from portal.guards.access import actor
from portal.web.http_request import Request
from tokens.acts import invalidation


def end_tokens(request: Request, credential: Key | Secret | Trust) -> bool:
    """Invalidate the tokens of a credential; return False when it has none."""
    try:
        invalidation.invalidate_issued_to(credential=credential, by=actor(request), now=request.now)
    except Refusal:
        return False
    messages.success(request, _("All tokens issued with this key or secret have stopped working."))
    return True
